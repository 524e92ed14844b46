"""Causal spectral features: log band power of the window that ends with each step."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.trial import FloatArray

BANDS: dict[str, tuple[float, float]] = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 14.0),
    "beta": (14.0, 31.0),
    "gamma": (31.0, 50.0),
}
"""The five bands of SEED's own features, Hz (lower edge in, upper edge out)."""

POWER_FLOOR = 1e-4
"""Smallest band power, µV²: keeps the logarithm of a flat channel finite."""


def band_centres(bands: Sequence[str]) -> tuple[float, ...]:
    """Return the geometric centres of bands, Hz.

    Parameters
    ----------
    bands : sequence of str
        Names of bands in `BANDS`.

    Raises
    ------
    ConfigError
        If the frequencies of a band are not known.
    """
    _require_known(bands)
    return tuple(float(np.sqrt(BANDS[band][0] * BANDS[band][1])) for band in bands)


def band_weights(wanted: Sequence[str], given: Sequence[str]) -> FloatArray:
    """Return how bands that are wanted are made of bands that are given: by overlap in Hz.

    Parameters
    ----------
    wanted, given : sequence of str
        Names of bands in `BANDS`.

    Returns
    -------
    ndarray, shape (n_wanted, n_given), float32
        Weights of each row sum to 1; a row is zero, the mean of normalised features, where no band
        overlaps.

    Raises
    ------
    ConfigError
        If the frequencies of a band are not known.
    """
    _require_known([*wanted, *given])
    overlap = np.array(
        [
            [max(0.0, min(BANDS[a][1], BANDS[b][1]) - max(BANDS[a][0], BANDS[b][0])) for b in given]
            for a in wanted
        ]
    )
    total = overlap.sum(axis=1, keepdims=True)
    weights: FloatArray = (overlap / np.where(total > 0, total, 1.0)).astype(np.float32)
    return weights


def _require_known(bands: Sequence[str]) -> None:
    unknown = [band for band in bands if band not in BANDS]
    if unknown:
        raise ConfigError(
            f"the frequencies of band {', '.join(unknown)} are not known, only those of "
            f"{', '.join(BANDS)}"
        )


@dataclass(frozen=True)
class FeatureConfig:
    """How raw EEG becomes features.

    Attributes
    ----------
    step_s : float
        Seconds a step.
    window_s : float
        Length of the trailing window, seconds; a whole number of steps, at least one.
    bands : tuple of str
        Names of bands in `BANDS`, low to high.
    """

    step_s: float = 1.0
    window_s: float = 1.0
    bands: tuple[str, ...] = tuple(BANDS)

    def __post_init__(self) -> None:
        unknown = set(self.bands) - set(BANDS)
        if unknown or not self.bands:
            raise ConfigError(f"bands must be among {', '.join(BANDS)}, not {self.bands}")
        ratio = self.window_s / self.step_s if self.step_s > 0 else 0.0
        if ratio < 1 or abs(ratio - round(ratio)) > 1e-6:
            raise ConfigError(
                f"window_s must be a whole number of steps of {self.step_s} s, not {self.window_s}"
            )


def log_band_power(
    eeg: NDArray[np.floating], sfreq: float, config: FeatureConfig | None = None
) -> FloatArray:
    """Log power of each channel and band in the window that ends with each step.

    Row t is computed from samples before ``(t + 1) * step_s`` alone. Where the window is longer
    than the time since the start, the missing past is left out of the average. An incomplete last
    step is dropped.

    Parameters
    ----------
    eeg : ndarray, shape (n_channels, n_times), float, microvolts
        Continuous EEG of one trial.
    sfreq : float
        Sampling rate, Hz.
    config : FeatureConfig or None
        Step, window and bands; the default is 1 s and five bands.

    Returns
    -------
    ndarray, shape (n_steps, n_channels, n_bands), float32
        Natural logarithm of band power in µV² (floored at `POWER_FLOOR`).

    Raises
    ------
    DataError
        If the recording is shorter than one step or the rate is too low for the bands.
    """
    # half a second to import, and not needed for stored features
    from scipy.fft import rfft

    config = config or FeatureConfig()
    n_samples = _samples_of(config, sfreq)
    n_steps = eeg.shape[1] // n_samples if n_samples else 0
    if n_steps < 1:
        raise DataError(f"EEG of {eeg.shape[1]} samples is shorter than one {config.step_s} s step")
    weights = _band_weights(n_samples, sfreq, config.bands)
    power = np.empty((n_steps, eeg.shape[0], len(config.bands)), dtype=np.float32)
    taper = np.hanning(n_samples).astype(np.float32)
    scale = np.float32(2.0 / (np.square(taper).sum() * n_samples))
    for channel, signal in enumerate(eeg):
        windows = signal[: n_steps * n_samples].astype(np.float32).reshape(n_steps, n_samples)
        windows = windows - windows.mean(axis=1, keepdims=True)
        spectrum = rfft(windows * taper, axis=1)
        density = np.square(spectrum.real) + np.square(spectrum.imag)
        power[:, channel] = density @ weights * scale
    width = round(config.window_s / config.step_s)
    return np.log(np.maximum(trailing_mean(power, width), POWER_FLOOR)).astype(np.float32)


