"""Paired tests over subjects: exact signed-rank tests, Holm's correction, ranks and cliques."""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import friedmanchisquare, nct, rankdata, studentized_range, wilcoxon

from benchmarks.statistics.sums import Array

ALPHA = 0.05
"""Level below which a corrected p-value is called significant."""

NO_DIFFERENCE = 1e-12
"""Differences as small as this are rounding, and count as none."""


MIN_DIFFERENCES = 3
"""Fewest differences with a standardised effect: two make any size."""


class SignedRank(NamedTuple):
    """Result of a signed-rank test.

    Attributes
    ----------
    n : int
        Differences that are neither undefined nor zero.
    p : float
        Exact two-sided p-value; 1 if all differences are zero, NaN if all are undefined.
    effect : float
        Matched rank-biserial correlation, in [-1, 1]: the share of rank sum with differences
        above zero, less the share below; 0 if all are zero.
    """

    n: int
    p: float
    effect: float


def signed_rank(differences: ArrayLike) -> SignedRank:
    """Test whether paired differences are centred on zero (Wilcoxon, exact, two-sided).

    Parameters
    ----------
    differences : array_like, shape (n_subjects,)
        One difference a subject. NaN is left out, and so are zeros, as Wilcoxon did. Equal sizes
        share their mean rank, and the p-value is then rounded up.

    Returns
    -------
    SignedRank
        Number of differences used, p-value and effect size.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return SignedRank(0, math.nan, math.nan)
    values = values[np.abs(values) > NO_DIFFERENCE]
    if not values.size:
        return SignedRank(0, 1.0, 0.0)
    ranks = rankdata(np.abs(values))
    effect = float((np.sign(values) * ranks).sum() / ranks.sum())
    p = float(wilcoxon(values, method="exact").pvalue)
    return SignedRank(len(values), p, effect)


class EffectSize(NamedTuple):
    """Standardised mean difference, with the ends of its 95 % interval."""

    dz: float
    low: float
    high: float


def cohens_dz(differences: ArrayLike) -> EffectSize:
    """Mean of paired differences over their standard deviation.

    Parameters
    ----------
    differences : array_like, shape (n_subjects,)
        One difference a subject; NaN is left out.

    Returns
    -------
    EffectSize
        Cohen's dz and its interval by the noncentral t distribution, which is exact for normal
        differences; NaN below three of them, or if they do not differ from each other.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    n = len(values)
    if n < MIN_DIFFERENCES or values.std() <= NO_DIFFERENCE:
        return EffectSize(math.nan, math.nan, math.nan)
    dz = float(values.mean() / values.std(ddof=1))
    # for t above zero, as SciPy's distribution is not accurate far below it
    seen = abs(dz) * math.sqrt(n)
    low, high = (_noncentrality(seen, n - 1, below) / math.sqrt(n) for below in (0.975, 0.025))
    return EffectSize(dz, low, high) if dz > 0 else EffectSize(dz, -high, -low)


def _noncentrality(seen: float, freedom: int, below: float) -> float:
    """Noncentrality of the t distribution that has the share `below` below a value."""
    # the t distribution of few degrees of freedom has long tails: the bracket holds them
    reach = 10 + 5 * abs(seen)

    def beyond(noncentrality: float) -> float:
        return float(nct.cdf(seen, freedom, noncentrality)) - below

    try:
        return float(brentq(beyond, seen - reach, seen + reach))
    except ValueError:  # beyond what can be computed
        return math.nan


def smallest_p(n: int) -> float:
    """Smallest two-sided p-value that n differences can reach in the exact test.

    Parameters
    ----------
    n : int
        Number of subjects.

    Returns
    -------
    float
        2 / 2ⁿ, and 1 for none.
    """
    return min(1.0, 2.0 ** (1 - n))


