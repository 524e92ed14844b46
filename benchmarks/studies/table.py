"""Tables of a study: each arm with its interval, and its difference to a reference."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.statistics import interval
from benchmarks.studies.run import Arm, Record

N_DRAWS = 10_000
SCORES = ("score", "ccc", "pcc", "rmse", "trial_ccc")


Scores = dict[tuple[str, str], pd.DataFrame]
"""Scores of each objective and arm: a row a subject, columns of `SCORES`, means over seeds."""


def by_subject(records: Sequence[Record]) -> Scores:
    """Average the scores of each arm and subject over seeds."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        own = rows.setdefault((record["objective"], record["arm"]), [])
        own += [{"subject": name, **scores} for name, scores in record["subjects"].items()]
    return {arm: pd.DataFrame(own).groupby("subject").mean() for arm, own in rows.items()}


def study_table(
    records: Sequence[Record], arms: Sequence[Arm], references: dict[str, Sequence[str]]
) -> pd.DataFrame:
    """Summarise a study: a row an arm.

    Parameters
    ----------
    records : sequence of Record
        All runs.
    arms : sequence of Arm
        Their order in the table.
    references : dict of str to sequence of str
        For each objective, the arms of which the best (by its score) is what others are compared
        with; the best is chosen on the same scores, so differences to it are conservative.

    Returns
    -------
    DataFrame
        ``objective, arm, score`` (mean over subjects of means over seeds) with its 95 % interval
        over subjects and seeds, ``ccc, trial_ccc, pcc, rmse``, ``seed_std`` (of a subject's score,
        mean over subjects), ``reference, difference`` with its interval, ``n_subjects, n_runs,
        seconds`` (CPU seconds a run).
    """
    scores = by_subject(records)
    rows = []
    for arm in arms:
        own = [r for r in records if (r["objective"], r["arm"]) == (arm.objective, arm.name)]
        table = scores[arm.objective, arm.name]
        drawn = resampled(own)
        best = best_of(scores, arm.objective, references.get(arm.objective, ()))
        low, high = interval(np.nanmean(drawn, axis=1), table["score"].to_numpy())
        row = {
            "objective": arm.objective,
            "arm": arm.name,
            "score": table["score"].mean(),
            "score_low": low,
            "score_high": high,
            **{name: table[name].mean() for name in SCORES[1:]},
            "seed_std": seed_std(own),
            "reference": best,
        }
        if best and best != arm.name:
            difference = table["score"] - scores[arm.objective, best]["score"]
            others = [r for r in records if (r["objective"], r["arm"]) == (arm.objective, best)]
            draws = np.nanmean(drawn - resampled(others, stream=1), axis=1)
            low, high = interval(draws, difference.to_numpy())
            row |= {
                "difference": difference.mean(),
                "difference_low": low,
                "difference_high": high,
            }
        row |= {
            "n_subjects": int(table["score"].notna().sum()),
            "n_runs": len(own),
            "seconds": float(np.mean([r["seconds"] for r in own])),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def best_of(scores: Scores, objective: str, arms: Sequence[str]) -> str:
    """Return the arm with the highest mean score; empty without any."""
    means = {name: float(scores[objective, name]["score"].mean()) for name in arms}
    return max(means, key=lambda name: means[name]) if means else ""


def resampled(records: Sequence[Record], stream: int = 0) -> NDArray[np.float64]:
    """Resample the subjects, and the seeds within each fold.

    Subjects are drawn alike for all arms, so that differences are paired; people of a fold share
    their agents, so that a draw of seeds is theirs together.

    Parameters
    ----------
    records : sequence of Record
        Runs of one arm.
    stream : int
        Draws of seeds that are independent of those of another stream.

    Returns
    -------
    ndarray, shape (n_draws, n_subjects)
        Scores; NaN of a subject without any.
    """
    columns: dict[str, NDArray[np.float64]] = {}
    for fold in sorted({record["fold"] for record in records}):
        runs = [record["subjects"] for record in records if record["fold"] == fold]
        rng = np.random.default_rng([1 + stream, fold])
        seeds = rng.integers(len(runs), size=(N_DRAWS, len(runs)))
        for subject in runs[0]:
            scores = np.array([run[subject]["score"] for run in runs])
            columns[subject] = scores[seeds].mean(axis=1)
    # in the order of the table: sorted by name
    table = np.stack([columns[name] for name in sorted(columns)], axis=1)
    drawn = np.random.default_rng(0).integers(table.shape[1], size=table.shape)
    return np.take_along_axis(table, drawn, axis=1)


def seed_std(records: Sequence[Record]) -> float:
    """Mean over subjects of the standard deviation of their score over seeds; NaN for one seed."""
    values: dict[str, list[float]] = {}
    for record in records:
        for subject, scores in record["subjects"].items():
            values.setdefault(subject, []).append(scores["score"])
    spreads = [np.nanstd(v, ddof=1) for v in values.values() if len(v) > 1]
    return float(np.nanmean(spreads)) if spreads else float("nan")


def markdown(table: pd.DataFrame, command: str, title: str, notes: Sequence[str]) -> str:
    """Return the study as Markdown.

    Parameters
    ----------
    table : DataFrame
        As `study_table` gives it.
    command : str
        Command line that made it.
    title : str
        Heading; says so if data are simulated.
    notes : sequence of str
        Paragraphs under the heading.

    Returns
    -------
    str
        Text with one table for each objective.
    """
    lines = [f"# {title}", "", "```sh", command, "```", ""]
    for note in notes:
        lines += [note, ""]
    for objective, rows in table.groupby("objective", sort=False):
        if table["objective"].nunique() > 1:
            lines += [f"## {objective}", ""]
        lines += [
            "| | score | 95 % interval | CCC | trial CCC | RMSE | seeds' s.d. | against | "
            "difference | 95 % interval | runs | CPU s |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for row in rows.to_dict("records")] + [""]
    return "\n".join(lines)


def _line(row: Mapping[Hashable, Any]) -> str:
    def number(name: str, digits: int = 3) -> str:
        value = row.get(name, float("nan"))
        return "" if isinstance(value, str) or np.isnan(value) else f"{value:.{digits}f}"

    def ends(name: str) -> str:
        low, high = number(f"{name}_low"), number(f"{name}_high")
        return f"{low} to {high}" if low else ""

    reference = row["reference"] if number("difference") else ""
    cells = [
        str(row["arm"]),
        number("score"),
        ends("score"),
        number("ccc"),
        number("trial_ccc"),
        number("rmse"),
        number("seed_std"),
        str(reference),
        number("difference"),
        ends("difference"),
        str(row["n_runs"]),
        number("seconds", 1),
    ]
    return "| " + " | ".join(cells) + " |"
