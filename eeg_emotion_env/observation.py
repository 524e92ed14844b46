"""The layout of observations."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box

from eeg_emotion_env.episodes import LATENT_LIMIT, Episode
from eeg_emotion_env.rewards import LabelStatistics
from eeg_emotion_env.trial import FloatArray

ELAPSED_SCALE_S = 600.0
"""Elapsed time that is observed as 1, seconds."""


class ObservationBox(Box):
    """Flat box that knows how much of it an actor may see.

    Parameters
    ----------
    low, high : ndarray, shape (size,), float32
        Bounds.
    public_size : int
        Entries that come before the privileged part.
    """

    def __init__(self, low: FloatArray, high: FloatArray, public_size: int) -> None:
        super().__init__(low, high, dtype=np.float32)
        self.public_size = public_size


@dataclass(frozen=True)
class ObservationLayout:
    """Where everything stands in the flat observation.

    The public part is ``[latent | previous prediction | mean | spread | elapsed]``: latent at t,
    then the agent's own predictions before t (0 at the start), their mean and their standard
    deviation, then the elapsed time (`ELAPSED_SCALE_S` is 1). The privileged part, for a critic
    in training alone, follows at the end: ``[label at t | annotated at t | mean of the episode's
    labels | their standard deviation | remaining fraction]``.

    Parameters
    ----------
    n_latent : int
        Width of a latent.
    n_dims : int
        Label dimensions.
    privileged : bool
        Whether the privileged part is there.
    """

    n_latent: int
    n_dims: int
    privileged: bool = False

    @property
    def latent(self) -> slice:
        """Latent, in ± `LATENT_LIMIT`."""
        return slice(0, self.n_latent)

    @property
    def previous(self) -> slice:
        """Previous prediction of each dimension, in [-1, 1]."""
        return slice(self.n_latent, self.n_latent + self.n_dims)

    @property
    def mean(self) -> slice:
        """Mean of the predictions so far, in [-1, 1]."""
        return self._after(self.previous, self.n_dims)

    @property
    def spread(self) -> slice:
        """Standard deviation of the predictions so far, in [0, 1]."""
        return self._after(self.mean, self.n_dims)

    @property
    def own(self) -> slice:
        """All that depends on the agent's own predictions: previous, mean and spread."""
        return slice(self.previous.start, self.spread.stop)

    @property
    def elapsed(self) -> slice:
        """Elapsed time, in [0, 1]."""
        return self._after(self.spread, 1)

    @property
    def public_size(self) -> int:
        """Width of the part that an actor may see."""
        return self.n_latent + 3 * self.n_dims + 1

    @property
    def size(self) -> int:
        """Width of the observation."""
        return self.public_size + (4 * self.n_dims + 1 if self.privileged else 0)

    @property
    def privileged_part(self) -> slice:
        """What only a critic in training may see; empty unless `privileged`."""
        return slice(self.public_size, self.size)

    def observation_space(self) -> ObservationBox:
        """Return the observation space: float32 with finite bounds."""
        dims = self.n_dims
        parts = [(LATENT_LIMIT, self.n_latent), (1.0, self.size - self.n_latent)]
        high = np.concatenate([np.full(n, limit, np.float32) for limit, n in parts])
        low = -high
        low[self.spread], low[self.elapsed] = 0.0, 0.0
        if self.privileged:
            start = self.public_size
            low[start + dims : start + 2 * dims] = 0.0
            low[start + 3 * dims :] = 0.0
        return ObservationBox(low, high, self.public_size)

    def action_space(self) -> Box:
        """Return the action space: the prediction of each dimension, in [-1, 1]."""
        return Box(-1.0, 1.0, (self.n_dims,), np.float32)

    def rows(self, episode: Episode) -> FloatArray:
        """Lay out the observations of an episode, with zeros where own predictions go.

        Parameters
        ----------
        episode : Episode
            Latents and labels.

        Returns
        -------
        ndarray, shape (n_steps + 1, size), float32
            Row t is seen before prediction t; the last row, seen at the end, repeats the last
            latent and knows of no label.
        """
        n_steps = episode.n_steps
        rows = np.zeros((n_steps + 1, self.size), np.float32)
        rows[:-1, self.latent] = episode.latents
        rows[-1, self.latent] = episode.latents[-1]
        elapsed = np.arange(n_steps + 1) * (episode.step_s / ELAPSED_SCALE_S)
        rows[:, self.elapsed.start] = np.minimum(elapsed, 1.0)
        if self.privileged:
            self._fill_privileged(rows[:, self.privileged_part], episode)
        return rows

    def _fill_privileged(self, part: FloatArray, episode: Episode) -> None:
        stats, dims = LabelStatistics.of(episode.labels), self.n_dims
        part[:-1, :dims] = np.where(stats.annotated, episode.labels, 0.0)
        part[:-1, dims : 2 * dims] = stats.annotated
        part[:, 2 * dims : 3 * dims] = stats.mean
        part[:, 3 * dims : 4 * dims] = np.sqrt(stats.variance)
        part[:, -1] = 1.0 - np.arange(len(part)) / episode.n_steps

    @staticmethod
    def _after(part: slice, width: int) -> slice:
        return slice(part.stop, part.stop + width)
