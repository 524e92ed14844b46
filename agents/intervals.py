"""An 80 % interval around each prediction, calibrated on people whom no model learned from."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from encoders.checkpoint import CONFIG_NAME, load_checkpoint, save_checkpoint
from encoders.errors import CheckpointError

KIND = "prediction intervals"
FOLDER = "intervals"

LEVEL = 0.8
"""Share of a new person's steps that an interval is to hold, on average over people."""

FEWEST_PEOPLE = 5
"""With fewer, a share of 80 % of people cannot be told from all of them."""

SHARES = np.linspace(0.5, 1.0, 101)
"""Shares of the calibration people's steps that are tried."""

FloatArray = NDArray[np.float32]
Values = NDArray[np.float64]

Errors = Callable[[Sequence[int]], Callable[[int], Values]]
"""Takes the people that something may be fitted on; the function that it returns gives the errors
of a person (one of them or not)."""


@dataclass(frozen=True, eq=False)
class PredictionIntervals:
    """Ends of an interval as a function of the prediction of the same step, and of nothing else.

    The middle is a line through the predictions. An agent that is trained for agreement spreads its
    predictions as widely as the labels, and so overshoots; the line takes that back.

    Attributes
    ----------
    offset, slope : ndarray, shape (n_dims,)
        Middle = offset + slope × prediction.
    below, above : ndarray, shape (n_dims,)
        From the middle to the ends.
    constant : ndarray, shape (2, n_dims)
        Ends of the interval of somebody who sees no EEG, calibrated in the same way: what a
        useful interval has to beat.
    shares : ndarray, shape (n_dims,)
        Share of the calibration people's steps that it holds: what it takes to hold `level` of
        those of a person who was left out.
    reached : ndarray, shape (n_dims,)
        Share of the steps of calibration people held when each was left out in turn.
    n_people : ndarray, shape (1,)
        Calibration people.
    level : ndarray, shape (1,)
        Share of a new person's steps that is meant.
    """

    offset: Values
    slope: Values
    below: Values
    above: Values
    constant: Values
    shares: Values
    reached: Values
    n_people: Values
    level: Values

    @classmethod
    def fit(
        cls,
        people: Sequence[str],
        labels: Sequence[NDArray[np.floating]],
        predictions: Sequence[NDArray[np.floating]],
        level: float = LEVEL,
    ) -> "PredictionIntervals":
        """Calibrate.

        Parameters
        ----------
        people : sequence of str
            Person of each trial.
        labels : sequence of ndarray, each (n_steps, n_dims)
            Labels, NaN where not annotated.
        predictions : sequence of ndarray, each (n_steps, n_dims)
            What models predicted that did not learn from the trial's person (`cross_predictions`).
        level : float
            Share of a new person's steps to hold.

        Raises
        ------
        ConfigError
            If a dimension is annotated for fewer than `FEWEST_PEOPLE` people.
        """
        if not 0 < level < 1:
            raise ConfigError(f"level must lie in (0, 1), not {level}")
        columns = [_column(*by_person(people, labels, predictions, dim), level)
                   for dim in range(labels[0].shape[1])]  # fmt: skip
        stacked = {name: np.array([column[name] for column in columns]) for name in columns[0]}
        stacked["constant"] = stacked["constant"].T
        stacked["n_people"] = stacked["n_people"].min(keepdims=True)
        return cls(**stacked, level=np.array([level]))

    def ends(self, predictions: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
        """Return low and high ends, shape (..., n_dims), in [-1, 1], of as many predictions.

        The prediction itself is never outside.
        """
        values = np.asarray(predictions, np.float32).astype(np.float64)
        middle = self.offset + self.slope * values
        low, high = np.minimum(middle - self.below, values), np.maximum(middle + self.above, values)
        return tuple(np.clip(end, -1.0, 1.0).astype(np.float32) for end in (low, high))  # type: ignore[return-value]

    def save(
        self, model: str | os.PathLike[str], agent: str, notes: dict[str, object] | None = None
    ) -> None:
        """Write it into the folder of a model.

        Parameters
        ----------
        model : path-like
            Folder of the model.
        agent : str
            Fingerprint of the agent that it is for.
        notes : dict or None
            JSON-able notes on how it was calibrated.
        """
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(v, np.float64))
            for name, v in vars(self).items()
        }
        save_checkpoint(Path(model) / FOLDER, KIND, {**(notes or {}), "agent": agent}, tensors)


def load_intervals(model: str | os.PathLike[str], agent: str) -> PredictionIntervals | None:
    """Load the intervals from the folder of a model; None if it has none.

    Parameters
    ----------
    model : path-like
        Folder of the model.
    agent : str
        Fingerprint of its agent.

    Raises
    ------
    CheckpointError
        If they are damaged, or of another agent.
    """
    folder = Path(model) / FOLDER
    if not (folder / CONFIG_NAME).is_file():
        return None
    saved, tensors = load_checkpoint(folder, KIND)
    try:
        loaded = PredictionIntervals(**{name: tensor.numpy() for name, tensor in tensors.items()})
    except TypeError as error:
        raise CheckpointError(f"{folder}: unusable intervals; train the model again") from error
    if saved.get("agent") != agent:
        raise CheckpointError(
            f"{folder}: the intervals are of another agent than the one beside them; remove that "
            "folder to do without, or train again"
        )
    return loaded


