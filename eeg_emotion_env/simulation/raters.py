"""Raters: delayed, smoothed, biased and noisy annotation of the true affect."""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.affect import GRID_HZ, autoregress, fluctuation
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.trial import FloatArray


def step_ends(config: SimulationConfig, session: int, trial: int) -> NDArray[np.float64]:
    """Return the times at which the label steps of a trial end, seconds from its start."""
    return np.arange(1, config.n_steps(session, trial) + 1, dtype=np.float64) * config.step_s


def at_times(grid: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate columns given on the grid of `true_affect` at other times.

    Parameters
    ----------
    grid : ndarray, shape (n_grid, n_columns)
        Values at ``arange(n_grid) / GRID_HZ`` seconds.
    times : ndarray, shape (n_times,)
        Seconds; before the start, the first value holds.

    Returns
    -------
    ndarray, shape (n_times, n_columns), float64
        Interpolated values.
    """
    seconds = np.arange(len(grid)) / GRID_HZ
    return np.stack([np.interp(times, seconds, column) for column in grid.T], axis=1)


def annotate(
    config: SimulationConfig,
    affect: NDArray[np.float64],
    subject: int,
    session: int,
    trial: int,
) -> FloatArray:
    """Mean annotation of the raters at the end of each step.

    Each rater follows the affect through a causal low-pass and a delay, with a gain and an offset
    that the rater keeps for the whole data set, and adds a fluctuation of his own. Labels at a
    time depend on the affect before it alone.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    affect : ndarray, shape (n_grid, 2)
        Result of `true_affect`.
    subject, session, trial : int
        Ids, each from 1.

    Returns
    -------
    ndarray, shape (n_steps, 2), float32
        Valence and arousal, clipped to [-1, 1].
    """
    times = step_ends(config, session, trial)
    seen = at_times(followed(config, affect), times - config.label_lag_s)
    ratings = np.zeros_like(seen)
    noise = config.stream("annotation", subject, session, trial)
    for gain, offset in zip(*rater_biases(config), strict=True):
        own = fluctuation(
            noise, affect.shape, config.rater_noise, config.rater_noise_tau_s, GRID_HZ
        )
        ratings += gain * seen + offset + at_times(own, times)
    return np.clip(ratings / config.n_raters, -1.0, 1.0).astype(np.float32)


def rater_biases(
    config: SimulationConfig,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gains and offsets that the raters keep for the whole data set.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.

    Returns
    -------
    gains, offsets : ndarray, shape (n_raters, 2), float64
        For valence and arousal.
    """
    streams = [config.stream("rater", rater) for rater in range(config.n_raters)]
    draws = np.stack([stream.standard_normal((2, 2)) for stream in streams])
    return np.exp(config.rater_gain_sd * draws[:, 0]), config.rater_offset_sd * draws[:, 1]


def followed(config: SimulationConfig, affect: NDArray[np.float64]) -> NDArray[np.float64]:
    """Affect as a rater without bias follows it, the delay aside.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    affect : ndarray, shape (n_grid, 2)
        Affect at ``arange(n_grid) / GRID_HZ`` seconds.

    Returns
    -------
    ndarray, shape (n_grid, 2), float64
        Causal low-pass of `affect`.
    """
    if config.rater_tau_s == 0:
        return affect
    decay = float(np.exp(-1.0 / (config.rater_tau_s * GRID_HZ)))
    # The affect starts at 0, and so does the filter.
    return autoregress((1 - decay) * affect, decay)
