"""Reading recordings through MNE, piece by piece, and choosing their channels."""

import re
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.files import require_readable
from eeg_emotion_env.datasets.recording import UNITS
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels.annotations import read_table
from eeg_emotion_env.montage import is_electrode
from eeg_emotion_env.tables.bids import AUXILIARY, EARS, LABEL_FAMILIES

MAGNITUDES = {"v": 1e6, "volt": 1e6, "mv": 1e3, "millivolt": 1e3, "nv": 1e-3, "nanovolt": 1e-3}
"""Microvolts of units in files; every other text counts as microvolts."""

LARGEST_UV = 1e9
"""No EEG and no offset of an amplifier is larger, microvolts."""

_TAG = struct.Struct(">4i")
"""Header of a FIF tag: kind, type, size, place of the next one (0: it follows)."""

_BRAINVISION = {"V": 1.0, "mV": 1e-3, "µV": 1e-6, "uV": 1e-6, "nV": 1e-9}
_SCALED = (".edf", ".bdf", ".gdf")
_LABELS = {name for names, _ in LABEL_FAMILIES for name in names}
_LONGEST_REASON = 160


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
    """

    path: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    recorded: datetime | None = None


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
        return Header(path, files, names, kinds, raw.info["meas_date"])


def extent(path: Path, names: Sequence[str]) -> tuple[float, int]:
    """Return the sampling rate, Hz, and the number of samples of channels of a recording."""
    raw = _opened(path, tuple(names))
    with _readable(path):
        return float(raw.info["sfreq"]), int(raw.n_times)


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
    with _readable(path):
        return _open(path, names, (stat.st_mtime_ns, stat.st_size))


# EEG and labels of one recording are read in turns, trial by trial.
@lru_cache(maxsize=2)
def _open(path: Path, names: tuple[str, ...], stamp: tuple[int, int]) -> Any:
    from mne.io import read_raw

    del stamp  # tells versions of a file apart
    if path.suffix.lower() == ".fif":
        _check_tags(path)
    if path.suffix.lower() not in _SCALED:
        return read_raw(path, preload=False, verbose="error")
    if path.suffix.lower() != ".gdf":
        _check_length(path)
    # Channels of other rates would be resampled to the highest one.
    return read_raw(path, preload=False, verbose="error", include=list(names) or None)


def _check_length(path: Path) -> None:
    """Raise an error if an EDF or BDF file is shorter than its header says."""
    with path.open("rb") as stream:
        head = stream.read(256)
        try:
            n_bytes, n_records, n_signals = (
                int(head[place]) for place in (slice(184, 192), slice(236, 244), slice(252, 256))
            )
            stream.seek(256 + n_signals * 216)
            samples = sum(int(stream.read(8)) for _ in range(n_signals))
        except ValueError as error:
            raise DataError(
                f"{path}: not an EDF or BDF file; copy the file again, or give it the ending of "
                "its format"
            ) from error
    wanted = n_bytes + n_records * samples * (3 if path.suffix.lower() == ".bdf" else 2)
    # A recorder that was not stopped leaves -1 for the number of records.
    if n_records >= 0 and path.stat().st_size < wanted:
        raise DataError(
            f"{path}: is cut short: {path.stat().st_size} of {wanted} bytes; copy the file again"
        )


def _check_tags(path: Path) -> None:
    """Raise an error if the tags of a FIF file lead back: MNE would follow them for ever."""
    place = 0
    with path.open("rb") as stream:
        while head := stream.read(_TAG.size):
            size, following = _TAG.unpack(head)[2:] if len(head) == _TAG.size else (-1, 0)
            if following == -1:
                return
            after = following or place + _TAG.size + size
            if size < 0 or after <= place:
                raise DataError(f"{path}: not a FIF file, or damaged; copy the file again")
            place = stream.seek(after)


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


def clean_name(name: str) -> str:
    """Return the name of an electrode without prefix, reference and dots, in upper case."""
    text = re.sub(r"^(EEG|POL)[ ._-]+", "", name.strip(), flags=re.IGNORECASE).strip(" .")
    text = re.sub(r"[ -]+(REF|LE|RE|AR|AVG|AVE|CAR|CLE|[AM][12]|G\d)$", "", text, flags=re.I)
    return text.replace(" ", "").upper()


def read_channel_table(path: Path | None) -> tuple[dict[str, str], list[str]]:
    """Read ``channels.tsv``.

    Returns
    -------
    types : dict of str to str
        Type of each channel in upper case, by its clean name.
    bad : list of str
        Channels whose status is bad.

    Raises
    ------
    DataError
        If it is no table with a column ``name``.
    """
    if path is None:
        return {}, []
    table = read_table(path)
    if "name" not in table:
        raise DataError(f"{path}: has no column name; restore the file from the data set")
    names = [str(name) for name in table["name"]]
    columns = {
        column: [str(value).strip().lower() for value in table[column]]
        for column in ("type", "status")
        if column in table
    }
    types = {
        clean_name(name): kind.upper()
        for name, kind in zip(names, columns.get("type", [""] * len(names)), strict=True)
        if kind not in ("", "nan", "n/a")
    }
    status = columns.get("status", [""] * len(names))
    return types, [name for name, state in zip(names, status, strict=True) if state == "bad"]


def choose_channels(header: Header, types: Mapping[str, str]) -> dict[str, str]:
    """Choose the EEG channels of a recording.

    A type in ``channels.tsv`` decides; without one, names of electrodes are EEG, and where there
    are none, all channels to which the file itself gives that type. Labels, auxiliary channels,
    mastoids and ears never are.

    Parameters
    ----------
    header : Header
        The recording.
    types : mapping of str to str
        Types from ``channels.tsv``, by clean name.

    Returns
    -------
    dict of str to str
        Names in the file by clean name (other names than electrodes' stay as they are), in order.

    Raises
    ------
    DataError
        If none is EEG, or two are the same electrode.
    """
    electrodes: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, kind in zip(header.names, header.kinds, strict=True):
        clean = clean_name(name)
        told = types.get(clean)
        if told not in (None, "EEG") or clean in EARS or _is_no_eeg(clean):
            continue
        if not is_electrode(clean):
            # The type in the file says little: EDF readers call everything EEG.
            if told or kind == "eeg":
                others[name] = name
        elif electrodes.setdefault(clean, name) != name:
            raise DataError(
                f"{header.path}: {electrodes[clean]} and {name} are the same electrode; give one "
                "of them the type MISC in channels.tsv"
            )
    told_only = {name: name for name in others if types.get(clean_name(name))}
    chosen = electrodes | told_only if electrodes else others
    if not chosen:
        raise DataError(
            f"{header.path}: no EEG among its channels {', '.join(header.names[:6])}…; name them "
            "by the 10-10 system, or give them the type EEG in channels.tsv"
        )
    return dict(sorted(chosen.items(), key=lambda item: header.names.index(item[1])))


def _is_no_eeg(clean: str) -> bool:
    return clean.lower() in _LABELS or bool(AUXILIARY.match(clean))
