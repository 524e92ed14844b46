"""Mutual information of codes with labels, subjects and stimuli, adjusted for chance."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.encoder_report.steps import IntArray, Steps, Tick

LABEL_BINS = 5
"""Quantile bins of a label."""

N_SHUFFLES = 100
"""Shuffles behind the chance level."""

SHIFTED = "codes of each subject, trials in order, shifted circularly"
SUBJECTS_PERMUTED = "subjects permuted between trials"
STIMULI_PERMUTED = "stimuli permuted between the trials of each subject"


def information_table(
    steps: Steps,
    n_shuffles: int = N_SHUFFLES,
    seed: int = 0,
    tick: Tick = lambda text: None,
) -> pd.DataFrame:
    """Measure what the codes tell of labels, subject and stimulus.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    n_shuffles : int
        Shuffles behind the chance level.
    seed : int
        Of the shuffles.
    tick : callable
        Called before each target.

    Returns
    -------
    DataFrame
        Columns ``target, n_classes, bits`` (mutual information), ``nmi`` (by the mean of both
        entropies), ``chance, chance_95`` (mean and 95th percentile over shuffles), ``adjusted`` (0
        at chance, 1 at most) and ``shuffle``. A target of one class is left out.
    """
    rows = []
    for target, values, how in _targets(steps):
        tick(f"information on {target}")
        known = values >= 0
        if len(np.unique(values[known])) < 2:
            continue
        rng = np.random.default_rng(seed)
        shuffles = _shuffles(steps, values, how, rng)
        scores = np.array([_nmi(*next(shuffles)) for _ in range(n_shuffles)])
        nmi, chance = _nmi(steps.code[known], values[known]), scores.mean()
        rows.append(
            {
                "target": target,
                "n_classes": len(np.unique(values[known])),
                "bits": _bits(steps.code[known], values[known]),
                "nmi": nmi,
                "chance": chance,
                "chance_95": np.percentile(scores, 95),
                # all is chance where even shuffled codes tell everything
                "adjusted": (nmi - chance) / max(1 - chance, 1e-9),
                "shuffle": how,
            }
        )
    columns = ["target", "n_classes", "bits", "nmi", "chance", "chance_95", "adjusted", "shuffle"]
    return pd.DataFrame(rows, columns=columns)


def n_targets(steps: Steps) -> int:
    """Return the number of targets of `information_table`: an upper bound."""
    return len(steps.trials[0].label_names) + 2


def quantile_bins(label: NDArray[np.floating], n_bins: int = LABEL_BINS) -> IntArray:
    """Sort a label into quantile bins.

    Parameters
    ----------
    label : ndarray, shape (n_steps,)
        Label; NaN where not annotated.
    n_bins : int
        Bins at most: values that occur often make fewer.

    Returns
    -------
    ndarray, shape (n_steps,), int64
        Bin, from 0; -1 where not annotated.
    """
    known = ~np.isnan(label)
    bins = np.full(len(label), -1, np.int64)
    if known.any():
        edges = np.unique(np.quantile(label[known], np.linspace(0, 1, n_bins + 1)[1:-1]))
        bins[known] = np.searchsorted(edges, label[known], side="right")
    return bins


def verdict(table: pd.DataFrame) -> str:
    """Say in a sentence whether the codes tell more of the subject or of the emotion.

    Parameters
    ----------
    table : DataFrame
        Made by `information_table`.

    Returns
    -------
    str
        Empty if one of both is not known.
    """
    rows = {str(row["target"]): row for row in table.to_dict("records")}
    labels = {name: row for name, row in rows.items() if name not in ("subject", "stimulus")}
    if "subject" not in rows or not labels:
        return ""
    best = max(labels, key=lambda name: labels[name]["adjusted"])
    subject, emotion = (float(rows[name]["adjusted"]) for name in ("subject", best))
    numbers = f"subject {subject:.3f}, {best} {emotion:.3f}, adjusted for chance"
    if not any(row["nmi"] > row["chance_95"] for row in (rows["subject"], *labels.values())):
        return f"Neither identity nor emotion is readable from the codes above chance ({numbers})."
    if subject > emotion:
        return (
            "Identity is more readable from the codes than emotion (normalised mutual information: "
            f"{numbers}): a codebook like this is a subject ID table."
        )
    return (
        "Emotion is at least as readable from the codes as identity (normalised mutual "
        f"information: {numbers})."
    )


def _targets(steps: Steps) -> Iterator[tuple[str, IntArray, str]]:
    """Yield name, class of each step (-1 if unknown), and way of shuffling."""
    for name, label in zip(steps.trials[0].label_names, steps.labels.T, strict=True):
        yield name, quantile_bins(label), SHIFTED
    yield "subject", _numbered(steps.subject), SUBJECTS_PERMUTED
    if steps.stimulus is not None:
        yield "stimulus", _numbered(steps.stimulus), STIMULI_PERMUTED


def _numbered(values: NDArray[np.generic]) -> IntArray:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _shuffles(
    steps: Steps, values: IntArray, how: str, rng: np.random.Generator
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield codes and classes whose tie is cut, again and again."""
    known = values >= 0
    codes, classes, subjects = steps.code[known], values[known], steps.subject[known]
    blocks = [np.flatnonzero(subjects == subject) for subject in dict.fromkeys(subjects)]
    firsts = np.unique(steps.trial_number, return_index=True)[1]
    of_trial, owner = values[firsts], steps.subject[firsts]
    while True:
        if how == SHIFTED:
            order = np.concatenate([np.roll(b, rng.integers(1, max(len(b), 2))) for b in blocks])
            yield codes[order], classes[np.concatenate(blocks)]
        else:
            groups = owner if how == STIMULI_PERMUTED else np.zeros(len(owner))
            yield codes, _permuted(of_trial, groups, rng)[steps.trial_number]


def _permuted(values: IntArray, groups: NDArray[np.generic], rng: np.random.Generator) -> IntArray:
    """Permute values within each group."""
    result = values.copy()
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        result[places] = values[rng.permutation(places)]
    return result


def _nmi(codes: IntArray, classes: IntArray) -> float:
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(classes, codes))


def _bits(codes: IntArray, classes: IntArray) -> float:
    from sklearn.metrics import mutual_info_score

    return float(mutual_info_score(classes, codes) / np.log(2))
