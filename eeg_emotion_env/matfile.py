"""Reading MAT files (v5) with errors that name the file; compressed variables are verified.

The files are taken apart here rather than by scipy: it need not reach the checksum of a compressed
variable, and would return wrong numbers from a damaged file; a type that it does not know crashes
the interpreter; and it unpacks a good part of each variable to tell its name. Variables may hold
real numbers, or cells of them, which is all that recordings need. Arrays are views of the unpacked
bytes where their values are stored in the type of their class.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError

# A MAT file (v5) is a header, then elements: a tag (type and length) and their bytes each. The type
# is that of an array, or that of packed bytes which hold the tag and the bytes of an array. The
# bytes of an array are elements again: flags, dimensions, name, and its values or a cell's arrays.
_HEADER_LENGTH, _TAG_LENGTH = 128, 8
_ARRAY, _COMPRESSED = 14, 15
_VERSION = b"\x00\x01"

_HEAD_LENGTH = 512
"""Bytes that are enough for flags, dimensions and name of an array."""

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
_TYPES |= {12: "i8", 13: "u8"}
"""Types of stored values by NumPy's names."""

_FLAGS, _DIMENSIONS, _NAME = (6,), (5, 6), (1, 2, 16)
"""Types of an array's first elements; the first is MATLAB's, the others are other writers'."""

_CELL, _OPAQUE = 1, 17
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"}
_CLASSES |= {14: "i8", 15: "u8"}
"""Classes of arrays of numbers by NumPy's names."""

_OTHERS = {2: "struct", 3: "object", 4: "char", 5: "sparse", 16: "function", _OPAQUE: "opaque"}
"""Classes of arrays that are not read."""

_COMPLEX_FLAG = 0x08

_LARGEST_RATIO = 1032
"""Bytes that zlib can make of one."""


@dataclass(frozen=True)
class _Head:
    """What the start of an array says: name, shape, class, flags, and where its values begin."""

    name: str
    shape: tuple[int, ...]
    kind: int
    flags: int
    values: int


@dataclass(frozen=True)
class _Element:
    """Where a variable lies in a file, whether it is compressed, its byte order, and its head."""

    offset: int
    length: int
    is_compressed: bool
    order: str
    head: _Head


