"""What raw EEG says about the amplitudes of a simulated subject's rhythms and muscles.

For whoever knows the subject's gains and spectra, the Fourier coefficients of a short window are
complex Gaussian, independent between frequencies (Whittle), with the covariance over channels

    C(f) = N(f) + sum over sources s of  p_s(f) exp(2 a_s) g_s g_s^T

where N holds background, sensors and blinks, g_s are the gains of a rhythm or muscle, p_s its
spectrum and a_s its log amplitude in the window. With ``z = G^T N^-1 y`` and ``M = G^T N^-1 G``,
Woodbury's identity turns everything that depends on a into systems of as many equations as there
are sources: z loses nothing.
"""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.eeg import BLINK_SPREAD, HIGHEST_HZ, blink_shape, source_spectra
from eeg_emotion_env.simulation.subject import N_BACKGROUND, SubjectModel, subject_model

Array = NDArray[np.float64]

WINDOW_S = 1.0
"""Length of a window, seconds; windows overlap by half."""

LOWEST_HZ = 3.0
"""Lowest frequency used: below it there is background and blinks alone."""

LINE_HZ = 2.0
"""Frequencies this near to mains hum, where there is any, are left out."""

FINE_HZ = 0.1
"""Spacing at which spectra are evaluated before the window blurs them."""

BLINK_GUARD = 10.0
"""Factor on the mean power of blinks: single ones are larger than the mean over all time."""

TRUSTED = 0.01
"""Share of its strongest power that a source must have at a frequency to be judged there: what lies
further out comes from the modulation within the window, which the spectrum knows nothing of."""

INDEPENDENT = 0.5
"""Weight of each coefficient: windows that overlap by half hold every sample twice."""


