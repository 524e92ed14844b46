"""`EEGDancerPolicy` for SAC, TQC and CrossQ: critics may see more than the actor."""

from collections.abc import Callable
from typing import Any, ClassVar, cast

import torch
from gymnasium import spaces
from sb3_contrib.crossq.policies import Actor as CrossQActor
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.tqc.policies import Actor as TQCActor
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN, Actor, SACPolicy
from torch import Tensor, nn

from eeg_emotion_env.errors import ConfigError

ATANH_LIMIT = 0.999
"""Previous actions are limited to this before the inverse of the squashing function."""


class ObservationSlice(BaseFeaturesExtractor):
    """First `size` entries of the observation, with noise on them in training.

    Parameters
    ----------
    observation_space : spaces.Box
        Flat observation.
    size : int or None
        Entries kept; None keeps all.
    noise : float
        Standard deviation of Gaussian noise in training mode.
    """

    def __init__(
        self, observation_space: spaces.Box, size: int | None = None, noise: float = 0.0
    ) -> None:
        kept = observation_space.shape[0] if size is None else size
        super().__init__(observation_space, features_dim=kept)
        self.size, self.noise = kept, noise

    def forward(self, observations: Tensor) -> Tensor:
        """Map (batch, observation) to (batch, size)."""
        kept = observations[:, : self.size]
        if self.training and self.noise > 0:
            return kept + self.noise * torch.randn_like(kept)
        return kept


