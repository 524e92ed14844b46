"""What decides a result: code, library versions, trials and split, each as one hash."""

import ast
import hashlib
import inspect
import platform
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.entries import resolve_entry
from eeg_emotion_env.splits import Split
from eeg_emotion_env.trial import Trial

ROOT = Path(__file__).parents[2]

SOURCES = (
    *("encoders", "eeg_emotion_env", "agents"),
    *("benchmarks/entries", "benchmarks/runner/job.py"),
)
"""Code that decides results: a change in it makes earlier jobs run again."""

OURS = {"encoders", "eeg_emotion_env", "agents", "benchmarks"}
"""Our packages: their version does not matter, and `SOURCES` says which of their code does."""

LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "gymnasium", "stable-baselines3", "torch"),
    "vector-quantize-pytorch",
)
"""Libraries that decide results, in the same way."""

NOT_DECISIVE = ("features", "labels", "truth", "origin")
"""Fields of a trial whose text is not hashed: arrays are by content, and paths decide nothing."""


@cache
def code_fingerprint(entry: str) -> str:
    """Hash all code that decides the results of an entry.

    Parameters
    ----------
    entry : str
        Name or import path.

    Returns
    -------
    str
        SHA-256 of the sources in `SOURCES`, of the files of the entry's classes and of what they
        import of the package or folder they lie in, and of the versions of Python, of
        `LIBRARIES` and of other libraries that these files import.
    """
    files = _files_of(entry)
    digest = hashlib.sha256(repr((platform.python_version(), _versions(files))).encode())
    for path in files:
        digest.update(path.read_bytes())
    for source in SOURCES:
        place = ROOT / source
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def data_fingerprint(trials: Sequence[Trial], split: Split) -> str:
    """Hash what is learned from and predicted.

    Parameters
    ----------
    trials : sequence of Trial
        All trials, in the order of the split.
    split : Split
        Folds.

    Returns
    -------
    str
        SHA-256 of the trials' features, labels and identities and of the split; where the files
        lie does not matter.
    """
    digest = hashlib.sha256(split.fingerprint.encode())
    for trial in trials:
        meaning = [value for name, value in vars(trial).items() if name not in NOT_DECISIVE]
        digest.update(repr(meaning).encode())
        for array in (trial.features, trial.labels):
            digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _files_of(entry: str) -> list[Path]:
    """Files of the entry's classes and, for one from elsewhere, of its own package they import."""
    classes = resolve_entry(entry).__mro__[:-1]
    sources = [Path(file) for kind in classes if (file := inspect.getsourcefile(kind))]
    waiting = [path for path in sources if not _is_installed(path)]
    found: list[Path] = []
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found.append(path)
            if not _is_ours(path):
                waiting += [file for file in _imported_files(path) if not _is_ours(file)]
    return found


def _is_ours(path: Path) -> bool:
    return any(path.is_relative_to(ROOT / package) for package in OURS)


def _is_installed(path: Path) -> bool:
    """Say whether a file belongs to Python or to an installed library: versions stand for those."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    return not _is_ours(path) and any(path.is_relative_to(folder) for folder in folders)


def _imported_files(path: Path) -> Iterator[Path]:
    """Files that a module imports from its own folder, or from the package that it belongs to."""
    folders = [path.parent]
    while (folders[-1] / "__init__.py").is_file():
        folders.append(folders[-1].parent)
    for name in _imports(path):
        for folder in folders:
            place = folder.joinpath(*name.split("."))
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if file.is_file():
                    yield file


def _imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports; some may be of a module's content."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = [node.module] if node.module else []
            yield from module
            yield from (".".join([*module, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            yield from (
                name.value
                for name in node.args
                if isinstance(name, ast.Constant) and isinstance(name.value, str)
            )


def _versions(files: Sequence[Path]) -> dict[str, str]:
    """Versions of the libraries that count for every job, and of those that files import."""
    modules = {name.split(".")[0] for path in files for name in _imports(path)}
    return {name: _version(name) for name in sorted({*LIBRARIES, *modules} - OURS)}


def _version(name: str) -> str:
    """Version of a library; empty for what is none of that name, such as a standard module."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
