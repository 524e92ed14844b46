"""Pictures and text of a trajectory: predicted affect against the labels."""

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
    """Describe the last step in one line: time, and for each dimension prediction and label.

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
        labels = episode.labels[done - 1]
        for name, guess, truth in zip(episode.label_names, predictions[-1], labels, strict=True):
            label = "  n/a" if np.isnan(truth) else f"{truth:+.2f}"
            parts.append(f"{name} {guess:+.2f} {_bar(float(guess))} label {label}")
    return "  ".join(parts)


def picture(episode: Episode, predictions: FloatArray) -> NDArray[np.uint8]:
    """Plot predictions so far against the labels over time, and in the plane of two dimensions.

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
    grid = figure.add_gridspec(n_dims, 2 if planar else 1, width_ratios=[3, 2] if planar else [1])
    for dim in range(n_dims):
        _plot_time(figure.add_subplot(grid[dim, 0]), episode, predictions, dim)
    if planar:
        _plot_plane(figure.add_subplot(grid[:, 1]), episode, predictions)
    figure.suptitle(title(episode), fontsize=10)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _plot_time(axes: "Axes", episode: Episode, predictions: FloatArray, dim: int) -> None:
    done = len(predictions)
    # The label is shown up to now alone, as the agent's predictions are.
    time_s = np.arange(1, done + 1) * episode.step_s
    tracks = {"label": episode.labels[:done, dim], "prediction": predictions[:, dim]}
    for (name, track), colour in zip(tracks.items(), COLOURS, strict=True):
        axes.plot(time_s, track, color=colour, label=name)
        axes.plot(time_s[-1:], track[-1:], color=colour, marker="o", markersize=4)
    axes.set(
        xlim=(0, episode.n_steps * episode.step_s),
        ylim=(-1.05, 1.05),
        ylabel=episode.label_names[dim],
    )
    if dim == len(episode.label_names) - 1:
        axes.set_xlabel("time (s)")


def _plot_plane(axes: "Axes", episode: Episode, predictions: FloatArray) -> None:
    labels = episode.labels[: len(predictions)]
    for track, colour in zip((labels, predictions), COLOURS, strict=True):
        axes.plot(*track.T, color=colour, linewidth=1)
        axes.plot(*track[-1:].T, color=colour, marker="o")
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    first, second = episode.label_names
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xlabel=first, ylabel=second, aspect="equal")


def _bar(value: float) -> str:
    """Draw a value in [-1, 1] as a bar from the middle."""
    cells = round(abs(value) * BAR_WIDTH)
    filled, empty = "#" * cells, "-" * (BAR_WIDTH - cells)
    none = "-" * BAR_WIDTH
    return f"[{none}|{filled}{empty}]" if value >= 0 else f"[{empty}{filled}|{none}]"
