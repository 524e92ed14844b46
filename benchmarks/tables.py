"""The leaderboard as text: cells, marks and titles, for Markdown and for the report."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.statistics.paired import ALPHA
from benchmarks.statistics.roles import is_competitor, role_of, rows_of
from eeg_emotion_env.metrics import METRICS
from eeg_emotion_env.trajectory_shape import SHAPES

ROUNDING = 1e-9
"""Differences of scores as small as this are none."""

HIGHER_IS_BETTER = ("ccc", "pcc")

SCORES, COMPARISON, SHAPE, BY_DIMENSION = (
    "Scores",
    "Comparison with the reference",
    "Shape of the trajectories",
    "By dimension",
)
"""Titles of the tables."""

OVER_SEEDS = ("iqm", "seed_sd")

INTERVALS = {
    "interval": "ccc",
    "diff_interval": "diff",
    "dz_interval": "dz",
    "null_interval": "null",
}
"""Columns of text that are made of ``…_low`` and ``…_high``."""

TITLES = {
    "n_subjects": "Subjects",
    "n_trials": "Trials",
    "interval": "95 % interval",
    "standing": "Against reference",
    "diff": "CCC difference",
    "diff_interval": "95 % interval",
    "n_compared": "Subjects that differ",
    "p": "p",
    "p_holm": "p (Holm)",
    "dz": "Cohen’s dz",
    "dz_interval": "95 % interval",
    "effect": "Rank-biserial",
    "null_interval": "Time-shift null",
    "lag_s": "Lag (s)",
    "iqm": "IQM",
    "seed_sd": "SD over seeds",
}


def column_groups(dims: Sequence[str]) -> dict[str, list[str]]:
    """Group the columns into tables that fit a page.

    Parameters
    ----------
    dims : sequence of str
        Label dimensions.

    Returns
    -------
    dict of str to list of str
        Title and columns, among them those of text that `formatted` adds.
    """
    per_trial = [f"trial_{metric}" for metric in METRICS]
    counts = ["n_subjects", "n_trials", "seeds"]
    groups = {
        SCORES: ["ccc", "interval", "standing", "pcc", "rmse", "mae", *per_trial, *counts],
        COMPARISON: [
            *("diff", "diff_interval", "p", "p_holm", "effect", "dz", "dz_interval"),
            *("n_compared", "null_interval", *OVER_SEEDS),
        ],
        SHAPE: list(SHAPES),
    }
    if len(dims) > 1:
        groups[BY_DIMENSION] = [f"{metric}_{name}" for name in dims for metric in METRICS]
    return groups


def within_null(row: Mapping[Any, Any]) -> bool:
    """Say whether an entry's CCC is no higher than its time-shift null.

    Parameters
    ----------
    row : mapping
        Row of the table made by `leaderboard_table`.

    Returns
    -------
    bool
        True up to the null's upper end and rounding: the null of a constant prediction is its
        score.
    """
    return bool(row["ccc"] <= row["null_high"] + ROUNDING)


def standing(rows: pd.DataFrame) -> list[str]:
    """Say how each row stands against the reference of its track.

    Parameters
    ----------
    rows : DataFrame
        Rows of the table made by `leaderboard_table`.

    Returns
    -------
    list of str
        ``▲ better``, ``▼ worse`` (both p < 0.05 after Holm's correction), ``no difference shown``,
        ``reference``, or nothing where nothing is compared; with ``, within null`` where the CCC
        is no higher than the null's interval.
    """
    texts = []
    competing = rows_of(rows, "entry")
    references = set(zip(competing["reference"], competing["track"], strict=True))
    for row in rows.to_dict("records"):
        text = ""
        if row["p_holm"] < ALPHA:
            text = "▲ better" if row["effect"] > 0 else "▼ worse"
        elif row["p_holm"] >= ALPHA:
            text = "no difference shown"
        elif (row["entry"], row["track"]) in references:
            text = "reference"
        texts.append(", ".join(filter(None, [text, "within null" if within_null(row) else ""])))
    return texts


def formatted(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Format the rows of one track to three decimals and find the best of each column.

    Parameters
    ----------
    rows : DataFrame
        Rows of the table made by `leaderboard_table`.

    Returns
    -------
    cells : DataFrame of str
        The same rows as text, empty where undefined, with columns ``interval, diff_interval,
        null_interval, standing``.
    best : DataFrame of bool
        True where a cell reads like the best competitor's in its column; only metrics have a
        best, and neither oracles nor entries without high bands compete.
    """
    cells = rows.apply(lambda column: column.map(_cell))
    for name, end in INTERVALS.items():
        ends = zip(cells[f"{end}_low"], cells[f"{end}_high"], strict=True)
        cells[name] = [f"[{low}, {high}]" if low and high else "" for low, high in ends]
    for name in ("p", "p_holm"):
        cells[name] = ["<0.001" if p < 0.0005 else _cell(p) for p in rows[name]]
    cells["n_compared"] = ["" if n != n else str(int(n)) for n in rows["n_compared"]]
    cells["standing"] = standing(rows)
    best = pd.DataFrame(False, index=cells.index, columns=cells.columns)
    competes = np.array([is_competitor(entry) for entry in rows["entry"]])
    for column in rows.columns:
        metric = next((m for m in METRICS if m in column.split("_")), None)
        values = rows.loc[competes, column]
        if metric and column not in ("ccc_low", "ccc_high") and values.notna().any():
            pick = values.max() if metric in HIGHER_IS_BETTER else values.min()
            best[column] = competes & (cells[column] == _cell(pick))
    return cells, best


def column_title(column: str) -> str:
    """Name a column of the leaderboard for people.

    Parameters
    ----------
    column : str
        Column of the table made by `leaderboard_table`.

    Returns
    -------
    str
        Such as ``CCC valence`` or ``Trial RMSE``.
    """
    words = [w.upper() if w in METRICS else w for w in column.split("_")]
    text = " ".join(words)
    return TITLES.get(column, text[:1].upper() + text[1:])


def markdown_rows(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """Set rows as a Markdown table.

    Parameters
    ----------
    rows : DataFrame
        Rows of one track.
    columns : sequence of str
        Columns to show, among those of `formatted`.

    Returns
    -------
    str
        A table whose first column is the entry, with the best of each column in bold.
    """
    cells, best = formatted(rows)
    lines = [
        "| Entry | " + " | ".join(map(column_title, columns)) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for entry, texts, marks in zip(
        cells["entry"], cells[list(columns)].to_numpy(), best[list(columns)].to_numpy(), strict=True
    ):
        marked = [f"**{text}**" if mark else text for text, mark in zip(texts, marks, strict=True)]
        label = entry.replace("|", "\\|") + (" (ceiling)" if role_of(entry) == "oracle" else "")
        lines.append("| " + label + " | " + " | ".join(marked) + " |")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    return f"{round(value, 3) + 0.0:.3f}"  # + 0.0 turns -0.0 into 0.0
