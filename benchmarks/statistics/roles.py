"""What part a row of the leaderboard plays: competitor, ablation of the bands, or ceiling."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.predictions import TrialPrediction

WITHOUT_HIGH_BANDS = (" (<30 Hz)", "@no-muscle")
"""Ends of the names of entries that were given no bands above 30 Hz; the first is written."""

OURS = "eegdancer"
"""Our method and its ablations begin with this."""

ROLES = ("entry", "variant", "oracle")
"""Roles in the order in which they are listed."""


def full_name(entry: str) -> str:
    """Name of the entry that had all bands.

    Parameters
    ----------
    entry : str
        Name on the leaderboard, such as ``ridge (<30 Hz)``.

    Returns
    -------
    str
        ``ridge``; `entry` itself where it is no variant.
    """
    for end in WITHOUT_HIGH_BANDS:
        entry = entry.removesuffix(end)
    return entry


def role_of(entry: str) -> str:
    """Role of an entry.

    Parameters
    ----------
    entry : str
        Name on the leaderboard.

    Returns
    -------
    str
        ``oracle`` if it knows what no competitor can (`Entry.oracle`, or a name that begins with
        ``oracle-``, for entries from outside), ``variant`` if it is an entry without the bands
        above 30 Hz, else ``entry``.
    """
    # the registry imports torch, which tables do not need otherwise
    from benchmarks.entries import ENTRIES

    full = full_name(entry)
    if full.startswith("oracle-") or (full in ENTRIES and ENTRIES[full].oracle):
        return "oracle"
    return "entry" if full == entry else "variant"


def is_competitor(entry: str) -> bool:
    """Say whether an entry competes: whether it is no oracle and had all bands.

    Parameters
    ----------
    entry : str
        Name on the leaderboard.

    Returns
    -------
    bool
        True if it is ranked, tested, and can be the best or the reference.
    """
    return role_of(entry) == "entry"


def rows_of(table: pd.DataFrame, role: str) -> pd.DataFrame:
    """Rows of one role.

    Parameters
    ----------
    table : DataFrame
        Column ``entry``.
    role : str
        One of `ROLES`.

    Returns
    -------
    DataFrame
        The rows, possibly none.
    """
    # an array, since an empty list would select columns
    return table[np.array([role_of(entry) == role for entry in table["entry"]], dtype=bool)]


def without_high_bands(predictions: Sequence[TrialPrediction]) -> list[TrialPrediction]:
    """Name the predictions of a run without bands above 30 Hz, to be put beside those of one with.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        Predictions of a run whose trials had no bands above 30 Hz.

    Returns
    -------
    list of TrialPrediction
        The same, of entries named ``<entry> (<30 Hz)``.
    """
    return [replace(p, entry=full_name(p.entry) + WITHOUT_HIGH_BANDS[0]) for p in predictions]
