"""Codebook diagnostics: how many prototypes are in use, and how evenly."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def codebook_usage(codes: Sequence[NDArray[np.int64]], codebook_size: int) -> dict[str, float]:
    """Describe how a codebook is used.

    Parameters
    ----------
    codes : sequence of ndarray, each (n_steps,), int64
        Prototype of each step.
    codebook_size : int
        Number of prototypes.

    Returns
    -------
    dict
        ``usage``: share of prototypes that occur; ``perplexity``: exp of the entropy of their
        distribution, from 1 to `codebook_size`; ``dwell_steps``: mean run length, steps.
    """
    counts = np.bincount(np.concatenate(list(codes)), minlength=codebook_size)
    share = counts[counts > 0] / counts.sum()
    changes = sum(int(np.count_nonzero(np.diff(c))) + 1 for c in codes if len(c))
    return {
        "usage": float((counts > 0).mean()),
        "perplexity": float(np.exp(-(share * np.log(share)).sum())),
        "dwell_steps": float(counts.sum() / changes),
    }
