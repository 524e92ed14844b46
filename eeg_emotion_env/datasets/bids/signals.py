"""Reading recordings through MNE, piece by piece."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.bids.edf import check_edf, check_signals
from eeg_emotion_env.datasets.bids.lengths import check_length, check_sum, check_tags, gaps
from eeg_emotion_env.datasets.bids.matlab import check_matlab
from eeg_emotion_env.datasets.files import require_readable
from eeg_emotion_env.datasets.recording import UNITS
from eeg_emotion_env.errors import DataError

MAGNITUDES = {"v": 1e6, "volt": 1e6, "mv": 1e3, "millivolt": 1e3, "nv": 1e-3, "nanovolt": 1e-3}
"""Microvolts of units in files; every other text counts as microvolts."""

LARGEST_UV = 1e9
"""No EEG and no offset of an amplifier is larger, microvolts."""

_BRAINVISION = {"V": 1.0, "mV": 1e-3, "µV": 1e-6, "uV": 1e-6, "nV": 1e-9}
_SCALED = (".edf", ".bdf", ".gdf")
_EDF = (".edf", ".bdf")
_LONGEST_REASON = 160
_POINTERS = b"/annex/objects/", b"../.git/annex/", b"version https://git-lfs"
_LARGEST_POINTER = 1024


@dataclass(frozen=True)
class Header:
    """What a recording holds, from its header alone.

    Attributes
    ----------
    path : Path
        The recording.
    files : tuple of Path
        All files that it consists of.
    names, kinds : tuple of str
        Names and MNE types of its channels.
    recorded : datetime or None
        When it was recorded, where the file says so.
    oddities : tuple of str
        What is odd about the file and tolerated, one line each.
    """

    path: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    recorded: datetime | None = None
    oddities: tuple[str, ...] = ()


def read_header(path: Path) -> Header:
    """Read the header of a recording.

    Raises
    ------
    DataError
        If the file is damaged, empty, or none that MNE reads.
    """
    raw = _opened(path)
    with _readable(path):
        parts = [Path(name) for name in raw.filenames if name]
        files = tuple(dict.fromkeys((path, *parts)))
        names, kinds = tuple(raw.ch_names), tuple(raw.get_channel_types())
        oddities = check_edf(path) if path.suffix.lower() in _EDF else []
        found = gaps(raw)
        if found:
            oddities.append(
                f"{path}: was interrupted {len(found)} times, first at {found[0]:g} s; its parts "
                "are read as if nothing lay between them"
            )
        return Header(path, files, names, kinds, raw.info["meas_date"], tuple(oddities))


def extent(path: Path, names: Sequence[str]) -> tuple[float, int]:
    """Return the sampling rate, Hz, and the number of samples of channels of a recording.

    Raises
    ------
    DataError
        If the file is damaged, or the channels have several rates or no known values.
    """
    raw = _opened(path, tuple(names))
    with _readable(path):
        if path.suffix.lower() in _EDF:
            check_signals(path, names)
        if path.suffix.lower() in _SCALED:
            _check_rates(path, raw, names)
        return float(raw.info["sfreq"]), int(raw.n_times)


def _check_rates(path: Path, raw: Any, names: Sequence[str]) -> None:
    """Raise an error if MNE would resample channels: their rates differ."""
    extras = raw._raw_extras[0]
    counts = {
        name: int(extras["n_samps"][place])
        for name, place in zip(raw.ch_names, extras["sel"], strict=True)
    }
    highest = max(counts.values())
    odd = [name for name in names if counts[name] != highest]
    if odd:
        fast = next(name for name, count in counts.items() if count == highest)
        raise DataError(
            f"{path}: {', '.join(odd[:4])} and {fast} have different rates; resample them, or give "
            "those that are no EEG the type MISC in channels.tsv"
        )


def read_microvolts(
    path: Path, names: Sequence[str], start: int, stop: int, unit: str
) -> NDArray[np.float64]:
    """Read a piece of EEG.

    Parameters
    ----------
    path : Path
        The recording.
    names : sequence of str
        Channels, in the order wanted.
    start, stop : int
        Samples.
    unit : str
        ``"auto"`` believes the unit that the file gives (one that is no voltage counts as
        microvolts); one of `UNITS` says what the stored numbers are.

    Returns
    -------
    ndarray, shape (n_channels, n_samples), float64
        Microvolts.

    Raises
    ------
    DataError
        If the file cannot be read, or its values are beyond all reason.
    """
    values, raw = _read(path, names, start, stop)
    gains = _gains(raw, names)
    if unit != "auto":
        scales = UNITS[unit] / gains
    elif raw._orig_units:
        units = [str(raw._orig_units.get(name, "")).lower() for name in names]
        scales = np.array([MAGNITUDES.get(text, 1.0) for text in units]) / gains
    else:
        scales = np.full(len(names), UNITS["V"])
    with np.errstate(over="ignore"):
        values *= scales[:, None]
    # NaN compares as false: it has a message of its own.
    reach = max(float(values.max()), -float(values.min()))
    if reach > LARGEST_UV:
        raise DataError(
            f"{path}: EEG reaches {reach:.1g} µV: the file is damaged, or its unit is wrong "
            "(unit=…); copy it again"
        )
    return values


def read_stored(path: Path, names: Sequence[str], start: int, stop: int) -> NDArray[np.float64]:
    """Read a piece of channels that are no voltages: the numbers that the file stores.

    Parameters
    ----------
    path, names, start, stop
        As `read_microvolts`.

    Returns
    -------
    ndarray, shape (n_channels, n_samples), float64
        Stored numbers, whatever unit the file claims.
    """
    values, raw = _read(path, names, start, stop)
    values /= _gains(raw, names)[:, None]
    return values


def _read(path: Path, names: Sequence[str], start: int, stop: int) -> tuple[NDArray[Any], Any]:
    raw = _opened(path, tuple(names))
    with _readable(path):
        picks = [raw.ch_names.index(name) for name in names]
        values = raw.get_data(picks, start, stop, verbose="error")
    if values.shape[1] != stop - start:
        raise DataError(
            f"{path}: ends {stop - start - values.shape[1]} samples too early; copy the file again"
        )
    return values, raw


def _gains(raw: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Return MNE's factor from stored numbers to volts, for each channel.

    MNE scales every channel whose unit is a voltage, and labels are often given one.
    """
    suffix = Path(raw.filenames[0] or "").suffix.lower()
    kind = type(raw).__name__
    if suffix in _SCALED:
        units = dict(zip(raw.ch_names, raw._raw_extras[0]["units"], strict=True))
        return np.array([units[name] for name in names], dtype=np.float64)
    if kind == "RawBrainVision":
        return np.array([_BRAINVISION.get(raw._orig_units.get(name), 1.0) for name in names])
    return np.full(len(names), 1e-6 if kind == "RawEEGLAB" else 1.0)


