"""Finding the recordings of a BIDS tree or of a plain folder, and what lies beside them.

Subject, session, task and run are told from the entities of a file's name (``sub-``, ``ses-``,
``task-``, ``run-``; ``task-run3`` counts as run 3 too), else from folders named ``sub-…`` and
``ses-…``. Without a subject in either, the subject is the file's folder where recordings lie in
several folders, and the file's name where all lie in one. Names such as ``01`` or ``s1`` count as
numbers, unless two subjects would get the same one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from eeg_emotion_env.datasets.files import LEVELS, walk
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.tables.bids import EXTENSIONS

DEEPER = LEVELS + 2
"""Folders between the root and the files: BIDS trees are deep."""

SKIPPED = {"derivatives", "sourcedata", "code", "stimuli"}
"""Folders of BIDS trees that hold no recordings, or other versions of them."""

DESCRIPTION = "dataset_description.json"

_ENDING = re.compile("|".join(re.escape(end) + "$" for end in EXTENSIONS), re.IGNORECASE)
# Continuous recordings of SEED, other kinds of FIF files, later parts of long ones, and other
# modalities of BIDS.
_OTHER = re.compile(
    r"\d+_\d+\.cnt|.*[-_](ave|cov|eve|epo|ica|proj|fwd|inv|src|trans|bem|sol)\.fif(\.gz)?|"
    r".*[-_](raw|eeg)-[1-9]\d*\.fif(\.gz)?|.*_split-0*([2-9]|[1-9]\d+)_.*|"
    r"sub-.*_(meg|ieeg|emg|nirs|motion)\.[\w.]+",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"([^-_.]+)-([^-_.]+)")
_NUMBERED = re.compile(r"(?:sub(?:ject)?|ses(?:sion)?|s|p|participant)?[ _-]?0*(\d+)", re.I)


@dataclass(frozen=True)
class RecordingFile:
    """One recording file and who and what it records.

    Attributes
    ----------
    path : Path
        The file.
    subject : int or str
        Number of the subject, or its name where that is no number.
    session, task : str
        As they are written, without leading zeros; empty where they are not.
    run : int or None
        Number of the run, where it has one.
    other : str
        What else tells recordings apart: the entity ``acq``, or the name of a plain file.
    tree : Path
        Folder that holds the subjects' folders; the file's own folder without those.
    session_number : int
        Number of the session: as it is written if all sessions of the set are numbers, else in
        alphabetical order.
    number : int
        Number within the session (see `eeg_emotion_env.datasets.bids.order`).
    """

    path: Path
    subject: int | str
    session: str
    task: str
    run: int | None
    other: str
    tree: Path
    session_number: int = 1
    number: int = 1

    @property
    def stem(self) -> str:
        """Name of the file without its ending."""
        return _ENDING.sub("", self.path.name)

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts recordings by subject, session, task and run, numbers as numbers."""
        names = (str(self.subject), self.session, self.task)
        return *map(natural, names), self.run or 0, natural(self.other), natural(self.path.name)

    @property
    def claim(self) -> tuple[object, ...]:
        """What no two recordings of a set may share."""
        return self.subject, self.session.lower(), self.task.lower(), self.run, self.other.lower()


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts ``2`` before ``10``."""
    parts = re.findall(r"\d+|\D+", text.lower())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def recording_paths(root: Path) -> list[Path]:
    """List the files below a folder that MNE should be able to read, by their names alone."""
    return [path for path in _files(root) if _is_recording(path.name)]


def find_recordings(root: Path) -> list[RecordingFile]:
    """List the recordings below a folder, sorted by subject, session, task and run.

    Raises
    ------
    DataError
        If two data sets lie below the folder.
    """
    paths = recording_paths(root)
    folders_tell = len({path.parent for path in paths if not _is_named(path)}) > 1
    files = _numbered([_identified(path, folders_tell) for path in paths])
    trees = [tree for tree in dict.fromkeys(file.tree for file in files) if _describes(tree)]
    if len(trees) > 1:
        raise DataError(
            f"{trees[1]}: a second data set beside {trees[0]}; give the folder of one of them"
        )
    files.sort(key=lambda file: file.order)
    sessions = _session_numbers(files)
    return [replace(file, session_number=sessions[file.session]) for file in files]


def conflicts(files: Iterable[RecordingFile]) -> Iterator[tuple[RecordingFile, str]]:
    """Yield recordings that cannot be told from an earlier one, with a line that says why."""
    claims: dict[tuple[object, ...], RecordingFile] = {}
    sessions: dict[tuple[object, ...], RecordingFile] = {}
    for file in files:
        same = claims.setdefault(file.claim, file)
        first = sessions.setdefault((file.subject, file.session_number), file)
        if same is not file:
            what = f"the same subject, session and run as {same.path}; keep one of them"
            yield file, f"{file.path}: {what}"
        elif first.session != file.session:
            what = f"its session counts as number {file.session_number}, as does that of"
            yield file, f"{file.path}: {what} {first.path}; name the sessions of both (ses-…)"


def sidecar(file: RecordingFile, suffix: str) -> Path | None:
    """Find the file with that suffix that holds for a recording.

    As BIDS has it, the nearest folder counts, from the recording's own up to that of the data set,
    and there the file that shares most entities with the recording and contradicts none.

    Parameters
    ----------
    file : RecordingFile
        The recording.
    suffix : str
        Such as ``"_channels.tsv"``, in any case.

    Returns
    -------
    Path or None
        The file, if there is one.
    """
    mine = set(file.stem.lower().split("_"))
    for folder in _upwards(file):
        fitting = []
        for path in next(iter(walk(folder, 0)))[1]:
            name = f"_{path.name.lower()}"
            if not name.endswith(suffix.lower()):
                continue
            parts = set(name[: -len(suffix)].split("_")) - {""}
            whole = parts | {"eeg"} == mine | {"eeg"}
            if parts <= mine and (whole or all("-" in part for part in parts)):
                fitting.append((len(parts), path))
        if fitting:
            return max(fitting)[1]
    return None


def own_sidecar(file: RecordingFile, suffixes: Iterable[str]) -> Path | None:
    """Find the file that has the recording's name with one of the suffixes, in any case.

    It lies beside the recording, or in the folder ``beh`` of its session.
    """
    stems = dict.fromkeys((re.sub(r"_eeg$", "", file.stem, flags=re.IGNORECASE), file.stem))
    names = [f"{stem}{suffix}".lower() for suffix in suffixes for stem in stems]
    beside, behaviour = file.path.parent, file.path.parent.parent / "beh"
    found: dict[str, Path] = {}
    for folder in (beside, behaviour) if behaviour.is_dir() else (beside,):
        for path in next(iter(walk(folder, 0)))[1]:
            found.setdefault(path.name.lower(), path)
    return next((found[name] for name in names if name in found), None)


def is_tree(root: Path) -> bool:
    """Say whether recordings that BIDS would name lie below."""
    return any(path.name.lower().startswith("sub-") for path in recording_paths(root))


def holds_matlab(root: Path) -> bool:
    """Say whether MAT files lie below: those are other data sets."""
    return any(path.suffix.lower() == ".mat" for path in _files(root))


def _files(root: Path) -> Iterator[Path]:
    for folder, files in walk(root, DEEPER):
        inner = folder.relative_to(root).parts
        if not SKIPPED & {part.lower() for part in inner}:
            yield from files


def _is_recording(name: str) -> bool:
    return bool(_ENDING.search(name)) and not _OTHER.fullmatch(name)


def _is_named(path: Path) -> bool:
    return bool(_entities(path).get("sub") or _folder_label(path, "sub"))


def _entities(path: Path) -> dict[str, str]:
    """Return the entities in a file's name, such as ``{"sub": "01", "task": "film"}``."""
    pairs = _ENTITY.findall(_ENDING.sub("", path.name))
    return {name.lower(): label for name, label in pairs}


