"""Choosing settings inside the fold: the same budget, parts and criterion for every entry."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from benchmarks.entries.base import FloatArray
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial
from encoders.groups import hold_out

BUDGET = 3
"""Settings that an entry may try, each on the same validation part."""

VALIDATION_SHARE = 0.2

Predict = Callable[[Trial], FloatArray]
Setting = TypeVar("Setting")
Fitted = TypeVar("Fitted", bound=Predict)


def split_for_validation(train: Sequence[Trial], seed: int) -> tuple[list[Trial], list[Trial]]:
    """Keep some training subjects out (or trials, if there is one subject).

    Parameters
    ----------
    train : sequence of Trial
        Training trials.
    seed : int
        Seed of the draw.

    Returns
    -------
    fitting, validation : list of Trial
        Disjoint parts; the second holds a fifth of the groups, one at least.
    """
    groups = validation_groups([trial.key for trial in train])
    kept_out = hold_out(groups, VALIDATION_SHARE, seed)
    parts: tuple[list[Trial], list[Trial]] = ([], [])
    for trial, group in zip(train, groups, strict=True):
        parts[group in kept_out].append(trial)
    return parts


def validation_score(predict: Predict, trials: Sequence[Trial]) -> float:
    """Mean over subjects of the CCC of their concatenated trials.

    Subjects whose label is constant are left out; without any other, minus the root mean squared
    error.

    Parameters
    ----------
    predict : callable
        Maps a trial to predictions.
    trials : sequence of Trial
        Validation trials, with labels.

    Returns
    -------
    float
        Higher is better.
    """
    subjects = dict.fromkeys(str(trial.subject) for trial in trials)
    scores = []
    for subject in subjects:
        mine = [trial for trial in trials if str(trial.subject) == subject]
        scores.append(
            score_concatenated(
                [trial.labels for trial in mine],
                [predict(trial) for trial in mine],
                trials[0].label_names,
            )
        )
    ccc = [score["ccc"] for score in scores if np.isfinite(score["ccc"])]
    errors = [score["rmse"] for score in scores if np.isfinite(score["rmse"])]
    return float(np.mean(ccc)) if ccc else -float(np.mean(errors)) if errors else -np.inf


def best_of(
    settings: Sequence[Setting],
    fit: Callable[[Setting], Fitted],
    validation: Sequence[Trial],
) -> tuple[Setting, Fitted]:
    """Fit each of the settings and return the one that predicts the validation part best.

    Parameters
    ----------
    settings : sequence
        At most `BUDGET` of them; of equals, the first wins.
    fit : callable
        Fits one of them on the fitting part and returns its prediction function.
    validation : sequence of Trial
        Validation part.

    Returns
    -------
    setting, predict
        The best one and its fitted prediction function.
    """
    if not 1 <= len(settings) <= BUDGET:
        raise ValueError(f"an entry may try 1 to {BUDGET} settings, not {len(settings)}")
    fitted = [fit(setting) for setting in settings]
    if len(fitted) == 1:
        return settings[0], fitted[0]
    scores = [validation_score(predict, validation) for predict in fitted]
    best = int(np.argmax(scores))
    return settings[best], fitted[best]
