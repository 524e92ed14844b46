"""Reading MAT files (v5) with errors that name the file; compressed variables are verified.

The files are taken apart into their variables here, because scipy need not reach the checksum of a
compressed variable, and would return wrong numbers from a damaged file; and because it unpacks a
good part of each variable to tell its name. Large arrays of floats are views of the unpacked bytes;
whatever else a variable holds is left to scipy.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError

# A MAT file (v5) is a header, then elements: a tag (type and length) and their bytes each. The type
# is that of an array, or that of packed bytes which hold the tag and the bytes of an array.
_HEADER_LENGTH, _TAG_LENGTH = 128, 8
_ARRAY, _COMPRESSED = 14, 15
_VERSION = b"\x00\x01"

_HEAD_LENGTH = 512
"""Bytes that are enough for flags, dimensions and name of an array."""

_FLOATS = {(6, 9): "f8", (7, 7): "f4"}
"""Class of an array and type of its values (double or single in both) to NumPy's name."""

_COMPLEX_FLAG = 0x08


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
            header = stream.read(_HEADER_LENGTH)
            for name in names:
                if name not in elements:
                    raise DataError(
                        f"{path}: has no variable {name!r}; restore the file from the release"
                    )
                content[name] = _load(stream, header, elements[name])
    return content


def _load(stream: IO[bytes], header: bytes, element: _Element) -> Any:
    """Read one variable."""
    name = element.head.name
    stream.seek(element.offset)
    data = stream.read(element.length)
    if len(data) < element.length:
        raise ValueError(f"{name} is cut off")
    if element.is_compressed:
        # What follows the end of the packed data does not count: some writers pad.
        unpacked = 8 * prod(element.head.shape) + _HEAD_LENGTH
        data = zlib.decompress(memoryview(data)[_TAG_LENGTH:], bufsize=unpacked)
    floats = _floats(data, element)
    if floats is not None:
        return floats
    return _load_by_scipy(header + data)[name]


def _load_by_scipy(content: bytes) -> dict[str, Any]:
    """Read a variable that is a file of its own."""
    import scipy.io
    from scipy.io.matlab import MatReadError

    stream: Any = BytesIO(content)  # scipy's annotations know of paths alone
    try:
        return scipy.io.loadmat(stream)
    except MatReadError as error:
        raise ValueError(str(error)) from error


def _floats(data: bytes, element: _Element) -> NDArray[np.floating[Any]] | None:
    """Return a real array of doubles or singles without copying it, or None for anything else."""
    head, order = element.head, element.order
    if not prod(head.shape):
        return None
    kind, length = struct.unpack_from(f"{order}II", data, head.values)
    name = _FLOATS.get((head.kind, kind))
    if name is None or head.flags & _COMPLEX_FLAG:
        return None
    dtype = np.dtype(order + name)
    values = np.frombuffer(data, dtype, length // dtype.itemsize, head.values + _TAG_LENGTH)
    return values.reshape(head.shape, order="F")


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


def _head(start: bytes, order: str) -> _Head:
    """Read tag, flags, dimensions and name of an array; each is padded to 8 bytes."""
    kind, _, _, _, flags, _, _, n_bytes = struct.unpack_from(f"{order}8I", start)
    if kind != _ARRAY:
        raise ValueError(f"an element of unknown type {kind}")
    shape = struct.unpack_from(f"{order}{n_bytes // 4}i", start, 32)
    if min(shape, default=-1) < 0:
        raise ValueError("an array of impossible shape")
    place = 32 + _padded(n_bytes)
    kind, length = struct.unpack_from(f"{order}II", start, place)
    if kind >> 16:
        # A name of up to four letters lies in its tag, whose upper half tells its length.
        name = start[place + 4 : place + 4 + (kind >> 16)]
        place += _TAG_LENGTH
    else:
        name = start[place + _TAG_LENGTH : place + _TAG_LENGTH + length]
        place += _TAG_LENGTH + _padded(length)
    return _Head(name.decode("latin-1"), shape, flags & 0xFF, (flags >> 8) & 0xFF, place)


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
        # scipy raises a bare OSError for a stream that ends too early.
        problem = error.strerror or f"damaged ({error})"
        raise DataError(f"{path}: {problem}; copy it again from the release") from error
    except (
        *(ValueError, TypeError, KeyError, IndexError, EOFError),
        *(zlib.error, OverflowError, MemoryError, struct.error),
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: damaged or not a MAT file ({reason}); copy it again from the release"
        ) from error
