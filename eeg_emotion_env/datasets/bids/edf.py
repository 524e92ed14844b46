"""Headers of EDF and BDF files against the files themselves, before MNE guesses what is wrong."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import TypeVar

from eeg_emotion_env.errors import DataError

START, PER_SIGNAL = 256, 256
"""Bytes of the fixed part of a header, and of the part that each signal has."""

VERSIONS = {".edf": b"0       ", ".bdf": b"\xffBIOSEMI"}
"""What files begin with."""

SAMPLE_BYTES = {".edf": 2, ".bdf": 3}

JITTER_S = 0.001
"""Seconds by which a record of a continuous recording may begin early or late."""

_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_LABEL, _PHYSICAL, _DIGITAL, _SAMPLES = 0, (3, 4), (5, 6), 8
_ANNOTATIONS = re.compile(r"(EDF|BDF) Annotations", re.IGNORECASE)
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[^\x14]*)?\x14")
_AGAIN = "copy the file again"

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class EDFSignal:
    """One signal: its name, its ranges (lowest, highest) and its samples a record."""

    name: str
    physical: tuple[float, float]
    digital: tuple[float, float]
    n_samples: int

    @property
    def is_annotations(self) -> bool:
        """Whether it holds text instead of numbers."""
        return bool(_ANNOTATIONS.match(self.name))


@dataclass(frozen=True)
class EDFHeader:
    """What the header of an EDF or BDF file says.

    Attributes
    ----------
    path : Path
        The file.
    signals : tuple of EDFSignal
        In the order of the file.
    n_records : int
        Records of data; -1 where the recorder was not stopped.
    record_s : float
        Seconds a record.
    interrupted : bool
        Whether there may be gaps between records (EDF+D, BDF+D).
    """

    path: Path
    signals: tuple[EDFSignal, ...]
    n_records: int
    record_s: float
    interrupted: bool

    @property
    def n_bytes(self) -> int:
        """Length of the header."""
        return START + PER_SIGNAL * len(self.signals)

    @property
    def record_bytes(self) -> int:
        """Length of a record."""
        width = SAMPLE_BYTES[self.path.suffix.lower()]
        return width * sum(signal.n_samples for signal in self.signals)

    def named(self, names: Sequence[str]) -> list[EDFSignal]:
        """Return the signals of these names."""
        return [signal for signal in self.signals if signal.name in names]


def read_edf_header(path: Path) -> EDFHeader:
    """Read the header of an EDF or BDF file.

    Raises
    ------
    DataError
        If it is none, or damaged.
    """
    suffix = path.suffix.lower()
    with path.open("rb") as stream:
        start = stream.read(START)
        _check_version(path, suffix, start)
        n_signals = _number(path, "number of signals", start[252:256], int, 1)
        told = _number(path, "length of its header", start[184:192], int, 1)
        if told != START + PER_SIGNAL * n_signals:
            raise DataError(f"{path}: its header contradicts itself on its length; {_AGAIN}")
        columns = [[stream.read(width) for _ in range(n_signals)] for width in _WIDTHS]
    if len(columns[-1][-1]) < _WIDTHS[-1]:
        raise DataError(f"{path}: is cut short: it ends within its header; {_AGAIN}")
    names = [text.decode("latin-1").strip() for text in columns[_LABEL]]

    def numbers(column: int) -> list[float]:
        return [
            _number(path, f"range of {name}", text, float)
            for name, text in zip(names, columns[column], strict=True)
        ]

    samples = [
        _number(path, f"number of samples of {name}", text, int, 0)
        for name, text in zip(names, columns[_SAMPLES], strict=True)
    ]
    physical, digital = (
        list(zip(*(numbers(c) for c in pair), strict=True)) for pair in (_PHYSICAL, _DIGITAL)
    )
    signals = tuple(map(EDFSignal, names, physical, digital, samples))
    return EDFHeader(
        path=path,
        signals=signals,
        n_records=_number(path, "number of records", start[236:244], int),
        record_s=_number(path, "length of its records", start[244:252], float),
        interrupted=start[192:197].upper() in (b"EDF+D", b"BDF+D"),
    )


def check_edf(path: Path) -> list[str]:
    """Compare an EDF or BDF file with its header.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of str
        Oddities that are tolerated, one line each.

    Raises
    ------
    DataError
        If it is damaged, not as long as its header says, or has gaps.
    """
    header = read_edf_header(path)
    if not (isfinite(header.record_s) and header.record_s > 0):
        raise DataError(
            f"{path}: its records last {header.record_s:g} s, so its rate is not known; correct "
            "the header, or export the recording again"
        )
    if not header.record_bytes:
        raise DataError(f"{path}: its records hold no samples; {_AGAIN}")
    oddities = [*_length(header), *_polarity(header)]
    if header.interrupted:
        _check_gaps(header)
    return oddities


def check_signals(path: Path, names: Sequence[str]) -> None:
    """Raise `DataError` if the ranges or rates of some signals leave their values unknown."""
    signals = read_edf_header(path).named(names)
    for signal in signals:
        for what, (low, high) in (("physical", signal.physical), ("digital", signal.digital)):
            if not (isfinite(low) and isfinite(high)) or low == high:
                raise DataError(
                    f"{path}: the {what} range of {signal.name} is {low:g} to {high:g}, so its "
                    "values are not known; correct the header, or export the recording again"
                )
        low, high = signal.digital
        reach = 2 ** (8 * SAMPLE_BYTES[path.suffix.lower()] - 1)
        if low > high or low < -reach or high >= reach:
            what = "upside down" if low > high else f"{low:g} to {high:g}, more than it can hold"
            raise DataError(
                f"{path}: the digital range of {signal.name} is {what}; correct the header, or "
                "export the recording again"
            )
        if not signal.n_samples:
            raise DataError(
                f"{path}: {signal.name} has no samples; give it the type MISC in channels.tsv, or "
                "export the recording again"
            )


def _check_version(path: Path, suffix: str, start: bytes) -> None:
    if start[:8] == VERSIONS[suffix] and len(start) == START:
        return
    for other, version in VERSIONS.items():
        if other != suffix and start[:8] == version:
            raise DataError(f"{path}: is {other[1:].upper()} by its content; name it {other}")
    raise DataError(
        f"{path}: not an EDF or BDF file; {_AGAIN}, or give it the ending of its format"
    )


def _number(
    path: Path, what: str, text: bytes, kind: Callable[[str], Number], least: Number | None = None
) -> Number:
    """Return a number of the header, or raise `DataError`."""
    plain = text.decode("latin-1").split("\0")[0].strip().replace(",", ".")
    try:
        value = kind(plain)
    except ValueError:
        value = None
    if value is None or (least is not None and value < least):
        raise DataError(
            f"{path}: not an EDF or BDF file, or damaged: the {what} is {plain[:16]!r}; {_AGAIN}"
        )
    return value


def _length(header: EDFHeader) -> Iterator[str]:
    path, size = header.path, header.path.stat().st_size
    data = size - header.n_bytes
    if header.n_records == -1:
        n_records = data // header.record_bytes
        if not n_records:
            raise DataError(f"{path}: is cut short: it holds no whole record; {_AGAIN}")
        yield (
            f"{path}: its recorder was not stopped (number of records -1); its {n_records} whole "
            "records are read: make sure that the end is there"
        )
        return
    if header.n_records < 1:
        raise DataError(
            f"{path}: holds {header.n_records} records by its header; {_AGAIN}, or correct the "
            "header"
        )
    wanted = header.n_bytes + header.n_records * header.record_bytes
    if size < wanted:
        raise DataError(f"{path}: is cut short: {size} of {wanted} bytes; {_AGAIN}")
    if size > wanted:
        raise DataError(
            f"{path}: is longer than its header says: {size} instead of {wanted} bytes, so samples "
            f"may be shifted; {_AGAIN} (as binary), or correct the number of records"
        )


def _polarity(header: EDFHeader) -> Iterator[str]:
    names = [
        signal.name
        for signal in header.signals
        if signal.physical[0] > signal.physical[1] and not signal.is_annotations
    ]
    if names:
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        yield (
            f"{header.path}: the physical range of {', '.join(names[:4])}{more} runs from high to "
            "low; read as inverted, as EDF+ has it: check the polarity"
        )


def _check_gaps(header: EDFHeader) -> None:
    """Raise an error if records do not follow each other: MNE would join them."""
    onsets = _onsets(header)
    for number, (this, following) in enumerate(pairwise(onsets), start=1):
        if abs(following - this - header.record_s) > JITTER_S:
            raise DataError(
                f"{header.path}: is discontinuous: record {number + 1} begins "
                f"{following - this:g} s after the one before, which lasts {header.record_s:g} s; "
                "save each continuous part as a recording of its own"
            )


def _onsets(header: EDFHeader) -> list[float]:
    """Return when each record of a discontinuous file begins, seconds."""
    path, width = header.path, SAMPLE_BYTES[header.path.suffix.lower()]
    place = 0
    for signal in header.signals:
        if signal.is_annotations:
            break
        place += width * signal.n_samples
    else:
        raise DataError(f"{path}: is discontinuous without annotations that say where; {_AGAIN}")
    onsets = []
    with path.open("rb") as stream:
        for number in range((path.stat().st_size - header.n_bytes) // header.record_bytes):
            stream.seek(header.n_bytes + number * header.record_bytes + place)
            found = _ONSET.match(stream.read(width * signal.n_samples))
            if not found:
                raise DataError(
                    f"{path}: is discontinuous, and record {number + 1} does not say when it "
                    f"begins; {_AGAIN}"
                )
            onsets.append(float(found[1]))
    return onsets
