"""What an audit works on: one fold of few trials, and the entry's undisturbed answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.audit import probes
from benchmarks.audit.jobs import Outcome, Task, run_tasks, start_method
from benchmarks.audit.planting import given
from benchmarks.audit.worlds import Plant, identity
from benchmarks.entries import Entry, resolve_entry
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import Fold, Split
from eeg_emotion_env.trial import FloatArray, Trial, TrialKey

ALONE = "alone/"
"""What names of questions about a test trial as it is start with."""

ROUNDING = 1e-5
"""Largest difference of rows that were computed from arrays of other lengths or content."""


@dataclass(frozen=True)
class Setting:
    """An entry on one fold.

    Attributes
    ----------
    entry : str
        Name or import path.
    train : tuple of Trial
        Training trials as the runner hands them over: labelled, without what generated them.
    test : tuple of Trial
        Test trials as the runner hands them over.
    labels : tuple of ndarray, each (n_steps, n_dims)
        Labels of the test trials, which no audited process is told.
    earlier : tuple of tuple of Trial
        Training and test trials of another fold; both empty if there is none.
    seed : int
        Seed of the entry.
    quick : bool
        Whether training is cut short.
    folders : tuple of str
        Folders and files of the recordings.
    method : str
        How processes are started, as `multiprocessing` names it.
    written : list of str
        Files that jobs have written outside their own folder so far.
    uncopied : list of str
        Why the entry could not be copied, if it could not.
    """

    entry: str
    train: tuple[Trial, ...]
    test: tuple[Trial, ...]
    labels: tuple[FloatArray, ...]
    earlier: tuple[tuple[Trial, ...], tuple[Trial, ...]] = ((), ())
    seed: int = 0
    quick: bool = True
    folders: tuple[str, ...] = ()
    method: str = field(default_factory=start_method)
    written: list[str] = field(default_factory=list)
    uncopied: list[str] = field(default_factory=list)

    @property
    def kind(self) -> type[Entry]:
        """The entry's class."""
        return resolve_entry(self.entry)

    @cached_property
    def probes(self) -> tuple[probes.Probe, ...]:
        """Questions beside the test trials as they are."""
        return (
            *probes.future(self.test),
            *probes.length(self.test),
            *probes.other_trials(self.test),
            *probes.stimulus(self.test),
            *probes.identity(self.test, self.train),
        )

    @cached_property
    def base(self) -> Outcome:
        """What the entry answers when nothing is planted, to all questions.

        Raises
        ------
        ConfigError
            If it fails.
        """
        questions = {**self.alone, **{probe.name: probe.trials for probe in self.probes}}
        (outcome,) = self.run(self.task(questions=questions, is_inspected=True))
        error = failure(outcome)
        if error:
            raise ConfigError(f"entry {self.entry} fails where nothing is planted: {error}")
        return outcome

    @cached_property
    def is_steady(self) -> bool:
        """Whether the same job gives the same predictions twice."""
        (again,) = self.run(self.task())
        return not failure(again) and not difference(answers_alone(self.base), answers_alone(again))

    @property
    def alone(self) -> dict[str, tuple[Trial, ...]]:
        """Each test trial as a question of its own."""
        return one_by_one(self.test)

    def task(self, **changes: Any) -> Task:
        """Return the job of the fold, with something changed."""
        plain: dict[str, Any] = {
            "entry": self.entry,
            "seed": self.seed,
            "quick": self.quick,
            "train": self.train,
            "questions": self.alone,
            "plant": self.plant(),
        }
        return Task(**{**plain, **changes})

    def plant(self, what: str = "") -> Plant:
        """Return a world in which the test trials that an entry finds by itself are changed."""
        return Plant(frozenset(identity(trial.key) for trial in self.test), what)

    def run(self, *tasks: Task, hash_seed: int | None = None) -> list[Outcome]:
        """Run tasks one after another in one new process; a new interpreter for a hash seed.

        Forked ones share what the tests have patched, and cannot have a hash seed of their own.
        """
        is_forked = self.method == "fork"
        method = self.method if hash_seed is None or is_forked else "spawn"
        outcomes = run_tasks(tasks, self.folders, method, hash_seed)
        for outcome in outcomes:
            self.written.extend(outcome.written)
            self.uncopied.extend(outcome.uncopied)
        return outcomes


