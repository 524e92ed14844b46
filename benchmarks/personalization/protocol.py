"""Who is new to which model, and which of a person's trials calibrate and which test."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from eeg_emotion_env.playback import Episode
from eeg_emotion_env.splits import grouped_k_fold
from eeg_emotion_env.trial import TrialKey

Groups = tuple[tuple[str, ...], ...]
"""Subjects of each fold."""


@dataclass(frozen=True)
class Unit:
    """One model to be trained, and the people who are new to it.

    Attributes
    ----------
    seed : int
        Seed of encoder and agent.
    left_out : tuple of int
        Folds that the model does not see. One: its people are tested. Two: for each of the two as
        the tested fold, the people of the other are training people who are played as if new;
        settings are chosen on them.
    """

    seed: int
    left_out: tuple[int, ...]

    @property
    def is_inner(self) -> bool:
        """Whether it serves to choose settings."""
        return len(self.left_out) == 2


def groups_of(keys: Sequence[TrialKey], n_folds: int) -> Groups:
    """Divide the subjects into folds.

    Parameters
    ----------
    keys : sequence of TrialKey
        All trials.
    n_folds : int
        Folds, at least 3 (a model that leaves two out needs people to train on).

    Returns
    -------
    Groups
        Subjects of each fold, each once.
    """
    tests = [test for _, test in grouped_k_fold(keys, n_folds)]
    return tuple(tuple(dict.fromkeys(str(keys[i].subject) for i in test)) for test in tests)


def units_of(n_folds: int, seeds: Sequence[int]) -> list[Unit]:
    """List the models: each fold with each seed, each pair of folds with the first seed."""
    outer = [Unit(seed, (fold,)) for seed in seeds for fold in range(n_folds)]
    return [Unit(seeds[0], pair) for pair in combinations(range(n_folds), 2)] + outer


def halves(episodes: Sequence[Episode]) -> tuple[list[Episode], list[Episode]]:
    """Split a person's episodes: the first half in time may calibrate, the second half tests.

    Parameters
    ----------
    episodes : sequence of Episode
        All episodes of one person.

    Returns
    -------
    tuple of list of Episode
        Calibration pool (one more where the number is odd) and test episodes; the latter is empty
        for a person of one episode, who cannot be tested.
    """
    ordered = sorted(episodes, key=lambda e: (e.key.session, e.key.trial))
    n_pool = (len(ordered) + 1) // 2
    return ordered[:n_pool], ordered[n_pool:]
