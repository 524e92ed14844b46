"""Readers of MAT files: raw EEG or stored features, one variable a trial."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.recording import (
    Reader,
    Signal,
    SignalReader,
    checked_eeg,
    finite,
    has_shape,
    wrong_shape,
)
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.features import POWER_FLOOR, block_mean
from eeg_emotion_env.matfile import load_variable
from eeg_emotion_env.trial import FloatArray, TrialKey

MOST_DE = 1e3
"""Differential entropies are logarithms: EEG in microvolts has some ten at most."""

MOST_AT_FLOOR = 0.01
"""Share of stored powers below `POWER_FLOOR` that raises no doubt about their unit."""


class InMatFile(Reader):
    """What readers of one MAT file share: ``path``, and ``variables`` by trial."""

    path: Path
    variables: Mapping[TrialKey, str]

    @property
    def files(self) -> tuple[Path, ...]:  # type: ignore[override]
        """The file."""
        return (self.path,)

    def origin(self, key: TrialKey) -> str:
        """Return file and variable."""
        return f"{self.path}: {self.variables[key]}"

    def stored(self, key: TrialKey) -> NDArray[Any]:
        """Read one variable; the others are skipped, so memory stays bounded."""
        return np.asarray(load_variable(self.path, self.variables[key]))


@dataclass(frozen=True, eq=False)
class MatEEG(InMatFile, SignalReader):
    """Raw EEG, one variable (n_stored_channels, n_times) a trial.

    Attributes
    ----------
    path : Path
        The file.
    variables : mapping of TrialKey to str
        Variable of each trial.
    sfreq : float
        Sampling rate, Hz.
    n_stored : int
        Channels in the file.
    rows : tuple of int or None
        Rows that are kept, in the order of `channels`; None keeps all.
    unit : str
        Unit of the stored values.
    """

    path: Path
    variables: Mapping[TrialKey, str] = field(repr=False)
    sfreq: float
    n_stored: int
    rows: tuple[int, ...] | None = None
    unit: str = "uV"

    def signal(self, key: TrialKey) -> Signal:
        """Read one trial."""
        eeg = checked_eeg(self.stored(key), self.n_stored, self.origin(key), self.unit)
        kept = eeg if self.rows is None else eeg[list(self.rows)]
        return Signal(kept, self.sfreq, self.channels)

    def configuration(self) -> dict[str, Any]:
        """Return what decides the features beside the file's content."""
        return {
            "variables": list(self.variables.values()),
            "rows": self.rows,
            "sfreq": self.sfreq,
            "unit": self.unit,
            "features": vars(self.config),
        }


@dataclass(frozen=True, eq=False)
class MatFeatures(InMatFile):
    """Stored features, one variable a trial.

    Attributes
    ----------
    path : Path
        The file.
    variables : mapping of TrialKey to str
        Variable of each trial.
    axes : str
        Order of the stored axes: a permutation of ``"wcb"`` (window, channel, band).
    channels, bands : tuple of str
        Names of channels and bands.
    window_s : float
        Seconds a window.
    width : int
        Windows averaged into a step.
    is_power : bool
        Whether values are powers, whose logarithm is taken.
    causal : bool
        False if the values were smoothed with a look into the future.
    """

    path: Path
    variables: Mapping[TrialKey, str] = field(repr=False)
    axes: str
    channels: tuple[str, ...]
    bands: tuple[str, ...]
    window_s: float
    width: int
    is_power: bool
    causal: bool

    @property
    def step_s(self) -> float:  # type: ignore[override]
        """Seconds a step."""
        return self.width * self.window_s

    def features(self, key: TrialKey) -> FloatArray:
        """Read one variable and average its windows to steps."""
        origin = self.origin(key)
        stored = self.stored(key)
        sizes = {"w": None, "c": len(self.channels), "b": len(self.bands)}
        wanted = tuple(sizes[axis] for axis in self.axes)
        if not has_shape(stored.shape, wanted):
            raise DataError(f"{origin} {wrong_shape(stored.shape, wanted)}")
        values = finite(stored, origin).transpose([self.axes.index(axis) for axis in "wcb"])
        if self.is_power:
            values = _log_power(values, origin)
        elif np.abs(values).max() > MOST_DE:
            raise DataError(
                f"{origin} reaches {np.abs(values).max():.3g}, no differential entropy; restore "
                "the file from the release"
            )
        if len(values) < self.width:
            raise DataError(f"{origin} is shorter than one {self.step_s:g} s step")
        return block_mean(values, self.width)

    def configuration(self) -> dict[str, Any]:
        """Return what decides the features beside the file's content."""
        return {
            "variables": list(self.variables.values()),
            "axes": self.axes,
            "width": self.width,
            "power": self.is_power,
        }


def _log_power(power: NDArray[np.floating[Any]], origin: str) -> NDArray[np.floating[Any]]:
    """Return the natural logarithm of powers, floored at `POWER_FLOOR`."""
    if (power < 0).any():
        raise DataError(
            f"{origin} holds negative powers (are they logarithms?); restore the file from the "
            "release"
        )
    low = float((power < POWER_FLOOR).mean())
    if low > MOST_AT_FLOOR:
        warnings.warn(
            f"{origin}: {low:.0%} of the powers are below {POWER_FLOOR:g} and count as that; are "
            "they in µV²?",
            DataWarning,
            stacklevel=3,
        )
    logarithm: NDArray[np.floating[Any]] = np.log(np.maximum(power, POWER_FLOOR))
    return logarithm
