"""Regressors that see one row of causally smoothed features at a time."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from benchmarks.entries.base import Entry, FloatArray, limited
from benchmarks.entries.tuning import Predict, best_of, split_for_validation
from eeg_emotion_env.trial import Trial


class Regressor(Protocol):
    """What scikit-learn's regressors of one target have."""

    def fit(self, x: NDArray[Any], y: NDArray[Any]) -> Any:
        """Learn from rows."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Predict rows."""


class RowwiseEntry(Entry):
    """A regressor for each label dimension, on smoothed features, tuned inside the fold.

    Subclasses give the settings to try, at most `BUDGET` of them, and the regressor of a setting.
    The one that is chosen is fitted to all training trials again.
    """

    settings: tuple[Any, ...] = ()
    memory: float = 0.6

    @abstractmethod
    def make(self, setting: Any) -> Regressor:
        """Make an unfitted regressor."""

    def fit(self, train: Sequence[Trial]) -> None:
        """Choose a setting on left-out training subjects, then fit it to everybody."""
        fitting, validation = split_for_validation(train, self.seed)
        settings = self.settings[:1] if self.quick else self.settings
        self.setting, _ = best_of(settings, lambda s: self._fitted(s, fitting), validation)
        self._predict = self._fitted(self.setting, train)

    def predict(self, trial: Trial) -> FloatArray:
        """Predict each row."""
        return self._predict(trial)

    def _fitted(self, setting: Any, trials: Sequence[Trial]) -> Predict:
        x = np.concatenate([rows(trial, self.memory) for trial in trials])
        y = np.concatenate([trial.labels for trial in trials])
        models = []
        for label in y.T:
            known = np.flatnonzero(~np.isnan(label))
            known = self.thinned(known)
            model = self.make(setting)
            model.fit(x[known], label[known].astype(np.float64))
            models.append(model)

        def predict(trial: Trial) -> FloatArray:
            values = rows(trial, self.memory)
            return limited(np.stack([model.predict(values) for model in models], axis=1))

        return predict

    def thinned(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the training rows to use; all of them, unless a subclass says otherwise."""
        return places


def rows(trial: Trial, memory: float) -> FloatArray:
    """Return smoothed features, shape (n_steps, n_channels * n_bands)."""
    return smooth(trial.features.reshape(trial.n_steps, -1), memory)


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
