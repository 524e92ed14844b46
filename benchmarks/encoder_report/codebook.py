"""Use of the codebook: who uses which prototype, for how long, and what follows it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.encoder_report.steps import IntArray, Steps
from encoders.diagnostics import codebook_usage

COLLAPSED = 0.1
"""Perplexity below this share of the codebook is called a collapse."""

RARE = 0.1
"""Prototypes with less than this share of an even use are called rare."""

MOMENTS = 3
"""Typical moments of a prototype that are listed."""


def runs(codes: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    """Find runs of one prototype; the end of a trial ends a run.

    Parameters
    ----------
    codes : sequence of ndarray, each (n_steps,), int64
        Prototype of each step, by trial.

    Returns
    -------
    prototypes, lengths : ndarray, shape (n_runs,), int64
        Prototype of each run, and its length in steps.
    """
    prototypes, lengths = [], []
    for track in codes:
        starts = np.flatnonzero(np.diff(track, prepend=-1))
        prototypes.append(track[starts])
        lengths.append(np.diff(starts, append=len(track)))
    return np.concatenate(prototypes), np.concatenate(lengths)


def usage_table(steps: Steps) -> pd.DataFrame:
    """Describe the use of the codebook by all, by seen and unseen subjects, and by each subject.

    Parameters
    ----------
    steps : Steps
        Encoded trials.

    Returns
    -------
    DataFrame
        Columns ``group`` (``all``, ``training``, ``unseen`` or ``subject``), ``subject, n_trials,
        n_steps, n_prototypes, usage, perplexity, dwell_s, dwell_median_s, dwell_90_s``.
    """
    rows = [{"group": "all", "subject": "", **_usage(steps)}]
    for name, subjects in steps.parts.items():
        rows.append({"group": name, "subject": "", **_usage(steps.select(subjects))})
    for subject in steps.subjects:
        rows.append({"group": "subject", "subject": subject, **_usage(steps.select([subject]))})
    return pd.DataFrame(rows)


def _usage(steps: Steps) -> dict[str, float]:
    step_s = steps.trials[0].step_s
    found = codebook_usage(steps.codes, steps.codebook_size)
    _, lengths = runs(steps.codes)
    return {
        "n_trials": len(steps.trials),
        "n_steps": len(steps.code),
        "n_prototypes": len(np.unique(steps.code)),
        "usage": found["usage"],
        "perplexity": found["perplexity"],
        "dwell_s": float(lengths.mean()) * step_s,
        "dwell_median_s": float(np.median(lengths)) * step_s,
        "dwell_90_s": float(np.percentile(lengths, 90)) * step_s,
    }


def collapse(table: pd.DataFrame, codebook_size: int) -> list[str]:
    """Name the groups whose perplexity is below `COLLAPSED` of the codebook.

    Parameters
    ----------
    table : DataFrame
        Made by `usage_table`.
    codebook_size : int
        Number of prototypes.

    Returns
    -------
    list of str
        ``all``, ``training``, ``unseen``; single subjects are not judged.
    """
    groups = table[table["group"] != "subject"]
    low = groups["perplexity"] < COLLAPSED * codebook_size
    return list(groups.loc[low, "group"])


def prototype_table(steps: Steps) -> pd.DataFrame:
    """Describe each prototype that occurs, by its first label from low to high.

    Parameters
    ----------
    steps : Steps
        Encoded trials.

    Returns
    -------
    DataFrame
        Columns ``prototype, n_steps, share, rare, dwell_s``, for each label ``<name>`` and
        ``<name>_spread`` (mean and standard deviation over its steps), ``n_subjects, subjects`` and
        ``moments`` (trial and second of the steps nearest to it).
    """
    names = list(steps.trials[0].label_names)
    table = steps.table()
    prototypes, lengths = runs(steps.codes)
    by_code = table.groupby("prototype")
    result = pd.DataFrame({"n_steps": by_code.size()})
    result["share"] = result["n_steps"] / len(table)
    result["rare"] = result["share"] < RARE / steps.codebook_size
    dwell = pd.Series(lengths, dtype=float).groupby(prototypes).mean()
    result["dwell_s"] = dwell * steps.trials[0].step_s
    for name in names:
        result[name] = by_code[name].mean()
        result[f"{name}_spread"] = by_code[name].std(ddof=0)
    result["n_subjects"] = by_code["subject"].nunique()
    result["subjects"] = by_code["subject"].unique().map(", ".join)
    nearest = _nearest(table)
    result["moments"] = [
        "; ".join(moment(steps, row) for row in nearest.get(code, [])) for code in result.index
    ]
    return result.sort_values([names[0], "n_steps"], na_position="last").reset_index()


def _nearest(table: pd.DataFrame) -> dict[int, list[int]]:
    """Rows of the steps nearest to each prototype, one a trial at most."""
    order = table.sort_values("distance", kind="stable")
    once = order.drop_duplicates(["prototype", "trial"])
    nearest: dict[int, list[int]] = {}
    for code, row in zip(once["prototype"].to_numpy(), once.index.to_numpy(), strict=True):
        nearest.setdefault(int(code), []).append(int(row))
    return {code: found[:MOMENTS] for code, found in nearest.items()}


def moment(steps: Steps, row: int) -> str:
    """Name a step by its trial and the second at its end."""
    number = int(steps.trial_number[row])
    trial = steps.trials[number]
    first = int(np.searchsorted(steps.trial_number, number))
    key, seconds = trial.key, (row - first + 1) * trial.step_s
    stimulus = f" ({key.stimulus})" if key.stimulus else ""
    place = f"subject {key.subject} session {key.session} trial {key.trial}{stimulus}"
    return f"{place} at {seconds:g} s"


def mean_maps(steps: Steps) -> NDArray[np.float64]:
    """Mean normalised features at the steps of each prototype.

    Parameters
    ----------
    steps : Steps
        Encoded trials.

    Returns
    -------
    ndarray, shape (codebook_size, n_channels, n_bands)
        NaN for prototypes that do not occur.
    """
    maps = np.full((steps.codebook_size, *steps.features.shape[1:]), np.nan)
    for code in np.unique(steps.code):
        maps[code] = steps.features[steps.code == code].mean(axis=0, dtype=np.float64)
    return maps


def places(steps: Steps, table: pd.DataFrame) -> tuple[NDArray[np.float64], str]:
    """Place prototypes in the plane of the labels.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    table : DataFrame
        Made by `prototype_table`; rows may be left out.

    Returns
    -------
    places : ndarray, shape (n_prototypes, 2)
        Mean labels; with one label dimension, its mean and the prototypes' first principal
        component.
    axis : str
        What the second axis is.
    """
    names = steps.trials[0].label_names
    if len(names) > 1:
        return table[list(names[:2])].to_numpy(float), names[1]
    vectors = np.array([steps.prototype[steps.code == c].mean(axis=0) for c in table["prototype"]])
    centred = vectors - np.average(vectors, axis=0, weights=table["n_steps"])
    weighted = centred * np.sqrt(table["n_steps"].to_numpy(float))[:, None]
    _, _, axes = np.linalg.svd(weighted, full_matrices=False)
    second = centred @ axes[0]
    return np.stack([table[names[0]].to_numpy(float), second], axis=1), (
        "first principal component of the prototypes"
    )
