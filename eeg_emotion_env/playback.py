"""Playing many episodes at once in NumPy: the core of both vector forms."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np
from numpy import maximum, minimum, multiply, sqrt
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.episodes import (
    LATENT_LIMIT,
    Episode,
    EpisodeOrder,
    Episodes,
    build_episodes,
    episode_keys,
)
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import episode_metrics
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.rewards import Reward, make_reward
from eeg_emotion_env.tape import Tape
from eeg_emotion_env.trial import FloatArray, TrialKey

__all__ = [
    "LATENT_LIMIT",
    "BatchedPlayback",
    "Episode",
    "Episodes",
    "ObservationLayout",
    "build_episodes",
    "episode_keys",
]


FEW = 8
"""So few environments are quicker begun one by one than by indexing with arrays."""


class TrajectoryMetrics(Mapping[str, float]):
    """Metrics of an episode as `episode_metrics` gives them, computed when first looked at.

    With many environments an episode ends at almost every step, and few ends are looked at.

    Parameters
    ----------
    labels : ndarray, shape (n_steps, n_dims), float32
        Labels of the episode.
    history : list of ndarray, each (n_envs, n_dims), float32
        Predictions of all environments at each step; may go on to grow.
    steps : slice
        The steps of the episode.
    env : int
        Environment that played it.
    names : tuple of str
        Names of the dimensions.
    """

    __slots__ = ("_env", "_history", "_labels", "_names", "_steps", "_values")

    def __init__(
        self,
        labels: FloatArray,
        history: list[FloatArray],
        steps: slice,
        env: int,
        names: tuple[str, ...],
    ) -> None:
        self._labels, self._history, self._steps = labels, history, steps
        self._env, self._names = env, names
        self._values: dict[str, float] | None = None

    @property
    def _computed(self) -> dict[str, float]:
        if self._values is None:
            predictions = np.stack([step[self._env] for step in self._history[self._steps]])
            self._values = episode_metrics(self._labels, predictions, self._names)
            self._history = []
        return self._values

    def __getitem__(self, name: str) -> float:
        return self._computed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._computed)

    def __len__(self) -> int:
        return len(self._computed)

    def __repr__(self) -> str:
        return f"TrajectoryMetrics({self._computed})"


class BatchedPlayback:
    """Plays many episodes side by side, without a Python loop over environments.

    All episodes are stored one after another; an environment is a row number and the running
    statistics of its own predictions. It is the core of both vector forms (Gymnasium's and
    Stable-Baselines3's) and equals `EEGEmotionEnv` step by step.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes to draw from; lazy ones are encoded now.
    n_envs : int
        Number of environments.
    reward : str, mapping or Reward
        As `make_reward`.
    privileged : bool
        Whether observations end with the privileged part.
    rng : numpy.random.Generator or None
        Order of the episodes; may be replaced at any time (attribute `rng`).

    Attributes
    ----------
    layout : ObservationLayout
        Layout of the observations.
    reward : Reward
        The reward.
    keys : tuple of TrialKey
        Identities of all episodes.
    predictions : ndarray, shape (n_envs, n_dims), float32
        Predictions of the last step, limited to [-1, 1]; a new array each step.
    labels : ndarray, shape (n_envs, n_dims), float32
        Labels that they were scored on (NaN where not annotated); a new array each step.
    terms : list of ndarray, each (n_envs,), float64
        Terms of the last rewards, in the order of `term_names`.
    term_names : tuple of str
        Their names, such as ``squared_error_valence``.
    episode : ndarray, shape (n_envs,), int64
        Episode that each environment plays, as a position in `keys`.
    """

    def __init__(
        self,
        episodes: Sequence[Episode],
        n_envs: int,
        reward: str | Mapping[str, Any] | Reward = "squared-error",
        privileged: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        if n_envs < 1 or not len(episodes):
            raise ConfigError("need at least one environment and one episode")
        self._episodes: list[Episode] = [item.require_like(episodes[0]) for item in episodes]
        first = self._episodes[0]
        self.layout = ObservationLayout(first.n_latent, len(first.label_names), privileged)
        self.reward = make_reward(reward)
        self.keys: tuple[TrialKey, ...] = episode_keys(self._episodes)
        self.n_envs, self.step_s, self.label_names = n_envs, first.step_s, first.label_names
        self.rng = rng or np.random.default_rng()
        self.order = EpisodeOrder(len(self._episodes))
        self.tape = Tape(self._episodes, self.layout, self.reward, n_envs)
        self._allocate()

    def _allocate(self) -> None:
        n, dims = self.n_envs, self.layout.n_dims
        self.episode = np.zeros(n, dtype=np.int64)
        self.predictions = np.zeros((n, dims), np.float32)
        self.labels = np.full((n, dims), np.nan, np.float32)
        self.terms: list[NDArray[np.float64]] = []
        # Previous prediction, mean and spread of predictions, in the order of the observation,
        # then their variance. Numbers of one dimension lie side by side.
        self._state = np.zeros((4, dims, n))
        self._previous, self._mean, self._spread, self._variance = self._state
        self._by_env = self._state[:3].reshape(3 * dims, n).T
        self._change = np.zeros((dims, n))
        self._sums: Sequence[NDArray[np.float64]] = self._zero_sums()
        self._require_own_sums()
        self._history: list[FloatArray] = []
        high = np.ones((n, dims), np.float32)
        self._bounds = -high, high
        self._dims = range(dims)
        self.term_names = self.reward.names(self.label_names)
        self._own_part = self.layout.own

    def _require_own_sums(self) -> None:
        """Refuse a reward that keeps the array of predictions, whose memory is used again."""
        action = np.zeros((self.layout.n_dims, self.n_envs))
        constants = [np.zeros_like(action) for _ in self.tape.constants()[2]]
        with np.errstate(all="ignore"):
            _, kept = self.reward.step(action, constants, self._zero_sums())
        given = [action, *constants]
        if any(np.shares_memory(values, other) for values in kept for other in given):
            raise ConfigError(
                f"reward {self.reward.name!r} keeps predictions or constants it was given among "
                "its sums; return a copy, such as action + 0.0"
            )

    def _zero_sums(self) -> list[NDArray[np.float64]]:
        return [np.zeros((self.layout.n_dims, self.n_envs)) for _ in range(self.reward.n_sums)]

    @property
    def steps(self) -> NDArray[np.int64]:
        """Steps done in the episode of each environment, shape (n_envs,)."""
        return np.asarray(self.tape.row - self.tape.starts[self.episode])

    def seed(self, rng: np.random.Generator) -> None:
        """Take a new source of randomness and start the order of episodes anew."""
        self.rng = rng
        self.order.restart()

    def reset(
        self,
        indices: Sequence[int] | NDArray[np.integer] | None = None,
        episodes: Sequence[int] | NDArray[np.integer] | None = None,
        among: tuple[int, ...] | None = None,
    ) -> FloatArray:
        """Begin new episodes.

        Parameters
        ----------
        indices : sequence of int or None
            Environments to reset; None for all.
        episodes : sequence of int or None
            Episode for each of them; None draws in shuffled order.
        among : tuple of int or None
            Episodes to draw from; None for all.

        Returns
        -------
        ndarray, shape (len(indices), size), float32
            First observations.
        """
        chosen = np.arange(self.n_envs) if indices is None else np.asarray(indices, dtype=np.int64)
        if episodes is None:
            episodes = [self.order.draw(self.rng, among) for _ in chosen]
        self.begin(chosen, episodes)
        return self.observe(chosen)

    def begin(
        self,
        indices: Sequence[int] | NDArray[np.integer],
        episodes: Sequence[int] | NDArray[np.integer] | None = None,
    ) -> None:
        """Begin new episodes without returning observations.

        Parameters
        ----------
        indices : sequence of int
            Environments to reset.
        episodes : sequence of int or None
            Episode for each of them; None draws in shuffled order.
        """
        if episodes is None:
            draw, rng = self.order.draw, self.rng
            episodes = [draw(rng) for _ in indices]
        if len(indices) > FEW:
            self._begin_at(np.asarray(indices), np.asarray(episodes))
            return
        for env, number in zip(indices, episodes, strict=True):
            self._begin_at(env, number)

    def _begin_at(self, envs: Any, numbers: Any) -> None:
        """Begin episodes in one environment (integers) or several (arrays)."""
        self.episode[envs] = numbers
        self.tape.begin(envs, numbers)
        self._state[:, :, envs] = 0.0
        for values in self._sums:
            values[:, envs] = 0.0

    def step(self, actions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score one prediction of each environment and move on.

        An environment whose episode is over stays at its end, with reward 0 and done False, until
        it is reset.

        Parameters
        ----------
        actions : array_like, shape (n_envs, n_dims), float32
            Predictions; values beyond ±1 are limited.

        Returns
        -------
        rewards : ndarray, shape (n_envs,), float64
            Reward of each environment.
        done : ndarray, shape (n_envs,), bool
            Where this was the last step of the episode.

        Raises
        ------
        ConfigError
            If the shape is wrong or an action is NaN.
        """
        self._take(actions)
        share, rest, constants = self.tape.constants()
        self._update_own(share, rest)
        rewards = self._score(constants)
        self.labels, done = self.tape.advance()
        return rewards, done

    def observe(self, indices: NDArray[np.integer] | None = None) -> FloatArray:
        """Return the current observations; nobody else's.

        Parameters
        ----------
        indices : ndarray of int or None
            Environments; None for all. These observations hold the memory of those of a few further
            steps: copy the ones that are kept where most are not.

        Returns
        -------
        ndarray, shape (n_envs or len(indices), size), float32
            Observations.
        """
        if indices is None:
            observations, own = self.tape.observations(), self._by_env
        else:
            observations, own = self.tape.observations_of(indices), self._by_env[indices]
        observations[:, self._own_part] = own
        return observations

    def ids(self, env: int) -> dict[str, Any]:
        """Return the identity of the episode that an environment plays, as in ``info``."""
        return self.current(env).ids

    def id_table(self) -> dict[str, NDArray[np.object_]]:
        """Return ids of all episodes as in ``info``: arrays to be indexed by `episode`."""
        table = [episode.ids for episode in self._episodes]
        return {name: _objects([ids[name] for ids in table]) for name in table[0]}

    def current(self, env: int) -> Episode:
        """Return the episode that an environment plays."""
        return self._episodes[int(self.episode[env])]

    def trajectory(self, env: int) -> tuple[FloatArray, FloatArray]:
        """Return labels and predictions of the current episode so far; ask before the next step.

        Returns
        -------
        labels, predictions : ndarray, shape (n_steps_done, n_dims), float32
            Labels are NaN where not annotated.
        """
        row, start = self._span(env)
        if row == start:
            return self.tape.labels[:0], self.tape.labels[:0]
        predictions = np.stack([step[env] for step in self._history[start - row :]])
        return self.tape.labels[start:row], predictions

    def finished_metrics(self, env: int) -> TrajectoryMetrics:
        """Return metrics of the current episode so far; ask before the next step or reset."""
        row, start = self._span(env)
        labels, history = self.tape.labels[start:row], self._history
        steps = slice(len(history) - len(labels), len(history))
        return TrajectoryMetrics(labels, history, steps, env, self.label_names)

    def _span(self, env: int) -> tuple[int, int]:
        """Return the row of an environment and the first row of its episode."""
        tape = self.tape
        return int(tape.row[env]), int(tape.starts[self.episode[env]])

    def _remember(self, predictions: FloatArray) -> None:
        # Dropping the oldest now and then costs less than a queue that cannot be sliced. The list
        # is left as it is: metrics that nobody has looked at yet may need it.
        if len(self._history) >= 4 * self.tape.longest:
            self._history = self._history[-self.tape.longest :]
        self._history.append(predictions)

    def _update_own(self, share: NDArray[np.float64], rest: NDArray[np.float64]) -> None:
        """Update mean and spread of the predictions; `share` is 1 / number of predictions."""
        mean, variance, change = self._mean, self._variance, self._change
        delta = self._previous - mean
        multiply(delta, share, change)
        mean += change
        change *= delta
        variance += change
        variance *= rest
        sqrt(variance, self._spread)

    def _score(self, constants: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        terms, self._sums = self.reward.step(self._previous, constants, self._sums)
        self.terms = columns = []
        for dim in self._dims:
            for term in terms:
                columns.append(term[dim])  # a comprehension would be a call
        # In the order of the single environment's sum, so that both agree to the last bit.
        rewards: NDArray[np.float64] = columns[0] + columns[1] if columns[1:] else columns[0].copy()
        for column in columns[2:]:
            rewards += column
        return rewards

    def _take(self, actions: ArrayLike) -> None:
        """Take predictions, limited to [-1, 1]."""
        low, high = self._bounds
        values = np.asarray(actions, dtype=np.float32)
        if values.shape != high.shape:
            raise ConfigError(f"actions must have shape {high.shape}, not {values.shape}")
        limited = maximum(minimum(values, high), low)
        flat = limited.ravel()
        if isnan(flat.dot(flat)):
            raise ConfigError("actions hold NaN: a prediction must be a number in [-1, 1]")
        self.predictions, self._previous[:] = limited, limited.T
        self._remember(limited)


def _objects(values: list[Any]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
