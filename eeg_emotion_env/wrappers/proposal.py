"""Proposals: frozen supervised models that predict affect from the latent of a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.episodes import Episode
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import FloatArray


class Proposal(Protocol):
    """Anything that maps latents, shape (n, n_latent), to predictions, shape (n, n_dims)."""

    def __call__(self, latents: FloatArray) -> NDArray[np.floating]:
        """Predict each row by itself."""
        ...


@dataclass(frozen=True)
class LinearProposal:
    """Ridge regression on latents.

    Attributes
    ----------
    weights : tuple of tuple of float
        n_latent rows of n_dims.
    intercept : tuple of float
        n_dims values.
    """

    weights: tuple[tuple[float, ...], ...]
    intercept: tuple[float, ...]

    @classmethod
    def fit(cls, episodes: Sequence[Episode], alpha: float = 1000.0) -> "LinearProposal":
        """Fit on training episodes.

        Parameters
        ----------
        episodes : sequence of Episode
            Training episodes; held-out ones must not be among them.
        alpha : float
            Strength of the penalty on weights, per standardised latent, positive.

        Returns
        -------
        LinearProposal
            The frozen proposal.

        Raises
        ------
        ConfigError
            If a dimension is annotated nowhere, or `alpha` is not positive.
        """
        if not alpha > 0:
            raise ConfigError(f"alpha must be positive, not {alpha!r}")
        x = np.concatenate([episode.latents for episode in episodes]).astype(np.float64)
        y = np.concatenate([episode.labels for episode in episodes]).astype(np.float64)
        columns = [_ridge(x, column, alpha) for column in y.T]
        weights = np.stack([weights for weights, _ in columns], axis=1)
        return cls(
            tuple(tuple(row) for row in weights.tolist()),
            tuple(intercept for _, intercept in columns),
        )

    def __call__(self, latents: FloatArray) -> NDArray[np.float64]:
        """Predict, shape (n, n_latent) to (n, n_dims), limited to [-1, 1]."""
        values = latents.astype(np.float64) @ np.asarray(self.weights) + self.intercept
        limited: NDArray[np.float64] = np.clip(values, -1.0, 1.0)
        return limited


def _ridge(
    x: NDArray[np.float64], y: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], float]:
    known = ~np.isnan(y)
    if not known.any():
        raise ConfigError("no step of the training episodes is annotated; a proposal needs labels")
    x, y = x[known], y[known]
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    z = (x - mean) / spread
    gram = z.T @ z + alpha * np.eye(z.shape[1])
    weights = np.linalg.solve(gram, z.T @ (y - y.mean())) / spread
    return weights, float(y.mean() - mean @ weights)