class LeakyMixin:
    """Makes an actor move the previous action towards a proposal by a learned gain in (0, 1).

    The gain is a function of the observation, as in a filter that trusts its input more at some
    times than at others.

    Parameters
    ----------
    previous : tuple of int
        Where the previous action stands in the observation: start and stop.
    **kwargs
        As for the actor.
    """

    latent_pi: Any
    mu: Any
    log_std: Any
    features_extractor: Any

    def __init__(self, *, previous: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.previous = slice(*previous)
        width = kwargs["net_arch"][-1] if kwargs["net_arch"] else kwargs["features_dim"]
        self.gain = nn.Linear(width, get_action_dim(kwargs["action_space"]))
        nn.init.zeros_(self.gain.weight)
        nn.init.constant_(self.gain.bias, 1.0)

    def get_action_dist_params(self, obs: PyTorchObs) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return mean, log standard deviation (before squashing) and no further arguments."""
        if not isinstance(obs, Tensor):
            raise TypeError("a leaky actor needs a flat observation, not a dictionary")
        hidden = self.latent_pi(self.features_extractor(obs))
        proposal = self.mu(hidden)
        # SB3 declares log_std as a parameter or a layer; without gSDE it is a layer
        log_std = torch.clamp(cast(nn.Linear, self.log_std)(hidden), LOG_STD_MIN, LOG_STD_MAX)
        gain = torch.sigmoid(self.gain(hidden))
        previous = obs[:, self.previous].clamp(-ATANH_LIMIT, ATANH_LIMIT).atanh()
        return previous + gain * (proposal - previous), log_std, {}


class LeakyActor(LeakyMixin, Actor):
    """Leaky actor for SAC."""


class LeakyTQCActor(LeakyMixin, TQCActor):
    """Leaky actor for TQC."""


class LeakyCrossQActor(LeakyMixin, CrossQActor):
    """Leaky actor for CrossQ."""


class AsymmetricMixin:
    """Gives a policy an asymmetric critic and a configurable actor.

    Parameters
    ----------
    *args
        As for the policy.
    public_size : int or None
        Entries of the observation that the actor sees; the rest is for the critics alone. None
        asks the observation space, which knows it in `eeg_emotion_env`; wrappers that replace the
        space lose it, and then it must be given.
    latent_noise : float
        Standard deviation of noise on the observation in training mode.
    actor : str
        ``"direct"`` or ``"leaky"``.
    previous : tuple of int or None
        Where the previous action stands in the observation; needed by the leaky actor.
    initial_log_std : float or None
        Log standard deviation of exploration at the start, before squashing, the same everywhere;
        None leaves SB3's (about 0, as wide as the range of actions). Where movement costs,
        take -3: wide exploration costs so much that the actor flees into saturation.
    **kwargs
        As for the policy; `net_arch` defaults to two layers of 64.
    """

    actors: ClassVar[dict[str, type[Any]]]
    actor_kwargs: dict[str, Any]
    observation_space: spaces.Space[Any]
    _update_features_extractor: Callable[..., dict[str, Any]]

    def __init__(
        self,
        *args: Any,
        public_size: int | None = None,
        latent_noise: float = 0.0,
        actor: str = "direct",
        previous: tuple[int, int] | None = None,
        initial_log_std: float | None = None,
        **kwargs: Any,
    ) -> None:
        _require_possible(actor, previous, kwargs.get("use_sde", False))
        space = kwargs.get("observation_space", args[0] if args else None)
        self.public_size = public_size or getattr(space, "public_size", None)
        if self.public_size is None:
            raise ConfigError(
                "the observation space does not tell which part an actor may see (a wrapper may "
                "have replaced it); give policy_kwargs={'public_size': n}, the whole width where "
                "nothing is privileged"
            )
        self.latent_noise = latent_noise
        self.actor_kind = actor
        self.previous = previous
        self.initial_log_std = initial_log_std
        kwargs.setdefault("net_arch", [64, 64])
        super().__init__(*args, **kwargs)

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Make the actor: it sees the public part of the observation alone."""
        kwargs = self._update_features_extractor(
            self.actor_kwargs, features_extractor or self._slice(self.public_size)
        )
        if self.actor_kind == "leaky":
            kwargs["previous"] = self.previous
        actor = self.actors[self.actor_kind](**kwargs)
        if self.initial_log_std is not None:
            nn.init.zeros_(actor.log_std.weight)
            nn.init.constant_(actor.log_std.bias, self.initial_log_std)
        # `device` is a property of every SB3 policy
        return actor.to(cast(Any, self).device)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Make the critics: they see the whole observation."""
        return cast(Any, super()).make_critic(features_extractor or self._slice(None))

    def _slice(self, size: int | None) -> ObservationSlice:
        if not isinstance(self.observation_space, spaces.Box):
            raise TypeError("EEGDancerPolicy needs a flat Box observation")
        return ObservationSlice(self.observation_space, size, self.latent_noise)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data: dict[str, Any] = cast(Any, super())._get_constructor_parameters()
        data.update(
            public_size=self.public_size,
            latent_noise=self.latent_noise,
            actor=self.actor_kind,
            previous=self.previous,
            initial_log_std=self.initial_log_std,
        )
        return data


class EEGDancerPolicy(AsymmetricMixin, SACPolicy):
    """SAC policy with asymmetric critic and configurable actor, for plain `SAC`.

    Parameters are those of `AsymmetricMixin` and `SACPolicy`.

    Examples
    --------
    >>> from stable_baselines3 import SAC  # doctest: +SKIP
    >>> SAC(EEGDancerPolicy, "eeg_emotion_env:EEGEmotion-SEED-v0")  # doctest: +SKIP
    """

    actors: ClassVar = {"direct": Actor, "leaky": LeakyActor}


class EEGDancerTQCPolicy(AsymmetricMixin, TQCPolicy):
    """`EEGDancerPolicy` for plain `TQC` of sb3-contrib."""

    actors: ClassVar = {"direct": TQCActor, "leaky": LeakyTQCActor}


class EEGDancerCrossQPolicy(AsymmetricMixin, CrossQPolicy):
    """`EEGDancerPolicy` for plain `CrossQ` of sb3-contrib."""

    actors: ClassVar = {"direct": CrossQActor, "leaky": LeakyCrossQActor}


def _require_possible(actor: str, previous: tuple[int, int] | None, use_sde: bool) -> None:
    if actor not in ("direct", "leaky"):
        raise ConfigError(f"actor must be 'direct' or 'leaky', not {actor!r}")
    if actor == "leaky" and previous is None:
        raise ConfigError("the leaky actor needs previous=(start, stop) of the previous action")
    if actor == "leaky" and use_sde:
        raise ConfigError("the leaky actor cannot explore by gSDE; take use_sde=False or 'direct'")
