"""Training on frozen latents, stopped early on training subjects kept out for it."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.utils import configure_logger

from agents.agent import Agent
from agents.callbacks import EarlyStopping, TrainingProgress, subject_score
from agents.config import AgentConfig
from agents.models import make_model
from agents.scaling import LabelScale, ScaledVecEnv
from agents.vec_env import PlaybackVecEnv
from agents.views import make_view
from agents.warm_start import WarmStart, imitate
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.rewards import make_reward, without_costs
from eeg_emotion_env.wrappers import ActionView
from encoders.groups import hold_out

__all__ = ["TrainingProgress", "subject_score", "train_agent"]


def train_agent(
    episodes: Sequence[Episode],
    config: AgentConfig | None = None,
    on_evaluation: Callable[[TrainingProgress], None] | None = None,
    description: dict[str, Any] | None = None,
    tensorboard_log: str | None = None,
    validation_groups: Collection[str] = (),
    groups: Sequence[str] | None = None,
    outputs: Sequence[KVWriter] = (),
    callbacks: Sequence[Callable[[EarlyStopping], BaseCallback]] = (),
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
    outputs : sequence of KVWriter
        Further outputs of SB3's logger, such as `agents.tracking.WandbOutput`.
    callbacks : sequence of callable
        Makers of further SB3 callbacks; each is given the `EarlyStopping` of this training, whose
        `averaged` lends the agent as it would be kept at that moment.

    Returns
    -------
    Agent
        The agent at its best validation score.

    Raises
    ------
    ConfigError
        If there are fewer than two groups, a part has no annotated step, or the algorithm cannot
        be built with these settings.
    """
    settings = config or AgentConfig()
    train, validation = _parts(episodes, settings, validation_groups, groups)
    scale = LabelScale.fit([episode.labels for episode in train], settings.action_range)
    with torch.random.fork_rng(devices=[]):
        factor = _reward_factor(train, settings, scale)
        view = make_view(settings, train)
        venv = _environment(train, settings, scale, factor, view)
        model = make_model(venv, settings, tensorboard_log)
        model.set_logger(_logger(model, tensorboard_log, outputs))
        names = episodes[0].label_names
        notes = dict(description or {})
        agent = Agent(model.policy, venv.layout, scale, names, settings, notes, view)
        imitate(agent, model, train)
        callback = EarlyStopping(agent, validation, settings, on_evaluation)
        others = [make(callback) for make in callbacks]
        model.learn(settings.total_steps, callback=[WarmStart(settings), callback, *others])
    callback.restore_best()
    agent.description["curve"] = callback.curve
    return agent


def _parts(
    episodes: Sequence[Episode],
    settings: AgentConfig,
    validation_groups: Collection[str],
    groups: Sequence[str] | None,
) -> tuple[list[Episode], list[Episode]]:
    """Split into training and validation episodes."""
    named = [str(e.key.subject) for e in episodes] if groups is None else list(groups)
    kept_out = set(named) & set(validation_groups)
    if not kept_out or len(kept_out) == len(set(named)):
        kept_out = hold_out(named, settings.validation_share, settings.seed)
    train = [e for e, group in zip(episodes, named, strict=True) if group not in kept_out]
    validation = [e for e, group in zip(episodes, named, strict=True) if group in kept_out]
    for part, chosen in (("training", train), ("validation", validation)):
        if all(np.isnan(episode.labels).all() for episode in chosen):
            raise ConfigError(f"no step of the {part} part is annotated; use other subjects")
    return train, validation


def _environment(
    train: Sequence[Episode],
    config: AgentConfig,
    scale: LabelScale,
    factor: float,
    view: ActionView | None,
) -> ScaledVecEnv:
    venv = PlaybackVecEnv(train, config.n_envs, config.reward, config.privileged, seed=config.seed)
    return ScaledVecEnv(venv, scale, factor, view)


def _logger(model: BaseAlgorithm, folder: str | None, outputs: Sequence[KVWriter]) -> Logger:
    if folder is None:
        # SB3's default logger leaves a folder in the temporary directory for every model
        return Logger(None, list(outputs))
    logger = configure_logger(0, folder, type(model).__name__)
    logger.output_formats.extend(outputs)
    return logger


def _reward_factor(train: Sequence[Episode], config: AgentConfig, scale: LabelScale) -> float:
    """Bring every reward to one size, that of the squared error in label variances.

    Measured on random actions: SAC's entropy bonus is of the order of 1, and would drown rewards
    that are hundreds of times smaller. Costs of movement do not count: random actions jolt as no
    policy does.
    """
    rng = np.random.default_rng(config.seed)
    labels = [episode.labels for episode in train]
    predictions = [scale.prediction(rng.uniform(-1, 1, values.shape)) for values in labels]

    def spread(name: str) -> float:
        reward = without_costs(make_reward(name))
        rewards = [reward.trajectory(y, p) for y, p in zip(labels, predictions, strict=True)]
        return max(float(np.concatenate(rewards).std()), 1e-9)

    variance = float(np.nanmean(np.nanvar(np.concatenate(labels), axis=0)))
    return spread("squared-error") / max(variance, 1e-6) / spread(config.reward)
