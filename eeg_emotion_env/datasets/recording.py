"""`Recording`: the trials of one subject in one session, and the readers behind it."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError, DataError, DataWarning, check_choice
from eeg_emotion_env.features import FeatureConfig, log_band_power
from eeg_emotion_env.labels import LabelSource
from eeg_emotion_env.trial import FloatArray, Trial, TrialKey

if TYPE_CHECKING:
    from eeg_emotion_env.simulation import SimulationConfig

UNITS: dict[str, float] = {"uV": 1.0, "mV": 1e3, "V": 1e6}
"""Microvolts of each unit that raw EEG may be stored in."""

PLAUSIBLE_UV = (0.1, 5e3)
"""Spread of a typical channel of EEG, microvolts; outside it is in other units, or flat."""

TYPICAL_UV = (0.5, 1e3)
"""Spread of a typical channel that raises no doubt about the unit, microvolts."""


MOST_UV = 1e6
"""Largest voltage that can be EEG with its offset, microvolts."""

BROKEN_RATIO = 50.0
"""A channel that varies so much more than a typical one has a loose electrode."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Raw EEG of one trial.

    Attributes
    ----------
    eeg : ndarray, shape (n_channels, n_times), float
        Microvolts.
    sfreq : float
        Sampling rate, Hz.
    channels : tuple of str
        Names of the rows.
    """

    eeg: NDArray[np.floating[Any]]
    sfreq: float
    channels: tuple[str, ...]


class Reader(ABC):
    """Reads features of the trials of one recording.

    Attributes
    ----------
    channels, bands : tuple of str
        Names of the second and third axis of the features.
    step_s : float
        Seconds a step.
    causal : bool
        False if stored features look into the future.
    files : tuple of Path
        Files that the features come from; empty if they are generated.
    """

    channels: tuple[str, ...]
    bands: tuple[str, ...]
    step_s: float
    causal: bool
    files: tuple[Path, ...]

    @abstractmethod
    def features(self, key: TrialKey) -> FloatArray:
        """Read the features of a trial, (n_steps, n_channels, n_bands), not normalised."""

    @abstractmethod
    def origin(self, key: TrialKey) -> str:
        """Return file and variable of a trial, for messages."""

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """Return whatever decides the features beside the content of the files, JSON-able."""

    def signal(self, key: TrialKey) -> Signal:
        """Read the raw EEG of a trial.

        Raises
        ------
        DataError
            If the recording holds features only.
        """
        raise DataError(
            f"{self.origin(key)}: features are stored here, not EEG; give the folder of the raw "
            "recordings"
        )


@dataclass(frozen=True, eq=False)
class SignalReader(Reader):
    """Base of readers that compute features from raw EEG.

    Attributes
    ----------
    config : FeatureConfig
        Step, window and bands.
    channels : tuple of str
        Channels of the features.
    """

    config: FeatureConfig
    channels: tuple[str, ...]
    causal: bool = field(default=True, init=False)

    @property
    def bands(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the bands."""
        return self.config.bands

    @property
    def step_s(self) -> float:  # type: ignore[override]
        """Seconds a step."""
        return self.config.step_s

    def features(self, key: TrialKey) -> FloatArray:
        """Compute log band power of the raw EEG of a trial."""
        return self.features_of(self.signal(key), key)

    def features_of(self, signal: Signal, key: TrialKey) -> FloatArray:
        """Compute the features of a trial whose signal is at hand."""
        try:
            return log_band_power(signal.eeg, signal.sfreq, self.config)
        except DataError as error:
            raise DataError(f"{self.origin(key)}: {error}") from error


@dataclass(frozen=True, eq=False)
class EEGOf:
    """Reads the raw EEG of a trial when it is called (see `Trial.read_eeg`)."""

    reader: SignalReader
    key: TrialKey

    def __call__(self) -> Signal:
        """Read it."""
        return self.reader.signal(self.key)

    def __repr__(self) -> str:
        """Say what it is, not where: jobs are named by what a trial holds."""
        return f"raw EEG of {self.key}"


