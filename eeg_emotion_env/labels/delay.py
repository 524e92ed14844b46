"""The annotators' delay: labels describe the affect of some seconds before.

Training labels are moved earlier by the delay, so that a model learns what the EEG says now; its
predictions are moved later by the same, so that they can be scored on labels as they are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import FloatArray, Trial

AUTO = "auto"
"""Asks for an estimate from the training trials."""

LONGEST_DELAY_S = 6.0
"""Longest delay that `estimate_delay` tries, seconds (annotators lag by 1 to 6)."""

SMOOTHING_S = 2.0
"""Time constant of the causal average of the features, seconds."""

PENALTY = 1e3
INNER_FOLDS = 3

LOWEST_CORRELATION = 0.1
"""Below this, or below three times its standard error, there is nothing to tell a delay from."""


def shift_labels(trial: Trial, delay_s: float) -> Trial:
    """Move the labels of a trial earlier; its last seconds become unannotated.

    Parameters
    ----------
    trial : Trial
        The trial.
    delay_s : float
        Seconds, rounded to whole steps; 0 returns the trial.

    Returns
    -------
    Trial
        Label of step t is what the annotation says at t + `delay_s`.
    """
    steps = delay_steps(delay_s, trial.step_s)
    if steps == 0:
        return trial
    labels = np.full_like(trial.labels, np.nan)
    labels[: max(0, trial.n_steps - steps)] = trial.labels[steps:]
    return trial.replace(labels=labels)


def delayed(predictions: NDArray[np.floating], steps: int) -> FloatArray:
    """Move predictions later by whole steps; the first one holds until then.

    Parameters
    ----------
    predictions : ndarray, shape (n_steps, n_dims)
        Predictions of the affect at each step.
    steps : int
        Annotators' delay in steps.

    Returns
    -------
    ndarray, shape (n_steps, n_dims), float32
        Row t is the prediction of step t - `steps`.
    """
    places = np.maximum(np.arange(len(predictions)) - steps, 0)
    return np.asarray(predictions, dtype=np.float32)[places]


def checked_delay(label_delay_s: float) -> float:
    """Return a delay if it is a number of seconds from 0, else raise `ConfigError`."""
    is_number = isinstance(label_delay_s, int | float) and not isinstance(label_delay_s, bool)
    if not is_number or not 0 <= label_delay_s < np.inf:
        raise ConfigError(
            f"label_delay_s must be zero or positive seconds, not {label_delay_s!r} (an estimate, "
            "'auto', is for eegdancer train and leaderboard, inside the training part)"
        )
    return float(label_delay_s)


def delay_steps(delay_s: float, step_s: float) -> int:
    """Return a delay in whole steps.

    Raises
    ------
    ConfigError
        If it is negative or not finite.
    """
    # Halves round up: 2 s are a step of 4 s, not none.
    return int(checked_delay(delay_s) / step_s + 0.5)


def resolve_delay(label_delay_s: float | str, trials: Sequence[Trial]) -> float:
    """Return a delay in seconds: as given, or estimated from training trials for ``"auto"``.

    Parameters
    ----------
    label_delay_s : float or str
        Seconds, as a number or as text, or ``"auto"``; rounded to whole steps of the trials.
    trials : sequence of Trial
        Training trials, labels not shifted.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if label_delay_s == AUTO:
        return estimate_delay(trials)
    try:
        seconds = float(label_delay_s)
    except ValueError:
        seconds = np.nan
    if not 0 <= seconds < np.inf:
        raise ConfigError(
            f"label_delay_s must be 'auto' or zero or positive seconds, not {label_delay_s!r}"
        )
    if not trials:
        return seconds
    return delay_steps(seconds, trials[0].step_s) * trials[0].step_s


def estimate_delay(trials: Sequence[Trial], longest_s: float = LONGEST_DELAY_S) -> float:
    """Estimate the annotators' delay from training trials.

    For each delay, ridge regression on causally smoothed features is fitted to some of the
    subjects and scored, by the correlation within the trials, on the others; of all delays within
    one standard error of the best, the shortest is taken. Where features and labels have next to
    nothing to do with each other, it is 0.

    Parameters
    ----------
    trials : sequence of Trial
        Training trials of at least two subjects, labels not shifted.
    longest_s : float
        Longest delay to try, seconds.

    Returns
    -------
    float
        Delay in seconds, a multiple of the step.
    """
    step_s = trials[0].step_s
    candidates = range(int(longest_s / step_s + 1e-9) + 1)
    if len({trial.subject for trial in trials}) < 2 or len(candidates) < 2:
        return 0.0
    # One row a subject: its mean correlation for each delay.
    scores = np.array([_subject_scores(trials, steps) for steps in candidates]).T
    scores = scores[~np.isnan(scores).any(axis=1)]
    if not len(scores):
        return 0.0
    means = scores.mean(axis=0)
    best = int(means.argmax())
    own_error = scores[:, best].std() / np.sqrt(max(1, len(scores) - 1))
    if means[best] < max(LOWEST_CORRELATION, 3 * own_error):
        return 0.0
    # Paired differences to the best: subjects differ in level far more than delays do.
    worse = scores[:, [best]] - scores
    errors = worse.std(axis=0) / np.sqrt(max(1, len(scores) - 1))
    return float(np.flatnonzero(worse.mean(axis=0) <= errors)[0]) * step_s


def _subject_scores(trials: Sequence[Trial], steps: int) -> list[float]:
    """Mean correlation within the trials of each left-out subject, for one delay."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GroupKFold

    memory = float(np.exp(-trials[0].step_s / SMOOTHING_S))
    rows = [_smoothed(trial.features, memory) for trial in trials]
    labels = [shift_labels(trial, steps * trial.step_s).labels for trial in trials]
    subjects = [str(trial.subject) for trial in trials]
    folds = GroupKFold(min(INNER_FOLDS, len(set(subjects))))
    scores: dict[str, list[float]] = {subject: [] for subject in sorted(set(subjects))}
    for fit, test in folds.split(rows, groups=subjects):
        x, y = np.concatenate([rows[i] for i in fit]), np.concatenate([labels[i] for i in fit])
        annotated = ~np.isnan(y).any(axis=1)
        if not annotated.any():
            continue
        model = Ridge(PENALTY, solver="cholesky").fit(x[annotated], y[annotated])
        for i in test:
            guesses = model.predict(rows[i]).reshape(labels[i].shape)
            scores[subjects[i]] += _correlations(labels[i], guesses)
    return [float(np.mean(values)) if values else np.nan for values in scores.values()]


def _smoothed(features: FloatArray, memory: float) -> FloatArray:
    from scipy.signal import lfilter

    flat = features.reshape(len(features), -1)
    return np.asarray(lfilter([1 - memory], [1, -memory], flat, axis=0, zi=memory * flat[:1])[0])


def _correlations(labels: FloatArray, guesses: NDArray[np.floating]) -> list[float]:
    found = []
    for label, guess in zip(labels.T, guesses.T, strict=True):
        known = ~np.isnan(label)
        if known.sum() > 2 and label[known].std() > 1e-6 and guess[known].std() > 1e-9:
            found.append(float(np.corrcoef(label[known], guess[known])[0, 1]))
    return found
