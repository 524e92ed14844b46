"""Entries trained on labels that are out of step and tell no trial from another.

``--entries benchmarks.levelled_labels:ridge,…``: each training trial's labels are brought to the
mean of all (its own level is gone) and then moved by half of the trial, circularly. Nothing is left
that an honest entry could learn: `benchmarks.shifted_labels` keeps the levels, and what entries
learn from those holds within trials as well. An entry may well fall *below* its null interval: the
half-trial shift of a slow track runs against the track itself.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.counterparts import competitor, counterpart
from benchmarks.entries import Entry
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


def _levelled_and_shifted(trials: Sequence[Trial]) -> list[Trial]:
    return half_shifted(levelled(trials))


def levelled_labels(kind: type[Entry]) -> type[Entry]:
    """Make the counterpart of an entry that is trained on levelled and shifted labels.

    Parameters
    ----------
    kind : type of Entry
        The entry.

    Returns
    -------
    type of Entry
        Its counterpart, to be assigned to a name of its module.
    """
    summary = "trained on labels of one level, moved by half a trial"
    return counterpart(kind, MARK, summary, _levelled_and_shifted, lambda trial: trial, __name__)


def __getattr__(name: str) -> type[Entry]:
    """Return the counterpart of the entry of that name."""
    return levelled_labels(competitor(name, __name__))
