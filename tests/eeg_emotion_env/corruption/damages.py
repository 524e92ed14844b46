"""Ways of damaging the files of a data set."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scipy.io import loadmat, savemat


@dataclass(frozen=True)
class Damage:
    """One way of damaging a tree.

    Attributes
    ----------
    name, dataset : str
        What is done, and to which data set.
    do : callable
        Damages the tree at a path.
    error, warning : str or None
        Text expected in the error or in a warning; both None: nothing is said.
    place : str or None
        File or folder that the message must name; None for the root.
    is_incomplete : bool
        Whether `check-data` calls the set incomplete though what is there can be used.
    """

    name: str
    dataset: str
    do: Callable[[Path], object]
    error: str | None = None
    warning: str | None = None
    place: str | None = None
    is_incomplete: bool = False


def variables(path):
    return {name: value for name, value in loadmat(path).items() if not name.startswith("__")}


def of_variables(place, function):
    """Replace the variables of a MAT file by what a function makes of them."""

    def do(root):
        savemat(root / place, function(variables(root / place)))

    return do


def change(place, **changes):
    """Change variables of a MAT file; None removes one, a function changes its value."""

    def changed(content):
        for name, value in changes.items():
            content[name] = value(content[name]) if callable(value) else value
        return {name: value for name, value in content.items() if value is not None}

    return of_variables(place, changed)


def change_all(place, function):
    """Change all variables of a MAT file."""
    return of_variables(place, lambda content: {k: function(v) for k, v in content.items()})


def rename_variable(place, old, new):
    return of_variables(
        place, lambda content: {new if k == old else k: v for k, v in content.items()}
    )


def with_value(place, value, where=(0, 0)):
    """Put a value into the first variable of a file."""

    def put(content):
        first = next(iter(content))
        content[first] = content[first].copy()
        content[first][where] = value
        return content

    return of_variables(place, put)


def constant_channel(place):
    """Set the tenth channel of all variables to 0."""

    def silenced(values):
        values = values.copy()
        values[9] = 0.0
        return values

    return change_all(place, silenced)


def flipped(place):
    """Compress a file, then flip one bit in its middle."""

    def do(root):
        savemat(root / place, variables(root / place), do_compression=True)
        content = bytearray((root / place).read_bytes())
        content[len(content) // 2] ^= 16
        (root / place).write_bytes(content)

    return do


def rewrite(place, content):
    """Replace the bytes of a file: by bytes, or by a function of those that are there."""

    def do(root):
        old = (root / place).read_bytes()
        (root / place).write_bytes(content(old) if callable(content) else content)

    return do


def hdf5(place):
    header = b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM"
    return rewrite(place, header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + b"\0" * 64)


def remove(place):
    return lambda root: (root / place).unlink()


def move(source, target, by=Path.rename):
    def do(root):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        by(root / source, root / target)

    return do


def copy(source, target):
    return move(source, target, by=shutil.copy)


def link(place, target):
    def do(root):
        (root / place).unlink()
        (root / place).symlink_to(target)

    return do