class BandPowerStream:
    """`log_band_power` of a stream, step by step: the same numbers, memory of one window.

    Parameters
    ----------
    sfreq : float
        Sampling rate, Hz.
    config : FeatureConfig or None
        Step, window and bands; the default is 1 s and five bands.

    Attributes
    ----------
    n_samples : int
        Samples of a step.

    Raises
    ------
    DataError
        If a step is no whole number of samples, or the rate is too low for the bands.
    """

    def __init__(self, sfreq: float, config: FeatureConfig | None = None) -> None:
        from scipy.fft import rfft

        self.config = config or FeatureConfig()
        self.n_samples = _samples_of(self.config, sfreq)
        self._rfft = rfft
        self._weights = _band_weights(self.n_samples, sfreq, self.config.bands)
        self._taper = np.hanning(self.n_samples).astype(np.float32)
        self._scale = np.float32(2.0 / (np.square(self._taper).sum() * self.n_samples))
        self._past: deque[FloatArray] = deque(
            maxlen=round(self.config.window_s / self.config.step_s)
        )

    def step(self, eeg: NDArray[np.floating]) -> FloatArray:
        """Take the samples of one step.

        Parameters
        ----------
        eeg : ndarray, shape (n_channels, n_samples), float, microvolts
            Samples since the step before.

        Returns
        -------
        ndarray, shape (n_channels, n_bands), float32
            Row of `log_band_power` for this step.
        """
        if eeg.shape[1] != self.n_samples:
            raise DataError(f"a step has {self.n_samples} samples, not {eeg.shape[1]}")
        window = eeg.astype(np.float32)
        window -= window.mean(axis=1, keepdims=True)
        spectrum = self._rfft(window * self._taper, axis=1)
        density = np.square(spectrum.real) + np.square(spectrum.imag)
        self._past.append(density @ self._weights * self._scale)
        power = self._past[0]
        if len(self._past) > 1:
            power = np.mean(self._past, axis=0, dtype=np.float64)
        return np.log(np.maximum(power, POWER_FLOOR)).astype(np.float32)


def trailing_mean(values: NDArray[np.floating], width: int) -> FloatArray:
    """Mean over the last `width` rows up to and including each row (fewer at the start).

    Parameters
    ----------
    values : ndarray, shape (n_steps, ...)
        One row a step.
    width : int
        Rows in the window, at least 1.

    Returns
    -------
    ndarray, shape (n_steps, ...), float32
        Trailing means.
    """
    if width == 1:
        return np.asarray(values, dtype=np.float32)
    out = np.empty(values.shape, dtype=np.float32)
    for step in range(len(values)):
        out[step] = values[max(0, step + 1 - width) : step + 1].mean(axis=0, dtype=np.float64)
    return out


def block_mean(values: NDArray[np.floating], width: int) -> FloatArray:
    """Mean over consecutive blocks of `width` rows; an incomplete last block is dropped.

    Parameters
    ----------
    values : ndarray, shape (n_rows, ...)
        Rows at the finer rate.
    width : int
        Rows a block.

    Returns
    -------
    ndarray, shape (n_rows // width, ...), float32
        Row t is the mean of rows ``t * width`` to ``(t + 1) * width - 1``: its window ends with it.
    """
    n_blocks = len(values) // width
    blocks = values[: n_blocks * width].reshape(n_blocks, width, *values.shape[1:])
    return np.asarray(blocks.mean(axis=1, dtype=np.float64), dtype=np.float32)


def _samples_of(config: FeatureConfig, sfreq: float) -> int:
    n_samples = round(config.step_s * sfreq)
    if abs(n_samples - config.step_s * sfreq) > 1e-6 * n_samples:
        raise DataError(
            f"a step of {config.step_s:g} s is no whole number of samples at {sfreq:g} Hz; choose "
            "another step_s"
        )
    return n_samples


def _band_weights(n_samples: int, sfreq: float, bands: tuple[str, ...]) -> FloatArray:
    frequencies = np.fft.rfftfreq(n_samples, 1 / sfreq)
    edges = [BANDS[band] for band in bands]
    weights = np.stack([(frequencies >= low) & (frequencies < high) for low, high in edges], axis=1)
    empty = [band for band, column in zip(bands, weights.T, strict=True) if not column.any()]
    if empty or sfreq / 2 < max(high for _, high in edges) - 1e-9:
        raise DataError(
            f"{sfreq:g} Hz and {n_samples} samples a window cannot resolve the bands {bands}"
        )
    return weights.astype(np.float32)
