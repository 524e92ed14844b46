"""Entries trained on labels of other trials: ``--entries benchmarks.swapped_labels:ridge,…``.

Each training trial gets the label track of another training trial, drawn at random, repeated or cut
to its length. Nothing ties labels to EEG any more, neither in time nor from trial to trial. An
entry that still scores has seen something that it must not see.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.counterparts import Family
from eeg_emotion_env.trial import Trial

MARK = " (swapped labels)"
SEED = 20261125
"""One draw for all entries."""


def swapped(trials: Sequence[Trial]) -> list[Trial]:
    """Give each trial the labels of another one.

    Parameters
    ----------
    trials : sequence of Trial
        Trials with labels.

    Returns
    -------
    list of Trial
        The same trials; the tracks are a permutation that leaves none in its place, if there is
        more than one.
    """
    order = np.random.default_rng(SEED).permutation(len(trials))
    others = dict(zip(order, np.roll(order, 1), strict=True))
    return [
        trial.replace(labels=np.resize(trials[others[i]].labels, trial.labels.shape))
        for i, trial in enumerate(trials)
    ]


FAMILY = Family(__name__, MARK, "trained on labels of other trials", swapped)

swapped_labels = FAMILY.of
"""Makes the counterpart of an entry of one's own: ``class Mine2(swapped_labels(Mine)): ...``."""

__getattr__ = FAMILY.named
