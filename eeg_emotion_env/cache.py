"""Cache of features on disk: read and computed once, memory-mapped ever after.

An entry is a folder named by a hash of the recording's content, of all that decides its features
and of the code that computes them. It is built aside and renamed into place, so it is whole or
absent; nothing is locked, so nothing can stay locked. Each entry is verified against its checksum
when it is opened, and built anew if it fails.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.trial import FloatArray

CACHE_VARIABLE = "EEG_EMOTION_CACHE"
"""Environment variable: the folder of the cache, or ``off``."""

FORMAT = 1
SOURCES = ("cache.py", "features.py", "matfile.py", "normalization.py", "datasets")
"""Code that decides features: a change in it makes entries invalid."""

LIBRARIES = ("mne", "numpy", "scipy")
"""Libraries that decide features, in the same way."""

SETTLED_S = 2.0
"""A file changed less than this before it was hashed may change again without a trace."""

STALE_S = 24 * 3600.0
"""Unfinished parts older than this are left over from killed processes."""

UNUSED_S = 7 * 24 * 3600.0
"""Entries of other code that were not used for so long are removed."""

BUILDING, FINGERPRINTS = ".building-", "fingerprints"
"""Names of what lies in the folder beside entries."""

CHUNK = 1 << 20

SMALL = 1 << 20
"""Entries below this, bytes, are read instead of mapped: a mapping keeps a file open."""


@dataclass(frozen=True)
class CacheEntry:
    """What `FeatureCache.entries` tells of an entry.

    Attributes
    ----------
    key : str
        Name of its folder.
    origin : str
        Recording that it was made from.
    size : int
        Bytes on disk.
    used : float
        When it was last opened, seconds since the epoch.
    is_current : bool
        Whether the code as it is would make the same features.
    """

    key: str
    origin: str
    size: int
    used: float
    is_current: bool


@dataclass(frozen=True)
class CachedFeatures:
    """Features of a recording, and what was seen in them before they were normalised.

    Attributes
    ----------
    features : list of ndarray, each (n_steps, n_channels, n_bands), float32
        One array a trial; from the cache they are read-only, and large ones memory-mapped.
    flat : list of tuple of str
        Channels that never change, of each trial.
    """

    features: list[FloatArray]
    flat: list[tuple[str, ...]]


class FeatureCache:
    """A folder of features, one entry for each recording and normalisation.

    Parameters
    ----------
    folder : Path
        Made when the first entry is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_writable = True

    def load(self, key: str) -> CachedFeatures | None:
        """Open an entry.

        Parameters
        ----------
        key : str
            From `entry_key`.

        Returns
        -------
        CachedFeatures or None
            None if there is no sound entry.
        """
        folder = self.folder / key
        try:
            with (folder / "features.npy").open("rb") as stream:
                facts = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
                if _checksum(stream) != facts["checksum"]:
                    raise ValueError("the checksum is wrong")
                # The file that was verified is the one that is mapped, whatever happens to its
                # name meanwhile.
                rows = _opened(stream)
                ends = np.cumsum(facts["lengths"])
                flat = [tuple(map(str, names)) for names in facts["flat"]]
                if not len(ends) or ends[-1] != len(rows) or len(flat) != len(ends):
                    raise ValueError("the lengths are wrong")
        except FileNotFoundError:
            if folder.exists():
                self._discard(folder)
            return None
        except (ValueError, KeyError, TypeError, EOFError):
            self._discard(folder)
            return None
        except OSError:
            # Too many open files, say: nothing is wrong with the entry.
            return None
        _touch(folder)
        return CachedFeatures(np.split(rows, ends[:-1]), flat)

    def save(self, key: str, content: CachedFeatures, origin: str) -> None:
        """Write an entry; if another process has written it meanwhile, theirs stays.

        Parameters
        ----------
        key : str
            From `entry_key`.
        content : CachedFeatures
            Features of a recording.
        origin : str
            Recording that they were made from, for `entries`.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        build = Path(tempfile.mkdtemp(prefix=BUILDING, dir=self.folder))
        try:
            rows = np.concatenate(content.features)
            np.save(build / "features.npy", rows, allow_pickle=False)
            with (build / "features.npy").open("rb") as stream:
                checksum = _checksum(stream)
            facts = {
                "origin": origin,
                "code": code_fingerprint(),
                "lengths": [len(array) for array in content.features],
                "flat": content.flat,
                "checksum": checksum,
            }
            (build / "entry.json").write_text(json.dumps(facts), encoding="utf-8")
            build.chmod(0o777 & ~umask())
            build.rename(self.folder / key)
        except OSError:
            # Renaming onto a folder that is not empty fails: someone was faster.
            if not (self.folder / key).is_dir():
                raise
        finally:
            shutil.rmtree(build, ignore_errors=True)

    def entries(self) -> list[CacheEntry]:
        """List the entries, the most recently used first."""
        found = []
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                facts = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
                size = sum(path.stat().st_size for path in folder.iterdir())
                entry = CacheEntry(
                    folder.name,
                    str(facts["origin"]),
                    size,
                    folder.stat().st_mtime,
                    facts["code"] == code_fingerprint(),
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
            found.append(entry)
        return sorted(found, key=lambda entry: -entry.used)

    def clear(self) -> int:
        """Remove all entries, and nothing else that may lie in the folder.

        Returns
        -------
        int
            Number of entries removed.

        Raises
        ------
        OSError
            If something cannot be removed.
        """
        entries = self.entries()
        for entry in entries:
            shutil.rmtree(self.folder / entry.key)
        for leftover in (*self.folder.glob(f"{BUILDING}*"), self.folder / FINGERPRINTS):
            if leftover.is_dir():
                shutil.rmtree(leftover)
        if self.folder.is_dir() and not self.folder.is_symlink() and not any(self.folder.iterdir()):
            self.folder.rmdir()
        return len(entries)

    def tidy(self) -> None:
        """Remove what killed processes left unfinished, and what other code left unused."""
        now = time.time()
        for folder in self.folder.glob(f"{BUILDING}*"):
            with suppress(OSError):
                if now - folder.stat().st_mtime > STALE_S:
                    shutil.rmtree(folder, ignore_errors=True)
        for entry in self.entries():
            if not entry.is_current and now - entry.used > UNUSED_S:
                shutil.rmtree(self.folder / entry.key, ignore_errors=True)

    def fingerprint(self, path: Path) -> str:
        """SHA-256 of a file's content, remembered as long as its size, times and place stay.

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        try:
            stat = path.stat()
            state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
            name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
            memo = self.folder / FINGERPRINTS / f"{name}.json"
            known = _read_json(memo)
            if isinstance(known, dict) and known.get("state") == state:
                return str(known["sha256"])
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror or error}; check the file") from error
        if time.time() - max(stat.st_mtime, stat.st_ctime) > SETTLED_S:
            _remember(memo, {"state": state, "sha256": digest})
        return digest

    def _discard(self, folder: Path) -> None:
        """Take a broken entry away; others may be doing the same."""
        with (
            suppress(OSError),
            tempfile.TemporaryDirectory(prefix=BUILDING, dir=self.folder) as aside,
        ):
            folder.rename(Path(aside) / "broken")


