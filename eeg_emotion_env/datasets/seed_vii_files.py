"""Finding SEED-VII's files: folders by their names, one file a subject, one variable a clip."""

import re
from pathlib import Path

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.files import plain_name, walk
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.matfile import list_variables
from eeg_emotion_env.tables.seed_vii import CLIP_EMOTIONS, CLIPS_A_SESSION
from eeg_emotion_env.trial import TrialKey, stimulus_name

NAME = "seed-vii"
N_CLIPS = len(CLIP_EMOTIONS)
FILE_NAME = re.compile(r"(?:sub(?:ject)?[ _-]?)?0*(\d+)\.mat", re.IGNORECASE)

_PLACES = {
    "raw": ("eegpreprocessed", "preprocessedeeg"),
    "features": ("eegfeatures", "eegfeature"),
    "labels": ("continuouslabels", "continuouslabel"),
}


def find_folders(root: Path) -> dict[str, Path]:
    """Find the folders ``raw``, ``features`` and ``labels`` by their names."""
    found: dict[str, Path] = {}
    # The root may be one of the folders itself: the others lie beside it.
    start = (
        root.parent if _place(root.resolve()) and root.resolve() != root.resolve().parent else root
    )
    for folder, files in walk(start, 1 if start != root else 4):
        place = _place(folder)
        if place and any(FILE_NAME.fullmatch(path.name) for path in files):
            found.setdefault(place, folder)
    return found


def _place(folder: Path) -> str | None:
    name = plain_name(folder.name)
    return next((place for place, names in _PLACES.items() if name in names), None)


def subject_files(folder: Path, found: Survey) -> dict[int, Path]:
    """List the files of a folder by subject; two of one subject are a problem."""
    files: dict[int, Path] = {}
    for path in next(iter(walk(folder, 0)))[1]:
        match = FILE_NAME.fullmatch(path.name)
        if match and int(match[1]) in files:
            found.add_problem(
                f"{path}: the same subject as {files[int(match[1])].name}; keep one of them"
            )
        elif match:
            files[int(match[1])] = path
    return dict(sorted(files.items()))


def clip_variables(path: Path, kind: str) -> dict[int, tuple[str, tuple[int, ...]]]:
    """Name and shape of each clip's variable, by clip."""
    pattern = re.compile(r"0*(\d+)" if kind == "raw" else rf"{kind}_?0*(\d+)", re.IGNORECASE)
    found: dict[int, tuple[str, tuple[int, ...]]] = {}
    for name, shape in list_variables(path).items():
        match = pattern.fullmatch(name)
        if not match:
            continue
        if int(match[1]) in found:
            raise DataError(
                f"{path}: {name} and {found[int(match[1])][0]} are the same clip; restore the file"
            )
        found[int(match[1])] = name, shape
    if not found:
        named = "1 to 80" if kind == "raw" else f"{kind}_<clip>"
        raise DataError(f"{path}: no variables {named}; restore the file from the release")
    return dict(sorted(found.items()))


def clip_key(subject: int, clip: int) -> TrialKey:
    """Return the trial in which a subject saw a clip."""
    session, place = divmod(clip - 1, CLIPS_A_SESSION)
    return TrialKey(NAME, subject, session + 1, place + 1, stimulus_name(clip))
