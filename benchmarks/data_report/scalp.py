"""Figures of the scalp for the data report: electrodes, and band power by subject.

They are drawn without pyplot, so no window can ever open.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.data_report.summary import BandPower
from eeg_emotion_env.montage import HEAD_CENTRE_M, HEAD_RADIUS_M, directions, is_electrode, montage

MIN_ELECTRODES = 4
"""Fewer positions than these make no map of the scalp."""

SPHERE = (*HEAD_CENTRE_M, HEAD_RADIUS_M)
"""Centre and radius of the head that the electrodes lie on, metres."""


def placed(channels: Sequence[str]) -> list[str]:
    """Return the channels whose position is known; of two names of one place, the first."""
    places: dict[tuple[float, ...], str] = {}
    for name in filter(is_electrode, channels):
        places.setdefault(tuple(directions([name])[0].round(6)), name)
    return list(places.values())


def electrode_map(channels: Sequence[str]) -> Figure:
    """Draw the positions of electrodes with their names.

    Parameters
    ----------
    channels : sequence of str
        Names; at least one has a known position.

    Returns
    -------
    Figure
        The head from above, nose up.
    """
    from mne.viz import plot_sensors

    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    axes = figure.add_subplot()
    plot_sensors(
        _info(placed(channels)),
        kind="topomap",
        ch_type="eeg",
        show_names=True,
        axes=axes,
        pointsize=12,
        sphere=SPHERE,
        show=False,
        verbose="error",
    )
    for text in axes.texts:
        x, y = text.get_position()
        text.set(text=text.get_text().strip(), position=(x, y + 0.0015))
        text.set(fontsize=8, ha="center", va="bottom")
    return figure


def mean_topographies(powers: Sequence[BandPower]) -> Figure:
    """Draw the mean of each band over subjects on the scalp: a row for each way of reading.

    Parameters
    ----------
    powers : sequence of BandPower
        Each with `MIN_ELECTRODES` positions at least.

    Returns
    -------
    Figure
        Each map has its own scale, written below it.
    """
    columns = max(len(power.bands) for power in powers)
    figure, grid = _grid(len(powers), columns, 1.35, 1.5, extra=2.2)
    for axes, power in zip(grid, powers, strict=True):
        n = len(power.subjects)
        title = f"{power.variant}\nmean of {n} subject{'s' if n > 1 else ''}"
        for map_axes, band, values in zip(axes, power.bands, power.mean().T, strict=False):
            low, high = topomap(map_axes, power.channels, values)
            map_axes.set_title(band, fontsize=9, pad=2)
            scale = f"{low:.1f} … {high:.1f}"
            _note(map_axes, 0.5, -0.02, scale, ha="center", va="top")
        _note(axes[0], -0.12, 0.5, title, ha="right", va="center")
        for empty in axes[len(power.bands) :]:
            empty.set_axis_off()
    return figure


def subject_topographies(power: BandPower) -> Figure:
    """Draw each band of each subject on the scalp, with one scale a band.

    Parameters
    ----------
    power : BandPower
        With `MIN_ELECTRODES` positions at least.

    Returns
    -------
    Figure
        A row for each band, a column for each subject.
    """
    subjects = power.subjects
    figure, grid = _grid(len(power.bands), len(subjects), 1.05, 1.1, extra=1.2)
    means = np.stack([power.of(subject) for subject in subjects])
    kept = [power.channels.index(name) for name in placed(power.channels)]
    for band, (name, axes) in enumerate(zip(power.bands, grid, strict=True)):
        # a broken electrode shall not take the whole scale
        limits = np.percentile(means[:, kept, band], [2, 98])
        for map_axes, values in zip(axes, means[:, :, band], strict=True):
            topomap(map_axes, power.channels, values, limits)
        _note(axes[0], -0.12, 0.5, name, ha="right", va="center")
        scale = ScalarMappable(Normalize(*limits), "viridis")
        bar = figure.colorbar(scale, ax=list(axes), fraction=0.05, pad=0.01, aspect=12)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)
    for map_axes, subject in zip(grid[0], subjects, strict=True):
        map_axes.set_title(f"subject {subject}", fontsize=8)
    return figure


def _info(channels: list[str]) -> Any:
    from mne import create_info

    return create_info(channels, 100.0, "eeg", verbose="error").set_montage(montage(channels))


def topomap(
    axes: Axes,
    channels: Sequence[str],
    values: NDArray[np.float64],
    limits: NDArray[np.float64] | None = None,
    cmap: str = "viridis",
    sensors: bool = True,
) -> tuple[float, float]:
    """Draw one value a channel on the scalp.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    channels : sequence of str
        Names; those without a known position are left out.
    values : ndarray, shape (n_channels,)
        One a channel.
    limits : ndarray or None, shape (2,)
        Ends of the scale; None takes those of the values drawn.
    cmap : str
        Colours.
    sensors : bool
        Whether electrodes are dots.

    Returns
    -------
    tuple of float
        Ends of the scale, rounded.
    """
    from mne.viz import plot_topomap

    kept = placed(channels)
    shown = values[[channels.index(name) for name in kept]]
    low, high = np.percentile(shown, [0, 100]) if limits is None else limits
    plot_topomap(
        shown,
        _info(kept),
        axes=axes,
        show=False,
        sphere=SPHERE,
        contours=0,
        sensors=sensors,
        cmap=cmap,
        # a map of one value has no scale
        vlim=(low, high if high > low else low + 1e-3),
    )
    # + 0.0 turns -0.0 into 0.0
    return round(float(low), 1) + 0.0, round(float(high), 1) + 0.0


def _grid(
    rows: int, columns: int, width: float, height: float, extra: float = 1.0
) -> tuple[Figure, Any]:
    """Return axes for maps, with room for the names of the rows."""
    figure = Figure(figsize=(extra + 0.8 + width * columns, 0.4 + height * rows))
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.03)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _note(axes: Axes, x: float, y: float, text: str, **alignment: Any) -> None:
    """Write beside a map, in shares of its size."""
    axes.text(x, y, text, transform=axes.transAxes, fontsize=8, color="#3c444d", **alignment)