@dataclass(frozen=True, eq=False)
class Recording:
    """Trials of one subject in one session, read one at a time and only when needed.

    Attributes
    ----------
    keys : tuple of TrialKey
        Trials in the order of recording, known without reading the signal.
    reader : Reader
        Reads the features.
    labels : LabelSource
        Gives the labels.
    truth : LabelSource or None
        True affect, for simulations.
    simulation : SimulationConfig or None
        What generated the recording; None for recorded data.
    origin : str
        File or generator, for messages.
    source : str
        ``"recorded"`` or ``"simulated"``.
    """

    keys: tuple[TrialKey, ...]
    reader: Reader
    labels: LabelSource
    truth: LabelSource | None = None
    simulation: "SimulationConfig | None" = None
    origin: str = ""
    source: str = "recorded"

    def trial(
        self,
        key: TrialKey,
        features: FloatArray | None = None,
        flat: tuple[str, ...] | None = None,
    ) -> Trial:
        """Assemble one trial.

        Parameters
        ----------
        key : TrialKey
            One of `keys`.
        features : ndarray or None, shape (n_steps, n_channels, n_bands)
            Its features where they are at hand; None reads them.
        flat : tuple of str or None
            Channels that never change, where it is known; None looks for them.

        Returns
        -------
        Trial
            With ``normalization="none"``.

        Raises
        ------
        DataError
            If the file is damaged; the message names it.
        """
        reader = self.reader
        rows = reader.features(key) if features is None else features
        if flat is None:
            flat = flat_channels(rows, reader.channels)
        _warn_of_flat_channels(flat, reader, key)
        n_steps, step_s = len(rows), reader.step_s
        return Trial(
            features=rows,
            labels=self.labels.at_steps(key, n_steps, step_s),
            label_names=self.labels.names,
            label_kind=self.labels.kind,
            step_s=step_s,
            channels=reader.channels,
            bands=reader.bands,
            key=key,
            source=self.source,
            causal=reader.causal,
            origin=reader.origin(key),
            truth=self.truth.at_steps(key, n_steps, step_s) if self.truth else None,
            simulation=self.simulation,
            read_eeg=EEGOf(reader, key) if isinstance(reader, SignalReader) else None,
        )


def label_doubt(trials: Sequence[Trial]) -> str | None:
    """Say what makes one doubt the labels of a recording that should move; None if nothing.

    Parameters
    ----------
    trials : sequence of Trial
        All trials of the recording.
    """
    if not trials or trials[0].label_kind == "constant-class":
        return None
    labels = np.concatenate([trial.labels for trial in trials])
    steps = f"in any of {len(trials)} trials" if len(trials) > 1 else "in the trial"
    if np.isnan(labels).all():
        return f"{trials[0].origin}: no step is annotated {steps}; check the labels"
    for name, column in zip(trials[0].label_names, labels.T, strict=True):
        known = column[~np.isnan(column)]
        if len(known) > 1 and (known == known[0]).all():
            return (
                f"{trials[0].origin}: {name} is {known[0]:g} at every step {steps}; it should "
                "move: check the labels"
            )
    return None


def flat_channels(features: FloatArray, channels: tuple[str, ...]) -> tuple[str, ...]:
    """Name the channels whose features, before normalisation, never change: not connected."""
    if len(features) < 2:
        return ()
    constant = (features == features[:1]).all(axis=(0, 2))
    return tuple(name for name, flat in zip(channels, constant, strict=True) if flat)


def _warn_of_flat_channels(flat: tuple[str, ...], reader: Reader, key: TrialKey) -> None:
    if flat:
        named = ", ".join(flat[:4]) + (f" and {len(flat) - 4} more" if len(flat) > 4 else "")
        warnings.warn(
            f"{reader.origin(key)}: constant in {named}; such channels carry nothing: check the "
            "recording",
            DataWarning,
            stacklevel=3,
        )


