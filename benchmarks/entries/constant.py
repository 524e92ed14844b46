"""`constant`: the mean label of the training trials, whatever the EEG."""

from collections.abc import Sequence

import numpy as np

from benchmarks.entries.base import Entry, FloatArray, label_mean, limited
from eeg_emotion_env.trial import Trial


class Constant(Entry):
    """The floor: what is known without looking at the EEG."""

    name = "constant"
    summary = "mean label of the training trials"

    def fit(self, train: Sequence[Trial]) -> None:
        """Keep the mean label."""
        self._mean = label_mean(train)

    def predict(self, trial: Trial) -> FloatArray:
        """Repeat the mean label for every step."""
        return limited(np.tile(self._mean, (trial.n_steps, 1)))
