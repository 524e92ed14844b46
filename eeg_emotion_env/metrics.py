"""Trajectory metrics with stated conventions: CCC, PCC, RMSE and MAE.

* Variances and covariances are those of the population (divided by n), as in Lin's definition.
* Steps without annotation (NaN label) are left out.
* Where the label is constant, CCC and PCC are **undefined and returned as NaN**: such trials are to
  be scored over the subject's concatenated trials (`score_concatenated`), never as 0.
* A constant prediction of a varying label has CCC 0 and an undefined PCC (NaN).
* Predictions must be finite: a model cannot improve its score by leaving steps out.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.errors import ConfigError

METRICS = ("ccc", "pcc", "rmse", "mae")
"""Names of the metrics, as they appear in results."""

CONSTANT_TOLERANCE = 1e-6
"""A track is constant if its standard deviation is within this fraction of its root mean square."""


class Scores(NamedTuple):
    """Metrics of one trajectory; NaN where undefined."""

    ccc: float
    pcc: float
    rmse: float
    mae: float


def ccc(label: ArrayLike, prediction: ArrayLike) -> float:
    """Lin's concordance correlation coefficient, in [-1, 1].

    Parameters
    ----------
    label : array_like, shape (n_steps,)
        True affect; NaN where not annotated.
    prediction : array_like, shape (n_steps,)
        Predicted affect, finite.

    Returns
    -------
    float
        ``2 cov / (var_label + var_prediction + (mean_label - mean_prediction)²)``; NaN if the
        label is constant or nothing is annotated.
    """
    return trajectory_scores(label, prediction).ccc


def pcc(label: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson's correlation coefficient, in [-1, 1].

    Parameters
    ----------
    label : array_like, shape (n_steps,)
        True affect; NaN where not annotated.
    prediction : array_like, shape (n_steps,)
        Predicted affect, finite.

    Returns
    -------
    float
        Correlation; NaN if the label or the prediction is constant.
    """
    return trajectory_scores(label, prediction).pcc


def rmse(label: ArrayLike, prediction: ArrayLike) -> float:
    """Root mean squared error, in units of the label.

    Parameters
    ----------
    label : array_like, shape (n_steps,)
        True affect; NaN where not annotated.
    prediction : array_like, shape (n_steps,)
        Predicted affect, finite.

    Returns
    -------
    float
        At least 0; NaN if nothing is annotated.
    """
    return trajectory_scores(label, prediction).rmse


def mae(label: ArrayLike, prediction: ArrayLike) -> float:
    """Mean absolute error, in units of the label.

    Parameters
    ----------
    label : array_like, shape (n_steps,)
        True affect; NaN where not annotated.
    prediction : array_like, shape (n_steps,)
        Predicted affect, finite.

    Returns
    -------
    float
        At least 0; NaN if nothing is annotated.
    """
    return trajectory_scores(label, prediction).mae


def is_constant(track: ArrayLike) -> bool:
    """Say whether a track does not vary (NaN steps aside), so that correlation is undefined.

    Parameters
    ----------
    track : array_like, shape (n_steps,)
        Label or prediction; NaN where not annotated.

    Returns
    -------
    bool
        True if the standard deviation is at most `CONSTANT_TOLERANCE` of the root mean square, or
        if there are no annotated steps.
    """
    values = np.asarray(track, dtype=np.float64)
    values = values[~np.isnan(values)]
    return not values.size or _is_flat(float(values.mean()), float(values.var()))


