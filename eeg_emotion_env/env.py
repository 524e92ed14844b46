"""`EEGEmotionEnv`: follow valence and arousal through an EEG trial, one prediction a step."""

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple, Self

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from eeg_emotion_env.episodes import Episode, EpisodeOrder, episode_keys, matching
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.latents import load_latent_episodes
from eeg_emotion_env.metrics import episode_metrics
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.rendering import RENDER_MODES, render
from eeg_emotion_env.rewards import Reward, make_reward
from eeg_emotion_env.trial import FloatArray

FLOAT32 = np.dtype(np.float32)

MAX_PREPARED = 128
"""Episodes that an environment keeps laid out; laying one out anew costs about 0.1 ms."""


class _Prepared(NamedTuple):
    """What does not change between two plays of an episode."""

    episode: Episode
    rows: FloatArray
    labels: list[FloatArray]
    constants: list[list[list[float]]]
    ids: dict[str, Any]


class EEGEmotionEnv(gymnasium.Env[NDArray[Any], NDArray[Any]]):
    """One episode is one EEG trial; the action is the affect predicted for the step.

    The observation holds the latent of the step and what the agent predicted before (see
    `ObservationLayout`); the action is the prediction for that very step, in [-1, 1], and the
    reward scores it on the step's label. EEG does not react to predictions: what couples steps
    is the reward (if it scores the trajectory) and the agent's own past in the observation.

    ``info`` holds ``label`` (NaN where not annotated), ``prediction``, ``reward_terms``,
    ``step`` (0 for the first), ``time_s`` (end of the step since the start of the episode,
    seconds), ``dataset, subject, session, trial, stimulus, source``, and after the last step
    ``episode_metrics`` (see `eeg_emotion_env.metrics.episode_metrics`).

    Parameters
    ----------
    dataset : str
        Registry name of the data set.
    data : path-like or None
        Folder of the recordings; None: see `eeg_emotion_env.datasets.load`.
    source : str or None
        ``"recorded"`` makes the absence of recordings an error, ``"simulated"`` asks for
        simulation, None takes recordings where they are.
    encoder : str
        ``"auto"`` (shipped weights if any fit, else normalised features), ``"shipped"``,
        ``"none"`` (normalised features as they are) or the folder of an encoder.
    normalization : str
        ``"past"`` (causal), ``"subject"`` (transductive) or ``"none"``.
    reward : str or mapping
        Name in `eeg_emotion_env.rewards.REWARDS`, or ``{"name": …, option: value}``.
    episode : str
        ``"trial"``, or ``"session"`` to chain each subject's session.
    privileged : bool
        Append label information to the observation, for a critic in training alone.
    subjects : sequence or None
        Subjects to play; None for all.
    dataset_options : mapping or None
        Options of the data set.
    render_mode : str or None
        ``"rgb_array"`` or ``"ansi"``.

    Raises
    ------
    ConfigError
        If an argument has an unknown name or an impossible value.
    DataError
        If recordings are asked for but absent or damaged.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium declares it as an instance's)
        "render_modes": list(RENDER_MODES),
        "render_fps": 10,
    }

    def __init__(
        self,
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
    ) -> None:
        chosen = make_reward(reward)
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
        self._set_up(episodes, chosen, privileged, render_mode)

    @classmethod
    def from_episodes(
        cls,
        episodes: Sequence[Episode],
        reward: str | Mapping[str, Any] | Reward = "squared-error",
        privileged: bool = False,
        render_mode: str | None = None,
    ) -> Self:
        """Build an environment on episodes already made.

        Parameters
        ----------
        episodes : sequence of Episode
            Episodes to play; all alike in width, label names and step.
        reward : str, mapping or Reward
            As for the class.
        privileged : bool
            As for the class.
        render_mode : str or None
            As for the class.

        Returns
        -------
        EEGEmotionEnv
            The environment.
        """
        env = cls.__new__(cls)
        env._set_up(episodes, make_reward(reward), privileged, render_mode)
        return env

    def _set_up(
        self,
        episodes: Sequence[Episode],
        reward: Reward,
        privileged: bool,
        render_mode: str | None,
    ) -> None:
        if not len(episodes):
            raise ConfigError("need at least one episode to play")
        if render_mode is not None:
            check_choice("render_mode", render_mode, RENDER_MODES)
        self.render_mode, self.reward = render_mode, reward
        self.episodes, self.keys = episodes, episode_keys(episodes)
        self._first = episodes[0]
        self.label_names, self.step_s = self._first.label_names, self._first.step_s
        self.layout = ObservationLayout(self._first.n_latent, len(self.label_names), privileged)
        self.observation_space = self.layout.observation_space()
        self.action_space = self.layout.action_space()
        self._order = EpisodeOrder(len(episodes))
        self._prepared: dict[int, _Prepared] = {}
        self._shape, self._dims = (self.layout.n_dims,), range(self.layout.n_dims)
        # Packing numbers into the row's memory is the quickest way to write a few of them.
        self._write_own: Callable[..., None] = struct.Struct(
            f"={3 * self.layout.n_dims}f"
        ).pack_into
        self._own_bytes = self.layout.own.start * FLOAT32.itemsize
        self._row_bytes = self.layout.size * FLOAT32.itemsize
        self._score, self._term_names = reward.step, reward.names(self.label_names)
        self._step = self._n_steps = 0

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode.

        Parameters
        ----------
        seed : int or None
            Seeds `np_random` and starts the order of the trials anew.
        options : mapping or None
            ``subject``, ``session``, ``trial``: what to play, compared as text; without, trials
            come in shuffled order, each once before any comes again.

        Returns
        -------
        observation : ndarray, shape (size,), float32
            Observation of the first step.
        info : dict
            Ids of the episode and ``n_steps``.

        Raises
        ------
        ConfigError
            If an option is unknown or nothing fits the options.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._order.restart()
        among = matching(self.keys, options)
        prepared = self._prepare(self._order.draw(self.np_random, among))
        self._episode, self._ids = prepared.episode, prepared.ids
        self._constants, self._label_rows = prepared.constants, prepared.labels
        # Arrays for this play alone: steps hand out their rows without copying.
        self._rows = prepared.rows.copy()
        self._predictions = np.zeros(self._episode.labels.shape, np.float32)
        self._n_steps = self._episode.n_steps
        self._mean, self._variance = [0.0] * len(self._dims), [0.0] * len(self._dims)
        self._sums: list[Sequence[float]] = [(0.0,) * self.reward.n_sums for _ in self._dims]
        self._step = 0
        return self._rows[0], {**self._ids, "n_steps": self._n_steps}

    def step(
        self, action: NDArray[np.floating]
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Predict the affect of this step and see the next.

        Parameters
        ----------
        action : ndarray, shape (n_dims,), float32
            Prediction; values beyond ±1 are limited.

        Returns
        -------
        observation : ndarray, shape (size,), float32
            Observation of the next step (after the last, its latent again).
        reward : float
            Score of the prediction on the label of this step.
        terminated : bool
            Whether this was the last step.
        truncated : bool
            Always False.
        info : dict
            See the class.

        Raises
        ------
        ResetNeeded
            If no episode has begun or it is over.
        ConfigError
            If the action has the wrong shape or holds NaN.
        """
        step = self._step
        if step >= self._n_steps:
            raise ResetNeeded("call reset() first: no episode has begun, or it is over")
        if type(action) is not np.ndarray or action.dtype is not FLOAT32:
            action = np.asarray(action, FLOAT32)
        if action.shape != self._shape:
            raise ConfigError(f"action must have shape {self._shape}, not {action.shape}")
        values: list[float] = action.tolist()
        for value in values:
            if not -1.0 <= value <= 1.0:
                values = _limited(action)
                break
        prediction = self._predictions[step]
        prediction[:] = values
        info = self._ids.copy()
        info["label"] = self._label_rows[step]
        info["prediction"] = prediction
        info["step"] = step
        terms = self._play(values)
        info["reward_terms"] = dict(zip(self._term_names, terms))  # noqa: B905 (strict is slow)
        self._step = step = step + 1
        info["time_s"] = step * self.step_s
        terminated = step == self._n_steps
        if terminated:
            info["episode_metrics"] = episode_metrics(
                self._episode.labels, self._predictions, self.label_names
            )
        return self._rows[step], sum(terms), terminated, False, info

    def _play(self, values: list[float]) -> tuple[float, ...]:
        """Score a prediction and note it for the next observation; return the reward's terms."""
        # Plain floats: for two numbers they are several times as fast as arrays.
        step, score, sums = self._step, self._score, self._sums
        mean, variance, share = self._mean, self._variance, 1.0 / (step + 1)
        constants, rest = self._constants[step], 1.0 - share
        totals: tuple[float, ...] = ()
        dim = 0
        for value in values:
            terms, sums[dim] = score(value, constants[dim], sums[dim])
            totals += terms
            delta = value - mean[dim]
            change = delta * share
            mean[dim] += change
            variance[dim] = (variance[dim] + change * delta) * rest
            dim += 1  # noqa: SIM113 (enumerate is slower)
        offset = (step + 1) * self._row_bytes + self._own_bytes
        self._write_own(self._rows, offset, *values, *mean, *map(sqrt, variance))
        return totals

    def render(self) -> Any:
        """Draw the trajectory so far.

        Returns
        -------
        ndarray, shape (height, width, 3), uint8, or str or None
            Picture (``rgb_array``), one line of text (``ansi``), or None without a render mode.

        Raises
        ------
        ResetNeeded
            If no episode has begun.
        """
        if self.render_mode is None:
            return None
        if not self._n_steps:
            raise ResetNeeded("call reset() before render()")
        return render(self.render_mode, self._episode, self._predictions[: self._step])

    def _prepare(self, index: int) -> _Prepared:
        """Lay out an episode, or take it as laid out before."""
        if index not in self._prepared:
            if len(self._prepared) >= MAX_PREPARED:
                self._prepared.clear()
            episode = self.episodes[index].require_like(self._first)
            constants = self.reward.prepare(episode.labels).tolist()
            self._prepared[index] = _Prepared(
                episode, self.layout.rows(episode), list(episode.labels), constants, episode.ids
            )
        return self._prepared[index]


def _limited(action: FloatArray) -> list[float]:
    if np.isnan(action).any():
        raise ConfigError("action holds NaN: a prediction must be a number in [-1, 1]")
    limited: list[float] = np.clip(action, -1.0, 1.0).tolist()
    return limited
