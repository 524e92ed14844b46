"""Training of SAC on frozen latents, stopped early on training subjects kept out for it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import LinearSchedule

from agents.agent import Agent, policy_kwargs
from agents.config import AgentConfig
from agents.policies import EEGDancerPolicy
from agents.scaling import LabelScale, ScaledVecEnv
from agents.vec_env import PlaybackVecEnv
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.rewards import make_reward
from encoders.groups import hold_out

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
        their concatenated trials.
    """

    step: int
    total_steps: int
    score: float
    best: float


def train_agent(
    episodes: Sequence[Episode],
    config: AgentConfig | None = None,
    on_evaluation: Callable[[TrainingProgress], None] | None = None,
    description: dict[str, Any] | None = None,
    tensorboard_log: str | None = None,
    validation_groups: Collection[str] = (),
    groups: Sequence[str] | None = None,
) -> Agent:
    """Train an agent on the episodes of training subjects.

    Parameters
    ----------
    episodes : sequence of Episode
        Training episodes of at least two groups; some groups are kept out for early stopping.
        Held-out test trials must not be among them.
    config : AgentConfig or None
        Settings; None takes the defaults.
    on_evaluation : callable or None
        Called with `TrainingProgress` after each evaluation.
    description : dict or None
        JSON-able notes that are saved with the agent.
    tensorboard_log : str or None
        Folder for TensorBoard; needs the extra ``tensorboard``.
    validation_groups : collection of str
        Groups to stop early on, if they are among `groups`; otherwise some are drawn. Best are
        those that the encoder was stopped on: their labels did not guide it
        (``encoder.description["validation_groups"]``).
    groups : sequence of str or None
        Group of each episode, as `eeg_emotion_env.splits.validation_groups` names it; None takes
        the subjects.

    Returns
    -------
    Agent
        The agent at its best validation score.

    Raises
    ------
    ConfigError
        If there are fewer than two groups, or a part has no annotated step.
    """
    settings = config or AgentConfig()
    named = [str(e.key.subject) for e in episodes] if groups is None else list(groups)
    kept_out = set(named) & set(validation_groups)
    if not kept_out or len(kept_out) == len(set(named)):
        kept_out = hold_out(named, settings.validation_share, settings.seed)
    train = [e for e, group in zip(episodes, named, strict=True) if group not in kept_out]
    validation = [e for e, group in zip(episodes, named, strict=True) if group in kept_out]
    for part, chosen in (("training", train), ("validation", validation)):
        if all(np.isnan(episode.labels).all() for episode in chosen):
            raise ConfigError(f"no step of the {part} part is annotated; use other subjects")
    scale = LabelScale.fit([episode.labels for episode in train], settings.action_range)
    with torch.random.fork_rng(devices=[]):
        model = _make_sac(train, settings, scale, tensorboard_log)
        agent = Agent(
            cast(EEGDancerPolicy, model.policy),
            cast(ScaledVecEnv, model.get_env()).layout,
            scale,
            episodes[0].label_names,
            settings,
            dict(description or {}),
        )
        callback = EarlyStopping(agent, validation, settings, on_evaluation)
        model.learn(settings.total_steps, callback=callback)
    callback.restore_best()
    agent.description["curve"] = callback.curve
    return agent


def _make_sac(
    train: Sequence[Episode], config: AgentConfig, scale: LabelScale, log: str | None
) -> SAC:
    factor = _reward_factor(train, config, scale)
    venv = PlaybackVecEnv(train, config.n_envs, config.reward, config.privileged, seed=config.seed)
    layout = venv.layout
    model = SAC(
        EEGDancerPolicy,
        ScaledVecEnv(venv, scale, factor),
        learning_rate=LinearSchedule(config.learning_rate, 0.0, 1.0),
        buffer_size=config.total_steps,
        learning_starts=config.learning_starts,
        batch_size=config.batch_size,
        gamma=config.gamma,
        n_steps=config.n_steps,
        train_freq=1,
        gradient_steps=config.gradient_steps,
        ent_coef=config.ent_coef,
        target_entropy=config.target_entropy * layout.n_dims,
        policy_kwargs=policy_kwargs(layout, config),
        tensorboard_log=log,
        seed=config.seed,
        device="cpu",
    )
    if log is None:
        # SB3's default logger leaves a folder in the temporary directory for every model
        model.set_logger(Logger(None, []))
    return model


def _reward_factor(train: Sequence[Episode], config: AgentConfig, scale: LabelScale) -> float:
    """Bring every reward to one size, that of the squared error in label variances.

    Measured on random actions: SAC's entropy bonus is of the order of 1, and would drown rewards
    that are hundreds of times smaller.
    """
    rng = np.random.default_rng(config.seed)
    labels = [episode.labels for episode in train]
    predictions = [scale.prediction(rng.uniform(-1, 1, values.shape)) for values in labels]

    def spread(name: str) -> float:
        reward = make_reward(name)
        rewards = [reward.trajectory(y, p) for y, p in zip(labels, predictions, strict=True)]
        return max(float(np.concatenate(rewards).std()), 1e-9)

    variance = float(np.nanmean(np.nanvar(np.concatenate(labels), axis=0)))
    return spread("squared-error") / max(variance, 1e-6) / spread(config.reward)


class EarlyStopping(BaseCallback):
    """Evaluate on validation subjects, keep the best policy, stop when it no longer improves.

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
        on_evaluation: Callable[[TrainingProgress], None] | None,
    ) -> None:
        super().__init__()
        self.agent, self.validation, self.config = agent, validation, config
        self.on_evaluation = on_evaluation
        self.curve: list[tuple[int, float]] = []
        self._best = -np.inf
        self._best_state: dict[str, torch.Tensor] = {}
        self._waited = 0
        self._next = max(config.evaluate_every, int(config.evaluate_from * config.total_steps))
        self._average = {k: v.clone() for k, v in agent.policy.actor.state_dict().items()}

    def _on_step(self) -> bool:
        for name, value in self.agent.policy.actor.state_dict().items():
            self._average[name].lerp_(value, 1.0 - self.config.averaging)
        if self.num_timesteps < self._next:
            return True
        self._next += self.config.evaluate_every
        return self._evaluate()

    def _evaluate(self) -> bool:
        policy = self.agent.policy
        training = {name: value.clone() for name, value in policy.state_dict().items()}
        policy.actor.load_state_dict(self._average)
        score = subject_score(self.validation, self.agent.predict(self.validation))
        self.curve.append((self.num_timesteps, score))
        self.logger.record("eval/ccc", score)
        self._waited += 1
        if score > self._best:
            self._best, self._waited = score, 0
            self._best_state = {n: v.clone() for n, v in policy.state_dict().items()}
        policy.load_state_dict(training)
        if self.on_evaluation is not None:
            self.on_evaluation(
                TrainingProgress(
                    self.num_timesteps, self.config.total_steps, score, float(self._best)
                )
            )
        return self._waited < self.config.patience

    def restore_best(self) -> None:
        """Put the best policy back; evaluate once if training was too short for any."""
        if not self._best_state:
            self._evaluate()
        self.agent.policy.load_state_dict(self._best_state)
        self.agent.policy.set_training_mode(False)


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
