"""Where live samples come from: recordings that are replayed. See `lsl` for streams."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.live.records import Chunk, StreamInfo
from eeg_emotion_env.datasets import DATASETS, get_dataset
from eeg_emotion_env.datasets.options import make_options
from eeg_emotion_env.datasets.recording import Recording
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.trial import TrialKey

CHUNK_S = 0.05
"""Seconds of a chunk that a replay gives at real speed."""

HELD_S = 1.0
"""A replay that is held up for longer (paused) goes on at its speed, without catching up."""

OF_DATASETS = (".mat", ".h5", ".hdf5", ".npz")
"""Endings of files that need a data set to be understood."""

SEARCHED_ABOVE = 2
"""Folders above a file that are looked at for the root of its data set."""


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a recording that is replayed: read when its turn comes.

    Attributes
    ----------
    name : str
        For people, such as the trial's identity.
    read : callable
        Gives samples, shape (n_channels, n_times), microvolts.
    """

    name: str
    read: Any


class FileSource:
    """A recording, replayed as if it were live.

    Parameters
    ----------
    info : StreamInfo
        What the stream is to say about itself.
    parts : sequence of Part
        Trials, in order; the model begins anew with each.
    speed : float
        Factor on real time; ``inf`` goes as fast as it is used.
    """

    def __init__(self, info: StreamInfo, parts: Sequence[Part], speed: float = 1.0) -> None:
        if not speed > 0:
            raise ConfigError(f"speed must be positive (1 is real time), not {speed:g}")
        self._info, self._parts, self._speed = info, parts, speed
        self._open = True

    @property
    def info(self) -> StreamInfo:
        """What the stream says about itself."""
        return self._info

    def chunks(self) -> Iterator[Chunk]:
        """Give chunks at their time."""
        size = max(1, round(CHUNK_S * min(max(self._speed, 1.0), 20.0) * self._info.sfreq))
        begun, clock = time.monotonic(), 0
        for part in self._parts:
            eeg = part.read()
            for start in range(0, eeg.shape[1], size):
                if not self._open:
                    return
                samples = np.asarray(eeg[:, start : start + size].T)
                times = (clock + np.arange(len(samples))) / self._info.sfreq
                clock += len(samples)
                due = begun + clock / self._info.sfreq / self._speed
                time.sleep(max(0.0, due - time.monotonic()))
                received = clock / self._info.sfreq
                given = time.monotonic()
                yield Chunk(samples, times, received, part.name if start == 0 else None)
                held = time.monotonic() - given
                begun += held if held > HELD_S else 0.0

    def close(self) -> None:
        """End the replay."""
        self._open = False


def open_file(
    path: Path,
    speed: float = 1.0,
    dataset: str | None = None,
    options: Mapping[str, Any] | None = None,
    unit: str | None = None,
) -> FileSource:
    """Open a recording of a registered data set, or any file that MNE reads.

    Parameters
    ----------
    path : Path
        A file; or, with raw EEG of one session, the folder of a data set.
    speed : float
        Factor on real time.
    dataset : str or None
        Registry name; None looks at the folders above the file, and takes a file that belongs to
        no data set by itself.
    options : mapping or None
        Options of the data set.
    unit : str or None
        Unit of a file that belongs to no data set: ``"uV"``, ``"mV"`` or ``"V"`` instead of the
        volts that MNE promises.

    Returns
    -------
    FileSource
        Not read yet.

    Raises
    ------
    DataError
        If there is nothing to replay.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file; --source takes lsl, lsl:NAME or a recording")
    if dataset is None and path.is_file() and path.suffix.lower() not in OF_DATASETS:
        return _through_mne(path, speed, unit)
    found = _recordings(path, dataset, options or {})
    if not found:
        known = f"of the data set {dataset}" if dataset else "of a known data set"
        raise DataError(f"{path}: belongs to no recording {known}; name another --dataset")
    return _replayed(found, path, speed)


def _recordings(path: Path, dataset: str | None, options: Mapping[str, Any]) -> list[Recording]:
    """Return the recordings of a registered data set that lie in a file or folder."""
    why = None
    folders = [path] if path.is_dir() else list(path.absolute().parents)[:SEARCHED_ABOVE]
    for root in folders:
        # `bids` takes whatever MNE reads: a file by itself needs no data set around it
        kinds = [get_dataset(dataset)] if dataset else [
            kind for name, kind in DATASETS.items() if name != "bids"
        ]  # fmt: skip
        for kind in kinds:
            if not kind.recognises(root):
                continue
            try:
                found = kind.survey(root, make_options(kind, options)).recordings
            except DataError as error:
                if dataset or path.is_dir():
                    raise
                why = why or error  # of something beside the file, perhaps
                continue
            if path.is_dir():
                return found
            mine = [r for r in found if path.absolute() in map(Path.absolute, r.reader.files)]
            if mine:
                return mine
    if why is not None:
        raise DataError(f"{path}: belongs to no recording of a known data set ({why})")
    return []


def _replayed(recordings: Sequence[Recording], path: Path, speed: float) -> FileSource:
    if len(recordings) > 1:
        names = ", ".join(r.origin for r in recordings[:3])
        raise DataError(
            f"{path}: holds {len(recordings)} recordings ({names}, …); give the file of one session"
        )
    (recording,) = recordings
    first = recording.reader.signal(recording.keys[0])
    info = StreamInfo(recording.origin, first.channels, float(first.sfreq), "uV", {}, live=False)
    return FileSource(info, [_part(recording, key) for key in recording.keys], speed)


def _part(recording: Recording, key: TrialKey) -> Part:
    return Part(str(key), lambda: recording.reader.signal(key).eeg)


def _through_mne(path: Path, speed: float, unit: str | None) -> FileSource:
    from mne.io import read_raw

    try:
        raw = read_raw(path, preload=False, verbose="error")
    except Exception as error:  # whatever a reader raises on a file that is not its own
        raise DataError(f"{path}: MNE cannot read it ({' '.join(str(error).split())})") from error
    kinds = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    names = tuple(name for name, kind in kinds if kind == "eeg")
    if not names:
        raise DataError(f"{path}: holds no channels of type eeg")
    positions: dict[str, tuple[float, float, float]] = {
        ch["ch_name"]: (float(ch["loc"][0]), float(ch["loc"][1]), float(ch["loc"][2]))
        for ch in raw.info["chs"]
        if ch["ch_name"] in names and np.isfinite(ch["loc"][:3]).all() and ch["loc"][:3].any()
    }
    info = StreamInfo(
        str(path), names, float(raw.info["sfreq"]), unit or "V", positions, live=False
    )
    return FileSource(info, [Part(path.name, _Lazy(raw, names))], speed)


class _Lazy:
    """Gives pieces of a file as they are asked for: long recordings need no memory."""

    def __init__(self, raw: Any, names: Sequence[str]) -> None:
        self._raw, self._names = raw, list(names)
        self.shape = (len(names), len(raw.times))

    def __call__(self) -> "_Lazy":
        return self

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[np.float64]:
        _, columns = key
        stop = min(columns.stop, self.shape[1])
        data: NDArray[np.float64] = self._raw.get_data(self._names, columns.start, stop)
        return data
