"""Finding SEED's files: folders in any of the layouts in use, names, sessions, variables."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.matfile import list_variables, load_variable
from eeg_emotion_env.seed_tables import CLIP_SECONDS, DATES, SFREQ

FILE_NAME = re.compile(r"(\d+)_(\d{8})\.mat", re.IGNORECASE)
LEGACY_NAME = re.compile(r"[a-z]+_\d{8}\.mat", re.IGNORECASE)
SESSION_FOLDER = re.compile(r"(?:session)?[ _-]?(\d)", re.IGNORECASE)
RAW_VARIABLE = re.compile(r"_eeg(\d+)$")
MANIFEST = "simulation.json"
SIMULATED_MARK = b"SIMULATED"
"""Word in the header of MAT files that hold simulated EEG."""

LEVELS = 3
"""Folders between the root and the folder of the recordings, at most."""

FOREIGN_FOLDERS = ("eeg_raw_data", "eeg_feature_smooth", "eye_raw_data", "eye_feature_smooth")
"""Folders of SEED-IV, whose files have the same names."""

FAMILIES = ("de_movingAve", "de_LDS", "psd_movingAve", "psd_LDS")
"""Families of stored features that can be read."""


@dataclass(frozen=True)
class SessionFile:
    """One recording file: its path, subject, session (from 1) and date (YYYYMMDD)."""

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

        Returns
        -------
        dict
            Trial number to variable name.
        """
        pattern = RAW_VARIABLE if kind == "raw" else re.compile(rf"^{kind}(\d+)$")
        found = ((pattern.search(name), name) for name in self.variables)
        return dict(sorted((int(match[1]), name) for match, name in found if match))

    @cached_property
    def is_simulated(self) -> bool:
        """Whether the header of the file, or a manifest above it, says it is simulated."""
        with self.path.open("rb") as stream:
            marked = SIMULATED_MARK in stream.read(116)
        return marked or any((above / MANIFEST).is_file() for above in self.path.parents[:3])


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
    clip_seconds : tuple of int
        Durations of the clips.
    """

    path: Path
    root: Path
    files: tuple[SessionFile, ...] = ()
    manifest: dict[str, Any] | None = None
    clip_seconds: tuple[int, ...] = CLIP_SECONDS

    @property
    def is_raw(self) -> bool:
        """Whether the folder holds raw EEG: told by the first sound file, else by its name."""
        for file in self.files:
            with suppress(DataError):
                if file.trials("raw"):
                    return True
                if any(file.trials(family) for family in FAMILIES):
                    return False
        return "feature" not in self.path.name.lower()

    def beside(self, name: str) -> Path | None:
        """Find a file in the folder, beside it, or at the root; case does not count."""
        for place in dict.fromkeys((self.path, self.path.parent, self.root)):
            for entry in sorted(place.iterdir()):
                if entry.name.lower() == name.lower() and entry.is_file():
                    return entry
        return None


def holds_recordings(root: Path) -> bool:
    """Say whether file names below `root` look like SEED's (names only, cheap)."""
    return next(_candidates(root), None) is not None


def data_folders(root: Path) -> list[DataFolder]:
    """List the folders of recordings, sorted by path.

    Raises
    ------
    DataError
        If there are none, or two files claim the same subject and session.
    """
    folders = [_open_folder(path, root) for path in _candidates(root)]
    if folders:
        return [replace(folder, clip_seconds=_clip_seconds(folder, folders)) for folder in folders]
    legacy = next((path for path in root.glob("**/*.mat") if LEGACY_NAME.fullmatch(path.name)), "")
    if legacy:
        raise DataError(
            f"{legacy}: the old release names files by pinyin; rename them to "
            "<subject number>_<YYYYMMDD>.mat"
        )
    raise DataError(
        f"{root}: no recordings named <subject>_<YYYYMMDD>.mat within {LEVELS} levels; give the "
        "folder that holds Preprocessed_EEG or ExtractedFeatures"
    )


def _open_folder(path: Path, root: Path) -> DataFolder:
    place = DataFolder(path, root).beside(MANIFEST)
    manifest = _read_manifest(place) if place else None
    return DataFolder(path, root, _session_files(path, manifest), manifest)


