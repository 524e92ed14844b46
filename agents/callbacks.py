"""Callbacks for Stable-Baselines3: held-out CCC, early stopping."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from agents.agent import Agent
from agents.config import AgentConfig
from agents.playing import play
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.rewards import make_reward

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class TrainingProgress:
    """State of the training after an evaluation.

    Attributes
    ----------
    step, total_steps : int
        Environment steps done, and the most there can be.
    score, best : float
        Validation score now and the best so far: mean over validation subjects of the CCC of
        their concatenated trials, or of their reward a step (`AgentConfig.evaluate_by`).
    """

    step: int
    total_steps: int
    score: float
    best: float


class EarlyStopping(BaseCallback):
    """Evaluate on validation subjects, keep the best policy, stop when it no longer improves.

    Logs ``eval/ccc`` or ``eval/return`` (`AgentConfig.evaluate_by`). What is evaluated and kept is
    the running average of the acting weights.
    `train_agent` uses it; with an SB3 model of one's own, wrap its policy in an `Agent`, pass the
    callback to ``learn``, and call `restore_best` when that returns.

    Parameters
    ----------
    agent : Agent
        Wraps the policy in training.
    validation : sequence of Episode
        Episodes of the validation subjects.
    config : AgentConfig
        Interval and patience.
    on_evaluation : callable or None
        Called after each evaluation.
    """

    def __init__(
        self,
        agent: Agent,
        validation: Sequence[Episode],
        config: AgentConfig,
        on_evaluation: Callable[[TrainingProgress], None] | None = None,
    ) -> None:
        super().__init__()
        self.agent, self.validation, self.config = agent, validation, config
        self.on_evaluation = on_evaluation
        self.curve: list[tuple[int, float]] = []
        self._best = -np.inf
        self._best_state: dict[str, torch.Tensor] = {}
        self._waited = 0
        self._next = max(config.evaluate_every, int(config.evaluate_from * config.total_steps))
        self._acting = acting_part(agent.policy)
        self._average = {k: v.clone() for k, v in self._acting.state_dict().items()}

    def _on_step(self) -> bool:
        for name, value in self._acting.state_dict().items():
            if value.is_floating_point():
                self._average[name].lerp_(value, 1.0 - self.config.averaging)
            else:
                self._average[name].copy_(value)
        if self.num_timesteps < self._next:
            return True
        self._next += self.config.evaluate_every
        return self._evaluate()

    @contextmanager
    def averaged(self) -> Iterator[Agent]:
        """Put the averaged weights, those that would be kept now, into the agent for a while."""
        policy = self.agent.policy
        training = {name: value.clone() for name, value in policy.state_dict().items()}
        self._acting.load_state_dict(self._average)
        try:
            yield self.agent
        finally:
            policy.load_state_dict(training)

    def _evaluate(self) -> bool:
        with self.averaged() as agent:
            score = self._score(agent.predict(self.validation))
            self.curve.append((self.num_timesteps, score))
            self.logger.record(f"eval/{self.config.evaluate_by}", score)
            self._waited += 1
            if score > self._best:
                self._best, self._waited = score, 0
                self._best_state = {n: v.clone() for n, v in agent.policy.state_dict().items()}
        if self.on_evaluation is not None:
            self.on_evaluation(
                TrainingProgress(
                    self.num_timesteps, self.config.total_steps, score, float(self._best)
                )
            )
        return self._waited < self.config.patience

    def _score(self, predictions: Sequence[FloatArray]) -> float:
        if self.config.evaluate_by == "return":
            return subject_return(self.validation, predictions, self.config.reward)
        return subject_score(self.validation, predictions)

    def restore_best(self) -> None:
        """Put the best policy back; evaluate once if training was too short for any."""
        if not self._best_state:
            self._evaluate()
        self.agent.policy.load_state_dict(self._best_state)
        self.agent.policy.set_training_mode(False)


class HeldOutCCC(BaseCallback):
    """Log the CCC on held-out episodes while any SB3 algorithm learns.

    The model must be trained on plain observations and actions of the environment, such as those
    of `agents.make_vec_env`. Logs ``eval/ccc``: the mean over subjects of the CCC of their
    concatenated episodes, predicted with the deterministic policy.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes of people that are not trained on.
    every : int
        Environment steps between evaluations.

    Attributes
    ----------
    curve : list of (int, float)
        Environment steps and CCC of each evaluation.

    Examples
    --------
    >>> callback = HeldOutCCC(held_out, every=1_000)  # doctest: +SKIP
    >>> SAC("MlpPolicy", make_vec_env(env)).learn(20_000, callback=callback)  # doctest: +SKIP
    """

    def __init__(self, episodes: Sequence[Episode], every: int = 1_000) -> None:
        super().__init__()
        if every < 1:
            raise ConfigError(f"every must be at least 1, not {every}")
        self.episodes, self.every = episodes, every
        self.curve: list[tuple[int, float]] = []
        self._next = every

    def _init_callback(self) -> None:
        first, size = self.episodes[0], self.model.observation_space.shape
        layouts = [
            ObservationLayout(first.n_latent, len(first.label_names), privileged)
            for privileged in (False, True)
        ]
        fitting = [layout for layout in layouts if (layout.size,) == size]
        if not fitting:
            raise ConfigError(
                f"the model observes {size}, the held-out episodes give {(layouts[0].size,)}; use "
                "the same encoder and an environment that is not wrapped"
            )
        self._layout = fitting[0]

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next += self.every
            score = subject_score(self.episodes, play(self.episodes, self._layout, self._act))
            self.curve.append((self.num_timesteps, score))
            self.logger.record("eval/ccc", score)
        return True

    def _act(self, observations: FloatArray, state: Any) -> tuple[FloatArray, Any]:
        normalizer = self.model.get_vec_normalize_env()
        if normalizer is not None:
            observations = np.asarray(normalizer.normalize_obs(observations))
        return self.model.predict(observations, state, deterministic=True)


def acting_part(policy: BasePolicy) -> nn.Module:
    """Return what acts: the actor, or the whole policy where actor and critic share parts."""
    actor = getattr(policy, "actor", None)
    return actor if isinstance(actor, nn.Module) else policy


def subject_return(
    episodes: Sequence[Episode], predictions: Sequence[FloatArray], reward: str
) -> float:
    """Mean over subjects of their mean reward a step.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes with labels.
    predictions : sequence of ndarray, each (n_steps, n_dims)
        Predictions.
    reward : str
        Reward of `eeg_emotion_env.rewards`.

    Returns
    -------
    float
        Higher is better.
    """
    function = make_reward(reward)
    by_subject: dict[int | str, list[NDArray[np.float64]]] = {}
    for episode, values in zip(episodes, predictions, strict=True):
        rewards = function.trajectory(episode.labels, values)
        by_subject.setdefault(episode.key.subject, []).append(rewards)
    return float(np.mean([np.concatenate(parts).mean() for parts in by_subject.values()]))


def subject_score(episodes: Sequence[Episode], predictions: Sequence[FloatArray]) -> float:
    """Mean over subjects of the CCC of the subject's concatenated episodes.

    Subjects whose label is constant throughout are left out; without any other the score is minus
    the root mean squared error.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes with labels.
    predictions : sequence of ndarray, each (n_steps, n_dims)
        Predictions.

    Returns
    -------
    float
        Higher is better.
    """
    by_subject: dict[int | str, list[int]] = {}
    for i, episode in enumerate(episodes):
        by_subject.setdefault(episode.key.subject, []).append(i)
    scores = [
        score_concatenated(
            [episodes[i].labels for i in chosen],
            [predictions[i] for i in chosen],
            episodes[0].label_names,
        )
        for chosen in by_subject.values()
    ]
    ccc = [s["ccc"] for s in scores if np.isfinite(s["ccc"])]
    return float(np.mean(ccc)) if ccc else -float(np.mean([s["rmse"] for s in scores]))