class AmplitudeLikelihood:
    """Likelihood of the log amplitudes of rhythms and muscles, given the raw EEG of a window.

    Window j (from 1) is centred at ``j * hop_s`` and ends one hop later.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    subject : int
        Subject, from 1.

    Attributes
    ----------
    hop_s : float
        Seconds between windows, half a window.
    """

    def __init__(self, config: SimulationConfig, subject: int) -> None:
        model = subject_model(config, subject)
        self._half = round(config.sfreq * WINDOW_S / 2)
        self._sfreq = config.sfreq
        self.hop_s = self._half / config.sfreq
        taper = np.hanning(2 * self._half + 1)[:-1]
        self._taper = taper / np.linalg.norm(taper)
        frequencies: Array = np.fft.rfftfreq(len(taper), 1 / config.sfreq).astype(np.float64)
        self._bins = np.flatnonzero(_usable(frequencies, config))
        powers = self._blurred(model, frequencies[self._bins])
        noise = _noise(config, model, powers[:, :N_BACKGROUND], frequencies[self._bins])
        gains = model.gains[:, N_BACKGROUND:].astype(np.float64)
        self._powers = powers[:, N_BACKGROUND:]
        self._trusted = self._powers >= TRUSTED * self._powers.max(axis=0)
        self._filters = np.linalg.solve(noise, np.broadcast_to(gains, (len(noise), *gains.shape)))
        self._overlaps = gains.T @ self._filters

    def _blurred(self, model: SubjectModel, frequencies: Array) -> Array:
        """Expected power of each source in a window, shape (n_bins, n_sources)."""
        fine = np.arange(FINE_HZ, min(HIGHEST_HZ, 0.45 * self._sfreq), FINE_HZ)
        density = np.square(source_spectra(model, fine))
        density /= density.sum(axis=1, keepdims=True)
        # the window multiplies the sources' autocovariance by its own
        window = np.correlate(self._taper, self._taper, "full")
        lags = np.arange(1 - len(self._taper), len(self._taper)) / self._sfreq
        sources = density @ np.cos(2 * np.pi * fine[:, None] * lags)
        powers = np.cos(2 * np.pi * frequencies[:, None] * lags) @ (window * sources).T
        return np.asarray(np.maximum(powers, 0.0))

    def project(self, eeg: NDArray[np.floating]) -> Array:
        """Reduce raw EEG to what its likelihood needs.

        Parameters
        ----------
        eeg : ndarray, shape (n_channels, n_times), float, microvolts
            One trial from its start.

        Returns
        -------
        ndarray, shape (n_windows, n_bins, n_sources, 2), float64
            Real and imaginary parts of z for each window that is complete.
        """
        # half a second to import, and only oracles need it
        from scipy.fft import rfft

        n_windows = eeg.shape[1] // self._half - 1
        taper = self._taper.astype(np.float32)
        shape = len(eeg), n_windows, len(self._bins)
        coefficients = np.empty(shape, dtype=np.complex64)
        for channel, signal in enumerate(eeg.astype(np.float32)):
            windows = np.lib.stride_tricks.sliding_window_view(signal, len(taper))[:: self._half]
            coefficients[channel] = rfft(windows[:n_windows] * taper, axis=1)[:, self._bins]
        z = coefficients.transpose(2, 1, 0) @ self._filters.astype(np.float32)
        return np.stack([z.real, z.imag], axis=-1).swapaxes(0, 1).astype(np.float64)

    def score(self, z: Array, log_amplitude: Array, variance: Array) -> tuple[Array, Array]:
        """Gradient of the log likelihood of one window, and its Fisher information.

        Parameters
        ----------
        z : ndarray, shape (n_bins, n_sources, 2)
            The window, from `project`.
        log_amplitude, variance : ndarray, shape (n_sources,)
            What is believed of the log amplitudes. Power is convex in them: the variance makes the
            expected gradient zero under that belief, and not merely at its mean.

        Returns
        -------
        gradient : ndarray, shape (n_sources,)
            With respect to the log amplitudes.
        information : ndarray, shape (n_sources, n_sources)
            Fisher information about them.
        """
        power = self._powers * np.exp(2 * (log_amplitude + variance))
        system = np.eye(len(log_amplitude)) + self._overlaps * power[:, None, :]
        solved = np.linalg.solve(system, np.concatenate([z, self._overlaps], axis=-1))
        found = np.square(solved[..., :2]).sum(axis=-1)
        expected = solved[..., 2:]
        excess = found - np.diagonal(expected, axis1=1, axis2=2)
        judged = np.where(self._trusted, power, 0.0)
        squared = judged[:, :, None] * np.square(expected) * judged[:, None, :]
        return (
            2 * INDEPENDENT * (judged * excess).sum(axis=0),
            4 * INDEPENDENT * squared.sum(axis=0),
        )

    def averaged(self, sd: float, tau_s: float) -> tuple[float, float, float]:
        """Describe stationary Ornstein-Uhlenbeck noise as the windows see it.

        Parameters
        ----------
        sd, tau_s : float
            Spread and time constant (seconds) of a log amplitude.

        Returns
        -------
        sd, decay, excess : float
            Spread of its mean over a window, correlation of the means of windows one hop apart,
            and the variance within a window: log mean power exceeds twice the mean log amplitude
            by twice this.
        """
        weights = np.square(self._taper)
        seconds = np.arange(len(weights)) / self._sfreq
        apart = seconds[:, None] - seconds
        kept, lagged = (
            float(weights @ np.exp(-np.abs(apart + lag) / tau_s) @ weights)
            for lag in (0.0, self.hop_s)
        )
        return sd * kept**0.5, lagged / kept, sd**2 * (1 - kept)


def _usable(frequencies: Array, config: SimulationConfig) -> NDArray[np.bool_]:
    """Say which frequencies hold the subject's sources and no hum."""
    highest = min(HIGHEST_HZ, 0.45 * config.sfreq) - 1.0
    usable = (frequencies >= LOWEST_HZ) & (frequencies <= highest)
    if config.line_noise_uv:
        usable &= np.abs(frequencies - config.line_hz) > LINE_HZ
    return np.asarray(usable)


def _noise(
    config: SimulationConfig, model: SubjectModel, background: Array, frequencies: Array
) -> Array:
    """Covariance over channels of all that is not modulated, (n_bins, n_channels, n_channels)."""
    gains = model.gains[:, :N_BACKGROUND].astype(np.float64)
    blink = model.blink_gains.astype(np.float64)
    shape = blink_shape(config.sfreq)
    seconds = np.arange(len(shape)) / config.sfreq
    course = np.exp(-2j * np.pi * frequencies[:, None] * seconds) @ shape
    rate = config.blink_rate / config.sfreq * np.exp(2 * BLINK_SPREAD**2)
    blinks = BLINK_GUARD * rate * np.square(np.abs(course))
    # rounding is uniform noise; the last term keeps the matrix regular without any noise
    white = config.sensor_noise_uv**2 + config.resolution_uv**2 / 12 + 1e-6
    return np.asarray(
        (gains * background[:, None, :]) @ gains.T
        + blinks[:, None, None] * np.outer(blink, blink)
        + white * np.eye(len(gains))
    )
