"""`Episode`: latents and labels ready to be played, made lazily from trials."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.trials import Trials
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.trial import FloatArray, Trial, TrialKey

LATENT_LIMIT = 10.0
"""Latents are limited to ± this value, so that the observation space has finite bounds."""

EPISODE_KINDS = ("trial", "session")
"""One episode is one trial, or all trials of a subject's session in their order."""

RESET_OPTIONS = ("subject", "session", "trial")
"""Attributes of `TrialKey` by which ``reset(options=…)`` chooses an episode."""

Encode: TypeAlias = Callable[[FloatArray], FloatArray]
"""Features (n_steps, n_channels, n_bands) to latents (n_steps, n_latent), causally."""

Codes: TypeAlias = Callable[[FloatArray], NDArray[np.int64] | None]
"""Features (n_steps, n_channels, n_bands) to prototypes (n_steps,), causally; None: no codebook."""


@dataclass(frozen=True, eq=False)
class Episode:
    """What one episode plays. Arrays are read-only.

    Parameters
    ----------
    latents : ndarray, shape (n_steps, n_latent), float32
        Latent of each step; limited to ± `LATENT_LIMIT`.
    labels : ndarray, shape (n_steps, n_dims), float32
        Affect in [-1, 1]; NaN where not annotated.
    key : TrialKey
        Identity; ``trial=0`` and no stimulus for a chained session.
    label_names : tuple of str
        Names of the label dimensions.
    step_s : float
        Seconds a step.
    source : str
        ``"recorded"`` or ``"simulated"``.
    track : str
        ``"causal"``, ``"transductive"`` or ``"non-causal"``.
    prototypes : ndarray, shape (n_steps,), int64, or None
        Codebook entry of each step, from 0, for pictures alone; None where there is no codebook.

    Raises
    ------
    DataError
        If shapes contradict each other or a latent is not finite.
    """

    latents: FloatArray
    labels: FloatArray
    key: TrialKey
    label_names: tuple[str, ...]
    step_s: float
    source: str = "recorded"
    track: str = "causal"
    prototypes: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        latents = np.asarray(self.latents, dtype=np.float32)
        labels = np.array(self.labels, dtype=np.float32)
        if latents.ndim != 2 or 0 in latents.shape:
            raise DataError(f"{self.key}: latents must be (n_steps, n_latent), not {latents.shape}")
        expected = (len(latents), len(self.label_names))
        if labels.shape != expected:
            raise DataError(
                f"{self.key}: labels must be (n_steps, n_dims) = {expected}, not {labels.shape}"
            )
        if not np.isfinite(latents).all():
            raise DataError(f"{self.key}: latents hold NaN or infinite values; check the encoder")
        for name, array in (
            ("latents", np.clip(latents, -LATENT_LIMIT, LATENT_LIMIT)),
            ("labels", labels),
        ):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.prototypes is not None:
            object.__setattr__(self, "prototypes", self._checked(self.prototypes))

    def _checked(self, prototypes: NDArray[np.integer]) -> NDArray[np.int64]:
        given = np.asarray(prototypes)
        whole = np.issubdtype(given.dtype, np.integer)
        if given.shape != (self.n_steps,) or not whole or (given < 0).any():
            raise DataError(
                f"{self.key}: prototypes must be integers from 0, shape ({self.n_steps},), not "
                f"{given.dtype} {given.shape}"
            )
        # numbers of the codebook, kept apart from the caller's array
        array = given.astype(np.int64)
        array.setflags(write=False)
        return array

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.latents)

    @property
    def n_latent(self) -> int:
        """Width of a latent."""
        return int(self.latents.shape[1])

    @property
    def ids(self) -> dict[str, Any]:
        """Identity of the episode as it appears in ``info``, a new dict each time."""
        key = self.key
        return {
            "dataset": key.dataset,
            "subject": key.subject,
            "session": key.session,
            "trial": key.trial,
            "stimulus": key.stimulus,
            "source": self.source,
        }

    def require_like(self, other: "Episode") -> "Episode":
        """Return this episode if its shape and names equal the other's, else raise `DataError`."""
        for what in ("n_latent", "label_names", "step_s"):
            mine, theirs = getattr(self, what), getattr(other, what)
            if mine != theirs:
                raise DataError(
                    f"{self.key}: {what} is {mine}, but {theirs} in {other.key}; all episodes of "
                    "an environment must be alike"
                )
        return self


