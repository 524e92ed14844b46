"""Splits of trials into training and test parts; whole subjects only, never windows of a trial."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.trial import TrialKey


@dataclass(frozen=True)
class Fold:
    """Positions of training and test trials.

    Attributes
    ----------
    number : int
        Fold, from 0.
    train, test : tuple of int
        Positions in the sequence of keys; disjoint, and no subject is in both.
    """

    number: int
    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True)
class Split:
    """A named list of folds; `fingerprint` changes if any trial moves.

    Attributes
    ----------
    name : str
        Name of the protocol.
    folds : tuple of Fold
        In order.
    fingerprint : str
        SHA-256 of name, trials and folds.
    """

    name: str
    folds: tuple[Fold, ...]
    fingerprint: str


def leave_subject_out(keys: Sequence[TrialKey], n_folds: int | None = None) -> list[list[int]]:
    """One fold a subject; `n_folds` is not used."""
    from sklearn.model_selection import LeaveOneGroupOut

    folds = LeaveOneGroupOut().split(keys, groups=_subjects(keys))
    return [test.tolist() for _, test in folds]


def grouped_k_fold(keys: Sequence[TrialKey], n_folds: int | None = None) -> list[list[int]]:
    """`n_folds` folds (default 5) of whole subjects, of about equal numbers of trials."""
    from sklearn.model_selection import GroupKFold

    subjects = _subjects(keys)
    wanted = n_folds or min(5, len(set(subjects)))
    if not 2 <= wanted <= len(set(subjects)):
        raise ConfigError(
            f"grouped-k-fold needs between 2 and {len(set(subjects))} folds (the number of "
            f"subjects), not {wanted}"
        )
    return [test.tolist() for _, test in GroupKFold(wanted).split(keys, groups=subjects)]


SPLITS: dict[str, Callable[[Sequence[TrialKey], int | None], list[list[int]]]] = {
    "leave-subject-out": leave_subject_out,
    "grouped-k-fold": grouped_k_fold,
}
"""Every protocol by name: a function from keys to the test positions of each fold."""


def make_split(name: str, keys: Sequence[TrialKey], n_folds: int | None = None) -> Split:
    """Split trials by a named protocol.

    Parameters
    ----------
    name : str
        One of `SPLITS`.
    keys : sequence of TrialKey
        Trials.
    n_folds : int or None
        Folds of ``grouped-k-fold``.

    Returns
    -------
    Split
        Folds in order.

    Raises
    ------
    ConfigError
        If the name is unknown or there are fewer than three subjects: one to test, one to train,
        and one to stop training early.
    """
    check_choice("split", name, SPLITS)
    if n_folds is not None and name != "grouped-k-fold":
        raise ConfigError(f"n_folds is for grouped-k-fold; {name} has one fold a subject")
    n_subjects = len(set(_subjects(keys)))
    if n_subjects < 3:
        raise ConfigError(
            f"{name} needs at least 3 subjects (test, training, early stopping), not {n_subjects}"
        )
    everything = set(range(len(keys)))
    tests = SPLITS[name](keys, n_folds)
    folds = tuple(
        Fold(number, tuple(sorted(everything - set(test))), tuple(test))
        for number, test in enumerate(tests)
    )
    content = [name, [astuple(key) for key in keys], [fold.test for fold in folds]]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return Split(name, folds, digest)


def _subjects(keys: Sequence[TrialKey]) -> list[str]:
    return [str(key.subject) for key in keys]
