"""Annotation files: rated times in a CSV or TSV, and their causal resampling to steps."""

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels.sources import DIMENSIONS, LabelSource
from eeg_emotion_env.trial import FloatArray, TrialKey

if TYPE_CHECKING:
    import pandas as pd

IDENTITY = ("subject", "session", "trial", "stimulus")
"""Columns that say which trials a row belongs to; at least one of the last two is needed."""

KNOWN = (*IDENTITY, "time_s", *DIMENSIONS)
"""Names of columns that are known in upper and lower case."""

RANGE_SLACK = 1e-3
"""Share of a label's range that converters may exceed it by; such values are clipped."""

MISSING = ("", "n/a", "na", "nan", "none", "null")
"""What stands for a missing number, in lower case."""

GAP_SPACINGS = 2.0
"""A value is held for this many sample spacings before it counts as a gap."""

LATE_S, LATE_SHARE = 10.0, 0.1
"""Seconds, or share of a trial, that its annotation may go on after it."""

Track = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Annotations(LabelSource):
    """Annotations of the trials that the columns of a file identify.

    Attributes
    ----------
    path : Path
        The file, for messages.
    columns : tuple of str
        Those of `IDENTITY` that the file has.
    tracks : dict
        Times (seconds from the start of the trial) and values, shape (n, n_dims), by identity.
    names, kind
        As `LabelSource`.
    """

    path: Path
    columns: tuple[str, ...]
    tracks: dict[tuple[str, ...], Track] = field(repr=False)
    names: tuple[str, ...] = DIMENSIONS
    kind: str = "continuous-external"

    def covers(self, key: TrialKey) -> bool:
        """Say whether the file annotates the trial."""
        return self._identity(key) in self.tracks

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Resample the annotation of a trial (see `resample_track`); NaN where there is none.

        Raises
        ------
        DataError
            If it goes on long after the trial: its times are not those of the trial.
        """
        identity = self._identity(key)
        track = self.tracks.get(identity)
        if track is None:
            return self._nothing(n_steps)
        seconds, last = n_steps * step_s, float(track[0][-1])
        if last > seconds + max(LATE_S, LATE_SHARE * seconds):
            named = ", ".join(f"{c} {i}" for c, i in zip(self.columns, identity, strict=True))
            raise DataError(
                f"{self.path}: the times of {named} end at {last:g} s, but the trial lasts "
                f"{seconds:g} s; give seconds from the start of the trial"
            )
        return resample_track(*track, n_steps, step_s)

    def select(self, names: tuple[str, ...]) -> "Annotations":
        """Return the annotations of these dimensions only."""
        columns = [self.names.index(name) for name in names]
        tracks = {key: (times, values[:, columns]) for key, (times, values) in self.tracks.items()}
        return replace(self, names=names, tracks=tracks)

    def _identity(self, key: TrialKey) -> tuple[str, ...]:
        return tuple(_plain(getattr(key, column)) for column in self.columns)


def resample_track(times: ArrayLike, values: ArrayLike, n_steps: int, step_s: float) -> FloatArray:
    """Bring an annotation to the steps of a trial, causally, each dimension by itself.

    The value of a step is the mean of the samples in (start, end]; without one, the last earlier
    sample, unless it is older than `GAP_SPACINGS` median spacings; NaN otherwise.

    Parameters
    ----------
    times : array_like, shape (n_samples,)
        Seconds from the start of the trial, strictly increasing.
    values : array_like, shape (n_samples, n_dims)
        Annotation; NaN where a dimension has none at that time.
    n_steps : int
        Steps of the trial.
    step_s : float
        Seconds a step.

    Returns
    -------
    ndarray, shape (n_steps, n_dims), float32
        Labels.
    """
    seconds = np.asarray(times, dtype=np.float64)
    samples = np.asarray(values, dtype=np.float64)
    columns = [
        _resampled(seconds[~np.isnan(column)], column[~np.isnan(column)], n_steps, step_s)
        for column in samples.T
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _resampled(
    seconds: NDArray[np.float64], samples: NDArray[np.float64], n_steps: int, step_s: float
) -> NDArray[np.float64]:
    """Resample one dimension, whose samples are all known."""
    # A hair of tolerance keeps a sample written as 0.30000000000000004 in the step it ends.
    hair = 1e-6 * step_s
    edges = step_s * np.arange(n_steps + 1) + hair
    places = np.searchsorted(seconds, edges, side="right")
    spacing = float(np.median(np.diff(seconds))) if len(seconds) > 1 else step_s
    oldest = GAP_SPACINGS * spacing + 2 * hair
    labels = np.full(n_steps, np.nan)
    for step, (first, last) in enumerate(pairwise(places)):
        if last > first:
            labels[step] = samples[first:last].mean()
        elif last > 0 and edges[step + 1] - seconds[last - 1] <= oldest:
            labels[step] = samples[last - 1]
    return labels


def read_annotations(
    path: Path,
    kind: str = "continuous-external",
    label_range: tuple[float, float] = (-1.0, 1.0),
) -> Annotations:
    """Read an annotation CSV, or a TSV.

    Columns: ``time_s`` (seconds from the start of the trial), ``valence`` and/or ``arousal``, and
    some of `IDENTITY`: ``stimulus`` (its name, or its number) or ``trial``, where needed with
    ``subject`` and ``session``. Rows without a rating are skipped.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Origin of the labels, one of `eeg_emotion_env.trial.LABEL_KINDS`.
    label_range : tuple of float
        Ratings that stand for -1 and 1.

    Returns
    -------
    Annotations
        Its tracks.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or holds impossible times or values.
    """
    table = read_table(path)
    columns = tuple(column for column in IDENTITY if column in table)
    names = tuple(name for name in DIMENSIONS if name in table)
    if "time_s" not in table or not names or not {"trial", "stimulus"} & set(columns):
        raise DataError(
            f"{path}: lacks a column; expected stimulus (or trial), time_s, valence and arousal "
            f"(and subject, session if they differ), not {', '.join(map(str, table.columns))}"
        )
    for column in ("time_s", *names):
        table[column] = numeric_column(path, table[column])
    for column in columns:
        _require_filled(path, table[column])
    table = table.dropna(subset=["time_s"]).dropna(subset=list(names), how="all")
    if table.empty:
        raise DataError(f"{path}: holds no complete row; add annotations")
    table[list(names)] = _rescaled(path, table[list(names)], label_range)
    for column in columns:
        table[column] = table[column].map(_plain)
    tracks: dict[tuple[str, ...], Track] = {}
    for identity, rows in table.groupby(list(columns), sort=False):
        times = rows["time_s"].to_numpy(dtype=np.float64)
        if (np.diff(times) <= 0).any():
            raise DataError(
                f"{path}: time_s does not increase within {', '.join(columns)} = "
                f"{', '.join(map(str, identity))}; sort the rows and remove doubles"
            )
        tracks[tuple(map(str, identity))] = times, rows[list(names)].to_numpy(np.float64)
    return Annotations(path, columns, tracks, names, kind)


def read_table(path: Path) -> "pd.DataFrame":
    """Read a CSV (or TSV, by its suffix) with identities as text.

    Raises
    ------
    DataError
        If it cannot be read as such.
    """
    import pandas as pd

    try:
        separator = _separator(path)
        table = pd.read_csv(
            path,
            sep=separator,
            # Numbers are told column by column: a stimulus may be called 01, None or NA.
            dtype=str,
            keep_default_na=False,
            na_values={},
            skipinitialspace=True,
            encoding="utf-8-sig",
        )
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); give the path of a CSV file"
        ) from error
    except ValueError as error:
        # pandas' ParserError and EmptyDataError, and UnicodeDecodeError, are ValueErrors.
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a CSV file ({reason}); save it as CSV in UTF-8") from error
    plain = [name.strip().lower() for name in table.columns]
    doubled = next((name for name in KNOWN if plain.count(name) > 1), None)
    if doubled is not None:
        raise DataError(f"{path}: has two columns {doubled}; remove one of them")
    table.columns = [
        name if name in KNOWN else column.strip()
        for name, column in zip(plain, table.columns, strict=True)
    ]
    if separator == ";":
        # Where a comma marks decimals, a semicolon separates columns.
        numeric = [name for name in ("time_s", *DIMENSIONS) if name in table]
        table[numeric] = table[numeric].apply(lambda text: text.str.replace(",", "."))
    return table


def _separator(path: Path) -> str:
    """Tell what separates the columns from the first line: tab, semicolon or comma."""
    with path.open(encoding="utf-8-sig") as stream:
        head = stream.readline()
    counts = {separator: head.count(separator) for separator in ("\t", ";", ",")}
    most = max(counts, key=lambda separator: counts[separator])
    return most if counts[most] else ("\t" if path.suffix.lower() == ".tsv" else ",")


def _require_filled(path: Path, column: "pd.Series") -> None:
    """Refuse a row that does not say whose it is: it would be lost."""
    empty = column.isna() | (column.astype(str).str.strip() == "")
    if empty.any():
        line = int(np.flatnonzero(empty)[0]) + 2
        raise DataError(f"{path}: line {line} has no {column.name}; fill it in or remove the line")


def numeric_column(path: Path, column: "pd.Series") -> "pd.Series":
    """Return a column as numbers, or raise `DataError` naming the first line that is none."""
    import pandas as pd

    text = column.astype(str).str.strip()
    given = column.notna() & ~text.str.lower().isin(MISSING)
    numbers = pd.to_numeric(text.where(given), errors="coerce").astype(np.float64)
    broken = (numbers.isna() & given) | np.isinf(numbers)
    if broken.any():
        line = int(np.flatnonzero(broken)[0]) + 2
        raise DataError(f"{path}: line {line} of column {column.name} is not a number; correct it")
    return numbers


def _rescaled(
    path: Path, ratings: "pd.DataFrame", label_range: tuple[float, float]
) -> "pd.DataFrame":
    low, high = label_range
    scaled = ratings if label_range == (-1.0, 1.0) else 2 * (ratings - low) / (high - low) - 1
    outside = scaled[(scaled.abs() > 1 + 2 * RANGE_SLACK).any(axis=1)]
    if len(outside):
        raise DataError(
            f"{path}: line {int(outside.index[0]) + 2} has a rating outside [{low:g}, {high:g}]; "
            "rescale the ratings"
        )
    return scaled.clip(-1.0, 1.0)


def _plain(value: object) -> str:
    """Write an identity so that 2, "02", "clip02" and "video_2" agree."""
    text = str(value).strip().lower()
    match = re.fullmatch(
        r"(?:clip|video|trial|stimulus|sub|ses|session|subject)?[ _-]?0*(\d+)(?:\.0+)?", text
    )
    return match[1] if match else text
