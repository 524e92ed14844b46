"""Figures of the report as SVG: forest plot and critical-difference diagram."""

import io
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.statistics.moments import Name
from benchmarks.statistics.paired import ALPHA, RankComparison
from benchmarks.statistics.roles import role_of

TRACK_COLOURS = {"causal": "#0072b2", "transductive": "#d55e00", "non-causal": "#7f7f7f"}
NULL_COLOUR = "#d9dde1"
INK, SOFT, LINE = "#1b1f24", "#57606a", "#e4e8ec"


def forest(table: pd.DataFrame, subjects: pd.DataFrame, labels: Mapping[Name, str]) -> bytes:
    """Draw each entry's CCC with its interval, its null's interval and its subjects.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.
    subjects : DataFrame
        Columns ``entry, track, subject, ccc``.
    labels : mapping of (entry, track) to str
        How the rows are called.

    Returns
    -------
    bytes
        SVG. Filled dots compete; hollow squares are oracles, hollow diamonds entries without high
        bands.
    """
    figure = Figure(figsize=(9, 0.9 + 0.34 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color="#aab2ba", linewidth=1)
    scores = subjects.groupby(["entry", "track"])["ccc"]
    for row, values in enumerate(table.to_dict("records")):
        of_subjects = scores.get_group((values["entry"], values["track"]))
        _forest_row(axes, row, values, of_subjects.to_numpy())
    axes.set_yticks(range(len(table)), [labels[name] for name in _names(table)])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlabel("CCC of subjects (concatenated trials, mean over dimensions)")
    axes.grid(axis="x", color=LINE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return as_svg(figure)


def _forest_row(axes: Axes, row: int, values: Mapping[Hashable, Any], subjects: np.ndarray) -> None:
    role = role_of(values["entry"])
    colour = TRACK_COLOURS[values["track"]]
    null_low, null_high = values["null_low"], values["null_high"]
    if null_low == null_low:
        width = max(null_high - null_low, 0.002)
        axes.add_patch(Rectangle((null_low, row - 0.38), width, 0.76, color=NULL_COLOUR, lw=0))
    # hidden where there is nothing to plot, so that a legend never shows an empty mark
    axes.plot(
        subjects, [row + 0.22] * len(subjects), "o", ms=3.5, alpha=0.6, mfc="none", mec=colour
    )
    ends = [values["ccc_low"], values["ccc_high"]]
    axes.plot(ends, [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    marker = {"entry": "o", "variant": "D", "oracle": "s"}[role]
    face = colour if role == "entry" else "white"
    axes.plot(values["ccc"], row, marker, color=colour, mfc=face, markersize=6)


def critical_difference(comparison: RankComparison, labels: Sequence[str]) -> bytes:
    """Draw mean ranks, with bars over entries that no test tells apart.

    Parameters
    ----------
    comparison : RankComparison
        Ranks and p-values of all pairs.
    labels : sequence of str
        Names of the entries, in the order of the ranks.

    Returns
    -------
    bytes
        SVG: best rank on the left; each bar is a clique of neighbours of which no pair is told
        apart, and the bracket is Nemenyi's critical difference.
    """
    order = np.argsort(comparison.ranks, kind="stable")
    ranks = comparison.ranks[order]
    bars = comparison.cliques()
    n, half = len(ranks), (len(ranks) + 1) // 2
    depth = 0.55 + 0.28 * len(bars)
    bottom = depth + 0.42 * half
    figure = Figure(figsize=(9, 0.75 + 0.42 * bottom), layout="constrained")
    axes = figure.add_subplot()
    width = max(n - 1, 1)
    left, right = 1 - 0.06 * width, n + 0.06 * width
    for i, position in enumerate(order):
        down = depth + 0.42 * (i if i < half else n - 1 - i)
        edge, side = (left, "right") if i < half else (right, "left")
        axes.plot([ranks[i], ranks[i], edge], [0, down, down], color=SOFT, linewidth=0.9)
        text = f" {labels[position]}  {ranks[i]:.2f} "
        axes.text(edge, down, text, ha=side, va="center", fontsize=9, color=INK)
    for level, (first, last) in enumerate(bars):
        ends = [ranks[first] - 0.012 * width, ranks[last] + 0.012 * width]
        height = 0.3 + 0.28 * level
        axes.plot(ends, [height, height], color=INK, linewidth=4, solid_capstyle="round")
    title = f"Mean rank over {comparison.n_subjects} subjects (1 is best)"
    if comparison.critical_difference < width:
        ends = [n - comparison.critical_difference, n]
        axes.plot(ends, [-0.85, -0.85], "|-", color=INK, linewidth=1.2, clip_on=False)
        title += f"; bracket: Nemenyi's critical difference, {comparison.critical_difference:.2f}"
    axes.set_xlim(left - 0.42 * width, right + 0.42 * width)
    axes.set_ylim(bottom, -0.05)
    axes.xaxis.tick_top()
    axes.spines[["left", "right", "bottom", "top"]].set_visible(False)
    axes.plot([1, n], [0, 0], color=INK, linewidth=1.2, clip_on=False)
    axes.set_xticks(np.unique(np.linspace(1, n, min(n, 10)).round()))
    axes.set_yticks([])
    axes.set_title(title, fontsize=10, pad=34)
    return as_svg(figure)


def forest_text(table: pd.DataFrame, labels: Mapping[Name, str], intervals: Sequence[str]) -> str:
    """Say what the forest plot shows, for those who cannot see it.

    Parameters
    ----------
    table : DataFrame
        As for `forest`.
    labels : mapping of (entry, track) to str
        How the rows are called.
    intervals : sequence of str
        Interval of each row, as text.

    Returns
    -------
    str
        One sentence.
    """
    rows = [
        f"{labels[name]} {'undefined' if value != value else f'{value:.3f}'} {interval}".strip()
        for name, value, interval in zip(_names(table), table["ccc"], intervals, strict=True)
    ]
    return "Forest plot of the mean CCC over subjects with 95 % interval: " + "; ".join(rows)


def critical_difference_text(comparison: RankComparison, labels: Sequence[str]) -> str:
    """Say what the critical-difference diagram shows.

    Parameters
    ----------
    comparison : RankComparison
        Ranks and p-values of all pairs.
    labels : sequence of str
        Names of the entries, in the order of the ranks.

    Returns
    -------
    str
        Ranks from best to worst, and which entries no test tells apart.
    """
    order = np.argsort(comparison.ranks, kind="stable")
    ranked = "; ".join(f"{labels[i]} {comparison.ranks[i]:.2f}" for i in order)
    groups = [
        ", ".join(labels[i] for i in order[first : last + 1])
        for first, last in comparison.cliques()
    ]
    alike = " | ".join(groups) if groups else "none"
    test = "exact Wilcoxon tests, Holm over all pairs" if comparison.exact else "Nemenyi's test"
    return f"Mean ranks: {ranked}. Not told apart at {ALPHA} ({test}): {alike}."


def _names(table: pd.DataFrame) -> list[Name]:
    return list(zip(table["entry"], table["track"], strict=True))


def as_svg(figure: Figure) -> bytes:
    """Return a figure as SVG; the same figure makes the same bytes."""
    buffer = io.BytesIO()
    # a fixed salt and no date
    with mpl.rc_context({"svg.hashsalt": "eeg-emotion-env"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
