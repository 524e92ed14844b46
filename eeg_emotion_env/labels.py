"""Label tracks: annotation CSV files and their causal resampling to the steps of a trial."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.seed_tables import stimulus_name
from eeg_emotion_env.trial import FloatArray, TrialKey

if TYPE_CHECKING:
    import pandas as pd

DIMENSIONS = ("valence", "arousal")

CLASS_AFFECT = {1: (1.0, 0.5), 0: (0.0, -0.5), -1: (-1.0, 0.5)}
"""Valence and arousal of SEED's classes: the valence is the class, the arousal our choice."""

GAP_SPACINGS = 2.0
"""A value is held for this many sample spacings before it counts as a gap."""

Track = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class ClassLabels:
    """One class a trial, held constant.

    Attributes
    ----------
    path : Path
        The file, for messages.
    classes : ndarray, shape (n_trials,), int
        1 positive, 0 neutral, -1 negative, in the order of trials.
    """

    path: Path
    classes: NDArray[np.int64] = field(repr=False)

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Labels of a trial: `CLASS_AFFECT` of its class at each step, whatever its length."""
        affect = CLASS_AFFECT[int(self.classes[key.trial - 1])]
        return np.tile(np.array(affect, dtype=np.float32), (n_steps, 1))


@dataclass(frozen=True, eq=False)
class LabelTracks:
    """Annotations by stimulus, and by subject and session where the file tells them.

    Attributes
    ----------
    path : Path
        The file, for messages.
    columns : tuple of str
        Those of ``subject``, ``session`` and ``stimulus`` that identify a track.
    tracks : dict
        Times (seconds from the start of the stimulus) and values, shape (n, 2), by identity.
    """

    path: Path
    columns: tuple[str, ...]
    tracks: dict[tuple[str, ...], Track] = field(repr=False)

    def covers(self, key: TrialKey) -> bool:
        """Say whether the file annotates the trial."""
        return self._identity(key) in self.tracks

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Labels of a trial, NaN where the file does not annotate it.

        Parameters
        ----------
        key : TrialKey
            The trial.
        n_steps : int
            Steps of the trial.
        step_s : float
            Seconds a step.

        Returns
        -------
        ndarray, shape (n_steps, 2), float32
            Valence and arousal (see `resample_track`).
        """
        if not self.covers(key):
            return np.full((n_steps, len(DIMENSIONS)), np.nan, dtype=np.float32)
        times, values = self.tracks[self._identity(key)]
        return resample_track(times, values, n_steps, step_s)

    def _identity(self, key: TrialKey) -> tuple[str, ...]:
        return tuple(str(getattr(key, column)) for column in self.columns)


def resample_track(times: ArrayLike, values: ArrayLike, n_steps: int, step_s: float) -> FloatArray:
    """Bring an annotation to the steps of a trial, causally.

    The value of a step is the mean of the samples in (start, end]; without one, the last earlier
    sample, unless it is older than `GAP_SPACINGS` median spacings; NaN otherwise.

    Parameters
    ----------
    times : array_like, shape (n_samples,)
        Seconds from the start of the stimulus, strictly increasing.
    values : array_like, shape (n_samples, n_dims)
        Annotation.
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
    # A hair of tolerance keeps a sample written as 0.30000000000000004 in the step it ends.
    hair = 1e-6 * step_s
    edges = step_s * np.arange(n_steps + 1) + hair
    places = np.searchsorted(seconds, edges, side="right")
    spacing = float(np.median(np.diff(seconds))) if len(seconds) > 1 else step_s
    oldest = GAP_SPACINGS * spacing + 2 * hair
    labels = np.full((n_steps, samples.shape[1]), np.nan)
    for step, (first, last) in enumerate(pairwise(places)):
        if last > first:
            labels[step] = samples[first:last].mean(axis=0)
        elif last > 0 and edges[step + 1] - seconds[last - 1] <= oldest:
            labels[step] = samples[last - 1]
    return labels.astype(np.float32)


def read_annotations(path: Path) -> LabelTracks:
    """Read an annotation CSV.

    Columns: ``stimulus`` (``clip01`` or its number), ``time_s`` (seconds from the start of the
    stimulus), ``valence`` and ``arousal`` in [-1, 1]; with ``subject`` and ``session``, tracks
    belong to one subject or session. Rows without a rating are skipped.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    LabelTracks
        Its tracks.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or holds impossible times or values.
    """
    table = _read_table(path)
    optional = tuple(column for column in ("subject", "session") if column in table)
    columns = (*optional, "stimulus")
    tracks: dict[tuple[str, ...], Track] = {}
    for identity, rows in table.groupby(list(columns), sort=False):
        times = rows["time_s"].to_numpy(dtype=np.float64)
        if (np.diff(times) <= 0).any():
            raise DataError(
                f"{path}: time_s does not increase within {', '.join(columns)} = "
                f"{', '.join(map(str, identity))}; sort the rows and remove doubles"
            )
        tracks[tuple(map(str, identity))] = times, rows[list(DIMENSIONS)].to_numpy(np.float64)
    return LabelTracks(path, columns, tracks)


def _read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype={"stimulus": str, "subject": str, "session": str})
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        # pandas' ParserError and EmptyDataError, and UnicodeDecodeError, are ValueErrors.
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a CSV file ({reason}); save it as CSV in UTF-8") from error
    missing = [name for name in ("stimulus", "time_s", *DIMENSIONS) if name not in table]
    if missing:
        raise DataError(
            f"{path}: has no column {', '.join(missing)}; expected stimulus,time_s,valence,arousal "
            "(and subject, session if they differ)"
        )
    for column in ("time_s", *DIMENSIONS):
        table[column] = _numbers(path, table[column])
    table = table.dropna(subset=["stimulus", "time_s", *DIMENSIONS])
    if table.empty:
        raise DataError(f"{path}: holds no complete row; add annotations")
    outside = table[(table[list(DIMENSIONS)].abs() > 1).any(axis=1)]
    if len(outside):
        raise DataError(
            f"{path}: line {outside.index[0] + 2} has a rating outside [-1, 1]; rescale the ratings"
        )
    return table.assign(stimulus=table["stimulus"].map(_stimulus))


def _numbers(path: Path, column: "pd.Series") -> "pd.Series":
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    broken = numbers.isna() & column.notna()
    if broken.any():
        line = int(np.flatnonzero(broken)[0]) + 2
        raise DataError(f"{path}: line {line} of column {column.name} is not a number; correct it")
    return numbers


def _stimulus(name: str) -> str:
    return stimulus_name(int(name)) if name.strip().isdigit() else name.strip()
