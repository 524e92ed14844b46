"""Files against what they say of their own length, and gaps within recordings.

MNE reads what is there: a file that was cut short would be a shorter recording, and parts of a
recording that was interrupted would follow each other.
"""

import gzip
import re
import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from eeg_emotion_env.errors import DataError

_TAG = struct.Struct(">4i")
"""Header of a FIF tag: kind, type, size, place of the next one (0: it follows)."""

_LAST_TAG = -1
_PIECE = 2**20

_SAMPLE_BYTES = {"short": 2, "int": 4, "single": 4}
_DATA_POINTS = re.compile(r"^\s*DataPoints\s*=\s*(\d+)", re.MULTILINE | re.IGNORECASE)
_MARKER = re.compile(r"^\s*Mk\d+\s*=[^,\n]*,[^,\n]*,\s*(\d+)", re.MULTILINE)
_GAP = re.compile(r"(new segment|(.*\s)?boundary)\b", re.IGNORECASE)
_AGAIN = "copy the file again"


def check_tags(path: Path) -> None:
    """Raise an error if the tags of a FIF file lead back, which MNE would follow, or end early."""
    place, size_of_file = 0, path.stat().st_size
    with path.open("rb") as stream:
        while head := stream.read(_TAG.size):
            size, following = _TAG.unpack(head)[2:] if len(head) == _TAG.size else (-1, 0)
            after = following if following > 0 else place + _TAG.size + size
            if size < 0 or after <= place or following < _LAST_TAG:
                raise DataError(f"{path}: not a FIF file, or damaged; {_AGAIN}")
            if place + _TAG.size + size > size_of_file:
                raise DataError(f"{path}: is cut short: it ends within its data; {_AGAIN}")
            if following == _LAST_TAG:
                return
            place = stream.seek(after)
    raise DataError(f"{path}: is cut short: its last tag is missing; {_AGAIN}")


def check_sum(path: Path) -> None:
    """Read a compressed file to its end, where its checksum is: MNE does not get there."""
    with gzip.open(path) as stream:
        while stream.read(_PIECE):
            pass


def check_length(path: Path, raw: Any) -> None:
    """Compare the files of an opened recording with the length that their headers give.

    Parameters
    ----------
    path : Path
        The recording.
    raw : mne.io.BaseRaw
        The same, opened.

    Raises
    ------
    DataError
        If data are missing or left over.
    """
    kind = type(raw).__name__
    if kind == "RawBrainVision":
        _check_brainvision(path, raw)
    elif kind == "RawEEGLAB":
        _check_eeglab(raw)
    elif kind == "RawGDF":
        extras = raw._raw_extras[0]
        at_least = extras["data_offset"] + max(extras["n_records"], 1) * extras["bytes_tot"]
        _compare(path, int(at_least), more_is_wrong=False)


def gaps(raw: Any) -> list[float]:
    """Return when an opened recording was interrupted, seconds from its start."""
    start = raw.first_time
    return [
        float(onset - start)
        for onset, text in zip(raw.annotations.onset, raw.annotations.description, strict=True)
        if _GAP.match(str(text)) and onset - start > 1 / raw.info["sfreq"]
    ]


def _check_brainvision(path: Path, raw: Any) -> None:
    text = path.read_bytes().decode("latin-1")
    points = _DATA_POINTS.search(text)
    data, width = Path(raw.filenames[0]), _SAMPLE_BYTES.get(raw.orig_format)
    if width and "ASCII" not in text.upper().split("[BINARY INFOS]")[0]:
        frame = width * len(raw.ch_names)
        if points:
            _compare(data, frame * int(points[1]))
        elif data.stat().st_size % frame:
            raise DataError(f"{data}: is cut short: it ends within a sample; {_AGAIN}")
    late = max(_positions(path), default=0)
    if late > raw.n_times:
        raise DataError(
            f"{data}: is cut short: its markers go on to sample {late}, its data end at "
            f"{raw.n_times}; {_AGAIN}"
        )


def _positions(path: Path) -> Iterator[int]:
    """Yield the samples of the markers beside a BrainVision header."""
    for marker in (path.with_suffix(".vmrk"), path.with_suffix(".VMRK")):
        if marker.is_file():
            text = marker.read_bytes().decode("latin-1")
            yield from (int(position) for position in _MARKER.findall(text))
            return


def _check_eeglab(raw: Any) -> None:
    data = Path(raw.filenames[0]) if raw.filenames[0] else None
    if data is not None and data.suffix.lower() == ".fdt":
        _compare(data, 4 * prod((len(raw.ch_names), raw.n_times)))


def _compare(path: Path, wanted: int, more_is_wrong: bool = True) -> None:
    size = path.stat().st_size
    if size < wanted:
        raise DataError(f"{path}: is cut short: {size} of {wanted} bytes; {_AGAIN}")
    if more_is_wrong and size > wanted:
        raise DataError(
            f"{path}: is longer than its header says: {size} instead of {wanted} bytes, so samples "
            f"may be shifted; {_AGAIN} (as binary)"
        )
