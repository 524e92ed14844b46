"""Figures of trial lengths and labels for the data report.

They are drawn without pyplot, so no window can ever open.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from benchmarks.data_report.summary import Subject, Track, spread
from eeg_emotion_env.datasets.checks import TrialCheck

COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""One for each label dimension, from Okabe and Ito's palette."""

GAP_COLOUR = "#dfe3e8"
RULE_COLOUR = "#c8ced4"

MAX_ROWS = 60
"""Sessions or subjects a figure shows at most."""

MAX_TRACKS = 24
"""Trials a subject whose tracks are drawn."""


def length_map(checks: Sequence[TrialCheck]) -> Figure:
    """Draw the length of each trial, a row for each session.

    Parameters
    ----------
    checks : sequence of TrialCheck
        One for each trial, at least one.

    Returns
    -------
    Figure
        White where there is no trial, a cross where its length is not the published one.
    """
    sessions = list(dict.fromkeys((c.key.subject, c.key.session) for c in checks))
    rows = {session: i for i, session in enumerate(spread(sessions, MAX_ROWS))}
    columns = {t: i for i, t in enumerate(sorted({c.key.trial for c in checks}))}
    seconds = np.full((len(rows), len(columns)), np.nan)
    figure = Figure(figsize=(10, 1.3 + 0.21 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for check in checks:
        row, column = rows.get((check.key.subject, check.key.session)), columns[check.key.trial]
        if row is None:
            continue
        seconds[row, column] = check.seconds
        if is_odd_length(check):
            axes.plot(column, row, "x", color="#ffffff", markersize=6, markeredgewidth=2.5)
            axes.plot(column, row, "x", color="#c0392b", markersize=5, markeredgewidth=1.5)
    image = axes.imshow(seconds, aspect="auto", cmap="viridis", interpolation="none")
    axes.set_yticks(range(len(rows)), [f"{s}, session {n}" for s, n in rows], fontsize=8)
    every = max(1, len(columns) // 30)
    axes.set_xticks(
        range(0, len(columns), every), [str(trial) for trial in columns][::every], fontsize=8
    )
    axes.set(xlabel="trial", ylabel="subject")
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="seconds", fraction=0.03, pad=0.01)
    return figure


def is_odd_length(check: TrialCheck) -> bool:
    """Say whether a trial's length differs from the published one by 2 % and 5 s at least."""
    if check.expected_s is None:
        return False
    return abs(check.seconds - check.expected_s) > max(5.0, 0.02 * check.expected_s)


def label_reach(tracks: Sequence[Track]) -> float:
    """Return the end of an axis from minus to plus that holds all labels: 0.25, 0.5 or 1."""
    largest = max(float(np.nanmax(np.abs(track.values), initial=0.0)) for track in tracks)
    return next(reach for reach in (0.25, 0.5, 1.0) if largest <= reach)


def track_grid(tracks: Sequence[Track], reach: float = 1.0) -> Figure:
    """Draw the label tracks of one subject, one small panel a trial.

    Parameters
    ----------
    tracks : sequence of Track
        Trials of the subject, at least one; `MAX_TRACKS` of them are drawn.
    reach : float
        End of the axis of the labels.

    Returns
    -------
    Figure
        Grey where a step is not annotated.
    """
    chosen = spread(tracks, MAX_TRACKS)
    columns = min(6, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = Figure(figsize=(max(4.0, 1.75 * columns), 0.75 + 1.15 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, track in zip(grid.flat, chosen, strict=False):
        _draw_track(axes, track, reach)
    for axes in list(grid.flat)[len(chosen) :]:
        axes.set_axis_off()
    lines = [Line2D([], [], color=c, label=n) for n, c in _coloured(chosen[0].names)]
    gap = Patch(color=GAP_COLOUR, label="not annotated" if len(lines) == 1 else "not all annotated")
    figure.legend(handles=[*lines, gap], loc="outside upper right", ncols=4, frameon=False)
    figure.suptitle(f"Subject {chosen[0].key.subject}", x=0.01, ha="left", fontsize=11)
    figure.supxlabel("seconds", fontsize=9)
    return figure


def label_distribution(tracks: Sequence[Track]) -> Figure:
    """Draw how label values are spread: over their range, by subject, and in the plane.

    Parameters
    ----------
    tracks : sequence of Track
        At least one with a label.

    Returns
    -------
    Figure
        A histogram of steps, the plane where there are two dimensions, and ranges of subjects.
    """
    names, reach = tracks[0].names, label_reach(tracks)
    values = np.concatenate([track.values for track in tracks])
    bins = np.linspace(-reach, reach, 42)
    figure = Figure(figsize=(10, 6.2), layout="constrained")
    halves = figure.subfigures(2, 1, squeeze=False)[:, 0]
    panels = halves[0].subplots(1, len(names) + (len(names) == 2), squeeze=False)[0]
    for axes, (name, colour), column in zip(panels, _coloured(names), values.T, strict=False):
        known = column[~np.isnan(column)]
        axes.hist(known, bins=bins, color=colour)
        axes.set(xlabel=name, ylabel="steps", xlim=(-reach, reach))
        _plain(axes)
    if len(names) == 2:
        _draw_plane(panels[-1], values, names, bins)
    _draw_subjects(halves[1].add_subplot(), tracks, names, reach)
    return figure


def _coloured(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(names)]


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _draw_track(axes: Axes, track: Track, reach: float) -> None:
    # a step is drawn from its start to its end
    edges = np.arange(len(track.values) + 1) * track.step_s
    gaps = np.where(np.isnan(track.values).any(axis=1), reach, -reach)
    axes.stairs(gaps, edges, baseline=-reach, fill=True, color=GAP_COLOUR, linewidth=0)
    for (_, colour), column in zip(_coloured(track.names), track.values.T, strict=True):
        axes.step(edges, np.append(column, column[-1]), where="post", color=colour, linewidth=1)
    axes.axhline(0, color=RULE_COLOUR, linewidth=0.6, zorder=0)
    axes.set_ylim(-reach, reach)
    stimulus = f" · {track.key.stimulus}" if track.key.stimulus else ""
    title = f"{track.key.session}.{track.key.trial}{stimulus}"
    axes.set_title(title if len(title) < 25 else f"{title[:23]}…", fontsize=8, pad=2)
    _plain(axes)


def _draw_plane(
    axes: Axes, values: NDArray[np.floating], names: Sequence[str], bins: NDArray[np.floating]
) -> None:
    known = values[~np.isnan(values).any(axis=1)]
    counts, _, _ = np.histogram2d(known[:, 0], known[:, 1], bins=bins)
    image = axes.pcolormesh(bins, bins, np.ma.masked_equal(counts.T, 0), cmap="viridis")
    axes.set_aspect("equal")
    axes.axhline(0, color=RULE_COLOUR, linewidth=0.6)
    axes.axvline(0, color=RULE_COLOUR, linewidth=0.6)
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.figure.colorbar(image, ax=axes, label="steps", fraction=0.045)
    _plain(axes)


def _draw_subjects(axes: Axes, tracks: Sequence[Track], names: Sequence[str], reach: float) -> None:
    """Draw the mean and the 5th to 95th percentile of each subject's labels."""
    grouped: dict[Subject, list[NDArray[np.float32]]] = {}
    for track in tracks:
        grouped.setdefault(track.key.subject, []).append(track.values)
    shown = spread(list(grouped), MAX_ROWS)
    for dim, (name, colour) in enumerate(_coloured(names)):
        offset = 0.16 * (dim - (len(names) - 1) / 2)
        for place, subject in enumerate(shown):
            column = np.concatenate(grouped[subject])[:, dim]
            known = column[~np.isnan(column)]
            if not len(known):
                continue
            x = place + offset
            axes.plot([x, x], np.percentile(known, [5, 95]), color=colour, linewidth=2.5, alpha=0.5)
            axes.plot(x, known.mean(), "o", color=colour, markersize=5)
        axes.plot([], [], "o-", color=colour, label=name)
    axes.axhline(0, color=RULE_COLOUR, linewidth=0.6, zorder=0)
    axes.set_xticks(range(len(shown)), [str(subject) for subject in shown])
    axes.set(ylim=(-reach, reach), xlim=(-0.6, len(shown) - 0.4), xlabel="subject", ylabel="label")
    axes.legend(loc="upper right", frameon=False, ncols=len(names), fontsize=8)
    _plain(axes)
