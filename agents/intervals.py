"""An 80 % interval around each prediction, calibrated on people whom no model learned from."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agents.quantiles import SHARES, Values, calibrated, equal_weights
from eeg_emotion_env.errors import ConfigError
from encoders.checkpoint import CONFIG_NAME, load_checkpoint, save_checkpoint
from encoders.errors import CheckpointError

FloatArray = NDArray[np.float32]

KIND = "prediction intervals"
FOLDER = "intervals"

LEVEL = 0.8
"""Share of a new person's steps that an interval is to hold, on average over people."""


@dataclass(frozen=True, eq=False)
class PredictionIntervals:
    """Ends of an interval as a function of the prediction of the same step, and of nothing else.

    The middle is a line through the predictions. An agent that is trained for agreement spreads its
    predictions as widely as the labels, and so overshoots; the line takes that back. Where the
    prediction lies further out than the interval, the interval reaches to it.

    Attributes
    ----------
    offset, slope : ndarray, shape (n_dims,)
        Middle = offset + slope × prediction.
    half_width : ndarray, shape (n_dims,)
        From the middle to each end.
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
    half_width: Values
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
            What models predicted that did not learn from the trial's person (see
            `agents.cross_fitting`).
        level : float
            Share of a new person's steps to hold.

        Raises
        ------
        ConfigError
            If a dimension is annotated for too few people (`agents.quantiles.FEWEST_PEOPLE`).
        """
        if not SHARES[0] <= level < 1:
            raise ConfigError(f"level must lie in [{SHARES[0]}, 1), not {level}")
        columns = [
            _column(*by_person(people, labels, predictions, dim), level)
            for dim in range(labels[0].shape[1])
        ]
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
        low = np.clip(np.minimum(middle - self.half_width, values), -1.0, 1.0)
        high = np.clip(np.maximum(middle + self.half_width, values), -1.0, 1.0)
        return low.astype(np.float32), high.astype(np.float32)

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
    ends = calibrated(
        lambda fitted: _off_line(labels, guesses, fitted), len(labels), level, symmetric=True
    )
    # the distribution of labels may lean to one side
    plain = calibrated(lambda _: lambda person: labels[person], len(labels), level)
    offset, slope = line(labels, guesses, everybody)
    return {
        "offset": offset,
        "slope": slope,
        "half_width": ends.high,
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
    return lambda person: outside(labels[person], offset + slope * guesses[person], guesses[person])


def outside(labels: Values, middle: Values, guesses: Values) -> Values:
    """Return errors of a middle; 0 where the label lies between it and the prediction.

    An interval always reaches to its prediction, and so holds such labels however narrow it is.
    """
    errors = labels - middle
    return np.where(errors * (labels - guesses) <= 0.0, 0.0, errors)
