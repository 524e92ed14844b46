"""Tables of the report as HTML: rows that can be sorted and filtered, roles kept apart."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from benchmarks.statistics.moments import Name, natural
from benchmarks.statistics.roles import ROLES, full_name, role_of, rows_of
from benchmarks.tables import (
    BY_DIMENSION,
    COMPARISON,
    HIGHER_IS_BETTER,
    INTERVALS,
    column_groups,
    column_title,
    formatted,
    within_null,
)
from eeg_emotion_env.metrics import METRICS

HEADINGS = {
    "entry": "",
    "variant": "Without the bands above 30 Hz: compared with the same entry with all bands",
    "oracle": "Ceilings: told how the data were simulated (not ranked, not tested)",
}
"""Headings of the rows of each role."""

MARKS = {"▲": "better", "▼": "worse"}

BANDS_COLUMNS = (
    *("All bands", "Below 30 Hz", "Difference", "95 % interval", "p (Holm)", "Rank-biserial"),
    *("Null below 30 Hz", "Survives"),
)


def row_names(table: pd.DataFrame) -> dict[Name, str]:
    """Name rows of the table, with the track where it is not causal or not the only one.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.

    Returns
    -------
    dict of (entry, track) to str
        How the rows are called, in their order.
    """
    entries = list(table["entry"])
    return {
        (entry, track): entry
        if track == "causal" and entries.count(entry) == 1
        else f"{entry} ({track})"
        for entry, track in zip(entries, table["track"], strict=True)
    }


def score_tables(table: pd.DataFrame, dims: Sequence[str]) -> str:
    """Set the tables of each track: scores, comparison, shape and dimensions.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.
    dims : sequence of str
        Label dimensions.

    Returns
    -------
    str
        HTML.
    """
    parts = []
    for track, rows in table.groupby("track", sort=False):
        for title, columns in column_groups(dims).items():
            caption = f"{title} (track: {track})"
            if title == COMPARISON:
                caption = f"{_against(rows)} (track: {track})"
            set_table = _score_table(rows, columns, caption)
            if title == BY_DIMENSION:
                set_table = f"<details><summary>{title} ({track})</summary>{set_table}</details>"
            parts.append(set_table)
    return "".join(parts)


def heat_table(table: pd.DataFrame, subjects: pd.DataFrame) -> str:
    """Set the CCC of entries × subjects as a table whose cells are coloured.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.
    subjects : DataFrame
        Columns ``entry, track, subject, ccc``.

    Returns
    -------
    str
        HTML.
    """
    values = subjects.set_index(["entry", "track", "subject"])["ccc"].to_dict()
    order = sorted(subjects["subject"].unique(), key=natural)
    rows = {
        name: "".join(_heat_cell(values.get((*name, subject), math.nan)) for subject in order)
        for name in row_names(table)
    }
    caption = "CCC of each subject (blue above 0, orange below)"
    return _html_table(caption, [str(subject) for subject in order], rows, row_names(table), "heat")


def bands_section(table: pd.DataFrame) -> str:
    """Say whether results survive without the bands above 30 Hz, where facial muscle is loud.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.

    Returns
    -------
    str
        HTML: entries with all bands beside the same without high bands; or how to make such rows.
    """
    named = {(row["entry"], row["track"]): row for row in table.to_dict("records")}
    pairs = {
        name: (row, named[full])
        for name, row in named.items()
        if role_of(name[0]) == "variant" and (full := (full_name(name[0]), name[1])) in named
    }
    if not pairs:
        return (
            "<p>No entry here ran without the bands above 30 Hz, so that nothing tells how much of "
            "these results is facial muscle. To find out, add the counterparts of entries to the "
            "same command: <code>--entries ridge,benchmarks.below_30_hz:ridge</code>. They are "
            "trained and tested on the bands below alone, and are compared here with the entry "
            "that has all bands. On the simulation, <code>--option muscle_coupling=1.5</code> "
            "makes muscles follow valence and shows what there is to be seen.</p>"
        )
    rows = {name: _bands_row(*pair) for name, pair in pairs.items()}
    labels = {name: full_name(name[0]) for name in rows}
    if len({track for _, track in rows}) > 1:
        labels = {name: f"{full_name(name[0])} ({name[1]})" for name in rows}
    lead = (
        "<p>Facial muscle is loudest above 30 Hz. Each entry is compared with itself, trained and "
        "tested without those bands. A difference below 0 says that the high bands helped; that "
        "they helped does not say whether brain or muscle did. A result survives if, without them, "
        "it is still above its time-shift null.</p>"
    )
    caption = "With and without the bands above 30 Hz"
    return lead + _html_table(caption, BANDS_COLUMNS, rows, labels, "bands")


def _bands_row(variant: Mapping[object, object], full: Mapping[object, object]) -> str:
    cells, _ = formatted(pd.DataFrame([variant, full]))
    reduced, whole = cells.iloc[0], cells.iloc[1]
    above = variant["ccc"] == variant["ccc"] and not within_null(variant)
    mark = reduced["standing"][:1]
    columns = [
        (whole["ccc"], full["ccc"]),
        (reduced["ccc"], variant["ccc"]),
        (f"{reduced['diff']} {mark if mark in MARKS else ''}".strip(), variant["diff"]),
        (reduced["diff_interval"], variant["diff_low"]),
        (reduced["p_holm"], variant["p_holm"]),
        (reduced["effect"], variant["effect"]),
        (reduced["null_interval"], variant["null_high"]),
        ("yes" if above else "no: within its null", int(bool(above))),
    ]
    return "".join(_cell(text, value) for text, value in columns)


def _score_table(rows: pd.DataFrame, columns: Sequence[str], caption: str) -> str:
    cells, best = formatted(rows)
    body = {}
    for i, name in enumerate(row_names(rows)):
        body[name] = "".join(
            _cell(cells[column].iloc[i], _sort_value(rows, column, i), best[column].iloc[i])
            for column in columns
        )
    labels = {name: name[0] for name in body}
    titles = [column_title(column) for column in columns]
    low_first = [_lower_is_better(column) for column in columns]
    return _html_table(caption, titles, body, labels, low_first=low_first)


def _against(rows: pd.DataFrame) -> str:
    competing = rows_of(rows, "entry")
    names = competing["reference"].dropna().unique()
    return f"Compared with {names[0]}" if len(names) else "Comparison: none to compare with"


def _sort_value(rows: pd.DataFrame, column: str, row: int) -> object:
    if column == "standing":
        return None
    end = INTERVALS.get(column)
    return rows[f"{end}_low" if end else column].iloc[row]


def _lower_is_better(column: str) -> bool:
    metric = next((m for m in METRICS if m in column.split("_")), None)
    return column == "p_holm" or (metric is not None and metric not in HIGHER_IS_BETTER)


def _cell(text: str, value: object, best: bool = False) -> str:
    kind = "best" if best else MARKS.get(text[:1], "")
    shown = f' class="{kind}"' if kind else ""
    known = isinstance(value, int | float) and not math.isnan(value)
    sort = f' data-v="{value:.6g}"' if known else ""
    return f"<td{shown}{sort}>{escape(text) or '–'}</td>"


def _heat_cell(value: float) -> str:
    if math.isnan(value):
        return "<td>–</td>"
    colour = "0,114,178" if value > 0 else "213,94,0"
    shade = f"rgba({colour},{min(abs(value), 1) * 0.6:.2f})"
    return f'<td style="background:{shade}" data-v="{value:.6g}">{round(value, 2) + 0.0:.2f}</td>'


def _html_table(
    caption: str,
    titles: Sequence[str],
    rows: Mapping[Name, str],
    labels: Mapping[Name, str],
    style: str = "",
    low_first: Sequence[bool] = (),
) -> str:
    """Set rows in one body a role, each of which is sorted by itself."""
    orders = [*low_first, *[False] * (len(titles) - len(low_first))]
    head = "".join(
        f'<th scope="col"{" data-low" if low else ""}><button type="button">{escape(title)}'
        "</button></th>"
        for title, low in zip(["Entry", *titles], [True, *orders], strict=True)
    )
    bodies = []
    for role in ROLES:
        lines = [
            f'<tr data-entry="{escape(name[0])}"><th scope="row">{escape(labels[name])}</th>'
            f"{cells}</tr>"
            for name, cells in rows.items()
            if role_of(name[0]) == role
        ]
        if lines and HEADINGS[role] and len(lines) < len(rows):
            span = len(titles) + 1
            title = f'<th scope="rowgroup" colspan="{span}"><span>{HEADINGS[role]}</span></th>'
            bodies.append(f'<tbody class="heading"><tr>{title}</tr></tbody>')
        if lines:
            bodies.append(f'<tbody class="{role}">{"".join(lines)}</tbody>')
    return (
        f'<div class="wide"><table class="sortable {style}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>{''.join(bodies)}</table></div>"
    )
