"""What every data set provides: a card, a survey of its files, and a stand-in."""

import warnings
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from eeg_emotion_env.datasets.recording import Recording
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.labels import Annotations
from eeg_emotion_env.trial import TrialKey


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
        Names in the order of the features' axes. Where recordings of a set differ, those of its
        stand-in.
    n_subjects, n_sessions, n_trials : int
        Size of the full set: subjects, sessions a subject, trials a session; 0 where it varies.
    stimuli_known : bool
        Whether trials tell which stimulus was shown.
    expected_tree : str
        The folder layout, as text.
    quirks : tuple of str
        Known oddities and how the loader treats them.
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


@dataclass
class Survey:
    """What a folder holds, from names and shapes alone.

    Attributes
    ----------
    recordings : list of Recording
        What can be read, sorted by subject and session.
    problems : list of str
        Defects, one line each: the file, what is wrong, what to do. Nothing is loaded then.
    warnings : list of str
        Oddities that are tolerated, in the same form.
    notes : list of str
        Remarks for `check_data`.
    """

    recordings: list[Recording] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_problem(self, problem: object) -> None:
        """Add a problem once."""
        if str(problem) not in self.problems:
            self.problems.append(str(problem))

    def warn(self, warning: object) -> None:
        """Add a warning once."""
        if str(warning) not in self.warnings:
            self.warnings.append(str(warning))


@dataclass(frozen=True)
class Variant:
    """One way of reading a folder, as `check_data` goes through them.

    Attributes
    ----------
    name : str
        For people, such as ``"Preprocessed_EEG (raw EEG)"``.
    root : Path
        Folder to read.
    options : object
        Options of the data set.
    """

    name: str
    root: Path
    options: Any


class Dataset(ABC):
    """A data set: one file, one subclass, one entry in `DATASETS`.

    Subclasses set `card` and `Options` (a frozen dataclass that validates itself; its fields are
    keyword arguments of `load`).
    """

    card: ClassVar[DatasetCard]
    Options: ClassVar[type[Any]]
    stand_in_scale: ClassVar[float] = 0.25
    """Length of the stand-in's clips, relative to SEED's."""

    @abstractmethod
    def recognises(self, root: Path) -> bool:
        """Say whether the folder looks like this data set (cheap; reads one file at most)."""

    @abstractmethod
    def survey(self, root: Path, options: Any) -> Survey:
        """Look over a folder without reading signals.

        Parameters
        ----------
        root : Path
            A folder that exists.
        options : object
            Instance of `Options`.

        Returns
        -------
        Survey
            Recordings, defects and oddities.

        Raises
        ------
        DataError
            If the folder holds nothing of this data set.
        """

    def simulated(self, options: Any) -> list[Recording]:
        """List the stand-in when there are no data: four simulated subjects, 15 short clips."""
        from eeg_emotion_env.datasets.simulated import simulated_recordings

        return simulated_recordings(
            dataset=self.card.name,
            channels=self.card.channels,
            bands=self.card.bands,
            label_names=self.card.label_names,
            step_s=options.step_s,
            duration_scale=self.stand_in_scale,
        )

    def variants(self, root: Path) -> list[Variant]:
        """List all ways of reading a folder: each kind of features that it stores."""
        return [Variant(root.name, root, self.Options())]

    def missing(self, root: Path) -> list[str]:
        """Name files that should be there, judging by the others; one line each."""
        del root
        return []

    def expected_seconds(self, key: TrialKey) -> float | None:
        """Return the published length of a trial, seconds; None where it is not known."""
        del key
        return None

    def checked_survey(self, root: Path, options: Any) -> Survey:
        """Do as `survey`, and look for what no data set should have: `doubts`, `same_content`."""
        found = self.survey(root, options)
        for problem in doubts(found.recordings):
            found.add_problem(problem)
        for doubt in same_content(found.recordings):
            found.warn(doubt)
        return found

    def recordings(self, root: Path, options: Any) -> list[Recording]:
        """List the recordings below `root`, sorted by subject and session.

        Raises
        ------
        DataError
            If there are none, or the structure of a file is wrong.
        """
        found = self.checked_survey(root, options)
        if found.problems:
            more = len(found.problems) - 1
            rest = f" ({more} more problems: eegdancer check-data {root})" if more else ""
            raise DataError(found.problems[0] + rest)
        if not any(recording.keys for recording in found.recordings):
            raise DataError(f"{root}: holds no trials of {self.card.title}")
        for warning in found.warnings:
            warnings.warn(warning, DataWarning, stacklevel=3)
        return found.recordings