def _folder_label(path: Path, entity: str) -> str:
    """Return the label of the innermost folder named ``<entity>-<label>``."""
    for folder in path.parents:
        match = re.fullmatch(rf"{entity}-(.+)", folder.name, re.IGNORECASE)
        if match:
            return match[1]
    return ""


def _identified(path: Path, folders_tell: bool) -> RecordingFile:
    entities = _entities(path)
    subject = entities.get("sub") or _folder_label(path, "sub")
    stem = _ENDING.sub("", path.name)
    task, run = entities.get("task", ""), entities.get("run", "")
    match = re.fullmatch(r"run0*(\d+)", task, re.IGNORECASE)
    if not run and match:
        run = match[1]
    plain = "sub" not in entities
    return RecordingFile(
        path=path,
        subject=subject or (path.parent.name if folders_tell else _plain_stem(stem)),
        session=str(subject_number(entities.get("ses") or _folder_label(path, "ses"))),
        task=task,
        run=int(run) if run.isdecimal() else None,
        other=stem if plain else entities.get("acq", ""),
        tree=tree_of(path),
    )


def _session_numbers(files: list[RecordingFile]) -> dict[str, int]:
    labels = sorted({file.session for file in files if file.session}, key=natural)
    numbers = [int(label) for label in labels if label.isdecimal() and int(label) > 0]
    if len(numbers) < len(labels):
        numbers = list(range(1, len(labels) + 1))
    return {"": 1} | dict(zip(labels, numbers, strict=True))


def _numbered(files: list[RecordingFile]) -> list[RecordingFile]:
    """Turn names of subjects into numbers, unless two names would be the same number."""
    names = {str(file.subject) for file in files}
    if len({subject_number(name) for name in names}) < len(names):
        return files
    return [replace(file, subject=subject_number(str(file.subject))) for file in files]


def subject_number(label: str) -> int | str:
    """Return the number that a name of a subject or session consists of, else the name."""
    match = _NUMBERED.fullmatch(label)
    return int(match[1]) if match else label


def _plain_stem(stem: str) -> str:
    return re.sub(r"[-_ ](raw|eeg)$", "", stem, flags=re.IGNORECASE)


def tree_of(path: Path) -> Path:
    """Return the folder that holds the subjects' folders; without those, the file's own."""
    for folder in path.parents:
        if folder.name.lower().startswith("sub-"):
            return folder.parent
    return path.parent


def _describes(folder: Path) -> bool:
    return (folder / DESCRIPTION).is_file()


def _upwards(file: RecordingFile) -> Iterator[Path]:
    for folder in file.path.parents:
        yield folder
        if folder == file.tree:
            return
