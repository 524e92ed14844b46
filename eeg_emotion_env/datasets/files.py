"""Looking for files in whatever tree a user has: nested, renamed, linked, in any case."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from eeg_emotion_env.errors import DataError

LEVELS = 4
"""Folders between the root and the files, at most."""

IGNORED = re.compile(r"[.~]|__macosx$|lost\+found$", re.IGNORECASE)
"""Names of folders and files that operating systems leave behind."""

MANIFEST = "simulation.json"
"""File at the root of a simulated tree."""

SIMULATED_MARK = b"SIMULATED"
"""Word at the start of each file of a simulation: it stays where the file is copied alone."""


def walk(root: Path, levels: int = LEVELS) -> Iterator[tuple[Path, list[Path]]]:
    """Visit a folder and the folders below it, links included, each real folder once.

    Parameters
    ----------
    root : Path
        Where to start.
    levels : int
        How many levels below `root` are visited.

    Yields
    ------
    folder : Path
        A folder, in sorted order, parents first.
    files : list of Path
        Its files in sorted order, without hidden ones.

    Raises
    ------
    DataError
        If `root` is no folder, or a folder may not be read.
    """
    yield from _walk(require_folder(root), levels, set())


def _walk(folder: Path, levels: int, seen: set[str]) -> Iterator[tuple[Path, list[Path]]]:
    # A link back to a folder above it would go on for ever.
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    entries = _listed(folder)
    yield folder, [path for path in entries if not path.is_dir()]
    if levels > 0:
        for path in entries:
            if path.is_dir():
                yield from _walk(path, levels - 1, seen)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not IGNORED.match(path.name))
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror or error}; make the folder readable or move it away"
        ) from error


def find_files(root: Path, matches: Callable[[str], object], levels: int = LEVELS) -> list[Path]:
    """List the files below `root` whose names match, in the order of `walk`."""
    return [path for _, files in walk(root, levels) for path in files if matches(path.name)]


def beside(name: str, *places: Path) -> Path | None:
    """Find a file of that name, in upper or lower case, in the first of the places that has it."""
    for place in dict.fromkeys(places):
        for path in _listed(place) if place.is_dir() else ():
            if path.name.lower() == name.lower() and path.is_file():
                return path
    return None


def require_folder(root: Path) -> Path:
    """Return `root` if it is a folder, else raise `DataError`."""
    try:
        if root.is_dir():
            return root
    except OSError as error:
        raise DataError(
            f"{root}: {error.strerror or error}; make the folders above it readable"
        ) from error
    if root.is_symlink():
        raise DataError(f"{root}: a link that leads nowhere; mend it or give the folder itself")
    what = (
        "is a file; give the folder that holds the data set" if root.exists() else "no such folder"
    )
    raise DataError(f"{root}: {what}")


def require_readable(path: Path) -> Path:
    """Return `path` if it is a file that can be opened, else raise `DataError`."""
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        if path.is_symlink() and not path.exists():
            raise DataError(
                f"{path}: a link that leads nowhere; mend it or copy the file"
            ) from error
        raise DataError(
            f"{path}: {error.strerror or error}; make the file readable or copy it again"
        ) from error


def plain_name(name: str) -> str:
    """Return a name in lower case without spaces, hyphens, underscores and dots."""
    return re.sub(r"[\W_]+", "", name.lower())


def number_in(name: str) -> int | None:
    """Return the last whole number in a name, or None."""
    numbers = re.findall(r"\d+", name)
    return int(numbers[-1]) if numbers else None


def read_manifest(*places: Path) -> dict[str, Any] | None:
    """Read the manifest of a simulated tree from the first of the places that has one.

    Returns
    -------
    dict or None
        Its content with ``path`` added; None for recorded data.

    Raises
    ------
    DataError
        If it is damaged.
    """
    path = beside(MANIFEST, *places)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); simulate the set again") from error
    if not isinstance(content, dict) or not {"files", "config", "layout"} <= set(content):
        raise DataError(f"{path}: lists no files, layout and config; simulate the set again")
    return {**content, "path": path}


def is_marked_simulated(path: Path) -> bool:
    """Say whether the start of a file says that it is simulated."""
    with path.open("rb") as stream:
        return SIMULATED_MARK in stream.read(256)
