"""Null distribution of an entry's CCC: its own predictions, out of step with the labels.

Where a trial's label varies, the prediction is shifted in time, circularly and within the trial:
this keeps its mean, spread and smoothness and destroys alone what it knows of *when*. Where the
label is constant a shift changes nothing, so such trials of a subject swap labels instead, which
destroys what the prediction knows of *which*. A subject's CCC is then computed as ever.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.batches import batches, score_all
from benchmarks.statistics.moments import Name, natural
from benchmarks.statistics.sums import SUMS, Array, ccc_of_sums, defined_mean
from eeg_emotion_env.metrics import is_constant
from eeg_emotion_env.trial import TrialKey

N_NULL = 1000
"""Draws unless asked otherwise."""

SHORTEST_SHIFT_S = 10.0
SHORTEST_SHIFT = 0.1
"""Predictions move by at least this many seconds and this part of the trial."""

SHORTEST_SHIFT_OF_SHORT = 0.25
"""Of a short trial at least this part is enough, so that there are lags to choose from."""

NULL_STREAM = 3
"""Mark of the null's random streams, beside those of `benchmarks.statistics.bootstrap`."""

Run = tuple[Name, int]
"""Name and seed."""


class ConstantTrial(NamedTuple):
    """Trial of constant label, of one dimension.

    Attributes
    ----------
    places : ndarray, shape (n_draws,)
        Place in the swapped order.
    sums : dict of int to ndarray, shape (6,)
        Sums of each run that predicted it.
    """

    places: Array
    sums: Mapping[int, Array]


Draws = Mapping[TrialKey, tuple[NDArray[np.integer], Array]]
"""Lag and place in the swapped order of each trial, both (n_draws,)."""


def null_means(
    predictions: Sequence[TrialPrediction], n_draws: int = N_NULL, seed: int = 0
) -> dict[Name, Array]:
    """Mean CCC over subjects of each entry under the null hypothesis.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.
    n_draws : int
        Number of draws.
    seed : int
        Seed of the draws; all entries and seeds are shifted alike.

    Returns
    -------
    dict of Name to ndarray, shape (n_draws,)
        Means over subjects, seeds averaged within the subject first; NaN where the CCC is
        undefined for all.
    """
    draws = _draw(predictions, n_draws, seed)
    by_subject: dict[int | str, list[TrialPrediction]] = {}
    for p in predictions:
        by_subject.setdefault(p.key.subject, []).append(p)
    scores: dict[Name, list[Array]] = {}
    for subject in sorted(by_subject, key=natural):
        runs, of_runs = _null_scores(by_subject[subject], draws, n_draws)
        for name in dict.fromkeys(name for name, _ in runs):
            seeds = [i for i, run in enumerate(runs) if run[0] == name]
            scores.setdefault(name, []).append(defined_mean(of_runs[seeds], axis=0))
    return {name: defined_mean(np.stack(values), axis=0) for name, values in scores.items()}


