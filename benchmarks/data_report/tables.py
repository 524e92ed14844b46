"""Tables and lists of the data report, as HTML."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from statistics import median

import numpy as np

from benchmarks.data_report.figures import MAX_ROWS, is_odd_length
from benchmarks.data_report.summary import DataSummary, spread
from eeg_emotion_env.datasets.base import DatasetCard
from eeg_emotion_env.datasets.checks import CheckReport, TrialCheck

SIMULATED = "These trials were made by a simulator: they say nothing about recorded EEG."

MAX_LINES = 100
"""Lines of problems, warnings or notes that are listed."""


def findings(report: CheckReport, summary: DataSummary) -> str:
    """Set problems, warnings and notes as boxes, the worst first.

    Parameters
    ----------
    report : CheckReport
        Outcome of the check.
    summary : DataSummary
        What was read for the report.

    Returns
    -------
    str
        HTML; of long lists, the first `MAX_LINES`.
    """
    boxes = []
    if summary.simulated:
        boxes.append(_box("simulated", "SIMULATED DATA", [SIMULATED]))
    n, subjects = len(report.found), len(summary.subjects)
    sessions = len({(key.subject, key.session) for key in report.found})
    found = f"{subjects} subjects, {sessions} sessions, {n} trials in {report.root}"
    if report.ok:
        boxes.append(_box("ok", "Complete and readable", [found]))
    elif report.problems:
        boxes.append(_box("problem", _counted(report.problems, "problem"), report.problems))
    else:
        boxes.append(_box("problem", "No trials found", [found]))
    if report.warnings:
        boxes.append(_box("warning", _counted(report.warnings, "warning"), report.warnings))
    notes = report.notes if report.ok else [found, *report.notes]
    if notes:
        boxes.append(_box("note", "Notes", notes))
    return "".join(boxes)


def _counted(lines: Sequence[str], what: str) -> str:
    return f"{len(lines)} {what}{'' if len(lines) == 1 else 's'}"


def _box(kind: str, title: str, lines: Sequence[str]) -> str:
    listed = [f"<li>{escape(line)}</li>" for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        more = len(lines) - MAX_LINES
        listed.append(f"<li>and {more} more: eegdancer check-data --verbose lists all</li>")
    return f'<div class="box {kind}"><h3>{escape(title)}</h3><ul>{"".join(listed)}</ul></div>'


def facts(card: DatasetCard, report: CheckReport, summary: DataSummary) -> str:
    """Set what a user must know about the data set as a table.

    Parameters
    ----------
    card : DatasetCard
        Card of the data set.
    report : CheckReport
        Outcome of the check.
    summary : DataSummary
        What was read for the report.

    Returns
    -------
    str
        HTML.
    """
    kinds = {f"{', '.join(t.names)} ({t.kind})" for t in summary.tracks.values()}
    by_default = f"{', '.join(card.label_names)} ({card.label_kind})"
    sizes = (
        (card.n_subjects, "subjects"),
        (card.n_sessions, "sessions a subject"),
        (card.n_trials, "trials a session"),
    )
    facts = {
        "Data set": f"{card.title} ({card.name})",
        "Folder": str(report.root),
        "Full set": ", ".join(f"{n} {what}" for n, what in sizes if n) or "varies",
        "Labels here": "; ".join(sorted(kinds)) or "none",
        "By default": by_default,
        "What it means": card.label_meaning,
        "Licence": card.licence,
        "Cite": card.citation,
    }
    rows = (
        f'<tr><th scope="row">{name}</th><td>{escape(text)}</td></tr>'
        for name, text in facts.items()
    )
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def tables(report: CheckReport, summary: DataSummary) -> str:
    """Set what was found by way of reading, by label dimension and by session as tables.

    Parameters
    ----------
    report : CheckReport
        Outcome of the check.
    summary : DataSummary
        What was read for the report.

    Returns
    -------
    str
        HTML; `MAX_ROWS` subjects at most.
    """
    if not report.trials:
        return "<p>No trial could be read.</p>"
    return _variant_table(report) + _label_table(report) + _count_table(report, summary)


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Set a table; cells are HTML."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{c}</td>" for c in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _variant_table(report: CheckReport) -> str:
    numbers = ("Subjects", "Sessions", "Trials", "Hours", "Seconds a trial", "Not as published")
    head = ("Read as", *numbers, "Annotated", "Spread, µV", "Constant channels")
    groups: dict[str, list[TrialCheck]] = {}
    for check in report.trials:
        groups.setdefault(check.variant, []).append(check)
    rows = [_variant_row(name, checks) for name, checks in groups.items()]
    return _table("Ways of reading the folder: median (lowest to highest)", head, rows)


def _variant_row(name: str, checks: Sequence[TrialCheck]) -> list[str]:
    seconds = [check.seconds for check in checks]
    published = [check for check in checks if check.expected_s is not None]
    odd = sum(map(is_odd_length, checks))
    spreads = [c.amplitude_uv for c in checks if c.amplitude_uv is not None]
    flat = Counter(channel for check in checks for channel in check.flat)
    named = [f"{channel} ({n})" for channel, n in flat.most_common(4)]
    more = f" and {len(flat) - 4} more" if len(flat) > 4 else ""
    return [
        escape(name),
        str(len({check.key.subject for check in checks})),
        str(len({(check.key.subject, check.key.session) for check in checks})),
        str(len(checks)),
        f"{sum(seconds) / 3600:.2f}",
        f"{median(seconds):g} ({min(seconds):g} to {max(seconds):g})",
        _alarming(odd, str(odd)) if published else "–",
        f"{np.average([check.annotated for check in checks], weights=seconds):.0%}",
        f"{median(spreads):.1f} ({min(spreads):.1f} to {max(spreads):.1f})" if spreads else "–",
        _alarming(len(flat), escape(", ".join(named) + more or "none")),
    ]


def _alarming(count: int, text: str) -> str:
    return f'<span class="low">{text}</span>' if count else text


def _label_table(report: CheckReport) -> str:
    checks = list({check.key: check for check in reversed(report.trials)}.values())
    rows = []
    for name in dict.fromkeys(name for check in checks for name in check.labels):
        ranges = np.array([c.labels[name] for c in checks if name in c.labels])
        known = ranges[~np.isnan(ranges).any(axis=1)]
        numbers = (known[:, 0].min(), known[:, 1].mean(), known[:, 2].max()) if len(known) else ()
        cells = [f"{value:.2f}" for value in numbers] or ["–"] * 3
        rows.append([escape(name), *cells, f"{len(known)} of {len(ranges)}"])
    head = ("Label", "Lowest", "Mean of trials", "Highest", "Trials with labels")
    return _table("Labels, from -1 to 1", head, rows)


def _count_table(report: CheckReport, summary: DataSummary) -> str:
    counts = Counter((key.subject, key.session) for key in report.found)
    sessions = sorted({session for _, session in counts})
    shown = spread(summary.subjects, MAX_ROWS)
    rows = []
    for subject in shown:
        numbers = [counts[subject, session] for session in sessions]
        cells = [str(n) if n else "–" for n in (*numbers, sum(numbers))]
        rows.append([escape(str(subject)), *cells])
    head = ("Subject", *(f"Session {session}" for session in sessions), "All")
    n = len(summary.subjects)
    some = f" ({len(shown)} of {n} subjects)" if len(shown) < n else ""
    return _table(f"Trials of each session{some}", head, rows)