def by_person(
    people: Sequence[str],
    labels: Sequence[NDArray[np.floating]],
    predictions: Sequence[NDArray[np.floating]],
    dim: int,
) -> tuple[list[Values], list[Values]]:
    """Collect annotated labels, and predictions beside them, of each person in one dimension."""
    found: dict[str, tuple[list[Values], list[Values]]] = {}
    for person, truth, guess in zip(people, labels, predictions, strict=True):
        known = ~np.isnan(truth[:, dim])
        if known.any():
            own = found.setdefault(str(person), ([], []))
            own[0].append(truth[known, dim].astype(np.float64))
            own[1].append(guess[known, dim].astype(np.float64))
    return (
        [np.concatenate(own[0]) for own in found.values()],
        [np.concatenate(own[1]) for own in found.values()],
    )


def _column(labels: list[Values], guesses: list[Values], level: float) -> dict[str, object]:
    """Calibrate one dimension."""
    everybody = range(len(labels))
    ends = calibrated(lambda fitted: _off_line(labels, guesses, fitted), len(labels), level)
    plain = calibrated(lambda _: lambda person: labels[person], len(labels), level)
    offset, slope = line(labels, guesses, everybody)
    return {
        "offset": offset,
        "slope": slope,
        "below": -ends.low,
        "above": ends.high,
        "constant": np.clip([plain.low, plain.high], -1.0, 1.0),
        "shares": ends.share,
        "reached": ends.reached,
        "n_people": len(labels),
    }


def line(
    labels: Sequence[Values], guesses: Sequence[Values], people: Sequence[int]
) -> tuple[float, float]:
    """Return offset and slope of the regression of labels on predictions; people count equally."""
    x, y = (np.concatenate([part[i] for i in people]) for part in (guesses, labels))
    weights = equal_weights([guesses[i] for i in people])
    mean_x, mean_y = np.average(x, weights=weights), np.average(y, weights=weights)
    variance = np.average(np.square(x - mean_x), weights=weights)
    covariance = np.average((x - mean_x) * (y - mean_y), weights=weights)
    # a slope against the predictions is chance
    slope = max(covariance / variance, 0.0) if variance > 1e-12 else 0.0
    return float(mean_y - slope * mean_x), float(slope)


def _off_line(
    labels: Sequence[Values], guesses: Sequence[Values], fitted: Sequence[int]
) -> Callable[[int], Values]:
    offset, slope = line(labels, guesses, fitted)
    return lambda person: labels[person] - offset - slope * guesses[person]


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
    low, high = _quantiles(
        [of(person) for person in everybody], SHARES[place : place + 1], symmetric
    )
    return Ends(float(low[0]), float(high[0]), float(SHARES[place]), float(held[place]))


def _held(errors: Errors, n_people: int, person: int, symmetric: bool) -> Values:
    """Share of a person's steps between quantiles of all others, for each of `SHARES`."""
    others = [other for other in range(n_people) if other != person]
    of = errors(others)
    low, high = _quantiles([of(other) for other in others], SHARES, symmetric)
    own = np.sort(of(person))
    inside = np.searchsorted(own, high, "right") - np.searchsorted(own, low, "left")
    return np.asarray(inside / len(own), np.float64)


def _quantiles(errors: Sequence[Values], shares: Values, symmetric: bool) -> tuple[Values, Values]:
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


def cross_predictions(
    people: Sequence[str],
    n_folds: int,
    seed: int,
    predict: Callable[[int, set[str], set[str]], list[FloatArray]],
) -> list[FloatArray]:
    """Predict each trial by a model that did not learn from its person.

    Parameters
    ----------
    people : sequence of str
        Person of each trial.
    n_folds : int
        Groups of people; one model is trained for each, on the others.
    seed : int
        Seed of the grouping.
    predict : callable
        Given the number of the fold, the people to learn from and the people left out, trains and
        returns predictions of the latter's trials, in order.

    Returns
    -------
    list of ndarray
        Predictions of all trials, in order.
    """
    results: dict[int, FloatArray] = {}
    for number, left_out in enumerate(groups_of(people, n_folds, seed)):
        places = [i for i, person in enumerate(people) if person in left_out]
        made = predict(number, set(people) - left_out, left_out)
        results.update(zip(places, made, strict=True))
    return [results[i] for i in range(len(people))]


def groups_of(people: Sequence[str], n_folds: int, seed: int) -> list[set[str]]:
    """Divide people into groups of about equal numbers of people, by chance."""
    names = sorted(set(people))
    if not 2 <= n_folds <= len(names) - 1:
        raise ConfigError(
            f"the folds for intervals must be 2 to {len(names) - 1} with {len(names)} people, not "
            f"{n_folds}"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    return [{names[i] for i in order[start::n_folds]} for start in range(n_folds)]
