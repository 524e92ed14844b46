"""Reading MAT files (v5) with errors that name the file; compressed variables are verified.

The files are taken apart into their variables here, because scipy need not reach the checksum of a
compressed variable, and would return wrong numbers from a damaged file. Large arrays of floats are
views of the unpacked bytes; whatever else a variable holds is left to scipy.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError

_HEADER_LENGTH, _TAG_LENGTH, _COMPRESSED = 128, 8, 15
"""A MAT file (v5) is a header, then variables: a tag (type and length) and their bytes each."""

_FLOATS = {(6, 9): "f8", (7, 7): "f4"}
"""Class of an array and type of its values (double or single in both) to NumPy's name."""

_COMPLEX_FLAG = 0x08


@dataclass(frozen=True)
class _Element:
    """Where a variable lies in a file, whether it is compressed, and about how large it is."""

    offset: int
    length: int
    is_compressed: bool
    order: str
    unpacked: int = 0


def list_variables(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables of a MAT file, without reading their values.

    Raises
    ------
    DataError
        If the file is absent, empty, truncated, or no MAT file of version 5.
    """
    import scipy.io

    with _readable(path):
        return {name: shape for name, shape, _ in scipy.io.whosmat(path)}


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
        stat = path.stat()
        elements = _elements(path, stat.st_size, stat.st_mtime_ns)
        content = {}
        with path.open("rb") as stream:
            header = stream.read(_HEADER_LENGTH)
            for name in names:
                if name not in elements:
                    raise DataError(
                        f"{path}: has no variable {name!r}; restore the file from the release"
                    )
                content[name] = _load(stream, header, elements[name], name)
    return content


def _load(stream: IO[bytes], header: bytes, element: _Element, name: str) -> Any:
    """Read one variable as a file of its own."""
    import scipy.io

    stream.seek(element.offset)
    data = stream.read(element.length)
    if len(data) < element.length:
        raise ValueError(f"{name} is cut off")
    if element.is_compressed:
        # What follows the end of the packed data does not count: some writers pad.
        data = zlib.decompress(memoryview(data)[_TAG_LENGTH:], bufsize=element.unpacked)
    floats = _floats(data, element.order)
    if floats is not None:
        return floats
    # scipy's annotations know of paths alone
    alone: Any = BytesIO(header + data)
    return scipy.io.loadmat(alone)[name]


def _floats(data: bytes, order: str) -> NDArray[np.floating[Any]] | None:
    """Return a real array of doubles or singles without copying it, or None for anything else."""
    # tag, flags (tag, class and flags), dimensions, name, values: each padded to 8 bytes
    _, _, _, _, flags, _, _, n_bytes = struct.unpack_from(f"{order}8I", data)
    shape = struct.unpack_from(f"{order}{n_bytes // 4}i", data, 32)
    place = 32 + -(-n_bytes // 8) * 8
    kind, length = struct.unpack_from(f"{order}II", data, place)
    # A short name is packed into its tag, and the tag's upper half tells its length.
    place += _TAG_LENGTH if kind >> 16 else _TAG_LENGTH + -(-length // 8) * 8
    kind, length = struct.unpack_from(f"{order}II", data, place)
    name = _FLOATS.get((flags & 0xFF, kind))
    if name is None or (flags >> 8) & _COMPLEX_FLAG:
        return None
    dtype = np.dtype(order + name)
    values = np.frombuffer(data, dtype, length // dtype.itemsize, place + _TAG_LENGTH)
    return values.reshape(shape, order="F")


@lru_cache(maxsize=256)
def _elements(path: Path, size: int, changed_ns: int) -> dict[str, _Element]:
    """Find the variables of a file; size and time make it look again when the file changes."""
    del size, changed_ns
    with path.open("rb") as stream:
        header = stream.read(_HEADER_LENGTH)
        order = ">" if header[126:128] == b"MI" else "<"
        places = list(_walk(stream, order))
    shapes = list_variables(path)
    if len(shapes) != len(places):
        raise ValueError(f"{len(places)} variables, of which {len(shapes)} can be told apart")
    return {
        name: replace(place, unpacked=8 * prod(shape) + _HEADER_LENGTH + len(name))
        for (name, shape), place in zip(shapes.items(), places, strict=True)
    }


def _walk(stream: IO[bytes], order: str) -> Iterator[_Element]:
    offset = _HEADER_LENGTH
    while tag := stream.read(_TAG_LENGTH):
        if len(tag) < _TAG_LENGTH:
            raise ValueError("the file is cut off")
        kind, length = struct.unpack(f"{order}II", tag)
        yield _Element(offset, length + _TAG_LENGTH, kind == _COMPRESSED, order)
        offset += length + _TAG_LENGTH
        stream.seek(offset)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever a broken file makes scipy raise into `DataError`."""
    from scipy.io.matlab import MatReadError

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
        *(MatReadError, ValueError, TypeError, KeyError, IndexError, EOFError),
        *(zlib.error, OverflowError, MemoryError, UnicodeDecodeError, struct.error),
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: damaged or not a MAT file ({reason}); copy it again from the release"
        ) from error
