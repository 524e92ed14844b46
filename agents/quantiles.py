"""Quantiles of errors that are to hold for the next person: people, not steps, are the unit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError

FEWEST_PEOPLE = 5
"""With fewer, 80 % of people cannot be told from all of them."""

SHARES = np.linspace(0.5, 1.0, 101)
"""Shares of the calibration people's steps that are tried."""

Values = NDArray[np.float64]

Errors = Callable[[Sequence[int]], Callable[[int], Values]]
"""Takes the people that something may be fitted on; the function that it returns gives the errors
of a person, one of them or not."""


@dataclass(frozen=True)
class Ends:
    """Where errors end: two quantiles.

    Attributes
    ----------
    low, high : float
        Quantiles of the errors.
    share : float
        Share of the calibration people's steps between them.
    reached : float
        Share of the steps of people who were left out in turn.
    """

    low: float
    high: float
    share: float
    reached: float


def calibrated(errors: Errors, n_people: int, level: float, symmetric: bool = False) -> Ends:
    """Find quantiles of errors between which `level` of a new person's steps fall.

    Steps of a person are far from independent, so people are the unit: each counts equally,
    however many steps there are. Quantiles of few people are too narrow for the next one. How much
    wider they must be is measured: each person is left out in turn, and the smallest share of the
    others' steps is taken whose quantiles hold `level` of the steps of those left out, on average.

    Parameters
    ----------
    errors : Errors
        Errors of each person, fitted on given people.
    n_people : int
        People.
    level : float
        Share to hold.
    symmetric : bool
        Whether both ends are the same quantile of the absolute error.
    """
    if n_people < FEWEST_PEOPLE:
        raise ConfigError(
            f"intervals need labels of at least {FEWEST_PEOPLE} people, not {n_people}; train on "
            "more, or without intervals"
        )
    held = np.mean([_held(errors, n_people, person, symmetric) for person in range(n_people)], 0)
    enough = np.flatnonzero(held >= level - 1e-9)
    place = int(enough[0]) if len(enough) else len(SHARES) - 1
    everybody = range(n_people)
    of = errors(everybody)
    low, high = quantiles(
        [of(person) for person in everybody], SHARES[place : place + 1], symmetric
    )
    return Ends(float(low[0]), float(high[0]), float(SHARES[place]), float(held[place]))


def _held(errors: Errors, n_people: int, person: int, symmetric: bool) -> Values:
    """Share of a person's steps between quantiles of all others, for each of `SHARES`."""
    others = [other for other in range(n_people) if other != person]
    of = errors(others)
    low, high = quantiles([of(other) for other in others], SHARES, symmetric)
    own = np.sort(of(person))
    inside = np.searchsorted(own, high, "right") - np.searchsorted(own, low, "left")
    return np.asarray(inside / len(own), np.float64)


def quantiles(errors: Sequence[Values], shares: Values, symmetric: bool) -> tuple[Values, Values]:
    """Return low and high quantiles between which shares of the errors lie.

    Parameters
    ----------
    errors : sequence of ndarray
        Errors of each person; people count equally.
    shares : ndarray, shape (n,)
        Shares.
    symmetric : bool
        Whether they are minus and plus a quantile of the absolute error; otherwise as much lies
        below as above.
    """
    values, weights = np.concatenate(errors), equal_weights(errors)
    if symmetric:
        half = _weighted_quantiles(np.abs(values), shares, weights)
        return -half, half
    tails = (1.0 - shares) / 2.0
    both = _weighted_quantiles(values, np.concatenate([tails, 1.0 - tails]), weights)
    return both[: len(shares)], both[len(shares) :]


def _weighted_quantiles(values: Values, shares: Values, weights: Values) -> Values:
    return np.asarray(np.quantile(values, shares, weights=weights, method="inverted_cdf"))


def equal_weights(parts: Sequence[Values]) -> Values:
    """Return weights of the concatenated steps by which each part counts equally."""
    return np.concatenate([np.full(len(part), 1.0 / len(part)) for part in parts])
