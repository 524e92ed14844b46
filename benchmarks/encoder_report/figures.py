"""Figures of codebook use: shares and dwell times, and who uses which prototype."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.encoder_report.codebook import runs
from benchmarks.encoder_report.steps import Steps
from benchmarks.figures import LINE, SOFT, as_svg

PART_COLOURS = {"training": "#0072b2", "unseen": "#d55e00"}
"""Subjects that the encoder was made from, and others; Okabe and Ito's palette."""

TONES = "viridis"
"""Colours of the first label, from its lowest prototype to the highest."""


def tones(table: pd.DataFrame, label: str) -> list[str]:
    """Return a colour for each prototype by its mean label; grey where it is not known.

    Rare prototypes do not stretch the scale.
    """
    values = table[label].to_numpy(float)
    known = values[~np.isnan(values) & ~table["rare"].to_numpy(bool)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    scale = Normalize(low, high, clip=True)
    colours = mpl.colormaps[TONES]
    return [to_hex(colours(scale(v))) if v == v else "#9aa4ae" for v in values]


def usage_figure(steps: Steps) -> bytes:
    """Draw the shares of the prototypes, ranked, and the dwell times; SVG."""
    figure = Figure(figsize=(9, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    step_s = steps.trials[0].step_s
    longest = np.percentile(runs(steps.codes)[1], 99)
    edges = np.arange(0.5, max(longest, 9) + 1)
    for name, subjects in steps.parts.items():
        part, colour = steps.select(subjects), PART_COLOURS[name]
        text = f"{name} ({len(subjects)} subjects)"
        counts = np.bincount(part.code, minlength=steps.codebook_size)
        shares = 100 * np.sort(counts)[::-1] / counts.sum()
        left.step(np.arange(1, len(shares) + 1), shares, where="mid", color=colour, label=text)
        lengths = np.minimum(runs(part.codes)[1], edges[-1] - 0.5)
        shown = np.histogram(lengths, edges)[0] / len(lengths)
        right.stairs(100 * shown, edges * step_s, color=colour, linewidth=1.5, label=text)
    left.axhline(100 / steps.codebook_size, color=SOFT, linewidth=0.8, linestyle=":")
    left.set(xlabel="prototype, by rank of use", ylabel="% of steps", ylim=(0, None))
    left.legend(frameon=False, fontsize=9)
    right.set(xlabel="dwell time, s (last bin: this or more)", ylabel="% of runs", ylim=(0, None))
    for axes in (left, right):
        plain(axes)
    return as_svg(figure)


def subject_figure(steps: Steps, order: Sequence[int], label: str) -> bytes:
    """Draw the share of each prototype in each subject's steps; SVG.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    order : sequence of int
        Prototypes from left to right.
    label : str
        Label that they are sorted by.

    Returns
    -------
    bytes
        A row for each subject; unseen ones have a star.
    """
    subjects = [s for part in steps.parts.values() for s in part]
    shares = np.stack([_shares(steps.select([s]))[list(order)] for s in subjects])
    figure = Figure(figsize=(9, 1.2 + 0.19 * len(subjects)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(100 * shares, aspect="auto", cmap="Blues", interpolation="none", vmin=0)
    names = [s if s in steps.seen else f"{s} *" for s in subjects]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xticks(range(len(order)), [str(c) for c in order], fontsize=7, rotation=90)
    axes.set(xlabel=f"prototype, from low to high {label}", ylabel="subject (* unseen)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="% of the subject's steps", fraction=0.03, pad=0.01)
    return as_svg(figure)


def _shares(steps: Steps) -> NDArray[np.float64]:
    return np.bincount(steps.code, minlength=steps.codebook_size) / len(steps.code)


def plain(axes: Axes) -> None:
    """Leave out what says nothing, and draw a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
