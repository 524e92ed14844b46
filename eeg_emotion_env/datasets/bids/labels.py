"""Labels of BIDS trees: signals of the recording, or a table beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.bids.channels import clean_name, doubled
from eeg_emotion_env.datasets.bids.files import RecordingFile, own_sidecar
from eeg_emotion_env.datasets.bids.signals import Header, extent, read_stored
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.labels import DIMENSIONS, LabelSource, resample_track, window_means
from eeg_emotion_env.labels.annotations import RANGE_SLACK, numeric_column, read_table
from eeg_emotion_env.tables.bids import LABEL_FAMILIES
from eeg_emotion_env.trial import FloatArray, TrialKey

Range = tuple[float, float]

LABEL_FILES: tuple[str, ...] = tuple(
    f"{what}.{end}" for what in ("_labels", "_annotations") for end in ("tsv", "csv")
)
"""Endings of tables that must hold labels."""

OTHER_FILES: tuple[str, ...] = tuple(
    f"{what}.{end}" for what in ("_beh", "_physio", "") for end in ("tsv", "csv")
)
"""Endings of tables that may hold labels, or something else."""

_HAIR = 1e-6
"""Samples by which a time that lies just between two may be wrong."""

_TIMES = ("time_s", "time", "onset")
_ALL_NAMES = {name for names, _ in LABEL_FAMILIES for name in names}
_LIKE_LABELS = re.compile(r"val[ae]nce|arousal|(^|[^a-z])va[12]($|\D)", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where a trial lies: its recording, and seconds from the start of that."""

    path: Path
    start_s: float
    stop_s: float

    def samples(self, sfreq: float, n_samples: int) -> tuple[int, int]:
        """Return its first sample, and the one after its last, at a rate."""
        # By its time alone, so that a trial never shares a sample with the one that follows.
        start, stop = (floor(s * sfreq + 0.5 + _HAIR) for s in (self.start_s, self.stop_s))
        return start, min(stop, n_samples)


@dataclass(frozen=True, eq=False)
class ChannelLabels(LabelSource):
    """Labels that are signals of the recording.

    Attributes
    ----------
    places : mapping of TrialKey to Place
        Where the trials lie.
    channels : mapping of Path to LabelChannels
        The label channels of each recording.
    names, kind
        As `LabelSource`.
    """

    places: Mapping[TrialKey, Place] = field(repr=False)
    channels: Mapping[Path, "LabelChannels"] = field(repr=False)
    names: tuple[str, ...]
    kind: str

    def covers(self, key: TrialKey) -> bool:
        """Say whether the recording of the trial has the label channels."""
        channels = self.channels.get(self.places[key].path) if key in self.places else None
        return channels is not None and set(self.names) <= set(channels.names)

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Average the samples within each step; NaN where one of them is NaN."""
        labels = self._nothing(n_steps)
        if not self.covers(key):
            return labels
        place = self.places[key]
        channels = self.channels[place.path]
        means = window_means(channels.read(place, self.names).T, 1 / channels.sfreq, step_s)[
            :n_steps
        ]
        labels[: len(means)] = means
        return labels


@dataclass(frozen=True)
class LabelChannels:
    """The label channels of a recording.

    Attributes
    ----------
    path : Path
        The recording.
    by_name : mapping of str to str
        Channel of each label dimension.
    limits : tuple of float or None
        Stored values that stand for -1 and 1; None: the values lie in [-1, 1] as they are.
    sfreq : float
        Their rate, Hz.
    n_samples : int
        Their length.
    """

    path: Path
    by_name: Mapping[str, str]
    limits: Range | None
    sfreq: float
    n_samples: int

    @property
    def names(self) -> tuple[str, ...]:
        """Label dimensions."""
        return tuple(self.by_name)

    def read(self, place: Place, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Read the labels of a trial, (n_dims, n_samples), in [-1, 1]."""
        start, stop = place.samples(self.sfreq, self.n_samples)
        channels = [self.by_name[name] for name in names]
        stored = read_stored(self.path, channels, start, stop)
        rows = [
            rescaled(values, self.limits, f"{self.path}: channel {channel}")
            for channel, values in zip(channels, stored, strict=True)
        ]
        return np.stack(rows)


def find_channels(header: Header, label_range: Range | None) -> LabelChannels | None:
    """Find the label channels of a recording by their names.

    Parameters
    ----------
    header : Header
        The recording.
    label_range : tuple of float or None
        Range that the user states; None takes the one that is known for the names.

    Returns
    -------
    LabelChannels or None
        None if it has none.

    Raises
    ------
    DataError
        If one of a pair that belongs together is missing, or a name is there twice.
    """
    twice = next((name for name in doubled(header) if name.lower() in _ALL_NAMES), None)
    if twice is not None:
        raise DataError(
            f"{header.path}: several label channels are named {twice}; rename all but one of them "
            "in the file"
        )
    present = {clean_name(name).lower(): name for name in header.names}
    for names, limits in LABEL_FAMILIES:
        found = {names[name]: present[name] for name in names if name in present}
        if not found:
            continue
        lacking = [name for name in names if names[name] not in found]
        if lacking and not {"valence", "arousal"} & set(names):
            raise DataError(
                f"{header.path}: has no channel {lacking[-1].upper()} ({names[lacking[-1]]}) "
                f"beside {next(iter(found.values()))}; restore the file, or leave it out (task=…)"
            )
        sfreq, n_samples = extent(header.path, tuple(found.values()))
        by_name = {name: found[name] for name in DIMENSIONS if name in found}
        return LabelChannels(header.path, by_name, label_range or limits, sfreq, n_samples)
    return None