def _opened(path: Path, names: tuple[str, ...] = ()) -> Any:
    """Open a recording with all of its channels, or with some."""
    require_readable(path)
    stat = path.stat()
    if not stat.st_size:
        raise DataError(f"{path}: is empty; copy the file again")
    if stat.st_size < _LARGEST_POINTER and path.read_bytes().startswith(_POINTERS):
        raise DataError(
            f"{path}: only points to its content (git-annex or Git LFS); get it: git annex get, "
            "datalad get or git lfs pull"
        )
    with _readable(path):
        return _open(path, names, (stat.st_mtime_ns, stat.st_size))


# EEG and labels of one recording are read in turns, trial by trial.
@lru_cache(maxsize=2)
def _open(path: Path, names: tuple[str, ...], stamp: tuple[int, int]) -> Any:
    from mne.io import read_raw

    del stamp  # tells versions of a file apart
    suffix = path.suffix.lower()
    if suffix == ".fif":
        check_tags(path)
    if suffix == ".gz":
        check_sum(path)
    if suffix == ".set":
        check_matlab(path)
    if suffix in _EDF:
        check_edf(path)
    # Channels of other rates would be resampled to the highest one. MNE mixes up the scales of GDF
    # channels where some are left out.
    chosen = {"include": list(names) or None} if suffix in _EDF else {}
    raw = read_raw(path, preload=False, verbose="error", **chosen)
    check_length(path, raw)
    return raw


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong in a reader into an error of one line; silence its warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except Exception as error:  # readers of damaged files raise anything
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        raise DataError(
            f"{path}: cannot be read ({reason}); copy the file again, or convert it with MNE"
        ) from error