def entry_key(fingerprints: Sequence[str], configuration: dict[str, Any]) -> str:
    """Return the name of the entry for these contents, configuration and code."""
    content = [FORMAT, code_fingerprint(), list(fingerprints), configuration]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def default_cache() -> FeatureCache | None:
    """Return the user's cache: ``EEG_EMOTION_CACHE``, else the system's folder for caches.

    Returns
    -------
    FeatureCache or None
        None if the variable says ``off``.
    """
    chosen = os.environ.get(CACHE_VARIABLE, "")
    if chosen.lower() == "off":
        return None
    if chosen:
        return FeatureCache(home_expanded(chosen))
    from platformdirs import user_cache_path

    return FeatureCache(user_cache_path("eeg-emotion-env") / "features")


@cache
def code_fingerprint() -> str:
    """SHA-256 of the code in `SOURCES` and of the versions of `LIBRARIES`."""
    root = Path(__file__).parent
    digest = hashlib.sha256(repr([(name, version(name)) for name in LIBRARIES]).encode())
    for source in SOURCES:
        path = root / source
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return digest.hexdigest()


def warn_unwritable(folder: Path, error: OSError) -> None:
    """Say that features are not kept, and how to mend it."""
    warnings.warn(
        f"{folder}: the feature cache cannot be written ({error.strerror or error}); features are "
        f"computed again each time. Set {CACHE_VARIABLE} to a writable folder, or to off",
        DataWarning,
        stacklevel=3,
    )


def _checksum(stream: BinaryIO) -> int:
    """CRC of the whole file; leaves the stream at its start."""
    stream.seek(0)
    value = 0
    while chunk := stream.read(CHUNK):
        value = zlib.crc32(chunk, value)
    stream.seek(0)
    return value


def _opened(stream: BinaryIO) -> FloatArray:
    """Memory-map an open .npy file, read-only; a small one is read."""
    major, _ = np.lib.format.read_magic(stream)
    if major != 1:
        raise ValueError("an .npy file of another version")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if fortran or dtype != np.float32 or len(shape) != 3 or 0 in shape:
        raise ValueError("not an array of features")
    if 4 * prod(shape) < SMALL:
        return np.frombuffer(stream.read(), dtype).reshape(shape)
    return np.memmap(stream, dtype, mode="r", offset=stream.tell(), shape=shape)


def umask() -> int:
    """Return the process's mask of permissions (temporary files and folders are private)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _touch(folder: Path) -> None:
    """Note that an entry was used; a cache that is read-only does without."""
    try:
        os.utime(folder)
    except OSError:
        return


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _remember(path: Path, content: dict[str, Any]) -> None:
    """Write a small file atomically; a cache that cannot be written does without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
        ) as file:
            json.dump(content, file)
        os.chmod(file.name, 0o666 & ~umask())
        os.replace(file.name, path)
    except OSError:
        return
