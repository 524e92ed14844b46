"""What actions mean: arithmetic from action and observation to prediction."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.trial import FloatArray
from eeg_emotion_env.wrappers.proposal import Proposal

Values = NDArray[np.floating]


class ActionView(ABC):
    """Meaning of an action: a function of action and observation, without state of its own."""

    def width(self, n_dims: int) -> int:
        """Entries of an action for `n_dims` label dimensions."""
        return n_dims

    @abstractmethod
    def prediction(
        self, actions: Values, latents: FloatArray, previous: Values, first: NDArray[np.bool_]
    ) -> Values:
        """Turn actions into predictions.

        Parameters
        ----------
        actions : ndarray, shape (n, width)
            Actions in [-1, 1].
        latents : ndarray, shape (n, n_latent), float32
            Latents of the steps to predict.
        previous : ndarray, shape (n, n_dims)
            Predictions of the steps before.
        first : ndarray, shape (n, 1), bool
            Where there is no step before.

        Returns
        -------
        ndarray, shape (n, n_dims)
            Predictions; the environment limits them to [-1, 1].
        """

    def action_space(self, layout: ObservationLayout) -> Box:
        """Return the space of actions: [-1, 1] for each entry."""
        return Box(-1.0, 1.0, (self.width(layout.n_dims),), np.float32)

    def of_observation(
        self, actions: Values, observations: FloatArray, layout: ObservationLayout
    ) -> FloatArray:
        """Turn actions, shape (n, width), into predictions, from observations (n, size)."""
        expected = (len(observations), self.width(layout.n_dims))
        if np.shape(actions) != expected:
            raise ConfigError(f"actions must have shape {expected}, not {np.shape(actions)}")
        first = observations[:, layout.elapsed] == 0.0
        values = self.prediction(
            np.clip(actions, -1.0, 1.0),
            observations[:, layout.latent],
            observations[:, layout.previous].astype(np.float64),
            first,
        )
        return np.clip(values, -1.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Residual(ActionView):
    """Prediction = proposal + `scale` × action; action 0 is the proposal itself.

    Parameters
    ----------
    proposal : callable
        Frozen model from latents to predictions.
    scale : float
        Largest offset, label units, positive. Half a standard deviation of the training labels is
        a cautious choice.
    """

    proposal: Proposal
    scale: float = 0.5

    def __post_init__(self) -> None:
        _require_positive(self.scale)

    def prediction(
        self, actions: Values, latents: FloatArray, previous: Values, first: NDArray[np.bool_]
    ) -> Values:
        """Add the action to the proposal."""
        return self.proposal(latents) + self.scale * actions


@dataclass(frozen=True)
class Increment(ActionView):
    """Prediction = previous prediction + `scale` × action, from 0 at the first step.

    Parameters
    ----------
    scale : float
        Largest change a step, label units, positive: it bounds the rate of the trajectory.
    """

    scale: float = 0.2

    def __post_init__(self) -> None:
        _require_positive(self.scale)

    def prediction(
        self, actions: Values, latents: FloatArray, previous: Values, first: NDArray[np.bool_]
    ) -> Values:
        """Add the action to the previous prediction."""
        return previous + self.scale * actions


@dataclass(frozen=True)
class Gain(ActionView):
    """Prediction = previous + gain × (proposal + offset - previous), both chosen at each step.

    The first half of an action is the gain of each dimension, from 0 (stay) at -1 to 1 (jump to
    the proposal) at +1; the second half is the offset over `scale`. The first step of an episode
    has nothing to stay at: its gain is 1.

    Parameters
    ----------
    proposal : callable
        Frozen model from latents to predictions.
    scale : float
        Largest offset, label units, positive.
    """

    proposal: Proposal
    scale: float = 0.5

    def __post_init__(self) -> None:
        _require_positive(self.scale)

    def width(self, n_dims: int) -> int:
        """Gain and offset for each dimension."""
        return 2 * n_dims

    def prediction(
        self, actions: Values, latents: FloatArray, previous: Values, first: NDArray[np.bool_]
    ) -> Values:
        """Move the previous prediction towards the proposal."""
        gains, offsets = np.split(actions, 2, axis=1)
        gain = np.where(first, 1.0, 0.5 * (1.0 + gains))
        target = self.proposal(latents) + self.scale * offsets
        return previous + gain * (target - previous)


VIEWS = {"residual": Residual, "increment": Increment, "gain": Gain}
"""Views by name."""


def _require_positive(scale: float) -> None:
    if not scale > 0:
        raise ConfigError(f"scale of an action view must be positive, not {scale!r}")