def like_labels(names: Sequence[str]) -> list[str]:
    """Return names of channels or columns that are no known labels, but look like some."""
    return [name for name in names if _LIKE_LABELS.search(name)]


@dataclass(frozen=True, eq=False)
class TableLabels(LabelSource):
    """Labels from tables beside the recordings.

    Attributes
    ----------
    places : mapping of TrialKey to Place
        Where the trials lie.
    tables : mapping of Path to LabelTable
        The table of each recording.
    names, kind
        As `LabelSource`.
    """

    places: Mapping[TrialKey, Place] = field(repr=False)
    tables: Mapping[Path, "LabelTable"] = field(repr=False)
    names: tuple[str, ...]
    kind: str

    def covers(self, key: TrialKey) -> bool:
        """Say whether there is such a table beside the recording of the trial."""
        table = self.tables.get(self.places[key].path) if key in self.places else None
        return table is not None and set(self.names) <= set(table.names)

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Resample the rows within the trial (see `eeg_emotion_env.labels.resample_track`)."""
        if not self.covers(key):
            return self._nothing(n_steps)
        place = self.places[key]
        table = self.tables[place.path]
        columns = [table.names.index(name) for name in self.names]
        # A rating from before the trial still holds at its start.
        past = table.times <= place.stop_s
        times = table.times[past] - place.start_s
        return resample_track(times, table.values[past][:, columns], n_steps, step_s)


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Ratings of one recording: times in seconds from its start, values (n, n_dims) in [-1, 1]."""

    path: Path
    names: tuple[str, ...]
    times: NDArray[np.float64] = field(repr=False)
    values: NDArray[np.float64] = field(repr=False)


def find_table(file: RecordingFile, label_range: Range | None) -> LabelTable | None:
    """Read the label table beside a recording.

    Tables whose names end with `LABEL_FILES` must have the columns ``time_s`` (or ``time``, or
    ``onset``) and ``valence`` or ``arousal``; those with `OTHER_FILES` count if they do.

    Parameters
    ----------
    file : RecordingFile
        The recording.
    label_range : tuple of float or None
        Ratings that stand for -1 and 1; None takes ratings within [-1, 1] as they are.

    Returns
    -------
    LabelTable or None
        None if there is none.

    Raises
    ------
    DataError
        If a table lacks a column or holds impossible times or ratings.
    """
    path = own_sidecar(file, LABEL_FILES)
    if path is not None:
        return read_label_table(path, label_range)
    path = own_sidecar(file, OTHER_FILES)
    if path is not None:
        columns = {str(column).strip().lower() for column in read_table(path)}
        if columns & set(_TIMES) and columns & set(DIMENSIONS):
            return read_label_table(path, label_range)
    return None


def read_label_table(path: Path, label_range: Range | None) -> LabelTable:
    """Read a table of ratings (see `find_table`)."""
    table = read_table(path).rename(columns=lambda column: str(column).strip().lower())
    time = next((column for column in _TIMES if column in table), None)
    names = tuple(name for name in DIMENSIONS if name in table)
    if time is None or not names:
        raise DataError(
            f"{path}: lacks a column; expected time_s, valence and arousal, not "
            f"{', '.join(map(str, table.columns))}"
        )
    for column in (time, *names):
        table[column] = numeric_column(path, table[column])
    table = table.dropna(subset=[time]).dropna(subset=list(names), how="all")
    if table.empty:
        raise DataError(f"{path}: holds no complete row; add ratings or remove the file")
    times = table[time].to_numpy(dtype=np.float64)
    if (np.diff(times) <= 0).any():
        raise DataError(f"{path}: {time} does not increase; sort the rows and remove doubles")
    values = [
        rescaled(table[name].to_numpy(dtype=np.float64), label_range, f"{path}: column {name}")
        for name in names
    ]
    return LabelTable(path, names, times, np.stack(values, axis=1))


def rescaled(values: NDArray[np.float64], limits: Range | None, origin: str) -> NDArray[np.float64]:
    """Bring stored ratings to [-1, 1].

    Parameters
    ----------
    values : ndarray
        Ratings; NaN where there is none.
    limits : tuple of float or None
        Ratings that stand for -1 and 1; None: they are on that scale.
    origin : str
        File and column, for messages.

    Returns
    -------
    ndarray, float64
        Values in [-1, 1]; up to `RANGE_SLACK` of the range beyond it is rounding, and is clipped.

    Raises
    ------
    DataError
        If a value lies outside.
    """
    low, high = limits or (-1.0, 1.0)
    known = values[~np.isnan(values)]
    slack = RANGE_SLACK * (high - low)
    if known.size and (known.min() < low - slack or known.max() > high + slack):
        what = "restore the file" if limits else "give their range"
        raise DataError(
            f"{origin} reaches from {known.min():g} to {known.max():g}, outside [{low:g}, "
            f"{high:g}]; {what} (label_range=…; command line: --option label_range=[0,9])"
        )
    scaled = values if limits is None else (values - (low + high) / 2) / ((high - low) / 2)
    return np.clip(scaled, -1.0, 1.0)


def check_range(label_range: object) -> Range | None:
    """Return a range as a pair of numbers, or raise `ConfigError`."""
    if label_range is None:
        return None
    try:
        low, high = (float(value) for value in label_range)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise ConfigError(f"label_range must be (low, high), such as (0, 9), not {label_range!r}")
    return low, high
