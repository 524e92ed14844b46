"""Null distribution of an entry's CCC: its own predictions, out of step with the labels.

Where a trial's label varies, the prediction is shifted in time, circularly and within the trial:
this keeps its mean, spread and smoothness and destroys alone what it knows of *when*. Where the
label is constant a shift changes nothing, so such trials of a subject swap labels instead, which
destroys what the prediction knows of *which*. A subject's CCC is then computed as ever.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.moments import (
    SUMS,
    Array,
    Name,
    ccc_of_sums,
    defined_mean,
    natural,
    trial_sums,
)
from eeg_emotion_env.metrics import is_constant
from eeg_emotion_env.trial import TrialKey

N_NULL = 1000
"""Draws unless asked otherwise."""

SHORTEST_SHIFT_S = 10.0
SHORTEST_SHIFT = 0.1
"""Predictions move by at least this many seconds and this part of the trial."""

SHORTEST_SHIFT_OF_SHORT = 0.25
"""Of a short trial at least this part is enough, so that there are lags to choose from."""

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
    groups: dict[Name, dict[int | str, dict[int, list[TrialPrediction]]]] = {}
    for p in predictions:
        of_subject = groups.setdefault((p.entry, p.track), {}).setdefault(p.key.subject, {})
        of_subject.setdefault(p.seed, []).append(p)
    result = {}
    for name, subjects in groups.items():
        by_subject = [
            defined_mean(np.stack([_null_scores(run, draws) for run in seeds.values()]), axis=0)
            for seeds in subjects.values()
        ]
        result[name] = defined_mean(np.stack(by_subject), axis=0)
    return result


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
        rng = np.random.default_rng([seed, number])
        lags = lags_of(len(trials[key].labels), trials[key].step_s)
        draws[key] = rng.choice(lags, n_draws), rng.random(n_draws)
    return draws


def _null_scores(run: Sequence[TrialPrediction], draws: Draws) -> Array:
    """CCC of one subject and seed under the null hypothesis, shape (n_draws,)."""
    run = sorted(run, key=lambda p: (p.key.session, p.key.trial))
    constant = np.array([[is_constant(track) for track in p.labels.T] for p in run])
    fixed = np.stack([trial_sums(p.labels, p.predictions) for p in run])
    n_draws = len(draws[run[0].key][0])
    total = np.zeros((n_draws, *fixed.shape[1:]))
    for p, flat in zip(run, constant, strict=True):
        if not flat.all():
            shifted = _shifted_sums(p, draws[p.key][0])
            shifted[:, flat] = 0.0
            total += shifted
    places = np.stack([draws[p.key][1] for p in run], axis=1)
    for dim, flat in enumerate(constant.T):
        swapped = flat & (fixed[:, dim, 0] > 0)
        if swapped.any():
            total[:, dim] += _swapped_sums(fixed[swapped, dim], places[:, swapped])
    return defined_mean(ccc_of_sums(total), axis=-1)


def _shifted_sums(p: TrialPrediction, lags: NDArray[np.integer]) -> Array:
    """Sums of a trial whose prediction is shifted, shape (n_draws, n_dims, 6).

    Sums over steps at all lags at once are circular cross-correlations.
    """
    truth = p.labels.astype(np.float64)
    guess = p.predictions.astype(np.float64)
    known = ~np.isnan(truth)
    of_label = np.conj(np.fft.rfft([known, np.where(known, truth, 0.0)], axis=1))
    of_guess = np.fft.rfft([guess, guess**2], axis=1)
    products = np.stack([of_label[0] * of_guess[0], of_label[0] * of_guess[1]])
    products = np.concatenate([products, (of_label[1] * of_guess[0])[None]])
    at_lags = np.fft.irfft(products, n=len(truth), axis=1)[:, lags]
    sums = np.empty((len(lags), truth.shape[1], len(SUMS)))
    sums[:] = trial_sums(truth, guess)
    for column, values in zip(("a", "aa", "ya"), at_lags, strict=True):
        sums[..., SUMS.index(column)] = values
    return sums


def _swapped_sums(sums: Array, places: Array) -> Array:
    """Sums over trials of constant label that swap labels, shape (n_draws, 6).

    Each prediction keeps its own steps; the label that it meets is another trial's, or by chance
    its own.
    """
    n, y, a, *_ = sums.T
    labels = (y / n)[np.argsort(places, axis=1)]
    whole = np.empty((len(places), len(SUMS)))
    whole[:] = sums.sum(axis=0)
    for column, values in (("y", labels @ n), ("yy", labels**2 @ n), ("ya", labels @ a)):
        whole[:, SUMS.index(column)] = values
    return whole
