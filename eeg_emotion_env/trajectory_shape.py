"""What error and correlation do not tell of a trajectory: its spread, its lag, its unrest."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import is_constant

SHAPES = ("spread", "lag_s", "jerk")
"""Names of the quantities, as they appear in results."""

LONGEST_LAG_S = 10.0
"""Largest lag looked at, seconds, in both directions."""

SHORTEST_OVERLAP = 8
"""Steps that label and shifted prediction must share for their correlation to count."""


class Shape(NamedTuple):
    """Shape of one trajectory relative to its label; NaN where undefined.

    Attributes
    ----------
    spread : float
        Standard deviation of the prediction over that of the label (population), 1 is right.
    lag_s : float
        Seconds by which the prediction trails the label where their correlation is highest.
    jerk : float
        Root mean square of the third difference of the prediction, per step cubed.
    """

    spread: float
    lag_s: float
    jerk: float


def trajectory_shape(label: ArrayLike, prediction: ArrayLike, step_s: float) -> Shape:
    """Spread, lag and jerk of one trajectory.

    Parameters
    ----------
    label : array_like, shape (n_steps,)
        True affect; NaN where not annotated.
    prediction : array_like, shape (n_steps,)
        Predicted affect, finite.
    step_s : float
        Seconds a step.

    Returns
    -------
    Shape
        Spread and lag are NaN where the label is constant, lag also where the prediction is; jerk
        needs four steps.
    """
    truth, guess = (np.asarray(values, dtype=np.float64) for values in (label, prediction))
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise ConfigError(
            f"label and prediction must be 1-D and of one length, not {truth.shape} and "
            f"{guess.shape}"
        )
    known = ~np.isnan(truth)
    spread, lag = math.nan, math.nan
    if not is_constant(truth):
        spread = float(guess[known].std() / truth[known].std())
        if not is_constant(guess[known]):
            lag = _lag(truth, guess, step_s)
    third = np.diff(guess, n=3)
    return Shape(spread, lag, float(np.sqrt(np.square(third).mean())) if third.size else math.nan)


def mean_shape(
    labels: Sequence[ArrayLike],
    predictions: Sequence[ArrayLike],
    names: Sequence[str],
    step_s: float,
) -> dict[str, float]:
    """Mean shape over trials and label dimensions where it is defined.

    Parameters
    ----------
    labels, predictions : sequence of array_like, each (n_steps, n_dims)
        Trials.
    names : sequence of str
        Label dimensions.
    step_s : float
        Seconds a step.

    Returns
    -------
    dict of str to float
        Keys `SHAPES` and ``spread_valence`` … for each name; NaN where undefined throughout.
    """
    shapes = np.array(
        [
            [trajectory_shape(y, a, step_s) for y, a in zip(label.T, guess.T, strict=True)]
            for label, guess in (
                (np.asarray(y), np.asarray(a)) for y, a in zip(labels, predictions, strict=True)
            )
        ]
    )
    means = [[_defined_mean(column) for column in shapes[:, dim].T] for dim in range(len(names))]
    result = {
        name: _defined_mean(np.array(values))
        for name, values in zip(SHAPES, zip(*means, strict=True), strict=True)
    }
    for name, values in zip(names, means, strict=True):
        result |= {f"{shape}_{name}": v for shape, v in zip(SHAPES, values, strict=True)}
    return result


def _lag(truth: NDArray[np.float64], guess: NDArray[np.float64], step_s: float) -> float:
    """Lag with the highest correlation; of equals the one nearest to none."""
    reach = min(int(LONGEST_LAG_S / step_s), len(truth) - SHORTEST_OVERLAP)
    if reach < 0:
        return math.nan
    lags = sorted(range(-reach, reach + 1), key=lambda lag: (abs(lag), lag))
    values = [_correlation_at(truth, guess, lag) for lag in lags]
    if all(math.isnan(value) for value in values):
        return math.nan
    return lags[int(np.nanargmax(values))] * step_s


def _correlation_at(truth: NDArray[np.float64], guess: NDArray[np.float64], lag: int) -> float:
    """Correlation of the label with the prediction `lag` steps later."""
    y = truth[: len(truth) - lag] if lag >= 0 else truth[-lag:]
    a = guess[lag:] if lag >= 0 else guess[:lag]
    known = ~np.isnan(y)
    if known.sum() < SHORTEST_OVERLAP or is_constant(y) or is_constant(a[known]):
        return math.nan
    return float(np.corrcoef(y[known], a[known])[0, 1])


def _defined_mean(values: NDArray[np.float64]) -> float:
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