def doubts(recordings: Sequence[Recording]) -> Iterator[str]:
    """Say what keeps recordings from being used together, whatever the data set.

    Parameters
    ----------
    recordings : sequence of Recording
        All that will be loaded.

    Yields
    ------
    str
        A problem: labels of other trials, or other steps or channels than the rest.
    """
    for labels in {id(r.labels): r.labels for r in recordings}.values():
        keys = [key for r in recordings if r.labels is labels for key in r.keys]
        if isinstance(labels, Annotations) and keys and not any(map(labels.covers, keys)):
            first, last = keys[0], keys[-1]
            stimuli = f"stimuli {first.stimulus} to {last.stimulus}, or " if first.stimulus else ""
            yield (
                f"{labels.path}: annotates none of the trials; name {stimuli}trials {first.trial} "
                f"to {last.trial}, and subjects and sessions (such as {first.subject} and "
                f"{first.session}) as the recordings do"
            )
    for this in recordings[1:]:
        mine, usual = this.reader, recordings[0].reader
        differences = [
            told
            for told, differs in (
                (
                    f"steps of {mine.step_s:g} s, not {usual.step_s:g} s",
                    mine.step_s != usual.step_s,
                ),
                ("other channels", mine.channels != usual.channels),
                ("other bands", mine.bands != usual.bands),
            )
            if differs
        ]
        if differences:
            yield (
                f"{this.origin}: has {' and '.join(differences)}, unlike {recordings[0].origin}; "
                "load them apart"
            )


SAMPLED_BYTES, SAMPLED_PLACES = 4096, (0.25, 0.5, 0.75)


def same_content(recordings: Sequence[Recording]) -> Iterator[str]:
    """Say which files of different people or sessions look like copies of each other.

    Sizes and the bytes at a few places are compared: recordings of the same clips often have one
    size, never the same noise.

    Parameters
    ----------
    recordings : sequence of Recording
        All that will be loaded.

    Yields
    ------
    str
        A doubt. The files are used all the same, but a model that has learned from one of them
        knows the other.
    """
    owners: dict[Path, TrialKey] = {}
    for recording in recordings:
        for path in recording.reader.files if recording.keys else ():
            owners.setdefault(path, recording.keys[0])
    alike: dict[tuple[int, bytes], list[Path]] = defaultdict(list)
    for path in owners:
        with suppress(OSError), path.open("rb") as stream:
            size = path.stat().st_size
            if size < len(SAMPLED_PLACES) * SAMPLED_BYTES:
                continue
            sample = b""
            for place in SAMPLED_PLACES:
                stream.seek(int(size * place))
                sample += stream.read(SAMPLED_BYTES)
            if len(set(sample)) > 1:
                alike[size, sample].append(path)
    for first, *others in alike.values():
        for path in others:
            mine, theirs = owners[path], owners[first]
            if (mine.subject, mine.session) != (theirs.subject, theirs.session):
                yield (
                    f"{path}: holds the same signals as {first}, which is another recording; "
                    "scores across them mean nothing: restore the copy from the release"
                )


def listed(numbers: Iterable[int]) -> str:
    """List numbers for people, or name first and last where none is left out between."""
    found = list(numbers)
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return f"{found[0]} to {found[-1]}"
    return ", ".join(map(str, found))


def named_trials(numbers: Iterable[int]) -> str:
    """Return ``trial 3 is`` or ``trials 3, 5 are``."""
    found = list(numbers)
    return f"trial {found[0]} is" if len(found) == 1 else f"trials {listed(found)} are"