def checked_eeg(
    eeg: NDArray[Any], n_channels: int, origin: str, unit: str = "uV"
) -> NDArray[np.floating[Any]]:
    """Return raw EEG in microvolts, or raise an error that names what is wrong with it.

    Parameters
    ----------
    eeg : ndarray, shape (n_channels, n_times)
        Stored values.
    n_channels : int
        Rows expected.
    origin : str
        File and variable, for messages.
    unit : str
        Unit of the stored values, one of `UNITS`.

    Returns
    -------
    ndarray, shape (n_channels, n_times), float
        Microvolts.

    Raises
    ------
    DataError
        If the shape is wrong, values are no finite numbers, or they cannot be in `unit`.
    """
    if not has_shape(eeg.shape, (n_channels, None)):
        raise DataError(f"{origin} {wrong_shape(eeg.shape, (n_channels, None))}")
    values = finite(eeg, origin) * UNITS[unit] if unit != "uV" else finite(eeg, origin)
    # Every fifth sample is enough for a spread, and saves a fifth of a second a recording.
    spreads = values[:, ::5].std(axis=1)
    spread = float(np.median(spreads))
    if spread < PLAUSIBLE_UV[0]:
        raise DataError(
            f"{origin} varies by {spread:.1g} µV only: it looks like volts or millivolts (or is "
            "flat), expected microvolts; give unit='V' or 'mV' (command line: --option unit=V)"
        )
    if spread > PLAUSIBLE_UV[1]:
        raise DataError(
            f"{origin} varies by {spread:.1g} µV: too much for EEG in microvolts; check unit and "
            "scale of the recording"
        )
    reached = float(max(-values.min(), values.max()))
    if reached > MOST_UV:
        raise DataError(
            f"{origin} reaches {reached:.3g} µV, which no amplifier gives; restore the file from "
            "the release"
        )
    if spreads.max() > BROKEN_RATIO * spread:
        row = int(spreads.argmax())
        warnings.warn(
            f"{origin}: row {row + 1} varies by {spreads[row]:.3g} µV, a typical one by "
            f"{spread:.3g} µV; its electrode may have been loose: check it",
            DataWarning,
            stacklevel=2,
        )
    low, high = TYPICAL_UV
    if not low <= spread <= high:
        warnings.warn(
            f"{origin}: channels vary by {spread:.3g} µV, outside the usual {low:g} to {high:g}; "
            "check the unit and the filters",
            DataWarning,
            stacklevel=2,
        )
    return values


def finite(values: NDArray[Any], origin: str) -> NDArray[np.floating[Any]]:
    """Return an array of finite numbers, or raise `DataError`."""
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise DataError(f"{origin} is no numeric array; restore the file from the release")
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    # Lowest and highest carry any NaN or infinity, and are found faster than those.
    if array.size and not np.isfinite([array.min(), array.max()]).all():
        where = "" if array.ndim != 2 else f" (first in row {_first_bad_row(array) + 1})"
        raise DataError(
            f"{origin} holds NaN or infinite values{where}; restore the file from the release"
        )
    return array


def _first_bad_row(array: NDArray[np.floating[Any]]) -> int:
    return int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])


def has_shape(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Say whether a shape is the one wanted and not empty; None stands for any length."""
    return (
        len(shape) == len(wanted)
        and 0 not in shape
        and all(size in (None, have) for size, have in zip(wanted, shape, strict=True))
    )


def wrong_shape(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    """Say what is wrong with a shape; None stands for any length."""
    text = "(" + ", ".join("n" if size is None else str(size) for size in wanted) + ")"
    fixed = sorted(size for size in wanted if size is not None)
    swapped = len(shape) == len(wanted) and any(
        sorted((*fixed, size)) == sorted(shape) for size in shape
    )
    if swapped and all(shape):
        return f"has its axes swapped: {shape}, expected {text}; transpose it"
    return f"is {shape}, expected {text}; restore the file from the release"


def check_unit(unit: str) -> str:
    """Return `unit` if it is one of `UNITS`, else raise `ConfigError`."""
    return check_choice("unit", unit, UNITS)


def check_step(step_s: float, grid_s: float, what: str) -> None:
    """Raise `ConfigError` unless a step is a positive multiple of a grid."""
    ratio = step_s / grid_s
    if not np.isfinite(ratio) or ratio < 1 - 1e-9 or abs(ratio - round(ratio)) > 1e-6:
        raise ConfigError(f"step_s must be a multiple of {grid_s:g} s ({what}), not {step_s}")


def check_step_fits(step_s: float, window_s: float) -> None:
    """Raise `ConfigError` unless a step is a multiple or a whole fraction of a window."""
    ratio = max(step_s / window_s, window_s / step_s) if step_s > 0 else np.nan
    if not np.isfinite(ratio) or abs(ratio - round(ratio)) > 1e-6:
        raise ConfigError(
            f"step_s must be a multiple or a whole fraction of {window_s:g} s (the labels' "
            f"windows), not {step_s}"
        )
