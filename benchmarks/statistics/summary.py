"""Several data sets in one table: ranks, combined p-values, meta-analysis of differences."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import combine_pvalues, t

from benchmarks.statistics.comparison import REFERENCES
from benchmarks.statistics.moments import Moments, Name
from benchmarks.statistics.paired import compare_all, holm, mean_and_error, signed_rank
from benchmarks.statistics.roles import is_competitor
from benchmarks.statistics.sums import Array, defined_mean
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
    n_subjects: int
    simulated: bool


def summarise(
    folders: Sequence[str | Path], reference: str | None = None, track: str = "causal"
) -> pd.DataFrame:
    """Compare entries over several data sets.

    Parameters
    ----------
    folders : sequence of str or Path
        Results folders, one a data set, each with a ``results.jsonl``.
    reference : str or None
        Entry to compare with; None for the first of `REFERENCES` that ran on all trials of all data
        sets (if none did, the entry of the best rank).
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
    table = table[list(COLUMNS)]
    table.attrs = {"datasets": [(s.dataset, s.n_subjects, s.simulated) for s in studies]}
    return table


def summary_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Set a summary as text.

    Parameters
    ----------
    table : DataFrame
        The table made by `summarise`.

    Returns
    -------
    DataFrame of str
        One row an entry, with headings for people; – where undefined.
    """
    intervals = zip(table["diff_low"], table["diff_high"], strict=True)
    columns = {
        "Entry": table["entry"],
        "Data sets": table["n_datasets"].astype(str),
        "Subjects": table["n_subjects"].astype(str),
        "Mean rank": [_text(value, 2) for value in table["mean_rank"]],
        "CCC": [_text(value) for value in table["ccc"]],
        "Difference": [_text(value) for value in table["diff"]],
        "95 % interval": [
            "–" if math.isnan(low) else f"[{_text(low)}, {_text(high)}]" for low, high in intervals
        ],
        "I²": [_text(value, 2) for value in table["i2"]],
        "p (Stouffer)": [_p_text(value) for value in table["p_stouffer"]],
        "p (Holm)": [_p_text(value) for value in table["p_holm"]],
    }
    return pd.DataFrame(columns)


def _text(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"


def _p_text(p: float) -> str:
    return "<0.001" if p < 0.0005 else _text(p)


def summary_markdown(table: pd.DataFrame, command: str) -> str:
    """Set a summary as Markdown.

    Parameters
    ----------
    table : DataFrame
        The table made by `summarise`.
    command : str
        Command that made it.

    Returns
    -------
    str
        A Markdown document: table, conventions, command.
    """
    cells = summary_cells(table)
    lines = ["| " + " | ".join(cells.columns) + " |", "|---|" + "---:|" * (len(cells.columns) - 1)]
    lines += ["| " + " | ".join(row).replace("<30", "&lt;30") + " |" for row in cells.to_numpy()]
    datasets = table.attrs["datasets"]
    references = table["reference"].dropna()
    against = f"to {references.iloc[0]}" if len(references) else "(none could be compared)"
    tests = int(table["p_stouffer"].notna().sum())
    sources = "\n".join(
        f"- {study}: {n} subjects" + (", SIMULATED" if simulated else "")
        for study, n, simulated in datasets
    )
    notes = (
        f"- Difference {against} in CCC of subjects; over data sets by a random-effects "
        "meta-analysis (DerSimonian and Laird, interval of Hartung and Knapp). I² is the share of "
        "its variation that is between data sets.",
        "- p (Stouffer): exact Wilcoxon signed-rank tests of the data sets, two-sided, combined "
        "with weights √(number of subjects); data sets count as independent. p (Holm): corrected "
        f"over the {tests} entries compared.",
        "- Mean rank: over subjects, then over data sets, among the entries that predicted all "
        "trials of all data sets. CCC is the mean over data sets.",
        "- Few data sets make wide intervals: two leave one degree of freedom.",
    )
    return (
        f"# Leaderboard over {len(datasets)} data set{'s' * (len(datasets) > 1)}\n\n{sources}\n\n"
        + "\n".join(lines)
        + "\n\n## Conventions\n\n"
        + "\n".join(notes)
        + f"\n\n## Command\n\n```\n{command}\n```\n"
    )


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
    simulated = any(row["source"] == "simulated" for row in rows)
    return Study(rows[0]["dataset"], scores, moments.covered, len(moments.subjects), simulated)


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
    named = {name[0]: name for name in ranks}
    for declared in REFERENCES:
        if declared in named:
            return named[declared]
    return min(ranks, key=lambda name: (ranks[name], name))


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
