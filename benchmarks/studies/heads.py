"""Heads: what can be trained on the latents of a frozen encoder."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.config import AgentConfig
from agents.scaling import LabelScale
from agents.training import train_agent
from benchmarks.entries.supervised import affine_calibration, ccc_loss
from benchmarks.studies.objectives import Objective, later_label
from eeg_emotion_env.labels import delayed
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.wrappers import LinearProposal
from encoders.stages import label_loss

FloatArray = NDArray[np.float32]
Predictions = list[FloatArray]

EPOCHS, PATIENCE, BATCH_SIZE = 40, 8, 1024
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-2
MEMORIES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Causal smoothings of a supervised head's output that are tried on the validation people."""
PENALTIES = (30.0, 300.0, 3000.0)


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


class Ridge(Head):
    """Linear regression, its penalty and a smoothing of its output chosen on validation people."""

    stochastic = False

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Fit each penalty, keep the best, smooth."""
        proposals = [LinearProposal.fit(fold.fitting, penalty) for penalty in PENALTIES]

        def played(proposal: LinearProposal, episodes: Sequence[Episode]) -> Predictions:
            return [proposal(e.latents).astype(np.float32) for e in episodes]

        best = max(
            proposals, key=lambda p: objective.value(fold.validation, played(p, fold.validation))
        )
        return smoothed_best(
            played(best, fold.validation), played(best, fold.test), fold.validation, objective
        )


@dataclass(frozen=True)
class Net(Head):
    """Two hidden layers on each latent; the past is in the latent.

    Attributes
    ----------
    loss : str
        ``"squared-error"`` or ``"ccc"``.
    calibrated : bool
        Whether mean and spread are matched on the validation people.
    smoothed : bool
        Whether the output goes through the causal smoothing that serves the objective best on the
        validation people.
    """

    loss: str = "squared-error"
    calibrated: bool = False
    smoothed: bool = False

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Train with early stopping, then calibrate or smooth."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            played = self._fitted(fold, seed)
        validation, test = played(fold.validation), played(fold.test)
        if self.calibrated:
            labels = np.concatenate([e.labels for e in fold.validation]).astype(np.float64)
            scale, offset = affine_calibration(labels, np.concatenate(validation))
            validation, test = (
                [np.clip(p * scale + offset, -1, 1).astype(np.float32) for p in part]
                for part in (validation, test)
            )
        if self.smoothed:
            return smoothed_best(validation, test, fold.validation, objective)
        return test

    def _fitted(self, fold: Fold, seed: int) -> Any:
        x, y, scale = _rows(fold.fitting)
        vx, vy, _ = _rows(fold.validation, scale)
        network = _mlp(x.shape[1], y.shape[1])
        function = ccc_loss if self.loss == "ccc" else label_loss

        def batches(epoch: int) -> Iterator[Tensor]:
            order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(x)))
            for rows in order.split(BATCH_SIZE):
                yield function(network(x[rows])[None], y[rows][None])

        def score() -> float:
            return -float(function(network(vx)[None], vy[None]))

        descend(network, batches, score)

        def played(episodes: Sequence[Episode]) -> Predictions:
            with torch.inference_mode():
                return [scale.prediction(network(_latents(e)).numpy()) for e in episodes]

        return played


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


def smoothed_best(
    validation: Predictions,
    test: Predictions,
    episodes: Sequence[Episode],
    objective: Objective,
) -> Predictions:
    """Smooth by the exponential moving average that serves the objective best on validation people.

    Parameters
    ----------
    validation, test : list of ndarray
        Predictions.
    episodes : sequence of Episode
        Validation episodes, with labels.
    objective : Objective
        What is asked for.

    Returns
    -------
    list of ndarray
        Smoothed test predictions.
    """
    best = max(
        MEMORIES, key=lambda m: objective.value(episodes, [smoothed(p, m) for p in validation])
    )
    return [smoothed(p, best) for p in test]


def smoothed(track: FloatArray, memory: float) -> FloatArray:
    """Exponential moving average from the past, shape (n_steps, n_dims)."""
    result = track.astype(np.float64)
    for step in range(1, len(result)):
        result[step] = memory * result[step - 1] + (1.0 - memory) * result[step]
    return result.astype(np.float32)


def descend(
    network: nn.Module, batches: Callable[[int], Iterator[Tensor]], score: Callable[[], float]
) -> None:
    """Train until the score on validation people no longer rises; keep the best weights.

    Parameters
    ----------
    network : Module
        Network to train.
    batches : callable
        Yields the losses of an epoch, one at a time.
    score : callable
        Score on validation people; higher is better.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, waited, best_state = -np.inf, 0, copy.deepcopy(network.state_dict())
    for epoch in range(EPOCHS):
        network.train()
        for loss in batches(epoch):
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        network.eval()
        with torch.inference_mode():
            reached, waited = score(), waited + 1
        if reached > best:
            best, waited, best_state = reached, 0, copy.deepcopy(network.state_dict())
        if waited >= PATIENCE:
            break
    network.load_state_dict(best_state)
    network.eval()


def _mlp(n_inputs: int, n_outputs: int) -> nn.Module:
    """Make a net of the agent's size, with its noise on the latents as dropout."""
    sizes = (n_inputs, *(64, 64))
    layers: list[nn.Module] = [nn.Dropout(0.3)]
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.GELU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))


def _latents(episode: Episode) -> Tensor:
    return torch.from_numpy(np.array(episode.latents, np.float32))


def _rows(
    episodes: Sequence[Episode], scale: LabelScale | None = None
) -> tuple[Tensor, Tensor, LabelScale]:
    """Latents and labels in standard deviations, of all annotated steps."""
    labels = np.concatenate([e.labels for e in episodes])
    scale = scale or LabelScale.fit([labels], 1.0)
    known = ~np.isnan(labels).all(axis=1)
    x = np.concatenate([e.latents for e in episodes])[known]
    y = (labels[known] - np.asarray(scale.center)) / np.asarray(scale.half_range)
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32)), scale


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
