"""Configuration of an agent: frozen, checked, saved beside the model."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from agents.algorithms import Algorithm, find_algorithm
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.rewards import make_reward

ACTORS = ("direct", "leaky")
SCHEDULES = ("linear", "constant")
ACTIONS = ("absolute", "residual", "increment", "gain")
EVALUATIONS = ("ccc", "return")
DANCER = "EEGDancerPolicy"

_AT_LEAST_ONE = ("n_steps", "total_steps", "n_envs", "batch_size", "evaluate_every", "patience")
_AT_LEAST_ZERO = (
    "latent_noise",
    "learning_starts",
    "imitation_epochs",
    "critic_warmup_updates",
    "imitation_weight",
)
_SHARES = ("averaging", "evaluate_from")


@dataclass(frozen=True)
class AgentConfig:
    """How an algorithm is set up and trained.

    The defaults are those of SAC, the default agent; `AgentConfig.tuned` starts from the tuned
    settings of any algorithm. Names that an algorithm of Stable-Baselines3 has too mean the same.

    Attributes
    ----------
    reward : str
        Reward of `eeg_emotion_env.rewards`: a name, or a sum such as
        ``"squared-error + 0.5*rate"``.
    gamma : float
        Discount, in [0, 1]. With a per-step reward and the direct actor the task is a contextual
        bandit, and 0 loses nothing.
    n_steps : int
        Steps of the n-step return; for PPO, A2C and RecurrentPPO the steps of each environment in
        a rollout.
    actor : str
        Of `EEGDancerPolicy`: ``"direct"`` predicts the value, ``"leaky"`` moves the previous
        prediction by a learned gain. (An actor that *samples* gain and offset is the environment
        with another action view: see `eeg_emotion_env.wrappers`.)
    net_arch : tuple of int or dict of str to tuple of int
        Hidden layers of actor and critics, or of each: ``{"pi": …, "qf": …}`` (``"vf"`` for PPO,
        A2C and RecurrentPPO).
    privileged : bool
        Whether the critics see label information (the actor never does); `EEGDancerPolicy` alone
        can keep it from the actor.
    latent_noise : float
        Standard deviation of noise added to the actor's and critics' input in training.
    total_steps : int
        Environment steps at most.
    n_envs : int
        Environments in parallel.
    gradient_steps : int
        Updates after each step of all environments; -1: as many as there were steps.
    batch_size : int
        Transitions an update.
    learning_starts : int
        Random environment steps before the first update.
    learning_rate : float
        Of actor, critics and entropy coefficient at the start.
    averaging : float
        Decay of the running average of the actor's weights, in [0, 1); the average is what is
        evaluated, kept and used. 0 takes the last weights.
    ent_coef : str or float
        Entropy coefficient as in SB3: a number or ``"auto_<start>"``.
    target_entropy : float
        Target for an automatic coefficient, nats *a dimension*.
    action_range : float
        Half range of actions in standard deviations of the training labels.
    evaluate_from : float
        Share of `total_steps` before the first evaluation, in [0, 1): with few validation
        subjects an early policy can score well by luck.
    evaluate_every : int
        Environment steps between evaluations on the validation subjects.
    patience : int
        Evaluations without improvement before training stops.
    validation_share : float
        Share of training subjects kept out for early stopping.
    seed : int
        Seed of weights, order and exploration.
    algorithm : str
        Name in `agents.algorithms.ALGORITHMS`.
    policy : str
        A policy that the algorithm has: ``"EEGDancerPolicy"`` (sac, tqc, crossq), ``"MlpPolicy"``
        or ``"MlpLstmPolicy"`` (recurrentppo).
    learning_rate_schedule : str
        ``"linear"`` (falls to zero) or ``"constant"``.
    options : dict of str to Any
        Further arguments of the algorithm, such as ``{"tau": 0.01}``.
    policy_options : dict of str to Any
        Further arguments of the policy, such as ``{"log_std_init": -1}``; `activation_fn` by name.
    imitation_epochs : int
        Passes of behaviour cloning before reinforcement learning; 0 is off. See
        `agents.warm_start`.
    critic_warmup_updates : int
        Updates at the start in which the actor stands still and the critics learn; 0 is off.
    imitation_weight : float
        Size of the imitation steps during reinforcement learning at their start, as a factor on
        the learning rate; 0 is off.
    imitation_anneal : float
        Share of the training over which that factor falls linearly to 0, in (0, 1].
    action : str
        What an action is: ``"absolute"`` (the prediction), or a view of
        `eeg_emotion_env.wrappers`: ``"residual"`` and ``"gain"`` (on a linear proposal that is
        fitted on the training episodes) or ``"increment"``; views need the direct actor.
    offset_range : float
        Largest offset (residual, gain) or change (increment) of a view, standard deviations of
        the training labels.
    evaluate_by : str
        What stops early on the validation subjects: ``"ccc"`` or ``"return"`` (mean reward a
        step).
    """

    reward: str = "squared-error"
    gamma: float = 0.9
    n_steps: int = 1
    actor: str = "leaky"
    net_arch: tuple[int, ...] | Mapping[str, tuple[int, ...]] = field(default=(64, 64), hash=False)
    privileged: bool = False
    latent_noise: float = 0.2
    total_steps: int = 20_000
    n_envs: int = 16
    gradient_steps: int = 1
    batch_size: int = 256
    learning_starts: int = 1_000
    learning_rate: float = 1e-3
    averaging: float = 0.99
    ent_coef: str | float = "auto_0.1"
    target_entropy: float = -2.0
    action_range: float = 4.0
    evaluate_from: float = 0.5
    evaluate_every: int = 1_600
    patience: int = 6
    validation_share: float = 0.2
    seed: int = 0
    algorithm: str = "sac"
    policy: str = DANCER
    learning_rate_schedule: str = "linear"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    policy_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    imitation_epochs: int = 0
    critic_warmup_updates: int = 0
    imitation_weight: float = 0.0
    imitation_anneal: float = 0.5
    action: str = "absolute"
    offset_range: float = 1.0
    evaluate_by: str = "ccc"

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            object.__setattr__(self, name, _of_kind(name, getattr(self, name), kind))
        object.__setattr__(self, "net_arch", _layers(self.net_arch))
        object.__setattr__(self, "algorithm", find_algorithm(self.algorithm).name)
        make_reward(self.reward)
        check_choice("actor", self.actor, ACTORS)
        check_choice("learning_rate_schedule", self.learning_rate_schedule, SCHEDULES)
        check_choice("evaluate_by", self.evaluate_by, EVALUATIONS)
        self._check_action()
        self._check_numbers()
        self._check_policy(find_algorithm(self.algorithm))

    @classmethod
    def tuned(
        cls,
        algorithm: str = "sac",
        *,
        env_id: str | None = None,
        file: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> "AgentConfig":
        """Start from the tuned settings of an algorithm.

        Parameters
        ----------
        algorithm : str
            Name in `agents.algorithms.ALGORITHMS`.
        env_id : str or None
            Environment whose settings are taken where the file has some of its own.
        file : path-like or None
            YAML file in the format of RL Baselines3 Zoo; what it leaves out stays as tuned.
        **settings
            Changes: fields of this class, arguments of the algorithm, or names of RL Baselines3
            Zoo such as `n_timesteps` and `policy_kwargs`.

        Returns
        -------
        AgentConfig
            Checked settings.

        Raises
        ------
        ConfigError
            If a setting is unknown to the algorithm, or a value impossible.
        """
        from agents.hyperparameters import DEFAULT, config_fields, tuned_settings

        chosen = find_algorithm(algorithm)
        known = frozenset(f.name for f in fields(cls)) - {"options", "policy_options"}
        values: dict[str, Any] = {"policy": next(iter(chosen.policies))}
        layers = [tuned_settings(chosen.name, env_id or DEFAULT), settings]
        if file is not None:
            layers.insert(1, tuned_settings(chosen.name, env_id or DEFAULT, file))
        for layer in layers:
            new = config_fields(layer, known)
            for mapping in ("options", "policy_options"):
                new[mapping] = {**values.get(mapping, {}), **new.get(mapping, {})}
            values.update(new)
        if values["policy"] != DANCER:
            values = {"actor": "direct", "latent_noise": 0.0, **values}
        _require_known(chosen, values)
        return cls(**{**values, "algorithm": chosen.name})

    def _check_numbers(self) -> None:
        if not 0 <= self.gamma <= 1:
            raise ConfigError(f"gamma must lie in [0, 1], not {self.gamma}")
        if not 0 < self.validation_share < 1:
            raise ConfigError(f"validation_share must lie in (0, 1), not {self.validation_share}")
        if not 0 < self.imitation_anneal <= 1:
            raise ConfigError(f"imitation_anneal must lie in (0, 1], not {self.imitation_anneal}")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in _AT_LEAST_ZERO:
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be at least 0, not {getattr(self, name)}")
        if self.gradient_steps < 1 and self.gradient_steps != -1:
            raise ConfigError(
                f"gradient_steps must be at least 1, or -1, not {self.gradient_steps}"
            )
        for name in _SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must lie in [0, 1), not {getattr(self, name)}")
        if self.action_range <= 0:
            raise ConfigError(f"action_range must be positive, not {self.action_range}")

    def _check_action(self) -> None:
        check_choice("action", self.action, ACTIONS)
        if not self.offset_range > 0:
            raise ConfigError(f"offset_range must be positive, not {self.offset_range}")
        if self.action == "absolute":
            return
        if self.actor != "direct":
            raise ConfigError(f"action {self.action!r} needs actor 'direct', not {self.actor!r}")
        if self.imitation_epochs or self.imitation_weight:
            raise ConfigError(
                f"imitation needs action 'absolute', not {self.action!r}: labels are predictions"
            )

    def _check_policy(self, algorithm: Algorithm) -> None:
        name = algorithm.name
        start = f"AgentConfig.tuned({name!r}) starts from settings that fit"
        if self.policy not in algorithm.policies:
            known = " or ".join(algorithm.policies)
            raise ConfigError(f"policy of {name} must be {known}, not {self.policy!r}; {start}")
        if self.policy != DANCER and self.privileged:
            raise ConfigError(
                f"privileged needs {DANCER} (sac, tqc, crossq): the actor of {name} with "
                f"{self.policy} would see the labels"
            )
        if self.policy != DANCER and self.actor != "direct":
            raise ConfigError(f"actor {self.actor!r} needs {DANCER}, not {self.policy}; {start}")
        if algorithm.on_policy:
            self._check_on_policy(name, start)
        if algorithm.recurrent and self.imitation_epochs:
            raise ConfigError(f"imitation_epochs must be 0 for {name}: its policy is recurrent")

    def _check_on_policy(self, name: str, start: str) -> None:
        if self.n_steps < 2:
            raise ConfigError(f"n_steps of {name}, a rollout, must be at least 2; {start}")
        if self.latent_noise:
            # the ratio of new to old probabilities would be that of two noises
            raise ConfigError(f"latent_noise must be 0 for {name}, not {self.latent_noise}")
        for off in ("critic_warmup_updates", "imitation_weight"):
            if getattr(self, off):
                raise ConfigError(f"{off} must be 0 for {name}: it learns from no replay buffer")


_WHOLE = (
    *_AT_LEAST_ONE,
    "gradient_steps",
    "learning_starts",
    "seed",
    "imitation_epochs",
    "critic_warmup_updates",
)
_NUMBERS = (
    *_SHARES,
    "gamma",
    "latent_noise",
    "learning_rate",
    "target_entropy",
    "action_range",
    "validation_share",
    "imitation_weight",
    "imitation_anneal",
    "offset_range",
)
_KINDS: dict[str, str] = {
    **dict.fromkeys(_WHOLE, "a whole number"),
    **dict.fromkeys(_NUMBERS, "a number"),
    "privileged": "true or false",
}
"""What each field must be, in words."""


def _of_kind(name: str, value: Any, kind: str) -> Any:
    """Return the value, a whole float as an int; refuse what is of another kind."""
    if kind == "true or false":
        fits = isinstance(value, bool)
    else:
        fits = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        fits = fits and bool(np.isfinite(value))
    if kind == "a whole number" and fits:
        fits = float(value).is_integer()
        value = int(value) if fits else value
    if not fits:
        raise ConfigError(f"{name} must be {kind}, not {value!r}")
    return value


def _layers(
    net_arch: tuple[int, ...] | Mapping[str, tuple[int, ...]],
) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
    if not isinstance(net_arch, Mapping):
        return _sizes(net_arch)
    if len(net_arch) != 2 or "pi" not in net_arch or not {"qf", "vf"} & set(net_arch):
        raise ConfigError(
            "net_arch must be layer sizes, or {'pi': sizes, 'qf': sizes} ('vf' for on-policy "
            f"algorithms), not {dict(net_arch)}"
        )
    return {part: _sizes(sizes) for part, sizes in net_arch.items()}


def _sizes(sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, str) or not isinstance(sizes, Sequence):
        raise ConfigError(f"net_arch must be layer sizes such as [64, 64], not {sizes!r}")
    return tuple(_of_kind("a layer of net_arch", size, "a whole number") for size in sizes)


SB3_FIELDS = (
    "batch_size",
    "ent_coef",
    "gamma",
    "gradient_steps",
    "learning_starts",
    "n_steps",
    "target_entropy",
)
"""Fields that are arguments of algorithms; each algorithm takes those that it has."""


def _require_known(algorithm: Algorithm, values: Mapping[str, Any]) -> None:
    """Refuse settings that the algorithm would ignore."""
    known = algorithm.arguments | {f.name for f in fields(AgentConfig)}
    ignored = set(SB3_FIELDS) - algorithm.arguments
    for name in (*values, *values["options"]):
        check_choice(f"setting of {algorithm.name}", name, known - ignored)
