"""Pictures of prototypes: their scalp maps and their place among the labels."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.data_report.scalp import topomap
from benchmarks.figures import INK, LINE, SOFT, as_svg

MAP_COLOURS = "RdBu_r"
PIXELS_AN_INCH = 110
UNITS = {
    "past": "standard deviations from the mean of the subject's session so far",
    "subject": "standard deviations from the mean of the subject's session",
    "none": "log band power as it is read",
}
"""Unit of features by their normalisation."""


@dataclass(frozen=True, eq=False)
class Plane:
    """Places of all prototypes that are shown.

    Attributes
    ----------
    places : ndarray, shape (n_prototypes, 2)
        First label and second axis.
    spreads : ndarray, shape (n_prototypes, 2)
        Standard deviations there; NaN where the axis is no label.
    names : tuple of str
        Names of the axes.
    colours : sequence of str
        One a prototype.
    """

    places: NDArray[np.float64]
    spreads: NDArray[np.float64]
    names: tuple[str, str]
    colours: Sequence[str]


def map_limit(maps: NDArray[np.float64]) -> float:
    """Return the end of the one colour scale from minus to plus.

    Parameters
    ----------
    maps : ndarray, shape (n_prototypes, n_channels, n_bands)
        Maps that are shown.

    Returns
    -------
    float
        99th percentile of what is not NaN, rounded up to 0.1.
    """
    largest = float(np.nanpercentile(np.abs(maps), 99))
    return max(float(np.ceil(10 * largest) / 10), 0.1)


def scale_figure(limit: float, unit: str) -> bytes:
    """Draw the colour scale of all maps; SVG."""
    figure = Figure(figsize=(6, 0.62), layout="constrained")
    axes = figure.add_subplot()
    scale = ScalarMappable(Normalize(-limit, limit), MAP_COLOURS)
    bar = figure.colorbar(scale, cax=axes, orientation="horizontal", label=unit)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
    return as_svg(figure)


def card_figure(
    plane: Plane,
    number: int,
    maps: NDArray[np.float64] | None,
    channels: Sequence[str],
    bands: Sequence[str],
    limit: float,
) -> bytes:
    """Draw one prototype: its place, and a map for each band.

    Parameters
    ----------
    plane : Plane
        Places of all prototypes.
    number : int
        The prototype's place among them.
    maps : ndarray or None, shape (n_channels, n_bands)
        Mean features; None draws no maps.
    channels, bands : sequence of str
        Names.
    limit : float
        End of the colour scale.

    Returns
    -------
    bytes
        PNG.
    """
    n_maps = 0 if maps is None else len(bands)
    figure = Figure(figsize=(1.25 + 0.95 * n_maps, 1.22))
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.02)
    grid = figure.subplots(1, 1 + n_maps, squeeze=False, width_ratios=[1.15, *[1] * n_maps])[0]
    _draw_place(grid[0], plane, number)
    if maps is not None:
        limits = np.array([-limit, limit])
        for axes, band, values in zip(grid[1:], bands, maps.T, strict=True):
            topomap(axes, channels, values, limits, MAP_COLOURS, sensors=False)
            axes.set_title(band, fontsize=8, pad=1)
    return _png(figure)


def _draw_place(axes: Axes, plane: Plane, number: int) -> None:
    """Draw all prototypes as dots and this one with its spread."""
    axes.plot(*plane.places.T, "o", color="#c4cbd2", markersize=2.5, markeredgewidth=0)
    place, spread = plane.places[number], plane.spreads[number]
    across, up = ([[s], [s]] if s == s else None for s in spread)
    axes.errorbar(
        place[0],
        place[1],
        xerr=across,
        yerr=up,
        fmt="o",
        color=INK,
        markerfacecolor=plane.colours[number],
        markersize=7,
        elinewidth=1.1,
    )
    across_limits, up_limits = _limits(plane)
    axes.set(xlim=across_limits, ylim=up_limits)
    axes.axvline(0, color=LINE, linewidth=0.8, zorder=0)
    axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
    axes.set_box_aspect(1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(LINE)
    axes.set_xlabel(plane.names[0], fontsize=7, labelpad=1, color=SOFT)
    second = "component" if "component" in plane.names[1] else plane.names[1]
    axes.set_ylabel(second, fontsize=7, labelpad=1, color=SOFT)


def _limits(plane: Plane) -> list[tuple[float, float]]:
    """Return ends of both axes that hold all prototypes and their spreads."""
    reach, ends = np.nan_to_num(plane.spreads), []
    for place, spread in zip(plane.places.T, reach.T, strict=True):
        known = ~np.isnan(place)
        low, high = (
            ((place - spread)[known].min(), (place + spread)[known].max())
            if known.any()
            else (-1.0, 1.0)
        )
        pad = 0.08 * (high - low) or 0.1
        ends.append((float(low - pad), float(high + pad)))
    return ends


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with mpl.rc_context({"savefig.dpi": PIXELS_AN_INCH}):
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
