"""The agent's actor, trained by back-propagation through the very reward that SAC gets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from agents.config import AgentConfig
from agents.scaling import LabelScale
from agents.views import make_view
from benchmarks.entries.bptt import TrajectoryActor
from benchmarks.studies.heads import Fold, Head, Predictions
from benchmarks.studies.objectives import Objective
from benchmarks.studies.supervised import descend
from eeg_emotion_env.observation import ELAPSED_SCALE_S
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.rewards import Reward, make_reward
from eeg_emotion_env.wrappers import Gain, LinearProposal

EPISODES_A_BATCH = 16


@dataclass(frozen=True)
class BPTT(Head):
    """Analytic policy gradient: EEG does not react to predictions and the reward is known.

    Attributes
    ----------
    config : AgentConfig
        Layers, noise and range of actions.
    """

    config: AgentConfig = field(default_factory=AgentConfig)

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Train the unrolled actor on whole episodes and play the test episodes."""
        scale = LabelScale.fit([e.labels for e in fold.fitting], self.config.action_range)
        reward, first = make_reward(objective.reward), fold.fitting[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            actor = self._actor(fold, objective, scale)
            inputs = [_inputs(e) for e in fold.fitting]
            constants = [_constants(reward, e) for e in fold.fitting]
            variance = float(np.nanmean(np.nanvar(np.concatenate(_labels(fold.fitting)), axis=0)))

            def batches(epoch: int) -> Iterator[Tensor]:
                order = np.random.default_rng([seed, epoch]).permutation(len(inputs))
                for start in range(0, len(order), EPISODES_A_BATCH):
                    chosen = order[start : start + EPISODES_A_BATCH]
                    predicted = actor(pad_sequence([inputs[i] for i in chosen], batch_first=True))
                    table = pad_sequence([constants[i] for i in chosen], batch_first=True)
                    steps = sum(len(inputs[i]) for i in chosen) * len(first.label_names)
                    yield -total_reward(reward, table, predicted) / (steps * variance)

            def played(episodes: Sequence[Episode]) -> Predictions:
                with torch.inference_mode():
                    return [actor(_inputs(e)[None])[0].numpy() for e in episodes]

            descend(
                actor, batches, lambda: objective.value(fold.validation, played(fold.validation))
            )
        return played(fold.test)

    def _actor(self, fold: Fold, objective: Objective, scale: LabelScale) -> nn.Module:
        first = fold.fitting[0]
        if objective.action == "gain":
            view = make_view(replace(self.config, action="gain", actor="direct"), fold.fitting)
            assert isinstance(view, Gain)
            proposal = cast(LinearProposal, view.proposal)
            return GainActor(first.n_latent, scale, self.config, proposal, view.scale)
        return ScaledActor(first.n_latent, scale, self.config)


class ScaledActor(nn.Module):
    """The leaky actor, unrolled, in label units."""

    def __init__(self, n_latent: int, scale: LabelScale, config: AgentConfig) -> None:
        super().__init__()
        self.actor = TrajectoryActor(n_latent, len(scale.center), config)
        self.center, self.half_range = torch.tensor(scale.center), torch.tensor(scale.half_range)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (batch, time, n_latent + 1) to predictions, (batch, time, n_dims)."""
        return (self.center + self.half_range * self.actor(inputs)).clamp(-1.0, 1.0)


class GainActor(nn.Module):
    """An actor that chooses gain and offset at each step, as `eeg_emotion_env.wrappers.Gain`."""

    def __init__(
        self,
        n_latent: int,
        scale: LabelScale,
        config: AgentConfig,
        proposal: LinearProposal,
        offset: float,
    ) -> None:
        super().__init__()
        n_dims = len(scale.center)
        self.noise = config.latent_noise
        self.weights = torch.tensor(proposal.weights, dtype=torch.float32)
        self.intercept = torch.tensor(proposal.intercept, dtype=torch.float32)
        self.center, self.half_range = torch.tensor(scale.center), torch.tensor(scale.half_range)
        self.offset = offset
        layers: list[nn.Module] = []
        sizes = (n_latent + 1 + n_dims, *cast(tuple[int, ...], config.net_arch))
        for n_in, n_out in pairwise(sizes):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Linear(sizes[-1], 2 * n_dims))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (batch, time, n_latent + 1) to predictions, (batch, time, n_dims)."""
        proposals = (inputs[..., :-1] @ self.weights + self.intercept).clamp(-1.0, 1.0)
        seen = inputs
        if self.training and self.noise > 0:
            seen = inputs + self.noise * torch.randn_like(inputs)
        previous = torch.zeros_like(proposals[:, 0])
        track = []
        for step in range(inputs.shape[1]):
            scaled = (previous - self.center) / self.half_range
            actions = torch.tanh(self.net(torch.cat([seen[:, step], scaled], dim=1)))
            gains, offsets = actions.chunk(2, dim=1)
            gain = 0.5 * (1.0 + gains) if step else torch.ones_like(gains)
            target = proposals[:, step] + self.offset * offsets
            previous = (previous + gain * (target - previous)).clamp(-1.0, 1.0)
            track.append(previous)
        return torch.stack(track, dim=1)


def total_reward(reward: Reward, constants: Tensor, predictions: Tensor) -> Tensor:
    """Sum of rewards, differentiable.

    Parameters
    ----------
    reward : Reward
        Its `step` is arithmetic, on tensors as on arrays.
    constants : Tensor, shape (batch, time, n_dims, n_constants)
        As `Reward.prepare` gives them, with zeros behind the end of an episode.
    predictions : Tensor, shape (batch, time, n_dims)
        Predictions.

    Returns
    -------
    Tensor
        Scalar.
    """
    zeros = torch.zeros_like(predictions[:, 0])
    sums = [zeros] * reward.n_sums
    total = predictions.new_zeros(())
    for step in range(predictions.shape[1]):
        terms, sums = reward.step(predictions[:, step], constants[:, step].unbind(-1), sums)  # type: ignore[assignment]
        for term in terms:
            total = total + term.sum()
    return total


def _constants(reward: Reward, episode: Episode) -> Tensor:
    return torch.from_numpy(reward.prepare(episode.labels).astype(np.float32))


def _inputs(episode: Episode) -> Tensor:
    elapsed = np.minimum(np.arange(episode.n_steps) * episode.step_s / ELAPSED_SCALE_S, 1.0)
    return torch.from_numpy(np.hstack([episode.latents, elapsed[:, None]]).astype(np.float32))


def _labels(episodes: Sequence[Episode]) -> list[np.ndarray]:
    return [episode.labels for episode in episodes]
