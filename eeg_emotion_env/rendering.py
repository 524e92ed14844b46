"""Pictures and text of a trajectory: predicted affect against the labels, and prototypes."""

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.episodes import Episode
from eeg_emotion_env.trial import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RENDER_MODES = ("rgb_array", "ansi")
"""What `render` can make."""

SIZE_INCHES = (8.0, 4.0)
DPI = 80
BAR_WIDTH = 10
COLOURS = ("0.4", "tab:blue")
TICKS = (-1, 0, 1)
GOLDEN_RATIO = 0.618034
RECENT_S = 30.0
"""Seconds that stand out in the plane; older ones are faint, as sessions would cover it."""


def render(mode: str, episode: Episode, predictions: FloatArray) -> Any:
    """Draw an episode so far.

    Parameters
    ----------
    mode : str
        One of `RENDER_MODES`.
    episode : Episode
        The episode played.
    predictions : ndarray, shape (n_steps_done, n_dims), float32
        Predictions so far, in [-1, 1].

    Returns
    -------
    ndarray or str
        As `picture` or `line`.
    """
    return picture(episode, predictions) if mode == "rgb_array" else line(episode, predictions)


def title(episode: Episode) -> str:
    """Name the episode, and say so if it is simulated."""
    key = episode.key
    what = f"trial {key.trial}" if key.trial else "all trials"
    stimulus = f", stimulus {key.stimulus}" if key.stimulus else ""
    simulated = " (simulated)" if episode.source == "simulated" else ""
    return (
        f"{key.dataset}: subject {key.subject}, session {key.session}, {what}{stimulus}{simulated}"
    )


def line(episode: Episode, predictions: FloatArray) -> str:
    """Describe the last step in one line: time, prototype, predictions and labels.

    Parameters
    ----------
    episode : Episode
        The episode played.
    predictions : ndarray, shape (n_steps_done, n_dims), float32
        Predictions so far.

    Returns
    -------
    str
        One line; bars run from -1 to 1 with ``|`` at 0.
    """
    done = len(predictions)
    parts = [f"{title(episode)}  step {done}/{episode.n_steps}  {done * episode.step_s:.1f} s"]
    if done:
        if episode.prototypes is not None:
            parts.append(f"prototype {episode.prototypes[done - 1]}")
        labels = episode.labels[done - 1]
        for name, guess, truth in zip(episode.label_names, predictions[-1], labels, strict=True):
            label = "  n/a" if np.isnan(truth) else f"{truth:+.2f}"
            parts.append(f"{name} {guess:+.2f} {_bar(float(guess))} label {label}")
    return "  ".join(parts)


def picture(episode: Episode, predictions: FloatArray) -> NDArray[np.uint8]:
    """Plot predictions so far against the labels over time, and in the plane of two dimensions.

    Under the time axis stands the prototype of each step so far, if the episode knows them.

    Parameters
    ----------
    episode : Episode
        The episode played.
    predictions : ndarray, shape (n_steps_done, n_dims), float32
        Predictions so far.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        Picture.
    """
    # Objects instead of pyplot: no global state, no window, no leak of figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    n_dims, planar = len(episode.label_names), len(episode.label_names) == 2
    heights = [6] * n_dims + [1] * (episode.prototypes is not None)
    grid = figure.add_gridspec(
        len(heights),
        2 if planar else 1,
        width_ratios=[3, 2] if planar else [1],
        height_ratios=heights,
    )
    rows = [figure.add_subplot(grid[row, 0]) for row in range(len(heights))]
    for dim in range(n_dims):
        _plot_time(rows[dim], episode, predictions, dim)
    if episode.prototypes is not None:
        _plot_prototypes(rows[-1], episode, episode.prototypes[: len(predictions)])
    _share_time(rows, episode.n_steps * episode.step_s)
    if planar:
        _plot_plane(figure.add_subplot(grid[:, 1]), episode, predictions)
    figure.suptitle(title(episode), fontsize=10)
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def prototype_colour(prototype: int) -> tuple[float, float, float]:
    """Give a prototype its colour, the same in every picture.

    Parameters
    ----------
    prototype : int
        Number in the codebook, from 0.

    Returns
    -------
    tuple of float
        Red, green and blue in [0, 1].
    """
    # Steps of the golden ratio never repeat a hue; three kinds of brightness part near ones.
    lightness, saturation = ((0.45, 0.8), (0.65, 0.7), (0.3, 0.6))[prototype % 3]
    return colorsys.hls_to_rgb(prototype * GOLDEN_RATIO % 1.0, lightness, saturation)


def _plot_time(axes: "Axes", episode: Episode, predictions: FloatArray, dim: int) -> None:
    done = len(predictions)
    # The label is shown up to now alone, as the agent's predictions are.
    time_s = np.arange(1, done + 1) * episode.step_s
    tracks = {"label": episode.labels[:done, dim], "prediction": predictions[:, dim]}
    for (name, track), colour in zip(tracks.items(), COLOURS, strict=True):
        axes.plot(time_s, track, color=colour, label=name)
        axes.plot(time_s[-1:], track[-1:], color=colour, marker="o", markersize=4)
    axes.set(ylim=(-1.05, 1.05), yticks=TICKS, ylabel=episode.label_names[dim])


def _plot_prototypes(axes: "Axes", episode: Episode, prototypes: NDArray[np.int64]) -> None:
    """Colour each step so far, from its begin to its end, and give the number of the last."""
    end_s, length_s = (n * episode.step_s for n in (len(prototypes), episode.n_steps))
    if len(prototypes):
        colours = [prototype_colour(number) for number in prototypes.tolist()]
        axes.imshow(
            np.array([colours]),
            extent=(0, end_s, 0, 1),
            aspect="auto",
            interpolation="nearest",
        )
        # beside the strip, or over its end: a label of changing width would move the picture
        axes.annotate(
            str(prototypes[-1]),
            (min(end_s / length_s, 0.95), 0.5),
            (4, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=8,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )
    axes.set(ylim=(0, 1), yticks=[])
    axes.set_ylabel("prototype", rotation="horizontal", ha="right", va="center")


def _share_time(rows: "list[Axes]", end_s: float) -> None:
    """Give plots below each other one time axis."""
    for axes in rows:
        axes.set_xlim(0, end_s)
        axes.tick_params(labelbottom=axes is rows[-1])
    rows[-1].set_xlabel("time (s)")


def _plot_plane(axes: "Axes", episode: Episode, predictions: FloatArray) -> None:
    labels, recent = episode.labels[: len(predictions)], round(RECENT_S / episode.step_s)
    for track, colour in zip((labels, predictions), COLOURS, strict=True):
        axes.plot(*track.T, color=colour, linewidth=0.6, alpha=0.25)
        axes.plot(*track[-max(recent, 2) :].T, color=colour, linewidth=1.2)
        axes.plot(*track[-1:].T, color=colour, marker="o")
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    first, second = episode.label_names
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xlabel=first, ylabel=second, aspect="equal")
    axes.set(xticks=TICKS, yticks=TICKS)


def _bar(value: float) -> str:
    """Draw a value in [-1, 1] as a bar from the middle."""
    cells = round(abs(value) * BAR_WIDTH)
    filled, empty = "#" * cells, "-" * (BAR_WIDTH - cells)
    none = "-" * BAR_WIDTH
    return f"[{none}|{filled}{empty}]" if value >= 0 else f"[{empty}{filled}|{none}]"
