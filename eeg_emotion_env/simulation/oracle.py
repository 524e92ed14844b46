"""Oracle ceilings: close to the best that one can do who knows the generator, not the person.

The oracle knows every knob, the subject's gains, spectra and couplings, the clip's process S, the
raters' gains, offsets, low-pass and delay. What only the person knows, the own process I and the
attractor that it was given, is estimated from the raw EEG, and from nothing else:

* state: I and its attractor, slow drift and bursts of each rhythm, twitches of each muscle;
* observation: the likelihood of windows of raw EEG (`eeg_emotion_env.simulation.whittle`), whose
  log amplitudes depend on the state through ``tanh(sqrt(shared) * S + sqrt(1 - shared) * I)``;
* `filtered`: Kalman filter, where a window moves the state by one step of Fisher scoring, with the
  delay of the raters used up by looking back on the affect of some seconds ago;
* `smoothed`: the Rauch-Tung-Striebel smoother over the whole trial.

Both expect the label: the mean over what remains unknown, which has the least squared error. The
raters' own noise remains, so even an oracle's score is below 1. The likelihood is approximate and
moves the state once a window, so the true ceiling lies a little higher.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.labels import DIMENSIONS
from eeg_emotion_env.simulation.affect import GRID_HZ, stimulus_process
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.kalman import Path, PersonModel
from eeg_emotion_env.simulation.raters import at_times, followed, rater_biases, step_ends
from eeg_emotion_env.simulation.recording import simulate_labels, simulate_trial
from eeg_emotion_env.simulation.whittle import Array
from eeg_emotion_env.trial import FloatArray, Trial

LOOK_BACK_S = 5.0
"""Affect older than this and the raters' delay is not estimated again when a window comes in."""


@dataclass(frozen=True, eq=False)
class OracleTrial:
    """Expected labels of one trial.

    Attributes
    ----------
    filtered : ndarray, shape (n_steps, 2), float32
        Given the EEG of the session up to the end of each step.
    smoothed : ndarray, shape (n_steps, 2), float32
        Given the EEG of the session up to the end of the trial.
    """

    filtered: FloatArray
    smoothed: FloatArray


def oracle_session(
    config: SimulationConfig,
    subject: int,
    session: int,
    recordings: Iterable[NDArray[np.floating]] | None = None,
) -> tuple[OracleTrial, ...]:
    """Expected labels of the trials of a session.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    subject, session : int
        Ids, each from 1.
    recordings : iterable of ndarray or None, each (n_channels, n_times), microvolts
        Raw EEG of the first trials of the session, in order; None simulates that of all.

    Returns
    -------
    tuple of OracleTrial
        One for each recording. What is learnt of the slow drift is kept from trial to trial, as
        in the generator; nothing else is.
    """
    model = PersonModel(config, subject, session)
    if recordings is None:
        numbers = range(1, config.n_trials + 1)
        recordings = (simulate_trial(config, subject, session, n).eeg for n in numbers)
    before, found = None, []
    for number, eeg in enumerate(recordings, start=1):
        clip, seconds = config.clip(session, number), config.seconds(session, number)
        stimulus = stimulus_process(config, clip, seconds * GRID_HZ + 1)
        windows = model.likelihood.project(eeg[:, : round(seconds * config.sfreq)])
        ticks = model.hop_s * np.arange(1, len(windows) + 1, dtype=np.float64)
        path = Path(model, model.start(before))
        for row, z in zip(at_times(stimulus, ticks), windows, strict=True):
            path.append(row, z)
        times = step_ends(config, session, number)
        found.append(_labels(model, path, stimulus, times, len(windows)))
        before = path.end()
    return tuple(found)


def _labels(
    model: PersonModel, path: Path, stimulus: Array, times: Array, n_windows: int
) -> OracleTrial:
    """Expected labels at `times`, by the filter and by the smoother."""
    hop_s = model.hop_s
    affect = np.zeros_like(stimulus)
    _estimate(model, path, stimulus, affect, (0, n_windows))
    smoothed = _heard(model.config, affect, times)
    filtered = np.empty_like(smoothed)
    affect, before = np.zeros_like(stimulus), 0
    look_back = int((LOOK_BACK_S + model.config.label_lag_s) / hop_s)
    for step, time in enumerate(times):
        last = min(max(int(time / hop_s + 1e-6) - 1, 0), n_windows)
        _estimate(model, path, stimulus, affect, (max(min(before, last - look_back), 0), last))
        n_rows = int(np.ceil(time * GRID_HZ)) + 1
        filtered[step] = _heard(model.config, affect[:n_rows], times[step : step + 1])[0]
        before = last
    return OracleTrial(filtered.astype(np.float32), smoothed.astype(np.float32))


def _estimate(
    model: PersonModel, path: Path, stimulus: Array, affect: Array, ticks: tuple[int, int]
) -> None:
    """Set the expected affect, on the grid, from the first of two ticks to shortly after both.

    Labels end less than two hops after the centre of the last window before them: the affect up to
    there is predicted.
    """
    first, last = ticks
    known = model.hop_s * np.arange(first, last + 3)
    grid = np.arange(len(affect)) / GRID_HZ
    rows = slice(*np.searchsorted(grid, [known[0], known[-1] + 1 / GRID_HZ]))
    own, variance = (
        np.stack([np.interp(grid[rows], known, column) for column in values.T], axis=1)
        for values in path.own(first, last, ahead=2)
    )
    affect[rows], _ = model.affect(stimulus[rows], own, variance)


def _heard(config: SimulationConfig, affect: Array, times: Array) -> Array:
    """Mean annotation of raters without noise at `times`, from the affect on the grid."""
    gains, offsets = rater_biases(config)
    seen = at_times(followed(config, affect), times - config.label_lag_s)
    return np.asarray(np.clip(gains.mean(axis=0) * seen + offsets.mean(axis=0), -1.0, 1.0))


_kept_session = lru_cache(maxsize=256)(oracle_session)


def oracle_labels(config: SimulationConfig, subject: int, session: int, trial: int) -> OracleTrial:
    """Expected labels of one trial (see `oracle_session`, whose results are kept)."""
    return _kept_session(config, subject, session)[trial - 1]


def is_generated(trial: Trial) -> bool:
    """Say whether the labels of a trial are those that its simulation's raters gave.

    They are not where a data set's layout turned them into something else (intensities, classes,
    joystick values), or where they were shifted: an oracle of the raters is no ceiling there.

    Parameters
    ----------
    trial : Trial
        With its labels.

    Returns
    -------
    bool
        True if an oracle may predict it.
    """
    config = trial.simulation
    if config is None or trial.step_s != config.step_s:
        return False
    try:
        labels, _ = simulate_labels(config, int(trial.subject), trial.session, trial.trial)
    except ValueError:
        return False
    if not set(trial.label_names) <= set(DIMENSIONS):
        return False
    mine = labels[:, [DIMENSIONS.index(name) for name in trial.label_names]]
    annotated = ~np.isnan(trial.labels)
    return mine.shape == annotated.shape and bool(
        np.allclose(mine[annotated], trial.labels[annotated], atol=1e-3)
    )