def lags_of(n_steps: int, step_s: float) -> NDArray[np.integer]:
    """Circular lags that count as out of step.

    Parameters
    ----------
    n_steps : int
        Length of the trial.
    step_s : float
        Seconds a step.

    Returns
    -------
    ndarray of int
        Lags, steps, at least `SHORTEST_SHIFT_S` and `SHORTEST_SHIFT` of the trial away from none
        in both directions; or `SHORTEST_SHIFT_OF_SHORT` of the trial if that is less.
    """
    wanted = max(SHORTEST_SHIFT_S / step_s, SHORTEST_SHIFT * n_steps)
    least = min(int(np.ceil(min(wanted, SHORTEST_SHIFT_OF_SHORT * n_steps))), n_steps // 2)
    return np.unique(np.arange(least, n_steps - least + 1) % n_steps)


def _draw(predictions: Sequence[TrialPrediction], n_draws: int, seed: int) -> Draws:
    trials = {p.key: p for p in predictions}
    ordered = sorted(trials, key=lambda k: (natural(k.subject), k.session, k.trial))
    draws = {}
    for number, key in enumerate(ordered):
        # marked, so that no stream is that of the bootstrap
        rng = np.random.default_rng([seed, NULL_STREAM, number])
        lags = lags_of(len(trials[key].labels), trials[key].step_s)
        draws[key] = rng.choice(lags, n_draws), rng.random(n_draws)
    return draws


def _null_scores(
    predictions: Sequence[TrialPrediction], draws: Draws, n_draws: int
) -> tuple[list[Run], Array]:
    """CCC of one subject under the null hypothesis.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        Predictions of one subject.
    draws : Draws
        What is drawn for each trial.
    n_draws : int
        Number of draws.

    Returns
    -------
    runs : list of Run
        Name and seed, sorted.
    scores : ndarray, shape (n_runs, n_draws)
        Their CCC.
    """
    runs = sorted({(p.entry, p.track, p.seed) for p in predictions})
    names: list[Run] = [((entry, track), seed) for entry, track, seed in runs]
    number = {run: i for i, run in enumerate(runs)}
    n_dims = predictions[0].labels.shape[1]
    total = np.zeros((n_dims, len(SUMS), len(runs), n_draws))
    constant: dict[int, list[ConstantTrial]] = {}
    for batch in batches(predictions):
        key = batch.rows[0].key
        owners = [number[p.entry, p.track, p.seed] for p in batch.rows]
        sums = np.stack([known.sums for known in score_all(batch.rows)])
        for dim, (label, guesses) in enumerate(zip(batch.labels, batch.guesses, strict=True)):
            if not is_constant(label):
                shifted = shifted_sums(label, guesses, sums[:, dim], draws[key][0])
                _add(total[dim], owners, shifted)
            elif not np.isnan(label).all():
                by_run = dict(zip(owners, sums[:, dim], strict=True))
                constant.setdefault(dim, []).append(ConstantTrial(draws[key][1], by_run))
    for dim, trials in constant.items():
        _swap(total[dim], trials)
    return names, defined_mean(ccc_of_sums(np.moveaxis(total, 1, -1)), axis=0)


def _add(total: Array, owners: Sequence[int], sums: Sequence[Array]) -> None:
    """Add sums of some runs to the total, (6, n_runs, n_draws), of all."""
    for column, values in enumerate(sums):
        total[column, owners] += values


def _swap(total: Array, trials: Sequence[ConstantTrial]) -> None:
    """Add trials that swap labels, for all runs at once that predicted the same of them."""
    runs = sorted({run for trial in trials for run in trial.sums})
    sets: dict[tuple[int, ...], list[int]] = {}
    for run in runs:
        sets.setdefault(tuple(i for i, t in enumerate(trials) if run in t.sums), []).append(run)
    for chosen, owners in sets.items():
        order = np.argsort(np.stack([trials[i].places for i in chosen], axis=1), axis=1)
        sums = np.stack([[trials[i].sums[run] for run in owners] for i in chosen])
        _add(total, owners, _swapped_sums(sums, order))


def shifted_sums(
    label: Array, guesses: Array, sums: Array, lags: NDArray[np.integer]
) -> list[Array]:
    """Sums of a trial and dimension whose predictions are shifted.

    Sums over steps at all lags at once are circular cross-correlations.

    Parameters
    ----------
    label : ndarray, shape (n_steps,)
        Truth; NaN where not annotated.
    guesses : ndarray, shape (n_rows, n_steps)
        Predictions.
    sums : ndarray, shape (n_rows, 6)
        Their sums in step.
    lags : ndarray of int, shape (n_draws,)
        Lags, steps.

    Returns
    -------
    list of ndarray, each (n_rows, 1) or (n_rows, n_draws)
        The sums, as `SUMS` orders them.
    """
    known = ~np.isnan(label)
    n_steps = len(label)

    def at_lags(track: Array, values: Array) -> Array:
        product = np.conj(np.fft.rfft(track)) * np.fft.rfft(values, axis=1)
        at: Array = np.fft.irfft(product, n=n_steps, axis=1)[:, lags]
        return at

    found = dict(zip(SUMS, sums.T[:, :, None], strict=True))
    found["ya"] = at_lags(np.where(known, label, 0.0), guesses)
    if not known.all():
        # which predictions meet an annotated step depends on the lag
        found["a"] = at_lags(known.astype(np.float64), guesses)
        found["aa"] = at_lags(known.astype(np.float64), guesses**2)
    return list(found.values())


def _swapped_sums(sums: Array, order: NDArray[np.integer]) -> list[Array]:
    """Sums over trials of constant label that swap labels.

    Each prediction keeps its own steps; the label that it meets is another trial's, or by chance
    its own.

    Parameters
    ----------
    sums : ndarray, shape (n_trials, n_rows, 6)
        Sums of the trials.
    order : ndarray of int, shape (n_draws, n_trials)
        Trial whose label each trial meets.

    Returns
    -------
    list of ndarray, each (n_rows, 1) or (n_rows, n_draws)
        The sums, as `SUMS` orders them.
    """
    n, y, a, *_ = np.moveaxis(sums, -1, 0)
    # labels and steps are those of the trials, whoever predicts them
    steps, labels = n[:, 0], (y[:, 0] / n[:, 0])[order]
    found = dict(zip(SUMS, sums.sum(axis=0).T[:, :, None], strict=True))
    found["y"] = (labels @ steps)[None]
    found["yy"] = (labels**2 @ steps)[None]
    found["ya"] = (labels @ a).T
    return list(found.values())