def holm(p_values: ArrayLike) -> Array:
    """Correct p-values of a family by Holm's step-down method.

    Parameters
    ----------
    p_values : array_like, shape (n_tests,)
        The whole family; NaN stands for a test that could not be made and does not count.

    Returns
    -------
    ndarray, shape (n_tests,)
        Corrected p-values, at most 1; NaN where there was none.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(raw.shape, np.nan)
    order = np.argsort(raw)[: (~np.isnan(raw)).sum()]
    stepped = raw[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return corrected


@cache
def _nemenyi_quantile(n_methods: int) -> float:
    """Studentized range over √2; remembered, since it takes a while."""
    return float(studentized_range.ppf(1 - ALPHA, n_methods, np.inf)) / math.sqrt(2)


class RankComparison(NamedTuple):
    """All pairs of methods, and their ranks.

    Attributes
    ----------
    n_subjects : int
        Subjects on whom every method has a score.
    ranks : ndarray, shape (n_methods,)
        Mean rank over subjects; 1 is the highest score.
    p, p_holm : ndarray, shape (n_methods, n_methods)
        p-values of all pairs, as they are and corrected over all pairs; NaN on the diagonal.
    p_friedman : float
        p-value of Friedman's test that all ranks are alike; NaN below three methods or two
        subjects.
    """

    n_subjects: int
    ranks: Array
    p: Array
    p_holm: Array
    p_friedman: float

    @property
    def smallest_p(self) -> float:
        """Smallest corrected p-value that the tests of all pairs can reach."""
        return min(1.0, smallest_p(self.n_subjects) * math.comb(len(self.ranks), 2))

    @property
    def exact(self) -> bool:
        """Whether the exact tests can tell any pair apart; else ranks must, by Nemenyi's test."""
        return self.smallest_p < ALPHA

    def cliques(self) -> list[tuple[int, int]]:
        """Find the runs of neighbours in rank among whom no pair is told apart.

        Returns
        -------
        list of (first, last)
            As `cliques` gives them, by the exact tests where these can tell any pair apart, else
            by ranks that differ by less than `critical_difference`.
        """
        if self.exact:
            return cliques(self.ranks, self.p_holm)
        apart = np.abs(np.subtract.outer(self.ranks, self.ranks)) > self.critical_difference
        return cliques(self.ranks, np.where(apart, 0.0, 1.0))

    @property
    def critical_difference(self) -> float:
        """Difference of mean ranks beyond which Nemenyi's test tells a pair apart at `ALPHA`."""
        k = len(self.ranks)
        if k < 2 or not self.n_subjects:
            return math.nan
        return _nemenyi_quantile(k) * math.sqrt(k * (k + 1) / (6 * self.n_subjects))


def compare_all(scores: Array) -> RankComparison:
    """Rank methods and test every pair of them.

    Parameters
    ----------
    scores : ndarray, shape (n_subjects, n_methods)
        Scores; subjects without a score of every method are left out.

    Returns
    -------
    RankComparison
        Ranks and p-values.
    """
    complete = scores[~np.isnan(scores).any(axis=1)]
    n_methods = scores.shape[1]
    ranks = np.full(n_methods, np.nan)
    if len(complete):
        # rounded, so that scores that differ by rounding share a rank
        ranks = rankdata(-np.round(complete, 12), axis=1).mean(axis=0)
    p = np.full((n_methods, n_methods), np.nan)
    upper = np.triu_indices(n_methods, 1)
    for i, j in zip(*upper, strict=True):
        p[i, j] = p[j, i] = signed_rank(complete[:, i] - complete[:, j]).p
    p_holm = np.full_like(p, np.nan)
    p_holm[upper] = holm(p[upper])
    p_holm.T[upper] = p_holm[upper]
    return RankComparison(len(complete), ranks, p, p_holm, _friedman(complete))


def _friedman(scores: Array) -> float:
    if scores.shape[0] < 2 or scores.shape[1] < 3:
        return math.nan
    # all scores equal is 0 / 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(friedmanchisquare(*np.round(scores, 12).T).pvalue)


def cliques(ranks: Array, p_holm: Array) -> list[tuple[int, int]]:
    """Find the longest runs of neighbours in rank among whom no pair differs.

    Parameters
    ----------
    ranks : ndarray, shape (n_methods,)
        Mean ranks.
    p_holm : ndarray, shape (n_methods, n_methods)
        Corrected p-values.

    Returns
    -------
    list of (first, last)
        Runs of at least two methods, as positions in the order of `ranks`; none within another.
    """
    order = np.argsort(ranks, kind="stable")
    alike: NDArray[np.bool_] = ~(p_holm[np.ix_(order, order)] < ALPHA)
    runs: list[tuple[int, int]] = []
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and alike[last + 1, first : last + 1].all():
            last += 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def mean_and_error(differences: Sequence[float] | Array) -> tuple[float, float, int]:
    """Mean, standard error and number of what is defined.

    Parameters
    ----------
    differences : sequence of float
        One difference a subject; NaN where undefined.

    Returns
    -------
    tuple of (float, float, int)
        Mean, standard error of the mean (NaN below two) and number.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return math.nan, math.nan, 0
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(values.mean()), float(error), len(values)
