"""Configuration of an agent: frozen, checked, saved beside the model."""

from dataclasses import dataclass

from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.rewards import REWARDS

ACTORS = ("direct", "leaky")


@dataclass(frozen=True)
class AgentConfig:
    """How SAC is set up and trained.

    Attributes
    ----------
    reward : str
        Name of a reward of `eeg_emotion_env.rewards`.
    gamma : float
        Discount, in [0, 1]. With a per-step reward and the direct actor the task is a contextual
        bandit, and 0 loses nothing.
    n_steps : int
        Steps of the n-step return.
    actor : str
        ``"direct"`` predicts the value, ``"leaky"`` moves the previous prediction by a learned
        gain.
    net_arch : tuple of int
        Hidden layers of actor and critics.
    privileged : bool
        Whether the critics see label information (the actor never does).
    latent_noise : float
        Standard deviation of noise added to the actor's and critics' input in training.
    total_steps : int
        Environment steps at most.
    n_envs : int
        Environments in parallel.
    gradient_steps : int
        Updates after each step of all environments.
    batch_size : int
        Transitions an update.
    learning_starts : int
        Random environment steps before the first update.
    learning_rate : float
        Of actor, critics and entropy coefficient at the start; it falls linearly to zero.
    averaging : float
        Decay of the running average of the actor's weights, in [0, 1); the average is what is
        evaluated, kept and used. 0 takes the last weights.
    ent_coef : str or float
        Entropy coefficient as in SB3: a number or ``"auto_<start>"``.
    target_entropy : float
        Target for an automatic coefficient, nats a dimension.
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
    """

    reward: str = "squared-error"
    gamma: float = 0.9
    n_steps: int = 1
    actor: str = "leaky"
    net_arch: tuple[int, ...] = (64, 64)
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "net_arch", tuple(self.net_arch))
        check_choice("reward", self.reward, REWARDS)
        check_choice("actor", self.actor, ACTORS)
        if not 0 <= self.gamma <= 1:
            raise ConfigError(f"gamma must lie in [0, 1], not {self.gamma}")
        if not 0 < self.validation_share < 1:
            raise ConfigError(f"validation_share must lie in (0, 1), not {self.validation_share}")
        for name in (
            "n_steps",
            "total_steps",
            "n_envs",
            "gradient_steps",
            "batch_size",
            "patience",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("averaging", "evaluate_from"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must lie in [0, 1), not {getattr(self, name)}")
        if self.action_range <= 0:
            raise ConfigError(f"action_range must be positive, not {self.action_range}")
