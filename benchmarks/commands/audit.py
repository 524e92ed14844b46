"""`audit`: leaks planted around entries, and a verdict for each kind of leak."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks import options as arguments
from benchmarks.commands.common import (
    context_of,
    load_trials,
    names_in,
    out_folder,
    progress_bar,
    say,
)
from eeg_emotion_env.datasets import Trials
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import Trial

if TYPE_CHECKING:
    from benchmarks.audit.tables import Audited

EVERY = "all"
"""Stands for every shipped entry that can run on the data set."""

STYLES = {"pass": "green", "FAIL": "bold red", "not applicable": "dim"}
SHORT = {"pass": "pass", "FAIL": "FAIL", "not applicable": "n/a"}


def audit(options: arguments.Audit) -> int:
    """Audit entries on one fold of few trials; exit 1 if any of them fails any check."""
    from benchmarks.audit import tables
    from benchmarks.audit.setting import few

    names = _names(options)
    for name in ("max_subjects", "max_trials"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1")
    if options.out is not None:
        out_folder(options.out)
    trials = load_trials(options.data)
    places = few(trials.keys, options.max_subjects, options.max_trials)
    if not places:
        raise ConfigError("there are no trials to audit on; see eegdancer check-data")
    folders = _folders(options.data, trials)
    results = _audit_each(names, [trials[place] for place in places], folders, options)
    context = context_of(options, options.data, trials, _protocol(options))
    _print(results, context)
    if options.out is not None:
        _write(results, context, options)
    fault = tables.fault_line(results)
    if fault:
        raise ConfigError(fault)
    return 0


def _names(options: arguments.Audit) -> list[str]:
    from benchmarks.entries import ENTRIES, resolve_entry

    names = list(ENTRIES) if options.entries == EVERY else names_in(options.entries)
    if not names:
        raise ConfigError("name an entry, several separated by commas, or all")
    for name in names:
        resolve_entry(name)
    return list(dict.fromkeys(names))


def _audit_each(
    names: Sequence[str],
    trials: Sequence[Trial],
    folders: tuple[str, ...],
    options: arguments.Audit,
) -> "list[Audited]":
    """Audit one after another; one that cannot run does not lose the others."""
    from benchmarks.audit import CHECKS
    from benchmarks.audit.setting import check_fold
    from benchmarks.audit.tables import Audited
    from benchmarks.entries import resolve_entry
    from eeg_emotion_env.splits import make_split

    split = make_split(options.split, [trial.key for trial in trials])
    check_fold(split, options.fold)
    results: list[Audited] = []
    with progress_bar("auditing", len(names) * len(CHECKS)) as advance:
        for number, name in enumerate(names):
            lack = resolve_entry(name).lack(trials) if options.entries == EVERY else ""
            if lack:
                results.append(Audited(name, lack=lack))
                continue

            def on_check(done: int, check: str, first: int = number, entry: str = name) -> None:
                advance(first * len(CHECKS) + done, f"{entry}: {check}")

            try:
                results.append(_audit_one(name, trials, split, folders, options, on_check))
            except ConfigError as error:
                # alone, it is the command that fails
                if len(names) == 1:
                    raise
                results.append(Audited(name, error=str(error)))
    return results


def _audit_one(
    name: str,
    trials: Sequence[Trial],
    split: Any,
    folders: tuple[str, ...],
    options: arguments.Audit,
    on_check: Callable[[int, str], None],
) -> "Audited":
    from benchmarks.audit import audit as audit_entry
    from benchmarks.audit import make_setting
    from benchmarks.audit.tables import Audited

    chosen = {"seed": options.seed, "quick": options.quick, "folders": folders}
    setting = make_setting(name, trials, split, options.fold, **chosen)
    return Audited(name, tuple(audit_entry(setting, on_check)))


def _folders(data: arguments.Data, trials: Trials) -> tuple[str, ...]:
    """Name what holds the recordings."""
    files = {str(path) for recording in trials.recordings for path in recording.reader.files}
    named = [data.data.expanduser().absolute()] if data.data is not None else []
    return (*map(str, named), *sorted(files))


def _protocol(options: arguments.Audit) -> str:
    quick = " (quick)" if options.quick else ""
    return f"{options.split}, fold {options.fold}{quick}"


def _print(results: "Sequence[Audited]", context: dict[str, Any]) -> None:
    mark = "SIMULATED DATA: " if context["source"] == "simulated" else ""
    named = results[0].entry if len(results) == 1 else f"{len(results)} entries"
    say(f"{mark}audit of {named}: {context['title']}, {context['protocol']}")
    table = _evidence(results[0]) if len(results) == 1 else _matrix(results)
    # as wide as it needs to be when written to a file
    Console(width=None if sys.stdout.isatty() else 240).print(table, highlight=False)
    _print_summary(results)


def _evidence(audited: "Audited") -> Table:
    table = Table("check", "verdict", "evidence", box=None, show_edge=False)
    for verdict in audited.verdicts:
        table.add_row(verdict.check, _styled(verdict.verdict), _plain(verdict.evidence))
    return table


def _matrix(results: "Sequence[Audited]") -> Table:
    from benchmarks.audit import CHECKS
    from benchmarks.audit.tables import NOT_RUN

    table = Table("entry", *(check.name for check in CHECKS), box=None, show_edge=False)
    for audited in results:
        cells = [_styled(v.verdict, SHORT[v.verdict]) for v in audited.verdicts]
        table.add_row(_plain(audited.entry), *(cells or [NOT_RUN]))
    return table


def _print_summary(results: "Sequence[Audited]") -> None:
    from benchmarks.audit import FAIL
    from benchmarks.audit.tables import counts

    if len(results) == 1:
        return say(counts(results[0]))
    for audited in results:
        if not audited.verdicts:
            say(f"{audited.entry} was not run: {audited.note}")
        for verdict in audited.verdicts:
            if verdict.verdict == FAIL:
                say(f"{audited.entry} fails {verdict.check}: {verdict.evidence}")
    ran = [audited for audited in results if audited.verdicts]
    n_passed = sum(not audited.is_fault for audited in ran)
    return say(f"{n_passed} of {len(ran)} entries pass, {len(results) - len(ran)} not run")


def _styled(verdict: str, text: str = "") -> str:
    return f"[{STYLES[verdict]}]{text or verdict}[/]"


def _plain(text: str) -> str:
    """Keep brackets from being read as markup."""
    return text.replace("[", "\\[")


def _write(results: "Sequence[Audited]", context: dict[str, Any], options: arguments.Audit) -> None:
    """Write the report in three forms."""
    from benchmarks.audit import tables

    assert options.out is not None
    content = {
        "audit.md": tables.as_markdown(results, context),
        "audit.csv": tables.as_csv(results),
        "audit.json": json.dumps(tables.as_json(results, context), indent=2) + "\n",
    }
    for name, text in content.items():
        (options.out / name).write_text(text, encoding="utf-8")
    say(f"report written to {options.out} ({', '.join(content)})")