def one_by_one(trials: Sequence[Trial]) -> dict[str, tuple[Trial, ...]]:
    """Return each trial as a question of its own."""
    return {f"{ALONE}{place}": (trial,) for place, trial in enumerate(trials)}


def failure(outcome: Outcome) -> str:
    """Return what was raised by `fit` or for a test trial as it is, one line; empty if nothing."""
    raised = [line for name, line in outcome.failures.items() if name.startswith(ALONE)]
    return outcome.error or next(iter(raised), "")


def answers_alone(outcome: Outcome) -> list[FloatArray]:
    """Return the predictions of the test trials, each asked alone."""
    named = (name for name in outcome.answers if name.startswith(ALONE))
    return [outcome.answers[name][0] for name in named]


def difference(
    before: Sequence[FloatArray], after: Sequence[FloatArray], n_rows: int | None = None
) -> float:
    """Return the largest difference between predictions, in their first rows."""
    return max(
        float(np.abs(a[:n_rows].astype(np.float64) - b[:n_rows]).max())
        for a, b in zip(before, after, strict=True)
    )


def make_setting(
    entry: str,
    trials: Sequence[Trial],
    split: Split,
    fold: int = 0,
    **options: Any,
) -> Setting:
    """Prepare an audit.

    Parameters
    ----------
    entry : str
        Name or import path.
    trials : sequence of Trial
        All trials, labelled, in the order of the split.
    split : Split
        Folds.
    fold : int
        Fold to audit.
    **options
        `Setting.seed`, `Setting.quick`, `Setting.folders` and `Setting.method`.

    Returns
    -------
    Setting
        Ready for `audit`.

    Raises
    ------
    ConfigError
        If the entry or the fold does not exist, or the entry cannot run on these trials.
    """
    kind = resolve_entry(entry)
    lack = kind.lack(trials)
    if lack:
        raise ConfigError(f"entry {entry} needs {lack}; audit it on another data set")
    check_fold(split, fold)
    audited = split.folds[fold]
    other = _earlier_fold(split, audited)

    def parts(chosen: Fold) -> tuple[tuple[Trial, ...], tuple[Trial, ...]]:
        train = tuple(_trained_on(trials[i]) for i in chosen.train)
        return train, tuple(_tested(trials[i], kind) for i in chosen.test)

    train, test = parts(audited)
    labels = tuple(trials[i].labels for i in audited.test)
    earlier = parts(other) if other is not None else ((), ())
    return Setting(entry, train, test, labels, earlier, **options)


def check_fold(split: Split, fold: int) -> None:
    """Raise `ConfigError` unless the split has a fold of that number."""
    if not 0 <= fold < len(split.folds):
        raise ConfigError(f"fold must be 0 to {len(split.folds) - 1} ({split.name}), not {fold}")


def _trained_on(trial: Trial) -> Trial:
    """Return a training trial as the runner hands it over."""
    return given(trial.replace(truth=None, simulation=None))


def _tested(trial: Trial, kind: type[Entry]) -> Trial:
    """Return a test trial as the runner hands it over; oracles are told what generated it."""
    hidden = given(trial.without_labels())
    return hidden.replace(simulation=trial.simulation) if kind.oracle else hidden


def _earlier_fold(split: Split, audited: Fold) -> Fold | None:
    """Return a fold that trains on test trials of the audited one, if there is one."""
    others = [fold for fold in split.folds if fold is not audited]
    test = set(audited.test)
    return max(others, key=lambda fold: len(test & set(fold.train)), default=None)


def few(keys: Sequence[TrialKey], n_subjects: int, n_trials: int) -> list[int]:
    """Return positions of the first subjects' first trials of each session.

    Parameters
    ----------
    keys : sequence of TrialKey
        All trials.
    n_subjects, n_trials : int
        How many to keep: subjects, and trials of each of their sessions.

    Returns
    -------
    list of int
        In order.
    """
    subjects = list(dict.fromkeys(str(key.subject) for key in keys))[:n_subjects]
    counts: dict[tuple[str, int], int] = {}
    kept = []
    for place, key in enumerate(keys):
        session = str(key.subject), key.session
        counts[session] = counts.get(session, 0) + 1
        if session[0] in subjects and counts[session] <= n_trials:
            kept.append(place)
    return kept