class Episodes(Sequence[Episode]):
    """Lazy sequence of episodes: a trial is read and encoded when it is first asked for.

    Parameters
    ----------
    trials : sequence of Trial
        Trials in the order of recording, such as `Trials`.
    encode : callable
        Features (n_steps, n_channels, n_bands) to latents (n_steps, n_latent), both float32.
    episode : str
        ``"trial"``, or ``"session"`` to chain each subject's session. Latents of each trial are
        encoded separately either way.
    codes : callable or None
        Features to the prototype of each step, (n_steps,) int64 or None; None: they are not known.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        encode: Encode,
        episode: str = "trial",
        codes: Codes | None = None,
    ) -> None:
        if not len(trials):
            raise DataError("no trials to play: the data set or the selection is empty")
        check_choice("episode", episode, EPISODE_KINDS)
        keys = trials.keys if isinstance(trials, Trials) else tuple(t.key for t in trials)
        self._trials, self._encode, self._codes = trials, encode, codes
        self._groups = _sessions(keys) if episode == "session" else _single(keys)
        self._made: dict[TrialKey, Episode] = {}

    @property
    def keys(self) -> tuple[TrialKey, ...]:
        """Identities of all episodes, in order, without reading any signal."""
        return tuple(key for key, _ in self._groups)

    def select(self, subjects: Sequence[int | str]) -> "Episodes":
        """Return the episodes of these subjects; what is encoded is shared.

        Raises
        ------
        ConfigError
            If a subject does not exist.
        """
        known = tuple(dict.fromkeys(str(key.subject) for key in self.keys))
        wanted = {str(subject) for subject in subjects}
        unknown = sorted(wanted.difference(known))
        if unknown or not wanted:
            raise ConfigError(
                f"subjects must be among {', '.join(known)}, not {', '.join(unknown) or 'none'}"
            )
        subset = copy(self)  # shares trials, encoder and what is made
        subset._groups = [group for group in self._groups if str(group[0].subject) in wanted]
        return subset

    def __len__(self) -> int:
        return len(self._groups)

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> list[Episode]: ...
    def __getitem__(self, index: int | slice) -> Episode | list[Episode]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        key, members = self._groups[index]
        if key not in self._made:
            self._made[key] = _chain(key, [self._encoded(self._trials[i]) for i in members])
        return self._made[key]

    def _encoded(self, trial: Trial) -> Episode:
        try:
            latents = self._encode(trial.features)
            prototypes = self._codes(trial.features) if self._codes else None
        except ValueError as error:
            raise ConfigError(f"{trial.key}: cannot be encoded: {error}") from error
        return Episode(
            latents=latents,
            labels=trial.labels,
            key=trial.key,
            label_names=trial.label_names,
            step_s=trial.step_s,
            source=trial.source,
            track=trial.track,
            prototypes=prototypes,
        )


def build_episodes(
    trials: Sequence[Trial],
    encode: Encode,
    episode: str = "trial",
    codes: Codes | None = None,
) -> list[Episode]:
    """Encode all trials now.

    Parameters
    ----------
    trials : sequence of Trial
        Trials in the order of recording.
    encode : callable
        Features (n_steps, n_channels, n_bands) to latents (n_steps, n_latent), both float32.
    episode : str
        ``"trial"``, or ``"session"`` to chain each subject's session.
    codes : callable or None
        As for `Episodes`.

    Returns
    -------
    list of Episode
        One for each trial or session.
    """
    return list(Episodes(trials, encode, episode, codes))


def episode_keys(episodes: Sequence[Episode]) -> tuple[TrialKey, ...]:
    """Return the identities of all episodes, without encoding any."""
    if isinstance(episodes, Episodes):
        return episodes.keys
    return tuple(episode.key for episode in episodes)


def matching(keys: Sequence[TrialKey], options: Mapping[str, Any] | None) -> tuple[int, ...] | None:
    """Find the episodes that ``reset(options=…)`` asks for.

    Parameters
    ----------
    keys : sequence of TrialKey
        Identities of all episodes.
    options : mapping or None
        Values of `RESET_OPTIONS`, compared as text.

    Returns
    -------
    tuple of int or None
        Their positions; None if nothing was asked for.

    Raises
    ------
    ConfigError
        If an option is unknown or no episode fits.
    """
    if not options:
        return None
    found = list(range(len(keys)))
    for option, value in options.items():
        check_choice("reset option", option, RESET_OPTIONS)
        known = dict.fromkeys(str(getattr(keys[i], option)) for i in found)
        found = [i for i in found if str(getattr(keys[i], option)) == str(value)]
        if not found:
            raise ConfigError(
                f"reset option {option} must be one of {', '.join(known)} "
                f"(with options {dict(options)}), not {value!r}"
            )
    return tuple(found)


class EpisodeOrder:
    """Draws episodes in shuffled order, each once before any comes again.

    Parameters
    ----------
    n_episodes : int
        Number of episodes.
    """

    def __init__(self, n_episodes: int) -> None:
        self._all = tuple(range(n_episodes))
        self._queues: dict[tuple[int, ...], list[int]] = {}

    def restart(self) -> None:
        """Forget what has been drawn, as after seeding."""
        self._queues.clear()

    def draw(self, rng: np.random.Generator, among: tuple[int, ...] | None = None) -> int:
        """Return the next episode, of those in `among` if given."""
        among = self._all if among is None else among
        queue = self._queues.setdefault(among, [])
        if not queue:
            queue.extend(rng.permutation(among).tolist())
        return queue.pop()


def _single(keys: Sequence[TrialKey]) -> list[tuple[TrialKey, list[int]]]:
    return [(key, [i]) for i, key in enumerate(keys)]


def _sessions(keys: Sequence[TrialKey]) -> list[tuple[TrialKey, list[int]]]:
    groups: dict[TrialKey, list[int]] = {}
    for i, key in enumerate(keys):
        groups.setdefault(replace(key, trial=0, stimulus=None), []).append(i)
    return list(groups.items())


def _chain(key: TrialKey, parts: list[Episode]) -> Episode:
    first = parts[0]
    if len(parts) == 1 and first.key == key:
        return first
    if len({part.track for part in parts}) > 1:
        raise DataError(f"{key}: trials of one session are of different tracks")
    codes = [part.prototypes for part in parts if part.prototypes is not None]
    return replace(
        first,
        latents=np.concatenate([part.require_like(first).latents for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        key=key,
        prototypes=np.concatenate(codes) if len(codes) == len(parts) else None,
    )
