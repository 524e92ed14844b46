"""Figures of what can be read: probes, and mutual information."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.encoder_report.probes import FEATURES, LATENTS, PROTOTYPES, RANDOM, SMOOTHED
from benchmarks.figures import INK, LINE, SOFT, as_svg

COLOURS = {
    LATENTS: "#0072b2",
    PROTOTYPES: "#56b4e9",
    FEATURES: "#009e73",
    SMOOTHED: "#8fd0b5",
    RANDOM: "#7f7f7f",
}
PANELS_A_ROW = 2


def probe_figure(table: pd.DataFrame) -> bytes:
    """Draw the score of each representation with its interval: a panel for each target; SVG.

    Parameters
    ----------
    table : DataFrame
        Made by `benchmarks.encoder_report.probes.probe_table`, not empty.

    Returns
    -------
    bytes
        Dots: mean over subjects; hollow diamonds: over unseen ones alone; dashed: chance.
    """
    targets = list(dict.fromkeys(table["target"]))
    rows = -(-len(targets) // PANELS_A_ROW)
    figure = Figure(figsize=(9, 0.2 + 1.75 * rows), layout="constrained")
    grid = figure.subplots(rows, PANELS_A_ROW, squeeze=False, sharey=True)
    for axes, target in zip(grid.flat, targets, strict=False):
        _draw_probe(axes, target, table[table["target"] == target])
    for axes in grid.flat[len(targets) :]:
        axes.set_axis_off()
    return as_svg(figure)


def _draw_probe(axes: Axes, target: str, rows: pd.DataFrame) -> None:
    for place, row in enumerate(rows.to_dict("records")):
        colour = COLOURS[row["representation"]]
        axes.plot([row["low"], row["high"]], [place] * 2, color=colour, linewidth=2.5)
        axes.plot(row["value"], place, "o", color=colour, markersize=7)
        if row["n_unseen"] and row["n_unseen"] < row["n_subjects"]:
            axes.plot(row["value_unseen"], place, "D", mfc="white", mec=colour, markersize=5)
    axes.axvline(rows["chance"].iloc[0], color=SOFT, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), list(rows["representation"]))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    score = rows["score"].iloc[0]
    axes.set_title(f"{target}: {score}", fontsize=10, loc="left", color=INK)
    if score == "accuracy":
        axes.set_xlim(0, None)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color=LINE)
    axes.set_axisbelow(True)


def information_figure(table: pd.DataFrame) -> bytes:
    """Draw the normalised mutual information of each target beside its chance level; SVG."""
    figure = Figure(figsize=(9, 0.75 + 0.36 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    for place, row in enumerate(table.to_dict("records")):
        axes.barh(place, row["nmi"], height=0.6, color="#56b4e9")
        axes.barh(place, row["chance"], height=0.6, color="#d9dde1")
        axes.plot([row["chance_95"]] * 2, [place - 0.3, place + 0.3], color=INK, linewidth=1.2)
    axes.set_yticks(range(len(table)), list(table["target"]))
    axes.invert_yaxis()
    axes.set_xlabel("normalised mutual information with the codes")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LINE)
    axes.set_axisbelow(True)
    return as_svg(figure)
