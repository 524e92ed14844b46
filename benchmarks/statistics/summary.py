"""Several data sets in one table: ranks, combined p-values, meta-analysis of differences."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import combine_pvalues, t

from benchmarks.statistics.moments import Array, Moments, Name, defined_mean
from benchmarks.statistics.paired import compare_all, holm, mean_and_error, signed_rank
from benchmarks.statistics.roles import OURS, is_competitor
from eeg_emotion_env.errors import ConfigError, DataError, check_choice

COLUMNS = (
    *("entry", "track", "n_datasets", "n_subjects", "mean_rank", "ccc", "reference"),
    *("diff", "diff_low", "diff_high", "i2", "p_stouffer", "p_holm"),
)


class Study(NamedTuple):
    """One data set: its subjects' CCC, seeds averaged, and the trials behind it."""

    dataset: str
    scores: Mapping[Name, Array]
    covered: Mapping[Name, frozenset[int]]


def summarise(
    folders: Sequence[str | Path], reference: str | None = None, track: str = "causal"
) -> pd.DataFrame:
    """Compare entries over several data sets.

    Parameters
    ----------
    folders : sequence of str or Path
        Results folders, one a data set, each with a ``results.jsonl``.
    reference : str or None
        Entry to compare with; None for the one of highest rank that is not ours, among those that
        ran on all data sets.
    track : str
        Track to summarise.

    Returns
    -------
    DataFrame
        One row an entry, oracles and entries without high bands aside, by mean rank:

        * ``mean_rank``: mean over data sets of the mean rank over subjects, among the entries
          that ran on all data sets; NaN for others.
        * ``ccc``: mean over data sets.
        * ``diff, diff_low, diff_high, i2``: difference to the reference, random-effects
          meta-analysis (see `random_effects`).
        * ``p_stouffer, p_holm``: signed-rank tests of the data sets combined by Stouffer's
          method, weighted by the square root of the number of subjects, two-sided; and the same
          after Holm's correction over entries.

    Raises
    ------
    ConfigError
        If a data set comes twice, or nothing can be summarised.
    DataError
        If a folder has no results, or results of an earlier version.
    """
    studies = [_study(Path(folder), track) for folder in folders]
    datasets = [study.dataset for study in studies]
    twice = sorted({name for name in datasets if datasets.count(name) > 1})
    if twice:
        raise ConfigError(
            f"{', '.join(twice)} comes twice: p-values combine over independent subjects, so give "
            "one folder for each data set"
        )
    names = sorted({name for study in studies for name in study.scores})
    if not names:
        raise ConfigError(f"no entries of track {track} in {', '.join(map(str, folders))}")
    ranks = _mean_ranks(studies)
    chosen = _reference(ranks, names, reference)
    rows = [_row(studies, name, chosen, ranks) for name in names]
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_stouffer"])
    table = table.sort_values(
        ["mean_rank", "ccc", "entry"], ascending=[True, False, True], ignore_index=True
    )
    return table[list(COLUMNS)]


class Pooled(NamedTuple):
    """Result of a meta-analysis."""

    estimate: float
    low: float
    high: float
    i2: float


def random_effects(means: Sequence[float], errors: Sequence[float], n: Sequence[int]) -> Pooled:
    """Pool differences of several data sets.

    DerSimonian and Laird's estimate of the spread between data sets, with the interval of Hartung
    and Knapp, never narrower than the plain one: with few data sets it is wide, as it should be.

    Parameters
    ----------
    means, errors : sequence of float
        Mean difference of each data set and its standard error, above zero.
    n : sequence of int
        Subjects of each data set.

    Returns
    -------
    Pooled
        Estimate, 95 % interval and I² (share of variation that is between data sets, 0 to 1; NaN
        for one data set, whose interval is that of its mean).
    """
    x, variance = np.asarray(means, dtype=np.float64), np.square(errors, dtype=np.float64)
    k = len(x)
    if not k:
        return Pooled(math.nan, math.nan, math.nan, math.nan)
    if k == 1:
        half = float(t.ppf(0.975, n[0] - 1)) * math.sqrt(variance[0])
        return Pooled(float(x[0]), float(x[0]) - half, float(x[0]) + half, math.nan)
    fixed = 1 / variance
    q = float((fixed * (x - np.average(x, weights=fixed)) ** 2).sum())
    scale = fixed.sum() - (fixed**2).sum() / fixed.sum()
    weights = 1 / (variance + max(0.0, (q - (k - 1)) / scale))
    estimate = float(np.average(x, weights=weights))
    spread = float((weights * (x - estimate) ** 2).sum()) / (k - 1)
    half = float(t.ppf(0.975, k - 1)) * math.sqrt(max(1.0, spread) / weights.sum())
    return Pooled(estimate, estimate - half, estimate + half, max(0.0, 1 - (k - 1) / q) if q else 0)


