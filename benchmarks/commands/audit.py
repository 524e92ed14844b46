"""`audit`: leaks planted around an entry, and a verdict for each kind of leak."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import options as arguments
from benchmarks.commands.common import context_of, load_trials, progress_bar, say
from eeg_emotion_env.datasets import Trials
from eeg_emotion_env.errors import ConfigError

STYLES = {"pass": "green", "FAIL": "bold red", "not applicable": "dim"}


def audit(options: arguments.Audit) -> int:
    """Audit an entry on one fold of few trials; exit 1 if any check fails."""
    from benchmarks.audit import CHECKS, FAIL, make_setting
    from benchmarks.audit import audit as audit_entry
    from benchmarks.audit.setting import few
    from benchmarks.entries import resolve_entry
    from eeg_emotion_env.splits import make_split

    resolve_entry(options.entry)
    for name in ("max_subjects", "max_trials"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1")
    trials = load_trials(options.data)
    places = few(trials.keys, options.max_subjects, options.max_trials)
    split = make_split(options.split, [trials.keys[place] for place in places])
    setting = make_setting(
        options.entry,
        [trials[place] for place in places],
        split,
        options.fold,
        seed=options.seed,
        quick=options.quick,
        folders=_folders(options.data, trials),
    )
    with progress_bar(f"auditing {options.entry}", len(CHECKS)) as advance:
        verdicts = audit_entry(setting, advance)
    context = context_of(options, options.data, trials, _protocol(options))
    _print(options.entry, verdicts, context)
    if options.out is not None:
        _write(options.out, options.entry, verdicts, context)
    failed = [verdict.check for verdict in verdicts if verdict.verdict == FAIL]
    if failed:
        raise ConfigError(
            f"entry {options.entry} fails {len(failed)} of {len(verdicts)} checks: "
            f"{', '.join(failed)}; docs/audit.md says what each of them means"
        )
    return 0


def _folders(data: arguments.Data, trials: Trials) -> tuple[str, ...]:
    """Name what holds the recordings."""
    files = {str(path) for recording in trials.recordings for path in recording.reader.files}
    named = [data.data.expanduser().absolute()] if data.data is not None else []
    return (*map(str, named), *sorted(files))


def _protocol(options: arguments.Audit) -> str:
    quick = " (quick)" if options.quick else ""
    return f"{options.split}, fold {options.fold}{quick}"


def _print(entry: str, verdicts: list[Any], context: dict[str, Any]) -> None:
    mark = "SIMULATED DATA: " if context["source"] == "simulated" else ""
    say(f"{mark}audit of {entry}: {context['title']}, {context['protocol']}")
    table = Table("check", "verdict", "evidence", box=None, show_edge=False)
    for verdict in verdicts:
        style = STYLES[verdict.verdict]
        table.add_row(verdict.check, f"[{style}]{verdict.verdict}[/]", _plain(verdict.evidence))
    # as wide as it needs to be when written to a file
    Console(width=None if sys.stdout.isatty() else 240).print(table, highlight=False)
    counts = [f"{sum(v.verdict == kind for v in verdicts)} {kind}" for kind in STYLES]
    say(", ".join(counts))


def _plain(text: str) -> str:
    """Keep brackets from being read as markup."""
    return text.replace("[", "\\[")


def _write(path: Path, entry: str, verdicts: list[Any], context: dict[str, Any]) -> None:
    """Write the report."""
    content = {"entry": entry, **context, "verdicts": [asdict(verdict) for verdict in verdicts]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    say(f"report written to {path}")
