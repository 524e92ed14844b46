"""`ridge`: linear regression on causally smoothed features, tuned inside the fold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from sklearn.linear_model import Ridge as RidgeRegression
from sklearn.model_selection import GroupKFold

from benchmarks.entries.base import Entry, FloatArray, limited
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.trial import Trial

SMOOTHINGS = (0.0, 0.4, 0.6, 0.8, 0.9)
PENALTIES = (1e1, 1e2, 1e3, 1e4)
INNER_FOLDS = 3


class Ridge(Entry):
    """Ridge regression on an exponential moving average of the features.

    Smoothing and penalty are those with the highest mean CCC over left-out training subjects.
    """

    name = "ridge"
    summary = "linear regression on causally smoothed band power, tuned inside the fold"

    def fit(self, train: Sequence[Trial]) -> None:
        """Choose smoothing and penalty on training subjects, then fit on all of them."""
        scores = {s: _inner_scores(train, s) for s in SMOOTHINGS}
        self.smoothing = max(scores, key=lambda s: max(scores[s]))
        self.penalty = PENALTIES[int(np.argmax(scores[self.smoothing]))]
        rows = [_rows(trial, self.smoothing) for trial in train]
        self._model = _fitted(rows, [trial.labels for trial in train], self.penalty)

    def predict(self, trial: Trial) -> FloatArray:
        """Predict from smoothed features."""
        return _predicted(self._model, _rows(trial, self.smoothing), trial.n_dims)


def smooth(values: NDArray[np.floating], memory: float) -> FloatArray:
    """Causal exponential moving average along the first axis.

    Parameters
    ----------
    values : ndarray, shape (n_steps, ...)
        One row a step.
    memory : float
        Weight of the past in [0, 1); 0 returns the values.

    Returns
    -------
    ndarray, shape (n_steps, ...), float32
        Row t depends on rows up to t alone.
    """
    start = values[:1] * memory
    smoothed, _ = lfilter([1 - memory], [1, -memory], values, axis=0, zi=start)
    return np.asarray(smoothed, dtype=np.float32)


def _rows(trial: Trial, smoothing: float) -> FloatArray:
    return smooth(trial.features.reshape(trial.n_steps, -1), smoothing)


def _inner_scores(train: Sequence[Trial], smoothing: float) -> list[float]:
    """Mean subject CCC over left-out training subjects, for each penalty."""
    rows = [_rows(trial, smoothing) for trial in train]
    labels = [trial.labels for trial in train]
    subjects = [str(trial.subject) for trial in train]
    n_folds = min(INNER_FOLDS, len(set(subjects)))
    scores: list[list[float]] = [[] for _ in PENALTIES]
    for fit, test in GroupKFold(n_folds).split(rows, groups=subjects):
        for penalty, values in zip(PENALTIES, scores, strict=True):
            model = _fitted([rows[i] for i in fit], [labels[i] for i in fit], penalty)
            for subject in sorted({subjects[i] for i in test}):
                mine = [i for i in test if subjects[i] == subject]
                guesses = [_predicted(model, rows[i], labels[i].shape[1]) for i in mine]
                values.append(_selection_score([labels[i] for i in mine], guesses))
    return [float(np.mean(values)) for values in scores]


def _selection_score(labels: list[FloatArray], guesses: list[FloatArray]) -> float:
    """CCC of the concatenated trials; minus the RMSE where the label is constant."""
    names = [str(i) for i in range(labels[0].shape[1])]
    score = score_concatenated(labels, guesses, names)
    return score["ccc"] if np.isfinite(score["ccc"]) else -score["rmse"]


def _fitted(rows: list[FloatArray], labels: list[FloatArray], penalty: float) -> RidgeRegression:
    x, y = np.concatenate(rows), np.concatenate(labels)
    annotated = ~np.isnan(y).any(axis=1)
    return RidgeRegression(alpha=penalty, solver="cholesky").fit(x[annotated], y[annotated])


def _predicted(model: RidgeRegression, rows: FloatArray, n_dims: int) -> FloatArray:
    return limited(model.predict(rows).reshape(-1, n_dims))
