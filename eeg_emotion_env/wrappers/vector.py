"""Action views for the native vector form."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorActionWrapper, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import FloatArray
from eeg_emotion_env.vector import EEGEmotionVectorEnv
from eeg_emotion_env.wrappers.proposal import Proposal
from eeg_emotion_env.wrappers.views import ActionView, Gain, Increment, Residual

__all__ = ["GainAction", "IncrementAction", "ResidualAction"]

AnyVectorEnv = VectorEnv[Any, Any, Any]


class _ViewWrapper(VectorWrapper):
    """Turns actions into predictions by a view."""

    def __init__(self, env: AnyVectorEnv, view: ActionView) -> None:
        super().__init__(env)
        base = env.unwrapped
        if (
            not isinstance(base, EEGEmotionVectorEnv)
            or _has_view(env)
            or env.observation_space != base.observation_space
        ):
            raise ConfigError(
                f"{type(self).__name__} wraps an EEGEmotion vector environment whose actions are "
                f"still predictions and whose observations are unchanged, not {env}"
            )
        self.view, self._layout = view, base.layout
        self.single_action_space = view.action_space(base.layout)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._observations: FloatArray | None = None

    def reset(
        self,
        *,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin episodes, as `EEGEmotionVectorEnv.reset`."""
        chosen = None if options is None else dict(options)
        observations, infos = self.env.reset(seed=seed, options=chosen)
        self._observations = observations.copy()  # the caller may write into theirs
        return observations, infos

    def step(
        self, actions: NDArray[np.floating]
    ) -> tuple[FloatArray, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Predict by the view, as `EEGEmotionVectorEnv.step`."""
        if self._observations is None:
            raise ResetNeeded("call reset() first: no episode has begun")
        predictions = self.view.of_observation(actions, self._observations, self._layout)
        observations, *rest = self.env.step(predictions)
        self._observations = observations.copy()
        rewards, terminations, truncations, infos = rest
        return observations, rewards, terminations, truncations, infos


def _has_view(env: AnyVectorEnv) -> bool:
    while isinstance(env, VectorWrapper):
        if isinstance(env, _ViewWrapper | VectorActionWrapper):
            return True
        env = env.env
    return False


class ResidualAction(_ViewWrapper, RecordConstructorArgs):
    """As `eeg_emotion_env.wrappers.ResidualAction`, for a vector environment."""

    def __init__(self, env: AnyVectorEnv, proposal: Proposal, scale: float = 0.5) -> None:
        RecordConstructorArgs.__init__(self, proposal=proposal, scale=scale)
        _ViewWrapper.__init__(self, env, Residual(proposal, scale))


class IncrementAction(_ViewWrapper, RecordConstructorArgs):
    """As `eeg_emotion_env.wrappers.IncrementAction`, for a vector environment."""

    def __init__(self, env: AnyVectorEnv, scale: float = 0.2) -> None:
        RecordConstructorArgs.__init__(self, scale=scale)
        _ViewWrapper.__init__(self, env, Increment(scale))


class GainAction(_ViewWrapper, RecordConstructorArgs):
    """As `eeg_emotion_env.wrappers.GainAction`, for a vector environment."""

    def __init__(self, env: AnyVectorEnv, proposal: Proposal, scale: float = 0.5) -> None:
        RecordConstructorArgs.__init__(self, proposal=proposal, scale=scale)
        _ViewWrapper.__init__(self, env, Gain(proposal, scale))
