"""Protocols: how trials are split into training and test parts; never windows of a trial.

A protocol has a name, is a function of the trials' identities alone, and its folds have a
fingerprint: any trial that moves changes it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.trial import TrialKey

TRAINING_SHARE = 0.6
"""Share of a session's trials that ``within-subject-chronological`` trains on (SEED: 9 of 15)."""

STIMULUS_GROUPS = 3
"""Groups of stimuli that ``leave-subject-and-stimulus-out`` crosses with its subject folds."""

Parts = tuple[list[int], list[int]]
"""Positions of training and test trials."""


@dataclass(frozen=True)
class Fold:
    """Positions of training and test trials.

    Attributes
    ----------
    number : int
        Fold, from 0.
    train, test : tuple of int
        Positions in the sequence of keys; disjoint. What else they do not share is the protocol's.
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


@dataclass(frozen=True)
class Protocol:
    """A way of splitting trials.

    Attributes
    ----------
    name : str
        Name, as on the command line.
    summary : str
        What is new to the model in the test part, for people.
    parts : callable
        Keys and number of folds (or None) to training and test positions of each fold.
    takes_folds : bool
        Whether the number of folds can be chosen.
    """

    name: str
    summary: str
    parts: Callable[[Sequence[TrialKey], int | None], list[Parts]]
    takes_folds: bool = False


def leave_subject_out(keys: Sequence[TrialKey], n_folds: int | None = None) -> list[Parts]:
    """One fold a subject; `n_folds` is not used."""
    subjects = _subjects(keys)
    _require_subjects("leave-subject-out", subjects)
    return [_without(subjects, {subject}) for subject in sorted(set(subjects))]


def grouped_k_fold(keys: Sequence[TrialKey], n_folds: int | None = None) -> list[Parts]:
    """`n_folds` folds (default 5) of whole subjects, of about equal numbers of trials."""
    subjects = _subjects(keys)
    _require_subjects("grouped-k-fold", subjects)
    return [_without(subjects, group) for group in _groups(subjects, n_folds, 5, "subjects")]


def leave_stimulus_out(keys: Sequence[TrialKey], n_folds: int | None = None) -> list[Parts]:
    """`n_folds` folds (default 5) of whole stimuli: known people, clips that are new."""
    stimuli = _stimuli("leave-stimulus-out", keys)
    groups = _groups(stimuli, n_folds, 5, "stimuli", shuffle=True)
    return [_without(stimuli, group) for group in groups]


def leave_subject_and_stimulus_out(
    keys: Sequence[TrialKey], n_folds: int | None = None
) -> list[Parts]:
    """New people and new clips: `n_folds` groups of subjects (default 4) × 3 groups of stimuli.

    A fold trains on trials that share neither subject nor stimulus with its test trials; trials
    that share one of them are left out of it. Each trial is tested once.
    """
    name = "leave-subject-and-stimulus-out"
    subjects, stimuli = _subjects(keys), _stimuli(name, keys)
    _require_subjects(name, subjects)
    clips = _groups(stimuli, None, STIMULUS_GROUPS, "stimuli", shuffle=True)
    parts = []
    for people in _groups(subjects, n_folds, 4, "subjects"):
        for group in clips:
            inside = [(s in people, c in group) for s, c in zip(subjects, stimuli, strict=True)]
            train = [i for i, (person, clip) in enumerate(inside) if not person and not clip]
            test = [i for i, (person, clip) in enumerate(inside) if person and clip]
            if train and test:
                parts.append((train, test))
    return parts


def cross_session(keys: Sequence[TrialKey], n_folds: int | None = None) -> list[Parts]:
    """One fold a session: known people on another day; `n_folds` is not used."""
    sessions = [str(key.session) for key in keys]
    if len(set(sessions)) < 2:
        raise ConfigError("cross-session needs at least two sessions; the data have one")
    return [_without(sessions, {session}) for session in sorted(set(sessions), key=int)]


def within_subject_chronological(
    keys: Sequence[TrialKey], n_folds: int | None = None
) -> list[Parts]:
    """One fold a subject and session: its first 60 % of trials train, the rest test.

    Sessions of one trial are left out; `n_folds` is not used.
    """
    sessions: dict[tuple[str, int], list[int]] = {}
    for place, key in enumerate(keys):
        sessions.setdefault((str(key.subject), key.session), []).append(place)
    parts = []
    for places in sessions.values():
        ordered = sorted(places, key=lambda i: keys[i].trial)
        n_train = min(max(1, round(TRAINING_SHARE * len(ordered))), len(ordered) - 1)
        if n_train:
            parts.append((sorted(ordered[:n_train]), sorted(ordered[n_train:])))
    if not parts:
        raise ConfigError("within-subject-chronological needs sessions of at least two trials")
    return parts


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("leave-subject-out", "new people, clips that others have seen", leave_subject_out),
        Protocol(
            "leave-subject-and-stimulus-out",
            "new people and new clips",
            leave_subject_and_stimulus_out,
            takes_folds=True,
        ),
        Protocol(
            "leave-stimulus-out", "known people, new clips", leave_stimulus_out, takes_folds=True
        ),
        Protocol("cross-session", "known people on another day", cross_session),
        Protocol(
            "within-subject-chronological",
            "one person's later trials, trained on the earlier ones of the session",
            within_subject_chronological,
        ),
        Protocol(
            "grouped-k-fold",
            "new people in groups, clips that others have seen",
            grouped_k_fold,
            takes_folds=True,
        ),
    )
}
"""Every protocol by name."""


def make_split(name: str, keys: Sequence[TrialKey], n_folds: int | None = None) -> Split:
    """Split trials by a named protocol.

    Parameters
    ----------
    name : str
        One of `PROTOCOLS`.
    keys : sequence of TrialKey
        Trials.
    n_folds : int or None
        Folds, for protocols that let them be chosen.

    Returns
    -------
    Split
        Folds in order.

    Raises
    ------
    ConfigError
        If the name is unknown, or the trials do not allow the protocol: too few subjects (three
        are needed: one to test, one to train, one to stop training early), stimuli that are not
        known, one session.
    """
    protocol = PROTOCOLS[check_choice("split", name, PROTOCOLS)]
    if n_folds is not None and not protocol.takes_folds:
        chosen = ", ".join(p.name for p in PROTOCOLS.values() if p.takes_folds)
        raise ConfigError(f"n_folds is for {chosen}; the folds of {name} are given")
    parts = protocol.parts(keys, n_folds)
    folds = tuple(
        Fold(number, tuple(train), tuple(test)) for number, (train, test) in enumerate(parts)
    )
    content = [name, [astuple(key) for key in keys], [astuple(fold) for fold in folds]]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return Split(name, folds, digest)


def validation_groups(keys: Sequence[TrialKey]) -> list[str]:
    """Name the groups that validation inside a training part must not tear apart.

    Parameters
    ----------
    keys : sequence of TrialKey
        Training trials.

    Returns
    -------
    list of str
        The subject of each trial; where all trials are of one subject, each trial is its own.
    """
    subjects = _subjects(keys)
    if len(set(subjects)) > 1:
        return subjects
    return [f"{key.subject}/{key.session}/{key.trial}" for key in keys]


def _subjects(keys: Sequence[TrialKey]) -> list[str]:
    return [str(key.subject) for key in keys]


def _require_subjects(name: str, subjects: Sequence[str]) -> None:
    n_subjects = len(set(subjects))
    if n_subjects < 3:
        raise ConfigError(
            f"{name} needs at least 3 subjects (test, training, early stopping), not {n_subjects}"
        )


def _stimuli(name: str, keys: Sequence[TrialKey]) -> list[str]:
    unknown = next((key for key in keys if key.stimulus is None), None)
    if unknown is not None:
        raise ConfigError(
            f"{name} needs to know the stimuli, which {unknown.dataset} does not tell; use "
            "leave-subject-out"
        )
    return [str(key.stimulus) for key in keys]


def _without(values: Sequence[str], test: set[str]) -> Parts:
    """Split positions by whether their value is among those tested."""
    return (
        [i for i, value in enumerate(values) if value not in test],
        [i for i, value in enumerate(values) if value in test],
    )


def _groups(
    values: Sequence[str], wanted: int | None, default: int, what: str, shuffle: bool = False
) -> list[set[str]]:
    """Divide the values into groups of about equal numbers of trials."""
    from sklearn.model_selection import GroupKFold

    n_values = len(set(values))
    n_groups = wanted or min(default, n_values)
    if not 2 <= n_groups <= n_values:
        raise ConfigError(
            f"needs between 2 and {n_values} folds (the number of {what}), not {n_groups}"
        )
    folds = GroupKFold(n_groups, shuffle=True, random_state=0) if shuffle else GroupKFold(n_groups)
    return [{values[i] for i in test} for _, test in folds.split(values, groups=values)]
