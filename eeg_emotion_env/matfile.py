"""Reading MAT files (v5) with errors that name the file."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eeg_emotion_env.errors import DataError


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
    import scipy.io

    with _readable(path):
        content = scipy.io.loadmat(
            path, variable_names=list(names), verify_compressed_data_integrity=False
        )
    for name in names:
        if name not in content:
            raise DataError(f"{path}: has no variable {name!r}; restore the file from the release")
    return {name: content[name] for name in names}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever a broken file makes scipy raise into `DataError`."""
    from scipy.io.matlab import MatReadError

    try:
        yield
    except NotImplementedError as error:
        raise DataError(f"{path}: MATLAB 7.3 (HDF5) file; save it again with -v7") from error
    except OSError as error:
        # scipy raises a bare OSError for a stream that ends too early.
        problem = error.strerror or f"damaged ({error})"
        raise DataError(f"{path}: {problem}; copy it again from the release") from error
    except (
        *(MatReadError, ValueError, TypeError, KeyError, IndexError, EOFError),
        *(zlib.error, OverflowError, MemoryError, UnicodeDecodeError),
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: damaged or not a MAT file ({reason}); copy it again from the release"
        ) from error
