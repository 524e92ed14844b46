"""Entries trained on labels that are out of step and tell no trial from another.

``--entries benchmarks.levelled_labels:ridge,…``: each training trial's labels are brought to the
mean of all (its own level is gone) and then moved by half of the trial, circularly. Nothing is left
that an honest entry could learn: `benchmarks.shifted_labels` keeps the levels, and what entries
learn from those holds within trials as well. An entry may well fall *below* its null interval: the
half-trial shift of a slow track runs against the track itself.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.counterparts import Family
from benchmarks.shifted_labels import half_shifted
from eeg_emotion_env.trial import Trial

MARK = " (levelled, shifted labels)"


def levelled(trials: Sequence[Trial]) -> list[Trial]:
    """Bring the labels of each trial to the mean of all.

    Parameters
    ----------
    trials : sequence of Trial
        Trials with labels.

    Returns
    -------
    list of Trial
        The same; the mean of each trial's annotated labels is that of all, within [-1, 1].
    """
    overall = np.nanmean(np.concatenate([trial.labels for trial in trials]), axis=0)
    return [_at(trial, overall) for trial in trials]


def _at(trial: Trial, mean: np.ndarray) -> Trial:
    if np.isnan(trial.labels).all():
        return trial
    moved = trial.labels - np.nanmean(trial.labels, axis=0) + mean
    return trial.replace(labels=np.clip(moved, -1.0, 1.0).astype(np.float32))


FAMILY = Family(
    __name__,
    MARK,
    "trained on labels of one level, moved by half a trial",
    lambda trials: half_shifted(levelled(trials)),
)

levelled_labels = FAMILY.of
"""Makes the counterpart of an entry of one's own: ``class Mine2(levelled_labels(Mine)): ...``."""

__getattr__ = FAMILY.named
