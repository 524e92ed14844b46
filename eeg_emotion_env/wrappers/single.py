"""Action views for a single environment."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import FloatArray
from eeg_emotion_env.wrappers.proposal import Proposal
from eeg_emotion_env.wrappers.views import ActionView, Gain, Increment, Residual

AnyEnv = gymnasium.Env[Any, Any]


class _ViewWrapper(gymnasium.Wrapper[FloatArray, NDArray[Any], FloatArray, NDArray[Any]]):
    """Turns actions into predictions by a view."""

    def __init__(self, env: AnyEnv, view: ActionView) -> None:
        super().__init__(env)
        base = env.unwrapped
        if not isinstance(base, EEGEmotionEnv) or _has_view(env):
            raise ConfigError(
                f"{type(self).__name__} wraps an EEGEmotion environment whose actions are still "
                f"predictions, not {env}"
            )
        if env.observation_space != base.observation_space:
            raise ConfigError(
                f"{type(self).__name__} reads the observation of the environment itself; put "
                "wrappers that change observations around it"
            )
        self.view, self._layout = view, base.layout
        self.action_space = view.action_space(base.layout)
        self._observation: FloatArray | None = None

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode, as `EEGEmotionEnv.reset`."""
        observation, info = self.env.reset(
            seed=seed, options=None if options is None else dict(options)
        )
        self._observation = observation.copy()  # the caller may write into theirs
        return observation, info

    def step(
        self, action: NDArray[np.floating]
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Predict by the view, as `EEGEmotionEnv.step`; ``info["prediction"]`` is the outcome."""
        if self._observation is None:
            raise ResetNeeded("call reset() first: no episode has begun")
        prediction = self.view.of_observation(
            np.asarray(action)[None], self._observation[None], self._layout
        )
        observation, reward, terminated, truncated, info = self.env.step(prediction[0])
        self._observation = observation.copy()
        return observation, float(reward), terminated, truncated, info


def _has_view(env: AnyEnv) -> bool:
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, _ViewWrapper | gymnasium.ActionWrapper):
            return True
        env = env.env
    return False


class ResidualAction(_ViewWrapper, RecordConstructorArgs):
    """The action is an offset to the proposal of a frozen supervised model (`Residual`).

    Parameters
    ----------
    env : gymnasium.Env
        An EEGEmotion environment.
    proposal : callable
        Frozen model from latents (n, n_latent) to predictions (n, n_dims), such as
        `LinearProposal`.
    scale : float
        Largest offset, label units.

    Examples
    --------
    >>> import gymnasium as gym
    >>> from eeg_emotion_env.wrappers import LinearProposal, ResidualAction
    >>> env = gym.make("EEGEmotion-Simulated-v0")
    >>> proposal = LinearProposal.fit(env.unwrapped.episodes)  # of training subjects
    >>> env = ResidualAction(env, proposal, scale=0.2)
    """

    def __init__(self, env: AnyEnv, proposal: Proposal, scale: float = 0.5) -> None:
        RecordConstructorArgs.__init__(self, proposal=proposal, scale=scale)
        _ViewWrapper.__init__(self, env, Residual(proposal, scale))


class IncrementAction(_ViewWrapper, RecordConstructorArgs):
    """The action is the change since the last prediction (`Increment`).

    Parameters
    ----------
    env : gymnasium.Env
        An EEGEmotion environment.
    scale : float
        Largest change a step, label units.
    """

    def __init__(self, env: AnyEnv, scale: float = 0.2) -> None:
        RecordConstructorArgs.__init__(self, scale=scale)
        _ViewWrapper.__init__(self, env, Increment(scale))


class GainAction(_ViewWrapper, RecordConstructorArgs):
    """The action is how far to follow the proposal, and an offset to it (`Gain`).

    Parameters
    ----------
    env : gymnasium.Env
        An EEGEmotion environment.
    proposal : callable
        Frozen model from latents (n, n_latent) to predictions (n, n_dims), such as
        `LinearProposal`.
    scale : float
        Largest offset, label units.
    """

    def __init__(self, env: AnyEnv, proposal: Proposal, scale: float = 0.5) -> None:
        RecordConstructorArgs.__init__(self, proposal=proposal, scale=scale)
        _ViewWrapper.__init__(self, env, Gain(proposal, scale))
