"""Heads: what can be trained on the latents of a frozen encoder."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.config import AgentConfig
from agents.training import train_agent
from benchmarks.studies.objectives import Objective, later_label
from eeg_emotion_env.labels import delayed
from eeg_emotion_env.playback import Episode

FloatArray = NDArray[np.float32]
Predictions = list[FloatArray]


@dataclass(frozen=True, eq=False)
class Fold:
    """Latents of one fold.

    Attributes
    ----------
    fitting, validation, test : list of Episode
        Episodes of training people, of training people kept out for choices, of held-out people.
    """

    fitting: list[Episode]
    validation: list[Episode]
    test: list[Episode]


class Head(ABC):
    """Something that is fitted on the training part of a fold and predicts from latents."""

    stochastic = True

    @abstractmethod
    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Fit on the fold's training people and predict its test episodes.

        Parameters
        ----------
        fold : Fold
            Episodes as the objective plays them; test labels are NaN.
        objective : Objective
            What is asked for.
        seed : int
            Seed.

        Returns
        -------
        list of ndarray, each (n_steps, n_dims), float32
            Predictions of the test episodes.
        """


class Constant(Head):
    """The mean label of the training people."""

    stochastic = False

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Predict the mean."""
        mean = np.nanmean(np.concatenate([e.labels for e in fold.fitting]), axis=0)
        return [np.broadcast_to(mean, e.labels.shape).astype(np.float32) for e in fold.test]


class StimulusTimeMean(Head):
    """What training people felt at this second of the same stimulus; the mean where unknown."""

    stochastic = False

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Look up the mean of the stimulus and second."""
        fallback = Constant().predictions(fold, objective, seed)
        by_stimulus: dict[str, list[FloatArray]] = {}
        for episode in [*fold.fitting, *fold.validation]:
            if episode.key.stimulus is not None:
                by_stimulus.setdefault(episode.key.stimulus, []).append(episode.labels)
        return [
            _filled(_mean_track(by_stimulus.get(str(e.key.stimulus), []), e.n_steps), values)
            for e, values in zip(fold.test, fallback, strict=True)
        ]


@dataclass(frozen=True)
class AgentHead(Head):
    """An agent of `agents.train_agent`.

    Attributes
    ----------
    config : AgentConfig
        Its settings; action and what stops it early are the objective's.
    reward : str or None
        Reward that it is trained on; None takes the objective's.
    lag : int
        Steps by which its labels come earlier in training, and its predictions later after it.
    """

    config: AgentConfig
    reward: str | None = None
    lag: int = 0

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Train the agent and play the test episodes with its deterministic actor."""
        config = replace(
            self.config,
            reward=self.reward or objective.reward,
            evaluate_by=objective.score,
            seed=seed,
        )
        if objective.action != "absolute":
            config = replace(config, action=objective.action, actor="direct")
        kept_out = {str(e.key.subject) for e in fold.validation}
        train = [later_label(e, self.lag) for e in [*fold.fitting, *fold.validation]]
        agent = train_agent(train, config, validation_groups=sorted(kept_out))
        return [delayed(p, self.lag) for p in agent.predict(fold.test)]


@dataclass(frozen=True)
class Mean(Head):
    """Mean of the predictions of several heads, each with a seed of its own.

    Attributes
    ----------
    heads : tuple of Head
        What is averaged.
    """

    heads: tuple[Head, ...]

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Train each head and average."""
        made = [
            head.predictions(fold, objective, 1000 * place + seed)
            for place, head in enumerate(self.heads)
        ]
        return [np.mean(tracks, axis=0, dtype=np.float32) for tracks in zip(*made, strict=True)]


@dataclass(frozen=True)
class Standardised(Head):
    """A head on latents that are standardised by the episode's own past.

    Attributes
    ----------
    head : Head
        What is trained on them.
    prior_steps : float
        Weight of mean and spread of the training latents, steps.
    """

    head: Head
    prior_steps: float = 60.0

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Standardise every part, then do as the head."""
        rows = np.concatenate([e.latents for e in fold.fitting]).astype(np.float64)
        prior = rows.mean(axis=0), rows.var(axis=0)
        parts = (
            [self._standardised(e, *prior) for e in part]
            for part in (fold.fitting, fold.validation, fold.test)
        )
        return self.head.predictions(Fold(*parts), objective, seed)

    def _standardised(self, episode: Episode, mean: Any, variance: Any) -> Episode:
        x = episode.latents.astype(np.float64)
        weight = self.prior_steps + np.arange(1, len(x) + 1)[:, None]
        running = (self.prior_steps * mean + np.cumsum(x, axis=0)) / weight
        square = (self.prior_steps * (variance + mean**2) + np.cumsum(x * x, axis=0)) / weight
        spread = np.sqrt(np.maximum(square - running**2, 1e-6))
        return replace(episode, latents=((x - running) / spread).astype(np.float32))


def _mean_track(tracks: Sequence[FloatArray], n_steps: int) -> FloatArray | None:
    """Mean over people at each step, NaN where nobody is annotated."""
    if not tracks:
        return None
    table = np.full((len(tracks), n_steps, tracks[0].shape[1]), np.nan)
    for place, track in enumerate(tracks):
        table[place, : len(track)] = track[:n_steps]
    known = ~np.isnan(table)
    total = np.where(known, table, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _filled(track: FloatArray | None, fallback: FloatArray) -> FloatArray:
    if track is None:
        return fallback
    return np.where(np.isnan(track), fallback, track).astype(np.float32)
