"""Entries trained on labels that are out of step: ``--entries benchmarks.shifted_labels:ridge,…``.

The labels of each training trial are moved by half of the trial, circularly. They keep their mean,
spread and smoothness and no longer tell what the EEG says when. They still tell which trials are
high and which are low: what an entry learns from that holds within trials as well, so its score
falls, but not to its null interval. `benchmarks.swapped_labels` takes that away too.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.counterparts import Family
from eeg_emotion_env.trial import Trial

MARK = " (shifted labels)"


def half_shifted(trials: Sequence[Trial]) -> list[Trial]:
    """Move the labels of each trial by half of it, circularly.

    Parameters
    ----------
    trials : sequence of Trial
        Trials with labels.

    Returns
    -------
    list of Trial
        The same with the label of step t at t + n / 2.
    """
    return [t.replace(labels=np.roll(t.labels, t.n_steps // 2, axis=0)) for t in trials]


FAMILY = Family(__name__, MARK, "trained on labels moved by half a trial", half_shifted)

shifted_labels = FAMILY.of
"""Makes the counterpart of an entry of one's own: ``class Mine2(shifted_labels(Mine)): ...``."""

__getattr__ = FAMILY.named
