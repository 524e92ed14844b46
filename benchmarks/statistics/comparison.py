"""Every entry against a reference, over subjects: who differs, by how much, how surely."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import trim_mean

from benchmarks.statistics.bootstrap import bootstrap_means, interval
from benchmarks.statistics.moments import Moments, Name
from benchmarks.statistics.paired import (
    RankComparison,
    cohens_dz,
    compare_all,
    holm,
    mean_and_error,
    signed_rank,
)
from benchmarks.statistics.roles import OURS, full_name, is_competitor, role_of
from benchmarks.statistics.sums import Array, defined_mean
from eeg_emotion_env.errors import check_choice

COMPARED = [
    *("n_compared", "p", "p_holm", "effect", "dz", "dz_low", "dz_high"),
    *("diff", "diff_low", "diff_high"),
]
"""Columns of a comparison with the reference."""

REFERENCES = (OURS, "ridge", "stimulus-time-mean", "constant")
"""Entry to compare with unless another is named: the first of these that predicted all trials. It
is declared here, since one that is picked on the scores is flattered by them."""

Family = list[tuple[Name, Name]]
"""Comparisons that are corrected together: name and its reference."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the comparisons rest on.

    Attributes
    ----------
    moments : Moments
        Sums of all entries.
    scores : dict of Name to ndarray, shape (n_seeds, n_subjects)
        CCC of subjects.
    draws : dict of Name to ndarray, shape (n_draws,)
        Resampled means over subjects.
    """

    moments: Moments
    scores: Mapping[Name, Array]
    draws: Mapping[Name, Array]

    @classmethod
    def of(cls, moments: Moments, n_bootstrap: int, seed: int) -> "Evidence":
        """Score and resample all entries."""
        scores = {name: moments.subject_ccc(name) for name in moments.sums}
        return cls(moments, scores, bootstrap_means(moments, n_bootstrap, seed))

    def by_subject(self, name: Name) -> Array:
        """CCC of subjects, seeds averaged, shape (n_subjects,)."""
        return defined_mean(self.scores[name], axis=0)

    def mean(self, name: Name) -> float:
        """Mean CCC over subjects; NaN where undefined."""
        return mean_and_error(self.by_subject(name))[0]


def comparison_table(evidence: Evidence, reference: str | None = None) -> pd.DataFrame:
    """Interval, comparison with the reference and spread over seeds, for each entry and track.

    Parameters
    ----------
    evidence : Evidence
        Scores and resamples of all entries.
    reference : str or None
        Entry to compare with; None for the first of `REFERENCES`.

    Returns
    -------
    DataFrame
        Index ``entry, track``; columns ``ccc_low, ccc_high``; `COMPARED`: subjects whose difference
        counts, exact p-value and the same after Holm's correction over the family, matched
        rank-biserial correlation, Cohen's dz and mean difference with 95 % intervals;
        ``reference`` (None for who is not compared), ``iqm`` (interquartile mean over seeds and
        subjects) and ``seed_sd`` (standard deviation over seeds of the mean over subjects, NaN with
        one seed).
    """
    names = list(evidence.scores)
    index = pd.MultiIndex.from_tuples(names, names=["entry", "track"])
    rows = [_alone(evidence, name) for name in names]
    table = pd.DataFrame(rows, index=index)
    table[COMPARED] = math.nan
    table["reference"] = pd.Series(None, index=index, dtype=object)
    for family in families(evidence, reference):
        tests = [_against(evidence, name, other) for name, other in family]
        corrected = holm([test["p"] for test in tests])
        for (name, other), test, p in zip(family, tests, corrected, strict=True):
            values = test | {"p_holm": p}
            table.loc[name, COMPARED] = [values[column] for column in COMPARED]
            table.loc[name, "reference"] = other[0]
    return table


def families(evidence: Evidence, reference: str | None = None) -> list[Family]:
    """Declare who is compared with whom.

    Parameters
    ----------
    evidence : Evidence
        Scores of all entries.
    reference : str or None
        Entry to compare with, in the tracks that have it; None for the first of `REFERENCES` (if a
        track has none of them, its best competitor).

    Returns
    -------
    list of Family
        One family of all competitors of a track, and one of its entries without the bands above
        30 Hz, each against the entry with all bands. Only entries that predicted the same trials
        are compared.
    """
    if reference is not None:
        check_choice("reference", reference, _competitors(list(evidence.scores)))
    found = []
    for track in dict.fromkeys(name[1] for name in evidence.scores):
        names = [name for name in evidence.scores if name[1] == track]
        competitors = [name for name in names if is_competitor(name[0])]
        other = _reference(evidence, competitors, reference)
        found.append([(name, other) for name in competitors if other and name != other])
        found.append(
            [
                (name, full)
                for name in names
                if role_of(name[0]) == "variant" and (full := (full_name(name[0]), track)) in names
            ]
        )
    covered = evidence.moments.covered
    fair = [[pair for pair in family if covered[pair[0]] == covered[pair[1]]] for family in found]
    return [family for family in fair if family]


def rank_track(moments: Moments, track: str) -> tuple[list[Name], RankComparison]:
    """Rank the competitors of a track that predicted all of its trials, and test every pair.

    Parameters
    ----------
    moments : Moments
        Sums of all entries.
    track : str
        Track.

    Returns
    -------
    names : list of Name
        Competitors.
    comparison : RankComparison
        Their ranks and p-values, in that order.
    """
    competitors = [name for name in moments.sums if name[1] == track and is_competitor(name[0])]
    every = frozenset().union(*(moments.covered[name] for name in competitors))
    names = [name for name in competitors if moments.covered[name] == every]
    if not names:
        return [], compare_all(np.empty((0, 0)))
    scores = [defined_mean(moments.subject_ccc(name), axis=0) for name in names]
    return names, compare_all(np.stack(scores, axis=1))


def _competitors(names: Sequence[Name]) -> list[str]:
    return sorted({entry for entry, _ in names if is_competitor(entry)})


def _reference(evidence: Evidence, competitors: Sequence[Name], wanted: str | None) -> Name | None:
    """Competitor that is named or declared and predicted all trials; else the best that did."""
    named = {name[0]: name for name in competitors}
    if wanted in named:
        return named[wanted]
    covered = evidence.moments.covered
    every = frozenset().union(*(covered[name] for name in competitors))
    able = {
        name[0]: name
        for name in competitors
        if covered[name] == every and not math.isnan(evidence.mean(name))
    }
    for declared in REFERENCES:
        if declared in able:
            return able[declared]
    return max(able.values(), key=lambda name: (evidence.mean(name), name), default=None)


def _alone(evidence: Evidence, name: Name) -> dict[str, float]:
    by_seed = evidence.scores[name]
    low, high = np.clip(interval(evidence.draws[name], evidence.by_subject(name)), -1, 1)
    known = by_seed[~np.isnan(by_seed)]
    several = len(by_seed) > 1
    return {
        "ccc_low": float(low),
        "ccc_high": float(high),
        "iqm": float(trim_mean(known, 0.25)) if known.size else math.nan,
        "seed_sd": float(defined_mean(by_seed, axis=1).std(ddof=1)) if several else math.nan,
    }


def _against(evidence: Evidence, name: Name, other: Name) -> dict[str, float]:
    differences = evidence.by_subject(name) - evidence.by_subject(other)
    test = signed_rank(differences)
    low, high = interval(evidence.draws[name] - evidence.draws[other], differences)
    size = cohens_dz(differences)
    return {
        "n_compared": test.n,
        "p": test.p,
        "effect": test.effect,
        "dz": size.dz,
        "dz_low": size.low,
        "dz_high": size.high,
        "diff": mean_and_error(differences)[0],
        "diff_low": low,
        "diff_high": high,
    }
