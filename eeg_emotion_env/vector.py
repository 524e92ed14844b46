"""`EEGEmotionVectorEnv`: many EEG trials at once, stepped by NumPy without a loop."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from eeg_emotion_env.episodes import Episode, matching
from eeg_emotion_env.errors import check_choice
from eeg_emotion_env.latents import load_latent_episodes
from eeg_emotion_env.playback import BatchedPlayback
from eeg_emotion_env.rendering import RENDER_MODES, render
from eeg_emotion_env.rewards import Reward
from eeg_emotion_env.trial import FloatArray

BoolArray = NDArray[np.bool_]

AUTORESET_MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


class EEGEmotionVectorEnv(VectorEnv[FloatArray, FloatArray, NDArray[Any]]):
    """Vector form of `EEGEmotionEnv`; each environment equals the single one step by step.

    All environments draw from one shuffled order of episodes. ``infos`` holds arrays over
    environments with Gymnasium's masks (``_label`` says for which environments ``label`` holds):
    ``label``, ``prediction``, ``reward_terms``, and the ids ``dataset, subject, session, trial,
    stimulus, source`` of the episode now played. Where an episode ends, ``episode_metrics`` holds a
    mapping that is computed when it is looked at; with same-step autoreset, ``final_obs`` and
    ``final_info`` hold the end of the old episode.

    Parameters
    ----------
    num_envs : int
        Number of environments.
    dataset, data, source, encoder, normalization, reward, episode, privileged, subjects
        As `EEGEmotionEnv`.
    dataset_options, render_mode
        As `EEGEmotionEnv`.
    autoreset_mode : AutoresetMode or str
        ``"NextStep"`` (the step after the last begins a new episode) or ``"SameStep"``.

    Raises
    ------
    ConfigError
        If an argument has an unknown name or an impossible value.
    DataError
        If recordings are asked for but absent or damaged.
    """

    def __init__(
        self,
        num_envs: int = 1,
        dataset: str = "seed",
        data: str | os.PathLike[str] | None = None,
        source: str | None = None,
        encoder: str = "auto",
        normalization: str = "past",
        reward: str | Mapping[str, Any] | Reward = "squared-error",
        episode: str = "trial",
        privileged: bool = False,
        subjects: Sequence[int | str] | None = None,
        dataset_options: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        episodes = load_latent_episodes(
            dataset,
            data,
            source=source,
            encoder=encoder,
            normalization=normalization,
            episode=episode,
            subjects=subjects,
            dataset_options=dataset_options,
        )
        self._set_up(
            BatchedPlayback(episodes, num_envs, reward, privileged), render_mode, autoreset_mode
        )

    @classmethod
    def from_episodes(
        cls,
        episodes: Sequence[Episode],
        num_envs: int = 1,
        reward: str | Mapping[str, Any] | Reward = "squared-error",
        privileged: bool = False,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> Self:
        """Build a vector environment on episodes already made.

        Parameters
        ----------
        episodes : sequence of Episode
            Episodes to play; all alike in width, label names and step.
        num_envs, reward, privileged, render_mode, autoreset_mode
            As for the class.

        Returns
        -------
        EEGEmotionVectorEnv
            The environment.
        """
        env = cls.__new__(cls)
        playback = BatchedPlayback(episodes, num_envs, reward, privileged)
        env._set_up(playback, render_mode, autoreset_mode)
        return env

    def _set_up(
        self,
        playback: BatchedPlayback,
        render_mode: str | None,
        autoreset_mode: AutoresetMode | str,
    ) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, RENDER_MODES)
        mode = _autoreset_mode(autoreset_mode)
        self.playback, self.render_mode, self.num_envs = playback, render_mode, playback.n_envs
        self.layout = playback.layout
        self.metadata = {
            "render_modes": list(RENDER_MODES),
            "render_fps": 10,
            "autoreset_mode": mode,
        }
        self.single_observation_space = self.layout.observation_space()
        self.single_action_space = self.layout.action_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._same_step = mode is AutoresetMode.SAME_STEP
        self._none: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._ended = self._none
        self._everywhere = np.ones(self.num_envs, np.bool_)
        self._everywhere.setflags(write=False)
        masks = [f"_{name}" for name in playback.term_names]
        self._terms: dict[str, NDArray[Any]] = dict.fromkeys(masks, self._everywhere)
        self._id_table = playback.id_table()
        self._varying_ids = [k for k, table in self._id_table.items() if len(set(table)) > 1]
        self._ids: dict[str, Any] = {}

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode in each environment.

        Parameters
        ----------
        seed : int or None
            Seeds `np_random` and starts the order of the trials anew.
        options : mapping or None
            ``subject``, ``session``, ``trial``: what all environments are to play first.

        Returns
        -------
        observations : ndarray, shape (num_envs, size), float32
            Observations of the first steps.
        infos : dict
            Ids of the episodes.
        """
        super().reset(seed=seed)
        among = matching(self.playback.keys, options)
        if seed is not None or self.playback.rng is not self.np_random:
            self.playback.seed(self.np_random)
        observations = self.playback.reset(among=among)
        self._ended = self._none
        self._look_up_ids()
        return observations, dict(self._ids)

    def step(
        self, actions: FloatArray
    ) -> tuple[FloatArray, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Predict the affect of this step in each environment.

        Parameters
        ----------
        actions : ndarray, shape (num_envs, n_dims), float32
            Predictions; values beyond ±1 are limited. With next-step autoreset those of
            environments that begin an episode at this step are ignored.

        Returns
        -------
        observations : ndarray, shape (num_envs, size), float32
            Observations of the next steps.
        rewards : ndarray, shape (num_envs,), float64
            Scores of the predictions.
        terminations, truncations : ndarray, shape (num_envs,), bool
            Whether this was the last step; always False.
        infos : dict
            See the class.

        Raises
        ------
        ResetNeeded
            If `reset` has not been called.
        ConfigError
            If the actions have the wrong shape or hold NaN.
        """
        if not self._ids:
            raise ResetNeeded("call reset() first: no episode has begun")
        rewards, done = self.playback.step(actions)
        ended = done.nonzero()[0]
        infos = self._step_infos()
        if len(ended):
            metrics = np.empty(self.num_envs, dtype=object)
            for env in ended.tolist():
                metrics[env] = self.playback.finished_metrics(env)
            infos["episode_metrics"], infos["_episode_metrics"] = metrics, done.copy()
        begin = ended if self._same_step else self._ended
        self._ended = self._none if self._same_step else ended
        if self._same_step and len(ended):
            infos = self._final_infos(infos, done)
        if len(begin):
            self.playback.begin(begin)
            self._look_up_ids(begin)
            infos.update(self._ids)
        truncations = np.zeros(self.num_envs, np.bool_)
        return self.playback.observe(), rewards, done, truncations, infos

    def render(self) -> tuple[Any, ...] | None:
        """Draw the trajectory so far of each environment, as `EEGEmotionEnv.render`."""
        if self.render_mode is None:
            return None
        if not self._ids:
            raise ResetNeeded("call reset() before render()")
        frames = []
        for env in range(self.num_envs):
            predictions = self.playback.trajectory(env)[1]
            frames.append(render(self.render_mode, self.playback.current(env), predictions))
        return tuple(frames)

    def _look_up_ids(self, envs: NDArray[np.int64] | None = None) -> None:
        """Note the ids of the episodes now played, in new arrays as infos are the user's."""
        episode = self.playback.episode
        if envs is None:
            self._ids = {}
            for name, table in self._id_table.items():
                self._ids[name], self._ids[f"_{name}"] = table[episode], self._everywhere
            return
        self._ids = self._ids.copy()
        begun = [(env, int(episode[env])) for env in envs.tolist()]
        for name in self._varying_ids:
            table = self._id_table[name]
            self._ids[name] = ids = self._ids[name].copy()
            for env, number in begun:
                ids[env] = table[number]

    def _step_infos(self) -> dict[str, Any]:
        """Gather what was scored at this step; environments that only begin are masked."""
        playback, scored, terms = self.playback, self._everywhere, self._terms.copy()
        if len(self._ended):
            scored = scored.copy()
            scored[self._ended] = False
            terms = dict.fromkeys(terms, scored)
        for name, values in zip(playback.term_names, playback.terms):  # noqa: B905 (strict is slow)
            terms[name] = values
        infos = self._ids.copy()  # quicker than a dict from nothing
        infos["label"], infos["_label"] = playback.labels, scored
        infos["prediction"], infos["_prediction"] = playback.predictions, scored
        infos["reward_terms"], infos["_reward_terms"] = terms, scored
        return infos

    def _final_infos(self, infos: dict[str, Any], done: BoolArray) -> dict[str, Any]:
        """Move what ended into ``final_obs`` and ``final_info``, as Gymnasium's vector forms do."""
        final_obs = np.empty(self.num_envs, dtype=object)
        envs = np.flatnonzero(done)
        for env, observation in zip(envs, self.playback.observe(envs), strict=True):
            final_obs[env] = observation
        final_info = _masked(infos, done)
        del infos["episode_metrics"], infos["_episode_metrics"]
        return {
            **_masked(infos, ~done),
            "final_obs": final_obs,
            "_final_obs": done.copy(),
            "final_info": final_info,
            "_final_info": done.copy(),
        }


def _masked(infos: dict[str, Any], mask: BoolArray) -> dict[str, Any]:
    """Return infos with all masks replaced."""
    return {
        name: mask
        if name.startswith("_")
        else (_masked(value, mask) if isinstance(value, dict) else value)
        for name, value in infos.items()
    }


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    value = mode.value if isinstance(mode, AutoresetMode) else mode
    known = {known.value: known for known in AUTORESET_MODES}
    return known[check_choice("autoreset_mode", value, known)]
