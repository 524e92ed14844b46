"""Sums of all entries on all trials, arranged for resampling."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.batches import score_all
from benchmarks.statistics.sums import SUMS, Array, ccc_of_sums, defined_mean
from eeg_emotion_env.errors import ConfigError

Name = tuple[str, str]
"""Entry and track, which together name a row of the leaderboard."""

TrialId = tuple[int | str, int, int]
"""Subject, session and trial."""

TrialSums = tuple[Name, int, TrialId, Array]
"""Name, seed, trial and sums of one prediction."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of all entries on all trials.

    Attributes
    ----------
    trials : tuple of (subject, session, trial)
        Trials, by subject, session and trial.
    subjects : tuple of int or str
        Subjects, in natural order.
    subject_of : ndarray, shape (n_trials,), int
        Number of each trial's subject.
    sums : dict of Name to ndarray, shape (n_seeds, n_trials, n_dims, 6)
        Sums of each entry; 0 where it did not predict the trial.
    covered : dict of Name to frozenset of int
        Numbers of the trials that each entry predicted with any seed.
    """

    trials: tuple[TrialId, ...]
    subjects: tuple[int | str, ...]
    subject_of: NDArray[np.intp]
    sums: Mapping[Name, Array]
    covered: Mapping[Name, frozenset[int]]

    @classmethod
    def of(cls, predictions: Sequence[TrialPrediction]) -> "Moments":
        """Add up predictions, in any order.

        Parameters
        ----------
        predictions : sequence of TrialPrediction
            What was predicted.

        Returns
        -------
        Moments
            Their sums.
        """
        return cls.gather(
            (
                (p.entry, p.track),
                p.seed,
                (p.key.subject, p.key.session, p.key.trial),
                known.sums,
            )
            for p, known in zip(predictions, score_all(predictions), strict=True)
        )

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> "Moments":
        """Take the sums from rows of ``results.jsonl``.

        Parameters
        ----------
        rows : sequence of mapping
            Rows of one run.

        Returns
        -------
        Moments
            Their sums.
        """
        return cls.gather(
            (
                (row["entry"], row["track"]),
                row["seed"],
                (row["subject"], row["session"], row["trial"]),
                np.array(list(row["moments"].values()), dtype=np.float64),
            )
            for row in rows
        )

    @classmethod
    def gather(cls, items: Iterator[TrialSums]) -> "Moments":
        """Arrange sums of single predictions.

        Parameters
        ----------
        items : iterator of (Name, seed, trial, sums)
            One of each prediction, in any order.

        Returns
        -------
        Moments
            The same, as arrays.

        Raises
        ------
        ConfigError
            If an entry predicted a trial twice with one seed.
        """
        found: dict[Name, dict[int, dict[TrialId, Array]]] = {}
        for name, seed, trial, sums in items:
            of_seed = found.setdefault(name, {}).setdefault(seed, {})
            if trial in of_seed:
                raise ConfigError(f"entry {name[0]!r} with seed {seed} predicted {trial} twice")
            of_seed[trial] = sums
        every = {trial for seeds in found.values() for runs in seeds.values() for trial in runs}
        trials = tuple(sorted(every, key=lambda trial: (natural(trial[0]), trial[1:])))
        subjects = tuple(dict.fromkeys(trial[0] for trial in trials))
        number = {trial: i for i, trial in enumerate(trials)}
        return cls(
            trials,
            subjects,
            np.array([subjects.index(trial[0]) for trial in trials]),
            {name: _array(seeds, number) for name, seeds in sorted(found.items())},
            {name: frozenset(number[t] for t in _union(seeds)) for name, seeds in found.items()},
        )

    def of_subject(self, subject: int) -> NDArray[np.intp]:
        """Numbers of one subject's trials."""
        return np.flatnonzero(self.subject_of == subject)

    def subject_ccc(self, name: Name) -> Array:
        """CCC of each subject's concatenated trials, mean over dimensions.

        Parameters
        ----------
        name : Name
            Entry and track.

        Returns
        -------
        ndarray, shape (n_seeds, n_subjects)
            CCC; NaN where undefined.
        """
        sums = self.sums[name]
        whole = [sums[:, self.of_subject(s)].sum(axis=1) for s in range(len(self.subjects))]
        return defined_mean(ccc_of_sums(np.stack(whole, axis=1)), axis=-1)


def natural(subject: int | str) -> tuple[int, str]:
    """Sort key of subjects: those with a number by it, then those that have a name instead."""
    text = str(subject)
    return (int(text), "") if text.isdecimal() else (10**9, text)


def _union(seeds: Mapping[int, Mapping[TrialId, Array]]) -> set[TrialId]:
    return {trial for runs in seeds.values() for trial in runs}


def _array(seeds: Mapping[int, Mapping[TrialId, Array]], number: Mapping[TrialId, int]) -> Array:
    n_dims = len(next(iter(next(iter(seeds.values())).values())))
    sums = np.zeros((len(seeds), len(number), n_dims, len(SUMS)))
    for row, seed in enumerate(sorted(seeds)):
        for trial, values in seeds[seed].items():
            sums[row, number[trial]] = values
    return sums
