"""From a configuration to policies and models of Stable-Baselines3 and sb3-contrib."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import (
    ActionNoise,
    NormalActionNoise,
    OrnsteinUhlenbeckActionNoise,
)
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import ConstantSchedule, LinearSchedule

from agents.algorithms import find_algorithm
from agents.config import DANCER, SB3_FIELDS, AgentConfig
from agents.hyperparameters.values import activation_name
from agents.scaling import ScaledVecEnv
from agents.views import action_space
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.observation import ObservationLayout

NOISES: dict[str, type[Any]] = {
    "normal": NormalActionNoise,
    "ornstein-uhlenbeck": OrnsteinUhlenbeckActionNoise,
}
"""Action noises by the names of RL Baselines3 Zoo (`noise_type`; `noise_std` is its width)."""


def policy_kwargs(layout: ObservationLayout, config: AgentConfig) -> dict[str, Any]:
    """Return the arguments of the policy for an observation layout."""
    net_arch: Any = config.net_arch
    layers = (
        {part: list(sizes) for part, sizes in net_arch.items()}
        if isinstance(net_arch, dict)
        else list(net_arch)
    )
    kwargs = {"net_arch": layers, **config.policy_options}
    if "activation_fn" in kwargs:
        kwargs["activation_fn"] = getattr(torch.nn, activation_name(kwargs["activation_fn"]))
    if config.policy == DANCER:
        return {
            **kwargs,
            "public_size": layout.public_size,
            "latent_noise": config.latent_noise,
            "actor": config.actor,
            "previous": (layout.previous.start, layout.previous.stop),
        }
    if config.latent_noise > 0:
        from agents.policies import ObservationSlice

        kwargs["features_extractor_class"] = ObservationSlice
        kwargs["features_extractor_kwargs"] = {"noise": config.latent_noise}
    return kwargs


def make_policy(layout: ObservationLayout, config: AgentConfig) -> BasePolicy:
    """Build an untrained policy of the given shape."""
    algorithm = find_algorithm(config.algorithm)
    kwargs = {**dict(algorithm.fixed_policy_kwargs), **policy_kwargs(layout, config)}
    if config.options.get("use_sde"):
        kwargs["use_sde"] = True
    policy: BasePolicy = algorithm.policy_class(config.policy)(
        layout.observation_space(),
        action_space(layout, config),
        ConstantSchedule(config.learning_rate),
        **kwargs,
    )
    return policy


def make_model(venv: ScaledVecEnv, config: AgentConfig, log: str | None = None) -> BaseAlgorithm:
    """Build an untrained model on an environment.

    Parameters
    ----------
    venv : ScaledVecEnv
        The environment.
    config : AgentConfig
        Algorithm, policy and settings.
    log : str or None
        Folder for TensorBoard.

    Returns
    -------
    BaseAlgorithm
        Such as `stable_baselines3.SAC`.
    """
    algorithm = find_algorithm(config.algorithm)
    try:
        model: BaseAlgorithm = algorithm.model_class(
            algorithm.policy_class(config.policy),
            venv,
            policy_kwargs=policy_kwargs(venv.layout, config),
            tensorboard_log=log,
            seed=config.seed,
            device="cpu",
            **_arguments(venv, config),
        )
    except (TypeError, AssertionError, ValueError) as error:
        raise ConfigError(
            f"{config.algorithm} cannot be built with these settings "
            f"({' '.join(str(error).split())}); change options or policy_options"
        ) from error
    return model


def _arguments(venv: ScaledVecEnv, config: AgentConfig) -> dict[str, Any]:
    n_dims, known = venv.action_space.shape[0], find_algorithm(config.algorithm).arguments  # type: ignore[index]
    schedule: Any = config.learning_rate
    if config.learning_rate_schedule == "linear":
        schedule = LinearSchedule(config.learning_rate, 0.0, 1.0)
    arguments: dict[str, Any] = {name: getattr(config, name) for name in SB3_FIELDS}
    arguments["target_entropy"] = config.target_entropy * n_dims
    arguments |= {"learning_rate": schedule, "buffer_size": config.total_steps}
    options = {name: _option(name, value) for name, value in config.options.items()}
    noise = _action_noise(options, n_dims)
    if noise is not None:
        options["action_noise"] = noise
    return {name: value for name, value in arguments.items() if name in known} | options


def _option(name: str, value: Any) -> Any:
    if name in ("clip_range", "clip_range_vf") and str(value).startswith("lin_"):
        return LinearSchedule(float(str(value).removeprefix("lin_")), 0.0, 1.0)
    if name == "train_freq" and isinstance(value, list):
        return tuple(value)
    return value


def _action_noise(options: dict[str, Any], n_dims: int) -> ActionNoise | None:
    kind, width = options.pop("noise_type", None), options.pop("noise_std", 0.0)
    if kind is None:
        return None
    check_choice("noise_type", kind, NOISES)
    noise: ActionNoise = NOISES[kind](np.zeros(n_dims), np.full(n_dims, float(width)))
    return noise
