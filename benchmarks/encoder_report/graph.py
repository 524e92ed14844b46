"""The graph of prototypes: nodes among the labels, arrows for the most frequent changes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from numpy.typing import NDArray

from benchmarks.encoder_report.figures import plain, tones
from benchmarks.encoder_report.steps import Steps
from benchmarks.encoder_report.transitions import transition_counts
from benchmarks.figures import INK, as_svg

ARROWS_A_NODE = 2.5
"""Transitions that are drawn for each prototype, about."""

SIZE = (9.0, 6.0)
"""Width and height, inches."""

BOX = (0.08, 0.09, 0.9, 0.89)
"""Left, bottom, width and height of the axes, shares of the figure."""


def transition_graph(
    steps: Steps, table: pd.DataFrame, places: NDArray[np.float64], names: Sequence[str]
) -> bytes:
    """Draw prototypes as nodes and their most frequent changes as arrows; SVG.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    table : DataFrame
        Prototypes to draw, made by `benchmarks.encoder_report.codebook.prototype_table`.
    places : ndarray, shape (n_prototypes, 2)
        Where they stand; nodes that would overlap are moved apart.
    names : sequence of str
        Names of the two axes.

    Returns
    -------
    bytes
        Area of a node: share of steps; width of an arrow: number of changes.
    """
    figure = Figure(figsize=SIZE)
    axes = figure.add_axes(BOX)
    # points, 72 an inch, are the unit of areas and widths: the axes are laid out in them
    extent = 72 * np.multiply(SIZE, BOX[2:])
    share = table["share"].to_numpy(float)
    area = np.maximum(0.12 * extent.prod() * share / share.sum(), 150)
    radius = np.sqrt(area / np.pi)
    known = np.nan_to_num(places, nan=float(np.nanmean(places)) if len(places) else 0.0)
    low, high = known.min(axis=0), known.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    margin = radius.max() + 12
    inner = (known - low) / span * (extent - 2 * margin) + margin
    spots = _apart(inner, radius, extent)
    _draw_arrows(axes, steps, table["prototype"].tolist(), spots, radius)
    _draw_nodes(axes, table, names[0], spots, area)
    axes.set(xlim=(0, extent[0]), ylim=(0, extent[1]))
    for axis, size, number in ((axes.xaxis, extent[0], 0), (axes.yaxis, extent[1], 1)):
        ticks = np.linspace(low[number], low[number] + span[number], 5)
        axis.set_ticks(np.linspace(margin, size - margin, 5), [f"{t:.2f}" for t in ticks])
    axes.set_xlabel(f"mean {names[0]}")
    axes.set_ylabel(names[1] if "component" in names[1] else f"mean {names[1]}")
    plain(axes)
    return as_svg(figure)


def _apart(
    spots: NDArray[np.float64], radius: NDArray[np.float64], extent: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move discs apart until they do not overlap, or nearly so; all stay inside."""
    spots = spots.copy()
    least = radius[:, None] + radius + 10
    for _ in range(300):
        delta = spots[:, None] - spots
        distance = np.linalg.norm(delta, axis=-1)
        np.fill_diagonal(distance, np.inf)
        overlap = np.maximum(least - distance, 0)
        if not overlap.any():
            break
        # equal places part along a direction of their own
        turn = np.arange(len(spots))[:, None] - np.arange(len(spots))
        away = np.where(distance[..., None] > 1e-6, delta, np.sign(turn)[..., None])
        push = overlap / np.maximum(np.linalg.norm(away, axis=-1), 1e-6)
        spots += 0.3 * (push[..., None] * away).sum(axis=1)
        spots = np.clip(spots, radius[:, None], extent - radius[:, None])
    return spots


def _draw_arrows(
    axes: Axes,
    steps: Steps,
    codes: Sequence[int],
    spots: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> None:
    counts = transition_counts(steps)[np.ix_(codes, codes)]
    np.fill_diagonal(counts, 0)
    strongest = np.argsort(counts, axis=None)[::-1][: int(ARROWS_A_NODE * len(codes))]
    largest = max(int(counts.max()), 1)
    for source, target in np.stack(np.unravel_index(strongest, counts.shape), axis=1):
        if not counts[source, target]:
            continue
        strength = counts[source, target] / largest
        axes.add_patch(
            FancyArrowPatch(
                spots[source],
                spots[target],
                connectionstyle="arc3,rad=0.18",
                arrowstyle="-|>,head_length=5,head_width=2.6",
                shrinkA=radius[source],
                shrinkB=radius[target],
                linewidth=0.5 + 3.5 * strength,
                color=INK,
                alpha=0.25 + 0.5 * strength,
                zorder=1,
            )
        )


def _draw_nodes(
    axes: Axes,
    table: pd.DataFrame,
    label: str,
    spots: NDArray[np.float64],
    area: NDArray[np.float64],
) -> None:
    colours = tones(table, label)
    x, y = spots.T
    axes.scatter(x, y, s=area, c=colours, edgecolors="white", linewidths=1.2, zorder=2)
    for code, spot, colour in zip(table["prototype"], spots, colours, strict=True):
        axes.text(
            spot[0],
            spot[1],
            str(code),
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold",
            color=_readable(colour),
            zorder=3,
        )


def _readable(colour: str) -> str:
    """Return the colour of text on a background: white or the ink."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "#ffffff"
