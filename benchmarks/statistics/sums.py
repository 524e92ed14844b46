"""Six sums of a trial and label dimension, from which the CCC of any set of trials follows.

The number of annotated steps and the sums of label, prediction, their squares and their product
are enough. Sums of several trials add up to those of the concatenated trials, so that a resample
of trials costs a weighted sum and not a pass over steps.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.metrics import CONSTANT_TOLERANCE

SUMS = ("n", "y", "a", "yy", "aa", "ya")
"""The six sums, in order: y is the label and a the prediction, on annotated steps alone."""

Array = NDArray[np.float64]


def trial_sums(labels: ArrayLike, predictions: ArrayLike) -> Array:
    """Sums of one trial.

    Parameters
    ----------
    labels, predictions : array_like, shape (n_steps, n_dims)
        Truth (NaN where not annotated) and prediction.

    Returns
    -------
    ndarray, shape (n_dims, 6)
        The sums, as `SUMS` orders them.
    """
    truth = np.asarray(labels, dtype=np.float64)
    known = ~np.isnan(truth)
    y = np.where(known, truth, 0.0)
    a = np.where(known, np.asarray(predictions, dtype=np.float64), 0.0)
    return np.stack([term.sum(axis=0) for term in (known, y, a, y * y, a * a, y * a)], axis=-1)


def ccc_of_sums(sums: Array) -> Array:
    """CCC under the conventions of `eeg_emotion_env.metrics`.

    Parameters
    ----------
    sums : ndarray, shape (..., 6)
        Sums, added up over the trials that count as one trajectory.

    Returns
    -------
    ndarray, shape (...)
        CCC; NaN where the label is constant or nothing is annotated, 0 where only the prediction
        is constant.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        n, y, a, yy, aa, ya = np.moveaxis(sums, -1, 0)
        y, a = y / n, a / n
        label_variance, variance = yy / n - y * y, aa / n - a * a
        value = 2 * (ya / n - y * a) / (label_variance + variance + (a - y) ** 2)
        value = np.where(is_flat(a, variance), 0.0, value)
        return np.where(is_flat(y, label_variance) | ~(n > 0), np.nan, value)


def is_flat(mean: Array, variance: Array) -> NDArray[np.bool_]:
    """Say which tracks do not vary, as `eeg_emotion_env.metrics.is_constant` does for one.

    Parameters
    ----------
    mean, variance : ndarray
        Mean and population variance of each track.

    Returns
    -------
    ndarray of bool
        Whether CCC and PCC with the track are undefined.
    """
    flat: NDArray[np.bool_] = variance <= np.maximum(
        CONSTANT_TOLERANCE**2 * (variance + mean * mean), 1e-30
    )
    return flat


def defined_mean(values: Array, axis: int) -> Array:
    """Mean of what is not NaN along an axis; NaN where nothing is left.

    Parameters
    ----------
    values : ndarray
        Values.
    axis : int
        Axis to average over.

    Returns
    -------
    ndarray
        Means; `numpy.nanmean` would warn where it finds nothing.
    """
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Array = np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis)
    return mean
