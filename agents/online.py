"""Prediction on a stream: one step of features in, one prediction out, memory that never grows."""

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.episodes import LATENT_LIMIT
from eeg_emotion_env.observation import ELAPSED_SCALE_S, ObservationLayout

FloatArray = NDArray[np.float32]


class StreamEncoder(Protocol):
    """A frozen or an exported encoder."""

    def initial_state(self) -> Any:
        """Return the state before the first step."""
        ...

    def step(self, frame: NDArray[np.floating], state: Any) -> tuple[FloatArray, Any]:
        """Encode one step."""
        ...


class Actor(Protocol):
    """An agent, or its exported form."""

    @property
    def layout(self) -> ObservationLayout:
        """Where everything stands in an observation."""
        ...

    def step(self, observations: FloatArray, state: Any = None) -> tuple[FloatArray, Any]:
        """Predict, shape (n, size) to (n, n_dims); a state of None begins a stream."""
        ...


class OnlinePredictor:
    """Encoder and agent on a stream; predictions equal those of `Agent.predict` on a whole trial.

    Parameters
    ----------
    encoder : FrozenEncoder or ExportedEncoder
        What turns features into latents.
    actor : Agent or ExportedActor
        What turns observations into predictions.
    step_s : float
        Seconds a step.
    """

    def __init__(self, encoder: StreamEncoder, actor: Actor, step_s: float = 1.0) -> None:
        self._encoder, self._actor, self._step_s = encoder, actor, step_s
        self._observation = np.zeros((1, actor.layout.public_size), np.float32)
        if actor.layout.privileged:
            # an actor never looks at the privileged part: it stays zero
            self._observation = np.zeros((1, actor.layout.size), np.float32)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        n_dims = self._actor.layout.n_dims
        self._state = self._encoder.initial_state()
        self._actor_state: Any = None
        self._count = 0
        self._mean, self._squares = np.zeros(n_dims), np.zeros(n_dims)
        self._previous = np.zeros(n_dims)

    def step(self, frame: NDArray[np.floating]) -> FloatArray:
        """Predict one step.

        Parameters
        ----------
        frame : ndarray, shape (n_channels, n_bands), float32
            Normalised features of the step.

        Returns
        -------
        ndarray, shape (n_dims,), float32
            Prediction in [-1, 1].

        Raises
        ------
        ValueError
            If the features are not finite.
        """
        latent, state = self._encoder.step(frame, self._state)
        layout, row = self._actor.layout, self._observation
        row[0, layout.latent] = np.minimum(np.maximum(latent, -LATENT_LIMIT), LATENT_LIMIT)
        row[0, layout.previous] = self._previous
        row[0, layout.mean] = self._mean
        row[0, layout.spread] = np.sqrt(self._squares / max(self._count, 1))
        row[0, layout.elapsed] = min(self._count * self._step_s / ELAPSED_SCALE_S, 1.0)
        if not math.isfinite(float(row.sum())):
            raise ValueError("latents are not finite numbers: the features are not finite")
        # only now: a step that failed leaves the stream as it was
        self._state = state
        predictions, self._actor_state = self._actor.step(row, self._actor_state)
        prediction: FloatArray = predictions[0]
        self._remember(prediction)
        return prediction

    def _remember(self, prediction: FloatArray) -> None:
        self._previous = prediction.astype(np.float64)
        self._count += 1
        delta = self._previous - self._mean
        self._mean = self._mean + delta / self._count
        self._squares = self._squares + delta * (self._previous - self._mean)
