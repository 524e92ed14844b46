"""`stimulus-time-mean`: what other people felt at this second of this stimulus."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.entries.base import Entry, FloatArray, label_mean, limited
from eeg_emotion_env.trial import Trial


class StimulusTimeMean(Entry):
    """Mean training label of the same stimulus and step; it never looks at the EEG.

    Where all subjects see the same stimuli this is the reference that an EEG model has to beat
    before it can be said to read emotion and not to recognise the clip.
    """

    name = "stimulus-time-mean"
    summary = "mean training label of the same stimulus at the same second, no EEG"
    needs_stimuli = True

    def fit(self, train: Sequence[Trial]) -> None:
        """Average the labels of each stimulus, step by step."""
        self._fallback = label_mean(train)
        self._tracks = {
            stimulus: self._mean_track([t.labels for t in train if t.stimulus == stimulus])
            for stimulus in {trial.stimulus for trial in train} - {None}
        }

    def predict(self, trial: Trial) -> FloatArray:
        """Return the stimulus's mean track; the overall mean where there is none."""
        track = self._tracks.get(trial.stimulus, np.empty((0, trial.n_dims)))
        values = np.tile(self._fallback, (trial.n_steps, 1))
        n_known = min(len(track), trial.n_steps)
        known = ~np.isnan(track[:n_known])
        values[:n_known][known] = track[:n_known][known]
        return limited(values)

    @staticmethod
    def _mean_track(tracks: list[FloatArray]) -> NDArray[np.float64]:
        total = np.zeros((max(map(len, tracks)), tracks[0].shape[1]))
        count = np.zeros_like(total)
        for track in tracks:
            annotated = ~np.isnan(track)
            total[: len(track)] += np.where(annotated, track, 0.0)
            count[: len(track)] += annotated
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