def stouffer(p_values: Sequence[float], signs: Sequence[float], n: Sequence[int]) -> float:
    """Combine two-sided p-values of independent data sets.

    Parameters
    ----------
    p_values : sequence of float
        Two-sided p-values.
    signs : sequence of float
        Direction of each difference: above or below zero.
    n : sequence of int
        Subjects of each data set; weights are their square roots.

    Returns
    -------
    float
        Two-sided p-value; NaN of none.
    """
    if not len(p_values):
        return math.nan
    p, up = np.asarray(p_values, dtype=np.float64), np.asarray(signs) > 0
    one_sided = np.where(up, p / 2, 1 - p / 2)
    combined = float(combine_pvalues(one_sided, "stouffer", weights=np.sqrt(n)).pvalue)
    return min(1.0, 2 * min(combined, 1 - combined))


def _study(folder: Path, track: str) -> Study:
    path = folder / "results.jsonl"
    if not path.is_file():
        raise DataError(f"{folder}: no results.jsonl; give the --out folder of a leaderboard")
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    if not rows or "moments" not in rows[0]:
        raise DataError(
            f"{path}: empty or made by an earlier version; run its command again (finished jobs "
            "are kept)"
        )
    moments = Moments.of_rows(
        [row for row in rows if row["track"] == track and is_competitor(row["entry"])]
    )
    scores = {name: defined_mean(moments.subject_ccc(name), axis=0) for name in moments.sums}
    return Study(rows[0]["dataset"], scores, moments.covered)


def _mean_ranks(studies: Sequence[Study]) -> dict[Name, float]:
    """Mean rank, over data sets, of the entries that ran on all trials of all of them."""
    able = [
        {name for name in study.scores if study.covered[name] == _every(study)} for study in studies
    ]
    common = sorted(set.intersection(*able))
    if not common:
        return {}
    ranks = [
        compare_all(np.stack([study.scores[name] for name in common], axis=1)).ranks
        for study in studies
    ]
    means = defined_mean(np.array(ranks), axis=0)
    return dict(zip(common, means.tolist(), strict=True))


def _every(study: Study) -> frozenset[int]:
    return frozenset().union(*study.covered.values())


def _reference(ranks: Mapping[Name, float], names: Sequence[Name], wanted: str | None) -> Name:
    if wanted is not None:
        check_choice("reference", wanted, [entry for entry, _ in names])
        return next(name for name in names if name[0] == wanted)
    if not ranks:
        raise ConfigError(
            "no entry ran on all trials of all data sets, so that there is none to compare with; "
            "name a reference"
        )
    others = [name for name in ranks if not name[0].startswith(OURS)]
    return min(others or ranks, key=lambda name: (ranks[name], name))


def _row(
    studies: Sequence[Study], name: Name, reference: Name, ranks: Mapping[Name, float]
) -> dict[str, object]:
    ran = [study for study in studies if name in study.scores]
    subjects = [mean_and_error(study.scores[name]) for study in ran]
    differences = [
        study.scores[name] - study.scores[reference]
        for study in ran
        if name != reference and study.covered.get(reference) == study.covered[name]
    ]
    tests = [(test, d) for d in differences if not math.isnan((test := signed_rank(d)).p)]
    sizes = [mean_and_error(d)[2] for _, d in tests]
    pooled = [summary for _, d in tests if (summary := mean_and_error(d))[1] > 0]
    estimate = random_effects(*zip(*pooled, strict=True)) if pooled else random_effects([], [], [])
    return {
        "entry": name[0],
        "track": name[1],
        "n_datasets": len(ran),
        "n_subjects": sum(n for _, _, n in subjects),
        "mean_rank": ranks.get(name, math.nan),
        "ccc": float(defined_mean(np.array([mean for mean, _, _ in subjects]), axis=0)),
        "reference": reference[0] if differences else None,
        "diff": estimate.estimate,
        "diff_low": estimate.low,
        "diff_high": estimate.high,
        "i2": estimate.i2,
        "p_stouffer": stouffer([s.p for s, _ in tests], [s.effect for s, _ in tests], sizes),
    }
