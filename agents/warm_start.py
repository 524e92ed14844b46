"""Warm start: behaviour cloning, then critics alone, then both with an imitation term that fades.

A critic that knows nothing pulls a good actor down. So (a) the actor first learns the labels of
the training episodes (`imitate`); (b) it then stands still while the critics learn from rollouts;
(c) set free, it takes imitation steps beside those of the algorithm, smaller and smaller
(`WarmStart`). All three are off by default.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from torch import Tensor
from torch.nn.functional import mse_loss

from agents.agent import Agent
from agents.callbacks import acting_part
from agents.config import AgentConfig
from agents.playing import play
from agents.scaling import LabelScale, ScaledVecEnv
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.playback import Episode

FloatArray = NDArray[np.float32]

TARGET_LIMIT = 0.99
"""Actions to imitate are limited to this: a squashed mean never reaches 1."""


def mean_action(policy: BasePolicy, observations: Tensor) -> Tensor:
    """Return the deterministic action, differentiable; (n, size) to (n, n_dims)."""
    if isinstance(policy, ActorCriticPolicy):
        mode: Tensor = policy.get_distribution(observations).mode()
        return mode
    action: Tensor = policy._predict(observations, deterministic=True)
    return action


def imitate(agent: Agent, model: BaseAlgorithm, train: Sequence[Episode]) -> None:
    """Clone the labels of the training episodes: `imitation_epochs` passes.

    Before each pass the present actor plays all episodes, so that the previous prediction, the
    mean and the spread that it observes are its own, as they will be later (as in DAgger).

    Parameters
    ----------
    agent : Agent
        Wraps the policy of `model`.
    model : BaseAlgorithm
        Its actor, and the target actor if it has one, are changed.
    train : sequence of Episode
        Training episodes.
    """
    config = agent.config
    if not config.imitation_epochs:
        return
    acting = acting_part(agent.policy)
    optimizer = torch.optim.Adam(acting.parameters(), lr=config.learning_rate)
    generator = torch.Generator().manual_seed(config.seed)
    for _ in range(config.imitation_epochs):
        observations, targets = _own_rollouts(agent, train)
        agent.policy.set_training_mode(True)
        for rows in torch.randperm(len(targets), generator=generator).split(config.batch_size):
            if len(rows) > 1:
                _imitation_step(agent.policy, optimizer, observations[rows], targets[rows])
    agent.policy.set_training_mode(False)
    target: Any = getattr(agent.policy, "actor_target", None)
    if target is not None:
        target.load_state_dict(acting.state_dict())


def _own_rollouts(agent: Agent, train: Sequence[Episode]) -> tuple[Tensor, Tensor]:
    """Return scaled observations and actions to imitate, of all annotated steps."""
    steps: list[FloatArray] = []
    agent.policy.set_training_mode(False)
    play(
        train,
        agent.layout,
        agent.step,
        lambda _, seen: steps.append(agent.scale.observation(seen, agent.layout)),
    )
    observations = np.concatenate(
        [np.stack([step[i] for step in steps[: e.n_steps]]) for i, e in enumerate(train)]
    )
    return _annotated(observations, np.concatenate([e.labels for e in train]), agent.scale)


def _annotated(
    observations: FloatArray, labels: FloatArray, scale: LabelScale
) -> tuple[Tensor, Tensor]:
    targets = (labels - np.asarray(scale.center)) / np.asarray(scale.half_range)
    rows = ~np.isnan(labels).any(axis=1)
    limited = np.clip(targets[rows], -TARGET_LIMIT, TARGET_LIMIT).astype(np.float32)
    return torch.from_numpy(observations[rows]), torch.from_numpy(limited)


def _imitation_step(
    policy: BasePolicy, optimizer: torch.optim.Optimizer, observations: Tensor, targets: Tensor
) -> None:
    loss = mse_loss(mean_action(policy, observations), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class WarmStart(BaseCallback):
    """Hold the actor still while critics warm up; then add imitation steps that fade.

    An imitation step *alternates* with the algorithm's own: after each step of the environments
    one Adam step is taken on the squared distance between mean action and label, over the steps
    played so far, with `imitation_weight` × learning rate × (1 → 0) as its rate. It is not a term
    of the algorithm's loss, whose gradient it neither sees nor scales. (A weight on the loss would
    do nothing: Adam divides it out.)

    Parameters
    ----------
    config : AgentConfig
        `critic_warmup_updates`, `imitation_weight`, `imitation_anneal`.
    """

    def __init__(self, config: AgentConfig) -> None:
        super().__init__()
        self.config = config
        self._frozen = False
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._rng = np.random.default_rng(config.seed)

    @property
    def weight(self) -> float:
        """Weight of the imitation step now; exactly 0 after `imitation_anneal` of the training."""
        span = self.config.imitation_anneal * self.config.total_steps
        return self.config.imitation_weight * max(0.0, 1.0 - self.num_timesteps / span)

    def _on_training_start(self) -> None:
        self._acting = acting_part(self.model.policy)
        if self.config.critic_warmup_updates:
            self._freeze(True)
        if self.config.imitation_weight:
            if not isinstance(self.model.get_env(), ScaledVecEnv):
                raise ConfigError("imitation_weight needs the environment of train_agent")
            self._optimizer = torch.optim.Adam(self._acting.parameters())

    def _on_rollout_start(self) -> None:
        if not self._frozen:
            return
        for name, value in self._acting.named_buffers():
            value.copy_(self._buffers[name])
        if getattr(self.model, "_n_updates", 0) >= self.config.critic_warmup_updates:
            self._freeze(False)

    def _on_step(self) -> bool:
        if self.weight > 0:
            self._remember()
            if not self._frozen:
                self._imitate()
        elif self._seen:
            self._seen = []
        return True

    def _on_training_end(self) -> None:
        if self._frozen:
            self._freeze(False)

    def _freeze(self, frozen: bool) -> None:
        # SB3 then leaves the actor where it is: an optimiser skips what has no gradient
        for parameter in self._acting.parameters():
            parameter.grad = None
        self._acting.requires_grad_(not frozen)
        # running statistics, such as those of CrossQ's batch normalisation, need no gradient
        self._buffers = {name: value.clone() for name, value in self._acting.named_buffers()}
        self._frozen = frozen

    def _remember(self) -> None:
        """Keep what was observed before this step, and the label that it was scored on."""
        env: Any = self.model.get_env()
        observations = np.array(self.model._last_obs, dtype=np.float32)
        labels = env.venv.playback.labels
        observed, targets = _annotated(observations, labels, env.scale)
        if len(targets):
            self._seen.append((observed, targets))

    def _imitate(self) -> None:
        if not self._seen:
            return
        count = max(1, self.config.batch_size // self.config.n_envs)
        chosen = [self._seen[i] for i in self._rng.integers(len(self._seen), size=count)]
        observations, targets = (torch.cat(parts) for parts in zip(*chosen, strict=True))
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.weight
        self.model.policy.set_training_mode(True)
        if len(targets) > 1:
            _imitation_step(self.model.policy, self._optimizer, observations, targets)
        self.model.policy.set_training_mode(False)
        self.logger.record("train/imitation_weight", self.weight)
