"""All predictions of a trial at once: scores, shapes and sums, without a loop over entries.

A large leaderboard holds some hundred thousand predictions of a few thousand trials. They are
scored under the conventions of `eeg_emotion_env.metrics` and `eeg_emotion_env.trajectory_shape`,
which the tests compare with this module.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.sums import Array, defined_mean, is_flat, trial_sums
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import METRICS
from eeg_emotion_env.trajectory_shape import LONGEST_LAG_S, SHAPES, SHORTEST_OVERLAP


class Batch(NamedTuple):
    """Predictions of one trial.

    Attributes
    ----------
    rows : list of TrialPrediction
        The predictions; all of the same labels.
    labels : ndarray, shape (n_dims, n_steps)
        Truth; NaN where not annotated.
    guesses : ndarray, shape (n_dims, n_rows, n_steps)
        What was predicted.
    """

    rows: list[TrialPrediction]
    labels: Array
    guesses: Array


class TrialScore(NamedTuple):
    """Scores of one prediction.

    Attributes
    ----------
    scores : ndarray, shape (n_columns,)
        As `score_columns` orders them; NaN where undefined.
    sums : ndarray, shape (n_dims, 6)
        As `benchmarks.statistics.sums.trial_sums` gives them.
    """

    scores: Array
    sums: Array


_known: WeakKeyDictionary[TrialPrediction, TrialScore] = WeakKeyDictionary()


def score_columns(names: Sequence[str]) -> list[str]:
    """Names of the scores of a trial.

    Parameters
    ----------
    names : sequence of str
        Label dimensions.

    Returns
    -------
    list of str
        ``ccc, pcc, rmse, mae``, the same of each dimension (``ccc_valence`` …), ``spread, lag_s,
        jerk``, and the same of each dimension.
    """
    return [
        *METRICS,
        *(f"{metric}_{name}" for name in names for metric in METRICS),
        *SHAPES,
        *(f"{shape}_{name}" for name in names for shape in SHAPES),
    ]


def score_all(predictions: Sequence[TrialPrediction]) -> list[TrialScore]:
    """Score every trial by itself; what was scored before is remembered.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted.

    Returns
    -------
    list of TrialScore
        One of each prediction, in their order.

    Raises
    ------
    ConfigError
        If a prediction is not finite.
    """
    for batch in batches([p for p in predictions if p not in _known]):
        scores, sums = _score(batch)
        for p, values, of_trial in zip(batch.rows, scores, sums, strict=True):
            _known[p] = TrialScore(values, of_trial)
    return [_known[p] for p in predictions]


def batches(predictions: Sequence[TrialPrediction]) -> Iterator[Batch]:
    """Bring together the predictions of each trial.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted.

    Yields
    ------
    Batch
        One for each trial, in order of appearance; more only where labels differ.
    """
    groups: dict[tuple[object, bytes], list[TrialPrediction]] = {}
    for p in predictions:
        groups.setdefault((p.key, p.labels.tobytes()), []).append(p)
    for rows in groups.values():
        guesses = np.stack([p.predictions for p in rows]).astype(np.float64)
        if not np.isfinite(guesses).all():
            raise ConfigError(
                f"predictions of {rows[0].key} must be finite: NaN or infinite values cannot be "
                "scored"
            )
        labels = rows[0].labels.T.astype(np.float64)
        # one block of memory a prediction, so that sums do not depend on how many there are
        yield Batch(rows, labels, np.ascontiguousarray(guesses.transpose(2, 0, 1)))


def _score(batch: Batch) -> tuple[Array, Array]:
    """Scores, shape (n_rows, n_columns), and sums, shape (n_rows, n_dims, 6)."""
    step_s = batch.rows[0].step_s
    dims = list(zip(batch.labels, batch.guesses, strict=True))
    metrics = np.stack([_metrics(y, a) for y, a in dims], axis=1)
    shapes = np.stack([_shapes(y, a, step_s) for y, a in dims], axis=1)
    n = len(batch.rows)
    blocks = [defined_mean(metrics, 1), metrics.reshape(n, -1)]
    blocks += [defined_mean(shapes, 1), shapes.reshape(n, -1)]
    sums = np.stack([trial_sums(np.broadcast_to(y, a.shape).T, a.T) for y, a in dims], axis=1)
    return np.concatenate(blocks, axis=1), sums


def _metrics(label: Array, guesses: Array) -> Array:
    """CCC, PCC, RMSE and MAE of one dimension, shape (n_rows, 4)."""
    known = ~np.isnan(label)
    result = np.full((len(guesses), len(METRICS)), np.nan)
    if not known.any():
        return result
    y, a = label[known], np.ascontiguousarray(guesses[:, known])
    error = a - y
    result[:, 2] = np.sqrt(np.square(error).mean(axis=1))
    result[:, 3] = np.abs(error).mean(axis=1)
    mean_y, mean = y.mean(), a.mean(axis=1)
    variance_y, variance = y.var(), a.var(axis=1)
    if is_flat(mean_y, variance_y):
        return result
    covariance = ((a - mean[:, None]) * (y - mean_y)).mean(axis=1)
    flat = is_flat(mean, variance)
    ccc = 2 * covariance / (variance_y + variance + np.square(mean - mean_y))
    result[:, 0] = np.where(flat, 0.0, ccc)
    result[~flat, 1] = covariance[~flat] / np.sqrt(variance_y * variance[~flat])
    return result


def _shapes(label: Array, guesses: Array, step_s: float) -> Array:
    """Spread, lag and jerk of one dimension, shape (n_rows, 3)."""
    known = ~np.isnan(label)
    result = np.full((len(guesses), len(SHAPES)), np.nan)
    if guesses.shape[1] > 3:
        result[:, 2] = np.sqrt(np.square(np.diff(guesses, n=3)).mean(axis=1))
    if known.any() and not _all_flat(label[known]):
        shown = np.ascontiguousarray(guesses[:, known])
        result[:, 0] = shown.std(axis=1) / label[known].std()
        moving = ~is_flat(shown.mean(axis=1), shown.var(axis=1))
        result[moving, 1] = _lags(label, known, guesses[moving], step_s)
    return result


def _lags(label: Array, known: NDArray[np.bool_], guesses: Array, step_s: float) -> Array:
    """Lag with the highest correlation, seconds; of equals the one nearest to none."""
    n_steps = len(label)
    reach = min(int(LONGEST_LAG_S / step_s), n_steps - SHORTEST_OVERLAP)
    best = np.full(len(guesses), -np.inf)
    found = np.full(len(guesses), np.nan)
    for lag in sorted(range(-reach, reach + 1), key=lambda lag: (abs(lag), lag)):
        steps = np.flatnonzero(known[max(0, -lag) : n_steps - max(0, lag)]) + max(0, -lag)
        if len(steps) < SHORTEST_OVERLAP or _all_flat(label[steps]):
            continue
        # a slice where it can be one: that is much quicker than a list of steps
        whole = steps[-1] - steps[0] + 1 == len(steps)
        at = slice(steps[0] + lag, steps[-1] + lag + 1) if whole else steps + lag
        value = _correlations(label[steps], guesses[:, at])
        # rounded, so that equals are equal
        better = np.nan_to_num(np.round(value, 12), nan=-np.inf) > best
        best[better], found[better] = np.round(value[better], 12), lag * step_s
    return found


def _correlations(label: Array, guesses: Array) -> Array:
    """Correlation of a label with each row; NaN where the row is constant."""
    mean = guesses.mean(axis=1)
    deviation = guesses - mean[:, None]
    variance = np.einsum("rt,rt->r", deviation, deviation) / guesses.shape[1]
    covariance = deviation @ (label - label.mean()) / guesses.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        value = covariance / np.sqrt(variance * label.var())
    return np.where(is_flat(mean, variance), np.nan, value)


def _all_flat(values: ArrayLike) -> bool:
    array = np.asarray(values)
    return bool(is_flat(array.mean(), array.var()))
