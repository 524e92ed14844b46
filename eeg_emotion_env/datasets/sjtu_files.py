"""Finding the recordings of SEED and SEED-IV: one file a session, named by subject and date."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from eeg_emotion_env.datasets.files import (
    LEVELS,
    beside,
    is_marked_simulated,
    plain_name,
    read_manifest,
    walk,
)
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.matfile import list_variables
from eeg_emotion_env.tables import seed, seed_iv

FILE_NAME = re.compile(r"0*(\d+)_(\d{8})\.mat", re.IGNORECASE)
LEGACY_NAME = re.compile(r"([a-z]+)_(\d{8})\.mat", re.IGNORECASE)
SESSION_FOLDER = re.compile(r"(?:session|sess|ses|s)?[ _-]*0?(\d)", re.IGNORECASE)
RAW_VARIABLE = re.compile(r"(?:^|_)eeg_?(\d+)$", re.IGNORECASE)

FAMILIES = ("de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve")
"""Families of stored features that can be read."""


@dataclass(frozen=True)
class Release:
    """What distinguishes the files of SEED from those of SEED-IV.

    Attributes
    ----------
    name : str
        Registry name.
    folder_names : tuple of str
        Plain names of folders (see `plain_name`) that belong to it alone.
    dates : mapping of int to tuple of str
        Dates of each subject's sessions.
    n_trials : int
        Trials a session.
    dates_tell : bool
        Whether sessions in one folder are numbered by ascending dates, known or not.
    """

    name: str
    folder_names: tuple[str, ...]
    dates: Mapping[int, tuple[str, ...]] = field(repr=False)
    n_trials: int
    dates_tell: bool


SEED = Release("seed", ("preprocessedeeg", "extractedfeatures", "seedeeg"), seed.DATES, 15, True)
SEED_IV = Release(
    "seed-iv", ("eegrawdata", "eegfeaturesmooth", "seediv", "seed4"), seed_iv.DATES, 24, False
)


@dataclass(frozen=True)
class SessionFile:
    """One recording file: path, subject, session (from 1; 0: not told) and date (YYYYMMDD)."""

    path: Path
    subject: int
    session: int
    date: str

    @cached_property
    def variables(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the variables, read once."""
        return list_variables(self.path)

    def trials(self, kind: str) -> dict[int, str]:
        """Return the variable of each trial, in order of trials.

        Parameters
        ----------
        kind : str
            ``"raw"`` or one of `FAMILIES`.

        Raises
        ------
        DataError
            If two variables claim the same trial.
        """
        pattern = RAW_VARIABLE if kind == "raw" else re.compile(rf"{kind}_?(\d+)$", re.IGNORECASE)
        search = pattern.search if kind == "raw" else pattern.match
        found: dict[int, str] = {}
        for name in self.variables:
            match = search(name)
            if match and found.setdefault(int(match[1]), name) != name:
                raise DataError(
                    f"{self.path}: {name} and {found[int(match[1])]} are the same trial; restore "
                    "the file from the release"
                )
        return dict(sorted(found.items()))

    @property
    def is_simulated(self) -> bool:
        """Whether the header of the file says that it is simulated."""
        return is_marked_simulated(self.path)


@dataclass(frozen=True)
class DataFolder:
    """A folder of recordings of one kind, and where its labels may lie.

    Attributes
    ----------
    path, root : Path
        The folder, and the root that the user gave.
    files : tuple of SessionFile
        Sorted by subject and session.
    manifest : dict or None
        Content of the manifest of a simulation; None for recordings.
    notes : tuple of str
        What was assumed about names, and files that are not read.
    """

    path: Path
    root: Path
    files: tuple[SessionFile, ...] = ()
    manifest: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def kind(self) -> str:
        """``"raw"`` or ``"stored"``: told by the first sound file, else by the folder's name."""
        for file in self.files:
            with suppress(DataError):
                if file.trials("raw"):
                    return "raw"
                if any(file.trials(family) for family in FAMILIES):
                    return "stored"
        return "stored" if "feature" in self.path.name.lower() else "raw"

    @cached_property
    def release(self) -> Release:
        """Whose files they are: by the folder's name, else by their content, else by dates."""
        within = self.path.is_relative_to(self.root)
        below = self.path.relative_to(self.root).parts if within else (self.path.resolve().name,)
        for part in (*reversed(below), self.root.resolve().name):
            for release in (SEED_IV, SEED):
                if any(name in plain_name(part) for name in release.folder_names):
                    return release
        if self.beside("label.mat"):
            return SEED
        n_trials = self._n_trials()
        if n_trials in (SEED.n_trials, SEED_IV.n_trials):
            return SEED if n_trials == SEED.n_trials else SEED_IV
        known = {date for dates in seed_iv.DATES.values() for date in dates}
        return SEED_IV if any(file.date in known for file in self.files) else SEED

    def beside(self, name: str) -> Path | None:
        """Find a file in the folder, beside it, at the root, or beside the recordings."""
        recordings = (file.path.parent for file in self.files)
        return beside(name, self.path, self.path.parent, self.root, *recordings)

    def _n_trials(self) -> int:
        for file in self.files:
            with suppress(DataError):
                kinds = ("raw",) if self.kind == "raw" else FAMILIES
                return max(max(file.trials(kind), default=0) for kind in kinds)
        return 0


