"""The agent's view of playback: actions and rewards in units of the labels' spread."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from agents.vec_env import PlaybackVecEnv
from eeg_emotion_env.playback import ObservationLayout

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
    """

    def __init__(self, venv: PlaybackVecEnv, scale: LabelScale, reward_factor: float) -> None:
        super().__init__(venv)
        self.layout = venv.layout
        self.scale, self.reward_factor = scale, reward_factor

    def reset(self) -> FloatArray:
        """Begin new episodes; shape (n_envs, size), float32."""
        return self.scale.observation(np.asarray(self.venv.reset()), self.layout)

    def step_async(self, actions: NDArray[np.floating]) -> None:
        """Pass the actions on as predictions."""
        self.venv.step_async(self.scale.prediction(actions))

    def step_wait(self) -> VecEnvStepReturn:
        """Return scaled observations and rewards."""
        observations, rewards, dones, infos = self.venv.step_wait()
        for env in np.flatnonzero(dones):
            final = infos[env]["terminal_observation"]
            infos[env]["terminal_observation"] = self.scale.observation(final[None], self.layout)[0]
        scaled = self.scale.observation(np.asarray(observations), self.layout)
        return scaled, rewards * np.float32(self.reward_factor), dones, infos
