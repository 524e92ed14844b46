"""The agent's view of playback: actions and rewards in units of the labels' spread."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from agents.vec_env import PlaybackVecEnv
from eeg_emotion_env.playback import ObservationLayout
from eeg_emotion_env.wrappers import ActionView

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class LabelScale:
    """Affine map between an agent's action in [-1, 1] and a prediction, for each dimension.

    Labels may use a small part of [-1, 1]; without it, exploration would be many times as wide as
    what there is to learn.

    Attributes
    ----------
    center, half_range : tuple of float
        prediction = center + half_range × action.
    """

    center: tuple[float, ...]
    half_range: tuple[float, ...]

    @classmethod
    def fit(cls, labels: Iterable[FloatArray], deviations: float) -> "LabelScale":
        """Cover mean ± `deviations` standard deviations of the (training) labels."""
        rows = np.concatenate(list(labels)).astype(np.float64)
        mean, std = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
        half = np.clip(deviations * std, 1e-3, 1.0)
        return cls(tuple(mean.tolist()), tuple(half.tolist()))

    def prediction(self, actions: NDArray[np.floating]) -> FloatArray:
        """Map actions, shape (..., n_dims), to predictions in [-1, 1]."""
        values = np.asarray(self.center) + np.asarray(self.half_range) * actions
        return np.clip(values, -1.0, 1.0).astype(np.float32)

    def observation(
        self, observations: NDArray[np.float32], layout: ObservationLayout
    ) -> FloatArray:
        """Express the agent's own earlier predictions in units of its actions.

        Parameters
        ----------
        observations : ndarray, shape (n, size), float32
            As the environment gives them.
        layout : ObservationLayout
            Where things stand.

        Returns
        -------
        ndarray, shape (n, size), float32
            A copy with previous prediction, mean and spread mapped, within [-1, 1].
        """
        scaled = observations.copy()
        center, half = np.asarray(self.center), np.asarray(self.half_range)
        for part in (layout.previous, layout.mean):
            scaled[:, part] = np.clip((observations[:, part] - center) / half, -1.0, 1.0)
        scaled[:, layout.spread] = np.clip(observations[:, layout.spread] / half, 0.0, 1.0)
        return scaled


def predictions_of(
    actions: NDArray[np.floating],
    observations: FloatArray,
    layout: ObservationLayout,
    scale: LabelScale,
    view: ActionView | None,
) -> FloatArray:
    """Turn actions, shape (n, width), into predictions, from observations as the environment's."""
    if view is None:
        return scale.prediction(actions)
    return view.of_observation(actions, observations, layout)


class ScaledVecEnv(VecEnvWrapper):
    """`PlaybackVecEnv` seen through a `LabelScale`, with rewards multiplied by a constant.

    Parameters
    ----------
    venv : PlaybackVecEnv
        The environment.
    scale : LabelScale
        Map of actions.
    reward_factor : float
        Rewards are multiplied by it, so that learning does not depend on the labels' unit.
    view : ActionView or None
        What an action is, if not a prediction on the agent's scale.
    """

    def __init__(
        self,
        venv: PlaybackVecEnv,
        scale: LabelScale,
        reward_factor: float,
        view: ActionView | None = None,
    ) -> None:
        action_space = venv.action_space if view is None else view.action_space(venv.layout)
        super().__init__(venv, action_space=action_space)
        self.layout = venv.layout
        self.scale, self.reward_factor, self.view = scale, reward_factor, view
        self._seen: FloatArray = np.zeros((venv.num_envs, venv.layout.size), np.float32)

    def reset(self) -> FloatArray:
        """Begin new episodes; shape (n_envs, size), float32."""
        self._seen = np.asarray(self.venv.reset())
        return self.scale.observation(self._seen, self.layout)

    def step_async(self, actions: NDArray[np.floating]) -> None:
        """Turn the actions into predictions."""
        self.venv.step_async(
            predictions_of(actions, self._seen, self.layout, self.scale, self.view)
        )

    def step_wait(self) -> VecEnvStepReturn:
        """Return scaled observations and rewards."""
        observations, rewards, dones, infos = self.venv.step_wait()
        for env in np.flatnonzero(dones):
            final = infos[env]["terminal_observation"]
            infos[env]["terminal_observation"] = self.scale.observation(final[None], self.layout)[0]
        self._seen = np.asarray(observations)
        scaled = self.scale.observation(self._seen, self.layout)
        return scaled, rewards * np.float32(self.reward_factor), dones, infos