def _clip_seconds(folder: DataFolder, folders: list[DataFolder]) -> tuple[int, ...]:
    """Durations of the clips: from the manifest, the raw EEG beside, or what is known of SEED."""
    if folder.manifest:
        return tuple(folder.manifest["clip_seconds"])
    for file in (file for other in folders if other.is_raw for file in other.files):
        with suppress(DataError):
            trials = file.trials("raw")
            shapes = [file.variables[name] for name in trials.values()]
            whole = list(trials) == list(range(1, len(trials) + 1))
            if shapes and whole and all(len(shape) == 2 for shape in shapes):
                return tuple(int(max(shape) // SFREQ) for shape in shapes)
    return CLIP_SECONDS


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); simulate the set again") from error
    if not isinstance(content, dict) or not {"files", "clip_seconds"} <= set(content):
        raise DataError(f"{path}: lists no files and clip_seconds; simulate the set again")
    return content


def _candidates(root: Path) -> Iterator[Path]:
    """Folders that hold recordings directly or split over session folders."""
    # A level more, since session folders lie below the folder of the recordings.
    for name, folders, files in os.walk(root):
        path = Path(name)
        depth = len(path.relative_to(root).parts)
        folders[:] = sorted(f for f in folders if _is_searched(f)) if depth < LEVELS + 1 else []
        if any(FILE_NAME.fullmatch(file) for file in files):
            is_session = depth > 0 and SESSION_FOLDER.fullmatch(path.name)
            if not is_session:
                yield path
        elif any(_has_recordings(path / f) for f in folders if SESSION_FOLDER.fullmatch(f)):
            yield path


def _is_searched(folder: str) -> bool:
    return not folder.startswith(".") and folder.lower() not in FOREIGN_FOLDERS


def _has_recordings(folder: Path) -> bool:
    return any(FILE_NAME.fullmatch(path.name) for path in folder.iterdir())


def _session_files(folder: Path, manifest: dict[str, Any] | None) -> tuple[SessionFile, ...]:
    """List files; sessions are numbered by folder, else by ascending date within the subject."""
    dates: dict[int, set[str]] = defaultdict(set)
    found: list[tuple[Path, re.Match[str], re.Match[str] | None]] = []
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        match = FILE_NAME.fullmatch(path.name)
        split = SESSION_FOLDER.fullmatch(path.parent.name) if path.parent != folder else None
        if match and (split or path.parent == folder):
            found.append((path, match, split))
            dates[int(match[1])].add(match[2])
    # A simulation knows its dates also where a file is missing, so later sessions keep their
    # numbers.
    for name in manifest["files"] if manifest else ():
        match = FILE_NAME.fullmatch(name.rsplit("/", 1)[-1])
        if match:
            dates[int(match[1])].add(match[2])
    # So does SEED itself, as long as all dates are its own.
    for subject, known in DATES.items():
        if dates[subject] and dates[subject] <= set(known):
            dates[subject] = set(known)
    files = []
    for path, match, split in found:
        subject, date = int(match[1]), match[2]
        session = int(split[1]) if split else sorted(dates[subject]).index(date) + 1
        files.append(SessionFile(path, subject, session, date))
    files.sort(key=lambda file: (file.subject, file.session, str(file.path)))
    _refuse_duplicates(files)
    return tuple(files)


def _refuse_duplicates(files: list[SessionFile]) -> None:
    seen: dict[tuple[int, object], SessionFile] = {}
    for file in files:
        for identity in ((file.subject, file.session), (file.subject, file.date)):
            first = seen.setdefault(identity, file)
            if first is not file:
                raise DataError(
                    f"{file.path}: the same session as {first.path} (subject {file.subject}, date "
                    f"{file.date}); keep one of them"
                )


def read_classes(folder: DataFolder) -> tuple[Path, NDArray[np.int64]]:
    """Read ``label.mat``: its path and the class of each trial.

    Raises
    ------
    DataError
        If it is missing, damaged, or holds anything but -1, 0 and 1.
    """
    path = folder.beside("label.mat")
    if path is None:
        raise DataError(
            f"{folder.path}: label.mat is missing; copy it there from the release, or give an "
            "annotation CSV (labels=…)"
        )
    values = np.asarray(load_variable(path, "label")).ravel()
    numeric = np.issubdtype(values.dtype, np.number)
    if not numeric or not len(values) or not np.isin(values, (-1, 0, 1)).all():
        raise DataError(f"{path}: label must hold -1, 0 and 1; restore the file from the release")
    return path, values.astype(np.int64)


def missing_files(folders: list[DataFolder]) -> list[str]:
    """Name the files that should be there: by a simulation's manifest, else by known dates."""
    problems: list[str] = []
    for folder in folders:
        listed = folder.beside(MANIFEST) if folder.manifest else None
        if folder.manifest and listed:
            absent = [listed.parent / name for name in folder.manifest["files"]]
            absent = [path for path in absent if not path.exists()]
            problems += [f"{p}: missing (listed in {MANIFEST}); simulate again" for p in absent]
        else:
            problems += _missing_sessions(folder)
    return list(dict.fromkeys(problems))


def _missing_sessions(folder: DataFolder) -> Iterator[str]:
    expected = max(file.session for file in folder.files)
    for subject in dict.fromkeys(file.subject for file in folder.files):
        files = [file for file in folder.files if file.subject == subject]
        if len(files) == expected:
            continue
        known, dates = DATES.get(subject, ()), {file.date for file in files}
        count = f"subject {subject} has {len(files)} of {expected} sessions"
        absent = sorted(set(known) - dates) if dates <= set(known) else ["<date>"]
        for date in absent[: expected - len(files)]:
            name = folder.path / f"{subject}_{date}.mat"
            yield f"{name}: missing ({count}); restore it from the release"
