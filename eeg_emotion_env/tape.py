"""Episodes one after another in memory, and where each environment is on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from eeg_emotion_env.episodes import Episode
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.rewards import Reward
from eeg_emotion_env.trial import FloatArray

FloatArray64 = NDArray[np.float64]

WINDOW = 8
"""Steps that are fetched together. With many environments, memory costs more than computing: what
lies together is fetched faster."""


class Tape:
    """Observations, constants of the reward and labels of all episodes, read at many places.

    Each episode is followed by the row that is seen at its end, several times, so that what is
    fetched from there on is all the same; a place stays there until its environment begins another
    episode.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes, all alike.
    layout : ObservationLayout
        Layout of the observations.
    reward : Reward
        Its constants are laid out as well.
    n_envs : int
        Places.

    Attributes
    ----------
    row : ndarray, shape (n_envs,), int64
        Where each environment is.
    starts : ndarray, shape (n_episodes,), int64
        First row of each episode.
    labels : ndarray, shape (n_rows, n_dims), float32
        Labels; NaN where there are none.
    longest : int
        Steps of the longest episode.
    """

    def __init__(
        self,
        episodes: Sequence[Episode],
        layout: ObservationLayout,
        reward: Reward,
        n_envs: int,
    ) -> None:
        lengths = np.array([episode.n_steps for episode in episodes])
        self.starts = np.cumsum(lengths + WINDOW) - lengths - WINDOW
        self.longest, ends = int(lengths.max()), self.starts + lengths
        self._records = _records(episodes, layout, reward)
        self._following = np.arange(1, len(self._records) + 1)
        self._following[ends] = ends
        self._is_last = np.zeros(len(self._records), np.bool_)
        self._is_last[ends - 1] = True
        # A window begins at each row. As numbers: records one by one are copied more slowly.
        numbers = self._records.view(np.float64)
        size = self._records.itemsize // numbers.itemsize
        self._windows = sliding_window_view(numbers, WINDOW * size)[::size]
        self.labels: FloatArray = np.ascontiguousarray(self._records["label"])
        self.row = np.zeros(n_envs, np.int64)
        # Constants of the steps at hand: numbers of one dimension of all environments together.
        shape = self._records.dtype["constants"].shape
        self._constants = np.zeros((WINDOW, *shape, n_envs))
        self._constants_by_env = self._constants.transpose(3, 0, 1, 2)
        self._by_step = [(step[0], step[1], list(step[2:])) for step in self._constants]
        self._place = WINDOW
        self._observations = self._labels = np.zeros((0, 0, 0), np.float32)
        self._given = False

    def begin(self, envs: Any, episodes: Any) -> None:
        """Move an environment, or several (arrays), to the start of an episode."""
        self.row[envs] = self.starts[episodes]
        if np.ndim(envs) or self._place == WINDOW:
            self._place = WINDOW
        else:
            self._replace(envs)

    def _replace(self, env: int) -> None:
        """Put what one environment will see into the rest of the window."""
        place, row = self._place, self.row[env]
        records = self._records[row : row + WINDOW - place]
        self._constants_by_env[env, place:] = records["constants"]
        self._labels[place:, env] = records["label"]
        # what was handed out here is another's
        unseen = place + self._given
        self._observations[env, unseen:] = records["observation"][unseen - place :]

    def constants(self) -> tuple[FloatArray64, FloatArray64, list[FloatArray64]]:
        """Return the constants of this step.

        Returns
        -------
        share, rest, constants : ndarray, each (n_dims, n_envs), float64
            1 / number of predictions with this one, its complement to 1, and a list of the
            reward's constants. Their memory is used again.
        """
        if self._place == WINDOW:
            self._fetch()
        return self._by_step[self._place]

    def observations(self) -> FloatArray:
        """Return the observations here, without own predictions.

        They are nobody else's, but lie in memory between those of the next steps, which one that is
        kept holds as well.
        """
        if self._place == WINDOW:
            self._fetch()
        if self._given:
            return self.observations_of(slice(None))
        self._given = True
        return self._observations[:, self._place]

    def observations_of(self, envs: Any) -> FloatArray:
        """Return the observations of some environments, a new array."""
        observations: FloatArray = self._records[self.row[envs]]["observation"]
        return observations

    def advance(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Go to the next step; return labels of this one, and where it was the last.

        `constants` must have been asked for at this step.
        """
        row, labels = self.row, self._labels[self._place]
        self.row = self._following[row]
        self._place += 1
        self._given = False
        return labels, self._is_last[row]

    def _fetch(self) -> None:
        window = self._windows[self.row].view(self._records.dtype)
        self._constants_by_env[:] = window["constants"]
        self._observations = window["observation"]
        # labels may be kept for long: they must not hold the observations
        self._labels = np.ascontiguousarray(window["label"].transpose(1, 0, 2))
        self._place, self._given = 0, False


def _records(
    episodes: Sequence[Episode], layout: ObservationLayout, reward: Reward
) -> NDArray[np.void]:
    """Lay out all that a step looks up, shape (n_rows,)."""
    dims = layout.n_dims
    unlabelled = np.full((1, dims), np.nan, np.float32)
    idle = reward.prepare(unlabelled)
    fields = [
        ("observation", np.float32, (layout.size,)),
        ("constants", np.float64, (2 + idle.shape[-1], dims)),
        ("label", np.float32, (dims,)),
    ]
    kind, parts = np.dtype(fields, align=True), []
    for episode in episodes:
        records = np.zeros(episode.n_steps + 1, kind)
        records["observation"] = layout.rows(episode)
        share = 1.0 / np.arange(1, episode.n_steps + 2)
        records["constants"][:, :2] = np.stack([share, 1.0 - share], axis=1)[..., None]
        constants = np.concatenate([reward.prepare(episode.labels), idle])
        records["constants"][:, 2:] = constants.transpose(0, 2, 1)
        records["label"] = np.concatenate([episode.labels, unlabelled])
        parts += [records, *[records[-1:]] * (WINDOW - 1)]
    return np.concatenate(parts)
