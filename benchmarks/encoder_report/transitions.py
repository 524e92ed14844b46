"""Transitions between prototypes: what follows what."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.encoder_report.steps import IntArray, Steps


def transition_counts(steps: Steps) -> IntArray:
    """Count steps from each prototype to the next one, shape (codebook_size, codebook_size)."""
    counts = np.zeros((steps.codebook_size, steps.codebook_size), np.int64)
    for track in steps.codes:
        np.add.at(counts, (track[:-1], track[1:]), 1)
    return counts


def transition_table(steps: Steps) -> pd.DataFrame:
    """List transitions that occur, staying included, most frequent first.

    Parameters
    ----------
    steps : Steps
        Encoded trials.

    Returns
    -------
    DataFrame
        Columns ``prototype, following, count, probability`` (of what follows, staying included)
        and ``probability_of_change`` (among changes; NaN for staying).
    """
    counts = transition_counts(steps)
    moves = counts - np.diag(np.diag(counts))
    source, target = np.nonzero(counts)
    table = pd.DataFrame(
        {
            "prototype": source,
            "following": target,
            "count": counts[source, target],
            "probability": _shares(counts)[source, target],
            "probability_of_change": _shares(moves)[source, target],
        }
    )
    table.loc[source == target, "probability_of_change"] = np.nan
    return table.sort_values("count", ascending=False, kind="stable").reset_index(drop=True)


def _shares(counts: IntArray) -> NDArray[np.float64]:
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
