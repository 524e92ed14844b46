"""`check-data`, `simulate` and `cache`: recordings before anything is learnt from them."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import options as arguments
from benchmarks.commands.common import ERRORS, options_in, progress_bar, say
from eeg_emotion_env.datasets import Dataset, detect, get_dataset
from eeg_emotion_env.datasets.base import Variant
from eeg_emotion_env.datasets.options import make_options
from eeg_emotion_env.errors import DataError, check_choice

MOST_LINES = 20
"""Findings of one kind that are printed, unless all are asked for."""

_PLACE = re.compile(r"(?:^[^:]*?(?=: )|\S*[/\\]\S*)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def check_data(options: arguments.CheckData) -> int:
    """Report what a folder holds; exit 1 if anything is missing or broken."""
    from eeg_emotion_env.datasets.checks import check_folder

    found = get_dataset(options.dataset) if options.dataset else detect(options.folder)
    dataset = _with_options(found, options_in(options.option))
    with ERRORS.status(f"reading {options.folder}") as status:
        report = check_folder(
            dataset,
            options.folder,
            lambda done, total, text: status.update(f"reading {done + 1} of {total}: {text}"),
        )
    _print_check(report, dataset.card.title, options.verbose)
    if options.report is not None:
        from benchmarks.data_report import write_data_report

        with ERRORS.status(f"writing {options.report}") as status:
            write_data_report(
                options.report,
                dataset,
                report,
                lambda text: status.update(f"writing {options.report}: {text}"),
            )
        say(f"report written to {options.report}")
    if report.ok:
        say("ok")
        return 0
    names = sorted({Path(problem.split(": ", 1)[0]).name for problem in report.problems})
    more = f" and {len(names) - MOST_LINES} more" if len(names) > MOST_LINES else ""
    raise DataError(
        f"{options.folder}: {len(report.problems)} problems, in {', '.join(names[:MOST_LINES])}"
        f"{more}"
        if names
        else f"{options.folder}: no trials found"
    )


def _with_options(dataset: Dataset, given: Mapping[str, str]) -> Dataset:
    """Return a data set whose ways of reading a folder have the options that are given."""
    if not given:
        return dataset
    chosen, default = make_options(dataset, given), dataset.Options()

    def variants(_: Dataset, root: Path) -> list[Variant]:
        every = dataset.variants(root)
        # What tells ways of reading apart chooses among them.
        telling = [
            name
            for name in given
            if any(getattr(v.options, name) != getattr(default, name) for v in every)
        ]
        fitting = [
            v
            for v in every
            if all(getattr(v.options, name) == getattr(chosen, name) for name in telling)
        ]
        changes = {name: getattr(chosen, name) for name in given}
        made = [replace(v, options=replace(v.options, **changes)) for v in fitting or every]
        return list({(v.root, v.options): v for v in made}.values())

    kind: type[Dataset] = type(type(dataset).__name__, (type(dataset),), {"variants": variants})
    return kind()


def _print_check(report: Any, title: str, verbose: bool) -> None:
    console = Console(soft_wrap=True)
    found = report.found
    subjects = list(dict.fromkeys(key.subject for key in found))
    sessions = {(key.subject, key.session) for key in found}
    say(f"{title}: {len(subjects)} subjects, {len(sessions)} sessions, {len(found)} trials")
    for subject in subjects:
        mine = [key for key in found if key.subject == subject]
        counts = Counter(key.session for key in mine)
        listed = ", ".join(f"session {s}: {n} trials" for s, n in sorted(counts.items()))
        say(f"  subject {subject}: {listed}")
    if report.trials and verbose:
        table = Table("variant", "subject", "session", "trial", "seconds", "expected", box=None)
        for column in ("annotated", "labels (low, mean, high)", "spread µV", "constant channels"):
            table.add_column(column)
        for check in report.trials:
            table.add_row(*_check_row(check))
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    elif report.trials:
        say("  labels: " + _label_summary(report))
    for kind, lines in (
        ("note", report.notes),
        ("warning", report.warnings),
        ("problem", report.problems),
    ):
        for line in lines if verbose else _shortened(lines):
            console.print(f"  {kind}: {line}", highlight=False, markup=False)


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines, but of those that differ by places and numbers alone only the first ones."""
    alike: dict[str, list[str]] = {}
    for line in lines:
        alike.setdefault(_NUMBER.sub("0", _PLACE.sub("…", line)), []).append(line)
    for group in alike.values():
        yield from group[:MOST_LINES]
        if len(group) > MOST_LINES:
            more = len(group) - MOST_LINES
            yield f"… and {more} more like the one above (--verbose prints all)"


def _check_row(check: Any) -> list[str]:
    labels = "; ".join(
        f"{name} " + (", ".join(f"{value:.2f}" for value in values))
        for name, values in check.labels.items()
    )
    key = check.key
    return [
        *(check.variant, str(key.subject), str(key.session), str(key.trial)),
        *(f"{check.seconds:g}", "–" if check.expected_s is None else f"{check.expected_s:g}"),
        *(f"{check.annotated:.0%}", labels),
        *(
            "–" if check.amplitude_uv is None else f"{check.amplitude_uv:.1f}",
            ", ".join(check.flat),
        ),
    ]


def _label_summary(report: Any) -> str:
    """Range of each label dimension over all trials, and the share of steps without a label."""
    texts = []
    for name in dict.fromkeys(name for check in report.trials for name in check.labels):
        rows = [check.labels[name] for check in report.trials if name in check.labels]
        lows, means, highs = (
            [value for value in column if value == value] for column in zip(*rows, strict=True)
        )
        if means:
            texts.append(
                f"{name} {min(lows):.2f} to {max(highs):.2f}, mean {sum(means) / len(means):.2f}"
            )
    share = sum(check.annotated for check in report.trials) / len(report.trials)
    return "; ".join([*texts, f"{share:.0%} of the steps annotated"])


def simulate(options: arguments.Simulate) -> int:
    """Write a simulated data set."""
    from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout

    layout = LAYOUTS[check_choice("layout", options.layout, LAYOUTS)]
    config = replace(
        layout.config,
        n_subjects=options.subjects,
        n_sessions=options.sessions or layout.config.n_sessions,
        seed=options.seed,
        duration_scale=options.duration_scale,
        shared=options.shared,
        muscle_coupling=options.muscle_coupling,
        label_lag_s=options.label_lag_s,
        rater_noise=options.rater_noise,
        snr=options.snr,
    )
    with progress_bar("writing recordings", config.n_subjects * config.n_sessions) as advance:
        write_layout(
            layout,
            config,
            options.out,
            features=options.features,
            progress=lambda done, _: advance(done),
        )
    say(f"simulated {options.layout} recordings written to {options.out}")
    return 0


def cache(options: arguments.Cache) -> int:
    """List or clear the feature cache."""
    from eeg_emotion_env.cache import CACHE_VARIABLE, default_cache

    store = default_cache()
    if store is None:
        say(f"the feature cache is off ({CACHE_VARIABLE}=off)")
        return 0
    if options.action == "clear":
        say(f"{store.folder}: {store.clear()} entries removed")
        return 0
    entries = store.entries()
    table = Table("entry", "MB", "last used", "recording", box=None)
    for entry in entries:
        used = datetime.fromtimestamp(entry.used).strftime("%Y-%m-%d %H:%M")
        table.add_row(entry.key[:12], f"{entry.size / 1e6:.1f}", used, entry.origin)
    if entries:
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    size = sum(entry.size for entry in entries) / 1e6
    say(f"{store.folder}: {len(entries)} entries, {size:.1f} MB ({CACHE_VARIABLE} moves it)")
    return 0
