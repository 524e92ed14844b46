"""How often intervals around predictions hold the label, and how wide they are for that."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.intervals import PredictionIntervals
from benchmarks.predictions import TrialPrediction


def coverage_table(
    predictions: Sequence[TrialPrediction], intervals: PredictionIntervals
) -> pd.DataFrame:
    """Score the intervals of each subject.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        With `low` and `high`.
    intervals : PredictionIntervals
        What they are from; its constant interval is scored beside them.

    Returns
    -------
    DataFrame
        One row a label dimension and subject with annotated steps: ``label, subject, n_steps,
        coverage`` (share of steps inside), ``width`` (mean), ``score`` (mean interval score, lower
        is better) and ``constant_coverage, constant_score``, those of the constant interval.
    """
    parts: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for one in predictions:
        if one.low is None or one.high is None:
            continue
        for dim, name in enumerate(one.label_names):
            steps = np.stack([one.labels[:, dim], one.low[:, dim], one.high[:, dim]])
            known = steps[:, ~np.isnan(one.labels[:, dim])].astype(np.float64)
            parts.setdefault((name, str(one.key.subject)), []).append(known)
    level, rows = float(intervals.level[0]), []
    for (name, subject), found in parts.items():
        labels, low, high = np.concatenate(found, axis=1)
        if not len(labels):
            continue
        dim = predictions[0].label_names.index(name)
        own = scores_of(labels, low, high, level)
        plain_low, plain_high = intervals.constant[:, dim]
        plain = scores_of(labels, np.array(plain_low), np.array(plain_high), level)
        row = {"label": name, "subject": subject, "n_steps": len(labels), **own}
        rows.append({**row, **{f"constant_{k}": plain[k] for k in ("coverage", "score")}})
    return pd.DataFrame(rows)


def scores_of(
    labels: NDArray[np.floating],
    low: NDArray[np.floating],
    high: NDArray[np.floating],
    level: float,
) -> dict[str, float]:
    """Return ``coverage``, mean ``width`` and mean interval ``score`` of some steps.

    The interval score (Winkler) is the width, plus 2 / (1 - level) times the distance by which the
    label is missed.

    Parameters
    ----------
    labels, low, high : ndarray, shape (n_steps,)
        Annotated labels and ends.
    level : float
        Share that the intervals are meant to hold.
    """
    missed = np.maximum(low - labels, 0.0) + np.maximum(labels - high, 0.0)
    width = high - low
    return {
        # ends are float32: a label on an end is inside
        "coverage": float(np.mean(missed <= 1e-6)),
        "width": float(np.mean(width)),
        "score": float(np.mean(width + 2.0 / (1.0 - level) * missed)),
    }


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average a `coverage_table` over subjects, who count equally.

    Returns
    -------
    DataFrame
        One row a label dimension: ``label, subjects, coverage, coverage_min, coverage_max, width,
        score, relative_score`` (mean score over that of the constant interval: below 1 the
        predictions say something) and ``constant_coverage``.
    """
    grouped = table.groupby("label", sort=False)
    result = grouped[["coverage", "width", "score", "constant_coverage"]].mean()
    result.insert(0, "subjects", grouped.size())
    result.insert(2, "coverage_min", grouped["coverage"].min())
    result.insert(3, "coverage_max", grouped["coverage"].max())
    result["relative_score"] = result["score"] / grouped["constant_score"].mean()
    return result.reset_index()