def trajectory_scores(label: ArrayLike, prediction: ArrayLike) -> Scores:
    """All metrics of one trajectory.

    Parameters
    ----------
    label : array_like, shape (n_steps,)
        True affect; NaN where not annotated.
    prediction : array_like, shape (n_steps,)
        Predicted affect, finite.

    Returns
    -------
    Scores
        CCC, PCC, RMSE and MAE under the conventions of this module.

    Raises
    ------
    ConfigError
        If the shapes differ or a prediction is not finite.
    """
    truth = np.asarray(label, dtype=np.float64)
    guess = np.asarray(prediction, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise ConfigError(
            f"label and prediction must be 1-D and of one length, not {truth.shape} and "
            f"{guess.shape}"
        )
    return _scores(truth[None], guess[None])[0]


def episode_metrics(
    labels: ArrayLike, predictions: ArrayLike, names: Sequence[str]
) -> dict[str, float]:
    """Metrics of an episode: one of each per dimension, and their mean over dimensions.

    Parameters
    ----------
    labels : array_like, shape (n_steps, n_dims)
        True affect; NaN where not annotated.
    predictions : array_like, shape (n_steps, n_dims)
        Predicted affect, finite.
    names : sequence of str
        Names of the dimensions.

    Returns
    -------
    dict of str to float
        Keys ``ccc, pcc, rmse, mae`` (mean over the dimensions where the metric is defined; NaN
        if there is none) and ``ccc_valence`` … for each name.

    Raises
    ------
    ConfigError
        If the shapes do not fit each other or a prediction is not finite.
    """
    truth = np.asarray(labels, dtype=np.float64, order="F")
    guess = np.asarray(predictions, dtype=np.float64, order="F")
    if truth.ndim != 2 or truth.shape != guess.shape or truth.shape[1] != len(names):
        raise ConfigError(
            f"labels {truth.shape} and predictions {guess.shape} must both be "
            f"(n_steps, {len(names)}), one column each of {', '.join(names)}"
        )
    scores = _scores(truth.T, guess.T)
    columns = zip(*scores, strict=True)
    result = {metric: _defined_mean(v) for metric, v in zip(METRICS, columns, strict=True)}
    for name, score in zip(names, scores, strict=True):
        result.update({f"{metric}_{name}": v for metric, v in zip(METRICS, score, strict=True)})
    return result


def score_concatenated(
    labels: Sequence[ArrayLike], predictions: Sequence[ArrayLike], names: Sequence[str]
) -> dict[str, float]:
    """Metrics of several trials taken as one trajectory, such as all trials of a subject.

    This is the way to score trials whose label is constant: between them it varies.

    Parameters
    ----------
    labels : sequence of array_like, each (n_steps, n_dims)
        True affect of each trial; NaN where not annotated.
    predictions : sequence of array_like, each (n_steps, n_dims)
        Predicted affect of each trial, finite.
    names : sequence of str
        Names of the dimensions.

    Returns
    -------
    dict of str to float
        As `episode_metrics`.
    """
    if not labels or len(labels) != len(predictions):
        raise ConfigError(
            f"need as many predictions as labels and at least one trial, not {len(labels)} labels "
            f"and {len(predictions)} predictions"
        )
    return episode_metrics(
        np.concatenate([np.asarray(y) for y in labels]),
        np.concatenate([np.asarray(a) for a in predictions]),
        names,
    )


def _scores(truth: NDArray[np.float64], guess: NDArray[np.float64]) -> list[Scores]:
    """Score each row of two (n_dims, n_steps) arrays; this ends each episode, so it is quick."""
    n_dims, n_steps = truth.shape
    if not n_steps:
        return [Scores(math.nan, math.nan, math.nan, math.nan)] * n_dims
    both = np.concatenate([truth, guess])
    mean = np.add.reduce(both, axis=1) / n_steps
    means = mean.tolist()
    # A mean is NaN or infinite if a value is.
    if not all(map(math.isfinite, means[n_dims:])):
        raise ConfigError("predictions must be finite: NaN or infinite values cannot be scored")
    if any(map(math.isnan, means)):
        return [_annotated_score(y, a) for y, a in zip(truth, guess, strict=True)]
    deviation = both - mean[:, None]
    variances = (np.vecdot(deviation, deviation) / n_steps).tolist()
    covariances = (np.vecdot(deviation[:n_dims], deviation[n_dims:]) / n_steps).tolist()
    error = guess - truth
    squared = (np.vecdot(error, error) / n_steps).tolist()
    absolute = (np.add.reduce(np.abs(error), axis=1) / n_steps).tolist()
    moments = (means[:n_dims], means[n_dims:], variances[:n_dims], variances[n_dims:], covariances)
    return [_score(*values) for values in zip(*moments, squared, absolute, strict=True)]


def _annotated_score(truth: NDArray[np.float64], guess: NDArray[np.float64]) -> Scores:
    annotated = ~np.isnan(truth)
    return _scores(truth[None, annotated], guess[None, annotated])[0]


def _score(
    truth_mean: float,
    guess_mean: float,
    truth_variance: float,
    guess_variance: float,
    covariance: float,
    squared_error: float,
    absolute_error: float,
) -> Scores:
    rmse_value = math.sqrt(squared_error)
    if _is_flat(truth_mean, truth_variance):
        return Scores(math.nan, math.nan, rmse_value, absolute_error)
    if _is_flat(guess_mean, guess_variance):
        return Scores(0.0, math.nan, rmse_value, absolute_error)
    return Scores(
        ccc=2 * covariance / (truth_variance + guess_variance + (guess_mean - truth_mean) ** 2),
        pcc=covariance / math.sqrt(truth_variance * guess_variance),
        rmse=rmse_value,
        mae=absolute_error,
    )


def _is_flat(mean: float, variance: float) -> bool:
    # The absolute floor keeps squares of what remains from vanishing in double precision.
    return variance <= max(CONSTANT_TOLERANCE**2 * (variance + mean * mean), 1e-30)


def _defined_mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan
