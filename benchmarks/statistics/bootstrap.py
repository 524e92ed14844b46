"""Hierarchical bootstrap: subjects, within them trials, within those the seeds of an entry.

All entries see the same resampled subjects and trials, so that differences between them are
paired. A resample needs no steps, only weighted sums of `benchmarks.statistics.moments`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.moments import Moments, Name
from benchmarks.statistics.sums import Array, ccc_of_sums, defined_mean

N_BOOTSTRAP = 10_000
"""Resamples unless asked otherwise."""

TRIAL_STREAM, SEED_STREAM = 1, 2
"""Marks of random streams. Without them a stream of the first subject would be that of the draws
of subjects: NumPy takes [seed, 0] for [seed]."""

MIN_SUBJECTS = 3
"""Fewest subjects with an interval: resamples of two are three values."""


def bootstrap_means(
    moments: Moments, n_draws: int = N_BOOTSTRAP, seed: int = 0
) -> dict[Name, Array]:
    """Resample the mean over subjects of the CCC of each entry.

    Parameters
    ----------
    moments : Moments
        Sums of all entries.
    n_draws : int
        Number of resamples.
    seed : int
        Seed of the resampling. What is drawn for an entry depends on no other entry.

    Returns
    -------
    dict of Name to ndarray, shape (n_draws,)
        Means; NaN where the CCC of all drawn subjects is undefined.
    """
    n_subjects = len(moments.subjects)
    drawn = np.random.default_rng(seed).integers(n_subjects, size=(n_draws, n_subjects))
    totals = {name: np.zeros((2, n_draws)) for name in moments.sums}
    for subject in range(n_subjects):
        replicate = np.nonzero(drawn == subject)[0]
        trials = moments.of_subject(subject)
        weights = _trial_weights(len(replicate), len(trials), [seed, TRIAL_STREAM, subject])
        for name, sums in moments.sums.items():
            scores = _resampled(sums[:, trials], weights, [seed, SEED_STREAM, subject])
            known = ~np.isnan(scores)
            for total, values in zip(
                totals[name], (np.where(known, scores, 0), known), strict=True
            ):
                total += np.bincount(replicate, values, minlength=n_draws)
    with np.errstate(invalid="ignore"):
        return {name: total / count for name, (total, count) in totals.items()}


def interval(draws: Array, scores: Array) -> tuple[float, float]:
    """95 % interval of a mean over subjects: percentiles of its resamples, centred on it.

    A resample has fewer distinct trials than the sample and therefore, on average, a lower CCC:
    that is a property of the resampling and is taken off.

    Parameters
    ----------
    draws : ndarray, shape (n_draws,)
        Resampled means.
    scores : ndarray, shape (n_subjects,)
        Scores of the subjects behind them; NaN where undefined.

    Returns
    -------
    tuple of float
        Low and high end; NaN with fewer than `MIN_SUBJECTS` scores.
    """
    known = scores[~np.isnan(scores)]
    if len(known) < MIN_SUBJECTS:
        return math.nan, math.nan
    low, high = np.nanquantile(draws, [0.025, 0.975]) - np.nanmean(draws) + known.mean()
    return float(low), float(high)


def over_subjects(values: Array) -> tuple[float, float]:
    """95 % interval of a mean over subjects, by resampling the subjects alone.

    Parameters
    ----------
    values : ndarray, shape (n_subjects,)
        A number for each subject; NaN where undefined.

    Returns
    -------
    tuple of float
        Low and high end; NaN with fewer than `MIN_SUBJECTS` numbers.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan, math.nan
    drawn = np.random.default_rng(0).choice(known, (N_BOOTSTRAP, len(known)))
    return interval(drawn.mean(axis=1), known)


def _trial_weights(n_draws: int, n_trials: int, seed: list[int]) -> Array:
    """How often each trial occurs in each resample of a subject's trials."""
    drawn = np.random.default_rng(seed).integers(n_trials, size=(n_draws, n_trials))
    drawn += n_trials * np.arange(n_draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n_draws * n_trials)
    return counts.reshape(n_draws, n_trials).astype(np.float64)


def _resampled(sums: Array, weights: Array, seed: list[int]) -> Array:
    """CCC of resamples of one subject's trials, averaged over resampled seeds.

    Parameters
    ----------
    sums : ndarray, shape (n_seeds, n_trials, n_dims, 6)
        Sums of the subject's trials.
    weights : ndarray, shape (n_draws, n_trials)
        How often each trial occurs.
    seed : list of int
        Seed of the draws of the entry's seeds.

    Returns
    -------
    ndarray, shape (n_draws,)
        CCC; NaN where undefined.
    """
    n_seeds, n_trials, n_dims, n_sums = sums.shape
    # the sums come first, so that each is one block of memory in the arithmetic that follows
    columns = sums.transpose(1, 3, 0, 2).reshape(n_trials, -1)
    whole = (weights @ columns).reshape(-1, n_sums, n_seeds, n_dims)
    scores = defined_mean(ccc_of_sums(np.moveaxis(whole, 1, -1)), axis=-1)
    if n_seeds == 1:
        return scores[:, 0]
    return defined_mean(np.take_along_axis(scores, _seed_draws(scores.shape, seed), 1), axis=1)


def _seed_draws(shape: tuple[int, ...], seed: list[int]) -> NDArray[np.integer]:
    return np.random.default_rng([*seed, shape[1]]).integers(shape[1], size=shape)
