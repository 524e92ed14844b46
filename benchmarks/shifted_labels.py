"""Entries trained on labels that are out of step: ``--entries benchmarks.shifted_labels:ridge,…``.

The labels of each training trial are moved by half of the trial, circularly. They keep their mean,
spread and smoothness and no longer tell what the EEG says when. Whatever an entry still scores
beyond its null interval does not come from the time course of the EEG: it would be a leak, or a
course that all trials have in common.
"""

import numpy as np

from benchmarks.counterparts import competitor, counterpart
from benchmarks.entries import Entry
from eeg_emotion_env.trial import Trial

MARK = " (shifted labels)"


def half_shifted(trial: Trial) -> Trial:
    """Move the labels of a trial by half of it, circularly.

    Parameters
    ----------
    trial : Trial
        Trial with labels.

    Returns
    -------
    Trial
        The same with the label of step t at t + n / 2.
    """
    return trial.replace(labels=np.roll(trial.labels, trial.n_steps // 2, axis=0))


def shifted_labels(kind: type[Entry]) -> type[Entry]:
    """Make the counterpart of an entry that is trained on shifted labels.

    Parameters
    ----------
    kind : type of Entry
        The entry.

    Returns
    -------
    type of Entry
        Its counterpart, to be assigned to a name of its module.
    """
    summary = "trained on labels moved by half a trial"
    return counterpart(kind, MARK, summary, half_shifted, lambda trial: trial, __name__)


def __getattr__(name: str) -> type[Entry]:
    """Return the counterpart of the entry of that name."""
    return shifted_labels(competitor(name, __name__))
