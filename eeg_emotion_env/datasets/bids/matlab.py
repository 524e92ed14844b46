"""EEGLAB's MAT files (v5) looked through before scipy reads them: a damaged type crashes it."""

import struct
import zlib
from pathlib import Path

from eeg_emotion_env.errors import DataError

_HEADER, _TAG = 128, 8
_ARRAY, _COMPRESSED = 14, 15
_TYPES = {*range(1, 8), 9, 12, 13, 14, 16, 17, 18}
_FLAGS, _CLASSES = 6, range(1, 19)
_ORDERS = {b"IM": "<", b"MI": ">"}
_DEEPEST = 100
"""Arrays within arrays, at most."""


def check_matlab(path: Path) -> None:
    """Raise an error if a MAT file of version 5 has elements of unknown types or beyond its end."""
    with path.open("rb") as stream:
        order = _ORDERS.get(stream.read(_HEADER)[126:128])
        if order is None:
            # Another version, or no MAT file at all: its reader says so.
            return
        try:
            while tag := stream.read(_TAG):
                kind, length = struct.unpack(f"{order}II", tag)
                content = stream.read(length)
                if len(content) < length:
                    raise ValueError("it is cut short")
                if kind == _COMPRESSED:
                    _check_elements(memoryview(zlib.decompress(content)), order)
                elif kind == _ARRAY:
                    _check_elements(memoryview(content), order, 1)
                else:
                    raise ValueError(f"an element of unknown type {kind}")
        except (ValueError, struct.error, zlib.error) as error:
            raise DataError(f"{path}: cannot be read ({error}); copy the file again") from error


def _check_elements(data: memoryview, order: str, depth: int = 0) -> None:
    """Raise `ValueError` if a chain of elements is broken, at any depth."""
    if depth > _DEEPEST:
        raise ValueError("arrays within too many arrays")
    place = 0
    while place < len(data):
        kind, length = struct.unpack_from(f"{order}II", data, place)
        start, following = place + _TAG, place + _TAG + -(-length // 8) * 8
        if kind >> 16:
            # Up to four bytes lie in the tag itself, whose upper half tells how many.
            kind, length = kind & 0xFFFF, kind >> 16
            start, following = place + 4, place + _TAG
        if kind not in _TYPES or start + length > min(following, len(data)):
            raise ValueError(f"an element of type {kind} and {length} bytes in an array")
        if kind == _ARRAY and length:
            _check_class(data[start:], order)
            _check_elements(data[start : start + length], order, depth + 1)
        place = following


def _check_class(data: memoryview, order: str) -> None:
    kind, length, flags = struct.unpack_from(f"{order}III", data)
    if kind != _FLAGS or length != _TAG or flags & 0xFF not in _CLASSES:
        raise ValueError(f"an array of unknown class {flags & 0xFF}")
