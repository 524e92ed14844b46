"""What every data set provides: a card, recordings to read, a check, and a stand-in."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, overload

from eeg_emotion_env.errors import DataError, check_choice
from eeg_emotion_env.normalization import normalize_past, normalize_subject
from eeg_emotion_env.trial import NORMALIZATIONS, Trial, TrialKey


@dataclass(frozen=True)
class DatasetCard:
    """What a user must know about a data set before using it.

    Attributes
    ----------
    name : str
        Registry name, lower case: ``load(name)``.
    env_id : str
        Gymnasium id of its environment.
    title, licence, citation, access : str
        Full name, terms of use, what to cite, and where to get or apply for the data.
    label_kind : str
        Default origin of the labels, one of `eeg_emotion_env.trial.LABEL_KINDS`.
    label_names : tuple of str
        Label dimensions.
    label_meaning : str
        What the label means and what it does not mean.
    sfreq : float
        Rate of the stored EEG or features, Hz.
    step_s : float
        Default seconds a step.
    channels, bands : tuple of str
        Names in the order of the features' axes.
    n_subjects, n_sessions, n_trials : int
        Size of the full set: subjects, sessions a subject, trials a session.
    stimuli_known : bool
        Whether trials tell which stimulus was shown.
    expected_tree : str
        The folder layout, as text.
    quirks : tuple of str
        Known oddities and how the loader treats them.
    encoder : str
        Shipped encoder weights that fit the feature shape (a folder of ``encoders/weights``).
    """

    name: str
    env_id: str
    title: str
    licence: str
    citation: str
    access: str
    label_kind: str
    label_names: tuple[str, ...]
    label_meaning: str
    sfreq: float
    step_s: float
    channels: tuple[str, ...]
    bands: tuple[str, ...]
    n_subjects: int
    n_sessions: int
    n_trials: int
    stimuli_known: bool
    expected_tree: str
    quirks: tuple[str, ...]
    encoder: str


@dataclass(frozen=True, eq=False)
class Recording:
    """Trials of one subject in one session, read together and only when needed.

    Attributes
    ----------
    keys : tuple of TrialKey
        Trials in the order of recording, known without reading the signal.
    read : callable
        ``read() -> list of Trial``, with ``normalization="none"``, in the order of `keys`.
    origin : str
        File or generator, for messages.
    """

    keys: tuple[TrialKey, ...]
    read: Callable[[], list[Trial]] = field(repr=False)
    origin: str = ""


@dataclass
class CheckReport:
    """Outcome of looking over a data folder.

    Attributes
    ----------
    dataset : str
        Registry name.
    root : Path
        The folder looked at.
    found : list of TrialKey
        Trials that are there and readable.
    problems : list of str
        One line for each defect: the file, what is wrong, what to do.
    notes : list of str
        Remarks that are no defects.
    """

    dataset: str
    root: Path
    found: list[TrialKey] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True if something was found and nothing is wrong with it."""
        return bool(self.found) and not self.problems


class Dataset(ABC):
    """A data set: one file, one subclass, one entry in `DATASETS`.

    Subclasses set `card` and `Options` (a frozen dataclass that validates itself; its fields are
    the keyword arguments of `load`).
    """

    card: ClassVar[DatasetCard]
    Options: ClassVar[type[Any]]

    @abstractmethod
    def recognises(self, root: Path) -> bool:
        """Say whether the folder looks like this data set (cheap: names only)."""

    @abstractmethod
    def recordings(self, root: Path, options: Any) -> list[Recording]:
        """List the recordings below `root`, sorted by subject and session.

        Raises
        ------
        DataError
            If there are none, or a file's structure is wrong.
        """

    @abstractmethod
    def simulated(self, options: Any) -> list[Recording]:
        """List simulated recordings of the same shape, the stand-in when there are no data."""

    @abstractmethod
    def check(self, root: Path) -> CheckReport:
        """Read everything below `root` and report what is there and what is wrong."""


class Trials(Sequence[Trial]):
    """Lazy sequence of trials: a recording is read when one of its trials is asked for.

    Parameters
    ----------
    recordings : iterable of Recording
        In the order of subjects and sessions.
    normalization : str
        ``"past"`` (causal), ``"subject"`` (transductive: z-score of each subject's session over
        its whole length) or ``"none"``.
    keep : int
        Recordings held in memory at a time.
    """

    def __init__(
        self, recordings: Iterable[Recording], normalization: str = "past", keep: int = 64
    ) -> None:
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)
        self._keep = keep
        self._cache: OrderedDict[int, list[Trial]] = OrderedDict()
        self._recordings = list(recordings)
        self._index = [
            (key, number, place)
            for number, recording in enumerate(self._recordings)
            for place, key in enumerate(recording.keys)
        ]

    @property
    def keys(self) -> tuple[TrialKey, ...]:
        """Identities of all trials, in order, without reading any signal."""
        return tuple(key for key, _, _ in self._index)

    @property
    def subjects(self) -> tuple[int | str, ...]:
        """Subjects in order of appearance."""
        return tuple(dict.fromkeys(key.subject for key in self.keys))

    def select(
        self,
        subjects: Iterable[int | str] | None = None,
        sessions: Iterable[int] | None = None,
        stimuli: Iterable[str] | None = None,
    ) -> "Trials":
        """Return the trials of the given subjects, sessions and stimuli, still lazy."""
        wanted = [
            (attribute, {str(value) for value in values})
            for attribute, values in (
                ("subject", subjects),
                ("session", sessions),
                ("stimulus", stimuli),
            )
            if values is not None
        ]
        chosen = [
            row for row in self._index if all(str(getattr(row[0], a)) in v for a, v in wanted)
        ]
        return self._subset(chosen)

    def _subset(self, index: list[tuple[TrialKey, int, int]]) -> "Trials":
        subset = Trials((), self.normalization, self._keep)
        subset._recordings, subset._cache, subset._index = self._recordings, self._cache, index
        return subset

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> "Trials": ...
    def __getitem__(self, index: int | slice) -> "Trial | Trials":
        if isinstance(index, slice):
            return self._subset(self._index[index])
        _, number, place = self._index[index]
        return self._read(number)[place]

    def __iter__(self) -> Iterator[Trial]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"Trials({len(self)} trials, {len(self.subjects)} subjects, "
            f"normalization={self.normalization!r})"
        )

    def _read(self, number: int) -> list[Trial]:
        if number not in self._cache:
            recording = self._recordings[number]
            self._cache[number] = self._normalised(recording.read())
            if len(self._cache) > self._keep:
                self._cache.popitem(last=False)
        self._cache.move_to_end(number)
        return self._cache[number]

    def _normalised(self, trials: list[Trial]) -> list[Trial]:
        if self.normalization == "none":
            return trials
        normalize = normalize_past if self.normalization == "past" else normalize_subject
        features = normalize([trial.features for trial in trials])
        return [
            trial.replace(features=values, normalization=self.normalization)
            for trial, values in zip(trials, features, strict=True)
        ]


def require_folder(root: Path, dataset: str) -> Path:
    """Return `root` if it is a readable folder, else raise `DataError`."""
    if not root.exists():
        raise DataError(f"{root}: no such folder; give the root of the {dataset} data set")
    if not root.is_dir():
        raise DataError(f"{root}: is a file; give the folder that holds the {dataset} data set")
    return root
