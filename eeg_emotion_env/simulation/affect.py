"""True affect: Ornstein-Uhlenbeck valence and arousal, partly shared through the stimulus."""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig

GRID_HZ = 10
"""Rate at which affect and amplitudes are drawn, Hz; values between are interpolated."""


def true_affect(
    config: SimulationConfig, subject: int, session: int, trial: int
) -> NDArray[np.float64]:
    """Affect of one subject during one trial.

    The stimulus process S is common to all who see the clip. The person's own process I is drawn
    in the same way around a class of its own, so both have the same variance, and
    ``tanh(sqrt(shared) * S + sqrt(1 - shared) * I)`` owes the fraction `shared` of its variance
    (before tanh) to the stimulus. Each trial starts at rest, at 0.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    subject, session, trial : int
        Ids, each from 1.

    Returns
    -------
    ndarray, shape (n_grid, 2), float64
        Valence and arousal in [-1, 1] at ``arange(n_grid) / GRID_HZ`` seconds; the last row is
        the end of the clip.
    """
    n_rows = config.seconds(session, trial) * GRID_HZ + 1
    stimulus = stimulus_process(config, config.clip(session, trial), n_rows)
    own = config.stream("person", subject, session, trial)
    own_clip = config.clip(session, int(own.integers(config.n_trials)) + 1)
    person = _process(config, own, own_clip, n_rows)
    mixture = np.sqrt(config.shared) * stimulus + np.sqrt(1 - config.shared) * person
    return np.asarray(np.tanh(mixture))


def stimulus_process(config: SimulationConfig, clip: int, n_rows: int) -> NDArray[np.float64]:
    """Return the process S that a clip gives to all who see it, shape (n_rows, 2)."""
    # Seed and clip alone: neither the subject nor the session may enter here.
    return _process(config, config.stream("stimulus", clip), clip, n_rows)


def _process(
    config: SimulationConfig, rng: np.random.Generator, clip: int, n_rows: int
) -> NDArray[np.float64]:
    """Exact discretisation of dX = theta (mu - X) dt + sigma dW, from rest."""
    correlation = config.affect_correlation
    mixing = np.array([[1.0, 0.0], [correlation, np.sqrt(1 - correlation**2)]])
    attractor = np.array(config.attractor(clip))
    decay = np.exp(-config.theta / GRID_HZ)
    kick = config.sigma * np.sqrt((1 - decay**2) / (2 * config.theta))
    drive = (1 - decay) * attractor + kick * rng.standard_normal((n_rows, 2)) @ mixing.T
    drive[0] = 0.0
    return autoregress(drive, decay)


def autoregress(drive: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """First-order recursion ``x[t] = decay * x[t-1] + drive[t]`` along the first axis."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, -decay], drive, axis=0))


def fluctuation(
    rng: np.random.Generator, shape: tuple[int, int], sd: float, tau_s: float, rate_hz: float
) -> NDArray[np.float64]:
    """Stationary Ornstein-Uhlenbeck noise.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random stream.
    shape : tuple of int
        ``(n_rows, n_columns)``, rows in time.
    sd : float
        Stationary spread.
    tau_s : float
        Time constant, seconds.
    rate_hz : float
        Rows a second.

    Returns
    -------
    ndarray, shape `shape`, float64
        Independent columns.
    """
    decay = np.exp(-1.0 / (tau_s * rate_hz))
    drive = sd * np.sqrt(1 - decay**2) * rng.standard_normal(shape)
    drive[0] /= np.sqrt(1 - decay**2)
    return autoregress(drive, decay)
