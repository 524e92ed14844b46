"""Tuned settings of each algorithm: YAML files in the format of RL Baselines3 Zoo.

Top-level keys of a file are environment ids; `DEFAULT` stands for every environment that is not
named. Below it stand the arguments of the algorithm and `n_timesteps`, `n_envs`, `policy` and
`policy_kwargs`, as RL Baselines3 Zoo writes them (``learning_rate: lin_1e-3``,
``policy_kwargs: "dict(net_arch=[64, 64])"``), and any further field of `agents.AgentConfig`.
Nothing in a file is run.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from agents.hyperparameters.values import activation_name, parse_rate, parse_value
from eeg_emotion_env.errors import ConfigError

DEFAULT = "EEGEmotion-default"
"""Key of the settings for environments without settings of their own."""

REFUSED = {
    "normalize": "observations and rewards are scaled already",
    "env_wrapper": "wrap the environment in Python and train with Stable-Baselines3 itself",
    "vec_env_wrapper": "wrap the environment in Python and train with Stable-Baselines3 itself",
    "frame_stack": "the encoder's latents hold the past already",
    "callback": "give callbacks in Python",
    "env_kwargs": "give reward and privileged by their names",
}
"""Settings of RL Baselines3 Zoo that have no place here, and why."""


def tuned_settings(
    algorithm: str, env_id: str = DEFAULT, file: str | os.PathLike[str] | None = None
) -> dict[str, Any]:
    """Read the settings of an algorithm for an environment.

    Parameters
    ----------
    algorithm : str
        Name of the algorithm; without `file` its shipped settings are read.
    env_id : str
        Environment such as ``"EEGEmotion-SEED-v0"``; `DEFAULT` where the file does not name it.
    file : path-like or None
        YAML file of one's own, which is then read in place of the shipped one.

    Returns
    -------
    dict of str to Any
        Settings, named as in the file.

    Raises
    ------
    ConfigError
        If the file is absent, is not of that format, or has neither key.
    """
    path = Path(__file__).parent / f"{algorithm}.yml" if file is None else Path(file)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must map environment ids to settings, as in RL Baselines3 Zoo")
    settings = content.get(env_id, content.get(DEFAULT))
    if not isinstance(settings, dict):
        known = ", ".join(map(str, content)) or "nothing"
        raise ConfigError(f"{path}: has settings for {known}; add the key {env_id} or {DEFAULT}")
    return {str(name): value for name, value in settings.items()}


def config_fields(settings: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Translate settings of RL Baselines3 Zoo to fields of `agents.AgentConfig`.

    Parameters
    ----------
    settings : mapping
        As in a file, or from the command line.
    known : frozenset of str
        Names of the fields. What is none of them goes to `options`, the further arguments of the
        algorithm, and what is none of them in `policy_kwargs` to `policy_options`.

    Returns
    -------
    dict of str to Any
        Fields and their values.
    """
    fields: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for name, given in settings.items():
        value = parse_value(given) if isinstance(given, str) else given
        if name in REFUSED:
            if value:
                raise ConfigError(f"{name} cannot be set here: {REFUSED[name]}; leave it out")
        elif name == "n_timesteps":
            fields["total_steps"] = value
        elif name == "learning_rate":
            fields["learning_rate"], fields["learning_rate_schedule"] = parse_rate(value)
        elif name == "policy_kwargs":
            fields.update(_policy_fields(value, known))
        elif name == "policy_options":
            more = _policy_fields(value, known).get("policy_options", {})
            fields["policy_options"] = {**fields.get("policy_options", {}), **more}
        elif name == "options":
            options |= _mapping(name, value)
        else:
            (fields if name in known else options)[name] = value
    if options:
        fields["options"] = options
    return fields


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be dict(name=value, …), not {value!r}")
    return value


def _policy_fields(kwargs: Any, known: frozenset[str]) -> dict[str, Any]:
    kwargs = _mapping("policy_kwargs", kwargs)
    fields = {name: value for name, value in kwargs.items() if name in known}
    rest = {name: value for name, value in kwargs.items() if name not in known}
    if "activation_fn" in rest:
        rest["activation_fn"] = activation_name(str(rest["activation_fn"]))
    return {**fields, "policy_options": rest} if rest else fields