def list_variables(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables of a MAT file, without reading their values.

    Raises
    ------
    DataError
        If the file is absent, empty, truncated, or no MAT file of version 5.
    """
    with _readable(path):
        elements = _elements(path, _state(path))
    return {name: element.head.shape for name, element in elements.items()}


def load_variable(path: Path, name: str) -> Any:
    """Read one variable of a MAT file; the others are skipped, so memory stays bounded.

    Raises
    ------
    DataError
        If the file cannot be read or has no such variable.
    """
    return load_variables(path, [name])[name]


def load_variables(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Read some variables of a MAT file.

    Raises
    ------
    DataError
        If the file cannot be read or lacks one of them.
    """
    with _readable(path):
        elements = _elements(path, _state(path))
        content = {}
        with path.open("rb") as stream:
            for name in names:
                if name not in elements:
                    raise DataError(
                        f"{path}: has no variable {name!r}; restore the file from the release"
                    )
                try:
                    content[name] = _load(stream, elements[name])
                except _NotNumbers as error:
                    raise DataError(
                        f"{path}: {name} holds {error}, expected real numbers or a cell of them; "
                        "restore the file from the release"
                    ) from error
    return content


class _NotNumbers(Exception):
    """Raised where an array is neither of real numbers nor a cell; says what it is of."""


def _require_numbers(head: _Head) -> None:
    if head.kind in _OTHERS:
        raise _NotNumbers(f"an array of class {_OTHERS[head.kind]}")
    if head.kind != _CELL and head.kind not in _CLASSES:
        raise ValueError(f"an array of unknown class {head.kind}")
    if head.flags & _COMPLEX_FLAG:
        raise _NotNumbers("complex numbers")


def _load(stream: IO[bytes], element: _Element) -> NDArray[Any]:
    """Read one variable."""
    _require_numbers(element.head)
    name = element.head.name
    stream.seek(element.offset)
    data = stream.read(element.length)
    if len(data) < element.length:
        raise ValueError(f"{name} is cut off")
    if element.is_compressed:
        # What follows the end of the packed data does not count: some writers pad.
        unpacked = 8 * prod(element.head.shape) + _HEAD_LENGTH
        size = min(unpacked, _LARGEST_RATIO * len(data))
        data = zlib.decompress(memoryview(data)[_TAG_LENGTH:], bufsize=size)
    return _array(memoryview(data), element.order)


def _array(data: memoryview, order: str) -> NDArray[Any]:
    """Read an array from its tag and bytes."""
    length = struct.unpack_from(f"{order}I", data, 4)[0]
    if length > len(data) - _TAG_LENGTH:
        raise ValueError("an array is cut off")
    data = data[: _TAG_LENGTH + length]
    head = _head(data, order)
    _require_numbers(head)
    if head.kind == _CELL:
        return _cells(data, head, order)
    return _numbers(data, head, order)


def _numbers(data: memoryview, head: _Head, order: str) -> NDArray[Any]:
    """Read the values of an array of numbers; they may be stored in a narrower type."""
    wanted = np.dtype(order + _CLASSES[head.kind])
    kind, values, end = _part(data, head.values, order)
    if kind not in _TYPES:
        raise ValueError(f"values of unknown type {kind}")
    stored = np.dtype(order + _TYPES[kind])
    narrower = stored.itemsize < wanted.itemsize and np.can_cast(stored, wanted)
    fits = len(values) == stored.itemsize * prod(head.shape) and end >= len(data)
    if not fits or not (stored == wanted or narrower):
        raise ValueError(f"{len(values)} bytes of {stored.name} for {head.shape} {wanted.name}")
    return np.frombuffer(values, stored).reshape(head.shape, order="F").astype(wanted, copy=False)


def _cells(data: memoryview, head: _Head, order: str) -> NDArray[np.object_]:
    """Read the arrays of a cell."""
    found: list[NDArray[Any]] = []
    place = head.values
    while len(found) < prod(head.shape):
        kind, length = struct.unpack_from(f"{order}II", data, place)
        if kind != _ARRAY:
            raise ValueError(f"an element of unknown type {kind} in a cell")
        # MATLAB leaves out what an empty array would say.
        found.append(_array(data[place:], order) if length else np.empty((0, 0)))
        place += _TAG_LENGTH + length
    if place != len(data):
        raise ValueError(f"more than the {head.shape} arrays of a cell")
    cells = np.empty(len(found), dtype=object)
    for i, array in enumerate(found):
        cells[i] = array
    return cells.reshape(head.shape, order="F")


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


@lru_cache(maxsize=256)
def _elements(path: Path, state: tuple[int, ...]) -> dict[str, _Element]:
    """Find the variables of a file; a change of its state makes it look again."""
    size = state[0]
    with path.open("rb") as stream:
        order = _byte_order(stream.read(_HEADER_LENGTH))
        found: dict[str, _Element] = {}
        for element in _walk(stream, size, order):
            name = element.head.name
            if name in found:
                raise ValueError(f"holds {name} twice")
            # Functions and the like are stored under an empty name.
            if name:
                found[name] = element
    return found


def _byte_order(header: bytes) -> str:
    if not header:
        raise ValueError("the file is empty")
    if header.startswith(b"MATLAB 7.3"):
        raise NotImplementedError
    marks = {b"IM": "<", b"MI": ">"}
    order = marks.get(header[126:128])
    version = header[124:126] if order == "<" else header[124:126][::-1]
    if order is None or version != _VERSION:
        raise ValueError("it has no header of version 5")
    return order


def _walk(stream: IO[bytes], size: int, order: str) -> Iterator[_Element]:
    """Go from tag to tag, and look at the start of each array."""
    offset = _HEADER_LENGTH
    while tag := stream.read(_TAG_LENGTH):
        if len(tag) < _TAG_LENGTH:
            raise ValueError("the file is cut off")
        kind, length = struct.unpack(f"{order}II", tag)
        end = offset + _TAG_LENGTH + length
        if end > size:
            raise ValueError("the file is cut off")
        if kind not in (_ARRAY, _COMPRESSED):
            raise ValueError(f"an element of unknown type {kind}")
        start = stream.read(min(length, _HEAD_LENGTH))
        if kind == _COMPRESSED:
            start = zlib.decompressobj().decompress(start, _HEAD_LENGTH)
        else:
            start = tag + start
        yield _Element(offset, end - offset, kind == _COMPRESSED, order, _head(start, order))
        offset = end
        stream.seek(offset)


def _head(start: bytes | memoryview, order: str) -> _Head:
    """Read tag, flags, dimensions and name of an array."""
    kind = struct.unpack_from(f"{order}I", start)[0]
    if kind != _ARRAY:
        raise ValueError(f"an element of unknown type {kind}")
    content, place = _known_part(start, _TAG_LENGTH, order, _FLAGS)
    flags = struct.unpack(f"{order}II", content)[0]
    kind, shape = flags & 0xFF, (0, 0)
    if kind != _OPAQUE:
        # Objects of newer classes, such as strings and tables, have no dimensions.
        content, place = _known_part(start, place, order, _DIMENSIONS)
        shape = struct.unpack(f"{order}{len(content) // 4}i", content)
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError("an array of impossible shape")
    name, place = _known_part(start, place, order, _NAME)
    return _Head(bytes(name).decode("latin-1"), shape, kind, (flags >> 8) & 0xFF, place)


def _known_part(
    data: bytes | memoryview, place: int, order: str, types: tuple[int, ...]
) -> tuple[memoryview, int]:
    """Return bytes of the element at a place, which must be of a type, and the next place."""
    kind, content, following = _part(data, place, order)
    if kind not in types:
        raise ValueError(f"an element of type {kind} at the head of an array")
    return content, following


def _part(data: bytes | memoryview, place: int, order: str) -> tuple[int, memoryview, int]:
    """Return type and bytes of the element at a place, and the place of the next one."""
    kind, length = struct.unpack_from(f"{order}II", data, place)
    begin = place + _TAG_LENGTH
    following = begin + _padded(length)
    if kind >> 16:
        # Up to four bytes lie in the tag itself, whose upper half tells how many.
        kind, length = kind & 0xFFFF, kind >> 16
        begin, following = place + 4, place + _TAG_LENGTH
    if begin + length > min(following, len(data)):
        raise ValueError("an element reaches beyond its array")
    return kind, memoryview(data)[begin : begin + length], following


def _padded(length: int) -> int:
    return -(-length // 8) * 8


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever a broken file raises into `DataError`."""
    try:
        yield
    except DataError:
        raise
    except NotImplementedError as error:
        raise DataError(f"{path}: MATLAB 7.3 (HDF5) file; save it again with -v7") from error
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror or error}; copy it again from the release"
        ) from error
    except Exception as error:  # a damaged file raises anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: damaged or not a MAT file ({reason}); copy it again from the release"
        ) from error