def find_folders(root: Path, release: Release | None = None) -> list[DataFolder]:
    """List the folders of recordings, sorted by path.

    Parameters
    ----------
    root : Path
        Any folder at or above the recordings, or a folder of one session.
    release : Release or None
        Whose folders; None for both.

    Raises
    ------
    DataError
        If two files claim the same subject and session.
    """
    return [
        _with_sessions(folder)
        for folder in _folders(root)
        if release is None or folder.release is release
    ]


def holds_recordings(root: Path, release: Release) -> bool:
    """Say whether recordings of a release lie below `root`."""
    return any(folder.release is release for folder in _folders(root))


def _folders(root: Path) -> list[DataFolder]:
    """Group files by folder; session folders belong to the folder above them."""
    groups: dict[Path, list[tuple[Path, int | None]]] = defaultdict(list)
    others: dict[Path, list[Path]] = defaultdict(list)
    # A level more, since session folders lie below the folder of the recordings.
    for folder, files in walk(root, LEVELS + 1):
        split = SESSION_FOLDER.fullmatch(folder.name)
        # Eye tracking has the same file names.
        if plain_name((folder.resolve().parent if split else folder).name).startswith("eye"):
            continue
        base = folder.parent if split else folder
        for path in files:
            if FILE_NAME.fullmatch(path.name) or LEGACY_NAME.fullmatch(path.name):
                groups[base].append((path, int(split[1]) if split else None))
            elif path.suffix.lower() == ".mat" and plain_name(path.stem) not in ("label", "labels"):
                others[base].append(path)
    return [_open_folder(base, root, paths, others[base]) for base, paths in sorted(groups.items())]


def _open_folder(
    base: Path, root: Path, paths: list[tuple[Path, int | None]], others: list[Path]
) -> DataFolder:
    manifest = read_manifest(base, base.parent, root)
    files, notes = [], []
    if others:
        more = f" (nor {len(others) - 1} other MAT files)" if len(others) > 1 else ""
        notes.append(
            f"{others[0]}: is not read{more}; recordings are named <subject>_<YYYYMMDD>.mat: "
            "rename it if it is one"
        )
    legacy = sorted({m[1].lower() for path, _ in paths if (m := LEGACY_NAME.fullmatch(path.name))})
    if legacy:
        numbers = ", ".join(f"{number} {name}" for number, name in enumerate(legacy, start=1))
        notes.append(
            f"{base}: names of the old release carry no subject number: numbered alphabetically "
            f"({numbers})"
        )
    for path, session in paths:
        match = FILE_NAME.fullmatch(path.name)
        if match:
            files.append(SessionFile(path, int(match[1]), session or 0, match[2]))
        elif match := LEGACY_NAME.fullmatch(path.name):
            subject = legacy.index(match[1].lower()) + 1
            files.append(SessionFile(path, subject, session or 0, match[2]))
    if legacy and len({type(FILE_NAME.fullmatch(path.name)) for path, _ in paths}) > 1:
        raise DataError(
            f"{base}: file names of the old release (by name) and of the current one (by number) "
            "are mixed; keep one of them"
        )
    return DataFolder(base, root, tuple(files), manifest, tuple(notes))


def _with_sessions(folder: DataFolder) -> DataFolder:
    """Number the sessions: by folder, else by date within the subject."""
    dates: dict[int, set[str]] = defaultdict(set)
    for file in folder.files:
        dates[file.subject].add(file.date)
    # A simulation knows its dates also where a file is missing, so later sessions keep their
    # numbers; so does the release itself, as long as all dates of a subject are its own.
    for name in folder.manifest["files"] if folder.manifest else ():
        match = FILE_NAME.fullmatch(name.rsplit("/", 1)[-1])
        if match:
            dates[int(match[1])].add(match[2])
    released = folder.release.dates
    for subject, published in released.items():
        if dates[subject] and dates[subject] <= set(published):
            dates[subject] = set(published)
    files = []
    for file in folder.files:
        is_known = bool(folder.manifest) or file.date in released.get(file.subject, ())
        if not file.session and (is_known or folder.release.dates_tell):
            file = replace(file, session=sorted(dates[file.subject]).index(file.date) + 1)
        files.append(file)
    files.sort(key=lambda file: (file.subject, file.session, str(file.path)))
    _refuse_duplicates(files)
    return replace(folder, files=tuple(files))


def _refuse_duplicates(files: Iterable[SessionFile]) -> None:
    seen: dict[tuple[int, object], SessionFile] = {}
    for file in files:
        for identity in ((file.subject, file.session or file.path), (file.subject, file.date)):
            first = seen.setdefault(identity, file)
            if first is not file:
                raise DataError(
                    f"{file.path}: the same session as {first.path} (subject {file.subject}, date "
                    f"{file.date}); keep one of them"
                )
