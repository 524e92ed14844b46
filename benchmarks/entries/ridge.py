"""`ridge`: linear regression on causally smoothed features, tuned inside the fold."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge as RidgeRegression
from sklearn.model_selection import GroupKFold

from benchmarks.entries.base import Entry, FloatArray, limited
from benchmarks.entries.rowwise import rows
from benchmarks.entries.tuning import validation_score
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial

SMOOTHINGS = (0.0, 0.4, 0.6, 0.8, 0.9)
PENALTIES = (1e1, 1e2, 1e3, 1e4)
INNER_FOLDS = 3


class Ridge(Entry):
    """Ridge regression on an exponential moving average of the features.

    Smoothing and penalty are those with the highest mean CCC over left-out training subjects. It
    may try more settings than others (`tuning.BUDGET`), since it takes a second: the baseline is to
    be as strong as it can be.
    """

    name = "ridge"
    summary = "linear regression on causally smoothed band power, tuned inside the fold"

    def fit(self, train: Sequence[Trial]) -> None:
        """Choose smoothing and penalty on training subjects, then fit on all of them."""
        scores = {s: _inner_scores(train, s) for s in SMOOTHINGS}
        self.smoothing = max(scores, key=lambda s: max(scores[s]))
        self.penalty = PENALTIES[int(np.argmax(scores[self.smoothing]))]
        self._model = _fitted(train, self.smoothing, self.penalty)

    def predict(self, trial: Trial) -> FloatArray:
        """Predict from smoothed features."""
        return _predicted(self._model, trial, self.smoothing)


def _inner_scores(train: Sequence[Trial], smoothing: float) -> list[float]:
    """Mean validation score over inner folds of training subjects, for each penalty."""
    groups = validation_groups([trial.key for trial in train])
    n_folds = min(INNER_FOLDS, len(set(groups)))
    if n_folds < 2:
        return [0.0 for _ in PENALTIES]
    scores: list[list[float]] = [[] for _ in PENALTIES]
    for fit, test in GroupKFold(n_folds).split(groups, groups=groups):
        for penalty, values in zip(PENALTIES, scores, strict=True):
            model = _fitted([train[i] for i in fit], smoothing, penalty)
            left_out = [train[i] for i in test]
            score = validation_score(lambda t, m=model: _predicted(m, t, smoothing), left_out)  # type: ignore[misc]
            values += [score] * len({str(trial.subject) for trial in left_out})
    return [float(np.mean(values)) for values in scores]


def _fitted(trials: Sequence[Trial], smoothing: float, penalty: float) -> RidgeRegression:
    x = np.concatenate([rows(trial, smoothing) for trial in trials])
    y = np.concatenate([trial.labels for trial in trials])
    annotated = ~np.isnan(y).any(axis=1)
    return RidgeRegression(alpha=penalty, solver="cholesky").fit(x[annotated], y[annotated])


def _predicted(model: RidgeRegression, trial: Trial, smoothing: float) -> FloatArray:
    return limited(model.predict(rows(trial, smoothing)).reshape(trial.n_steps, trial.n_dims))
