"""Keeping whole groups (subjects) out of training, to stop it early."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from encoders.errors import EncoderConfigError

Group = TypeVar("Group", bound=Hashable)


def hold_out(groups: Sequence[Group], share: float, seed: int) -> set[Group]:
    """Draw whole groups to keep out, at least one and never all.

    Parameters
    ----------
    groups : sequence of hashable
        Group of each trial.
    share : float
        Share of the groups, in (0, 1).
    seed : int
        Seed of the draw.

    Returns
    -------
    set
        Groups kept out.

    Raises
    ------
    EncoderConfigError
        If there are fewer than two groups.
    """
    names = sorted(set(groups), key=str)
    if len(names) < 2:
        raise EncoderConfigError(
            "training needs trials of at least two subjects: one is kept out to stop early"
        )
    n_kept = min(len(names) - 1, max(1, round(share * len(names))))
    order = np.random.default_rng(seed).permutation(len(names))
    return {names[i] for i in order[:n_kept]}
