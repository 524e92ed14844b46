"""`bptt`: the agent's actor, trained by the gradient of the return itself instead of by SAC.

EEG does not react to predictions and the reward is a known function of them, so the return can be
differentiated through the whole episode. What SAC adds must show against this.
"""

import copy
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from agents.config import AgentConfig
from agents.scaling import LabelScale
from benchmarks.entries.base import FloatArray
from benchmarks.entries.eegdancer import OnLatents
from benchmarks.entries.supervised import ccc_loss
from benchmarks.entries.tuning import validation_score
from eeg_emotion_env.observation import ELAPSED_SCALE_S
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial
from encoders.stages import label_loss

EPOCHS = 40
PATIENCE = 8
BATCH_SIZE = 16
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2


class BPTT(OnLatents):
    """The leaky actor on the frozen latents, trained by back-propagation through the trajectory."""

    name = "bptt"
    summary = "eegdancer's actor trained by the analytic gradient of the same reward"
    agent_config = AgentConfig()
    reward = "squared-error"

    def fit(self, train: Sequence[Trial]) -> None:
        """Pretrain and freeze the encoder, then train the actor on whole episodes."""
        self._pretrain(train)
        groups = validation_groups([trial.key for trial in train])
        kept_out = set(self._validation_groups)
        parts: tuple[list[Trial], list[Trial]] = ([], [])
        for trial, group in zip(train, groups, strict=True):
            parts[group in kept_out].append(trial)
        self._scale = LabelScale.fit(
            [trial.labels for trial in parts[0]], self.agent_config.action_range
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            n_latent = self.latents(train[0]).shape[1]
            self._actor = TrajectoryActor(n_latent, train[0].n_dims, self.agent_config)
            self._train(*parts)

    def _rows(self, trial: Trial) -> Tensor:
        """Latents and elapsed time of a trial, shape (n_steps, n_latent + 1)."""
        elapsed = np.minimum(np.arange(trial.n_steps) * trial.step_s / ELAPSED_SCALE_S, 1.0)
        rows = np.hstack([self.latents(trial), elapsed[:, None]])
        return torch.from_numpy(rows.astype(np.float32))

    def predict(self, trial: Trial) -> FloatArray:
        """Run the actor over the trial from its start."""
        with torch.inference_mode():
            actions = self._actor(self._rows(trial)[None])[0].numpy()
        return self._scale.prediction(actions)

    def _train(self, fitting: Sequence[Trial], validation: Sequence[Trial]) -> None:
        actor, rows = self._actor, [self._rows(trial) for trial in fitting]
        optimiser = torch.optim.AdamW(
            actor.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        rng = np.random.default_rng(self.seed)
        best, waited, best_state = -np.inf, 0, copy.deepcopy(actor.state_dict())
        for _ in range(EPOCHS // 3 if self.quick else EPOCHS):
            actor.train()
            order = rng.permutation(len(fitting))
            for start in range(0, len(order), BATCH_SIZE):
                chosen = order[start : start + BATCH_SIZE]
                inputs = pad_sequence([rows[i] for i in chosen], batch_first=True)
                loss = self._loss(actor(inputs), self._targets([fitting[i] for i in chosen]))
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(actor.parameters(), 1.0)
                optimiser.step()
            actor.eval()
            score, waited = validation_score(self.predict, validation), waited + 1
            if score > best:
                best, waited, best_state = score, 0, copy.deepcopy(actor.state_dict())
            if waited >= PATIENCE:
                break
        actor.load_state_dict(best_state)
        actor.eval()

    def _loss(self, actions: Tensor, targets: Tensor) -> Tensor:
        return (ccc_loss if self.reward == "ccc" else label_loss)(actions, targets)

    def _targets(self, trials: Sequence[Trial]) -> Tensor:
        """Labels on the scale of actions, padded with NaN."""
        center, half = np.asarray(self._scale.center), np.asarray(self._scale.half_range)
        labels = [((trial.labels - center) / half).astype(np.float32) for trial in trials]
        return pad_sequence(
            [torch.from_numpy(y) for y in labels], batch_first=True, padding_value=torch.nan
        )


class BPTTCCC(BPTT):
    """The same with the CCC of the batch's trajectories as return."""

    name = "bptt-ccc"
    summary = "bptt with the CCC as return"
    reward = "ccc"


class TrajectoryActor(nn.Module):
    """The agent's leaky actor, unrolled: its own previous prediction is an input.

    Parameters
    ----------
    n_latent, n_dims : int
        Width of latents, number of label dimensions.
    config : AgentConfig
        Layers and noise on the latents.
    """

    def __init__(self, n_latent: int, n_dims: int, config: AgentConfig) -> None:
        super().__init__()
        self.noise, self.n_dims = config.latent_noise, n_dims
        sizes = (n_latent + 1 + n_dims, *config.net_arch)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.proposal, self.gain = nn.Linear(sizes[-1], n_dims), nn.Linear(sizes[-1], n_dims)
        nn.init.zeros_(self.gain.weight)
        nn.init.constant_(self.gain.bias, 1.0)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (batch, time, n_latent + 1) to actions in [-1, 1], (batch, time, n_dims)."""
        if self.training and self.noise > 0:
            inputs = inputs + self.noise * torch.randn_like(inputs)
        # Before the squashing function, where the leaky actor moves.
        state = inputs.new_zeros(len(inputs), self.n_dims)
        actions = []
        for step in range(inputs.shape[1]):
            previous = torch.tanh(state)
            hidden = self.hidden(torch.cat([inputs[:, step], previous], dim=1))
            state = state + torch.sigmoid(self.gain(hidden)) * (self.proposal(hidden) - state)
            actions.append(torch.tanh(state))
        return torch.stack(actions, dim=1)
