"""Raw EEG of one trial: coloured sources through the subject's gains, plus artefacts."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.affect import GRID_HZ, fluctuation
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.subject import (
    MUSCLE_SITES,
    N_BACKGROUND,
    OSCILLATORS,
    SubjectModel,
    subject_model,
)
from eeg_emotion_env.trial import FloatArray

HIGHEST_HZ = 75.0
"""Upper edge of the simulated sources, Hz (SEED is filtered to 0-75 Hz)."""

BLINK_S = 0.4
"""Length of a blink, seconds."""

BLINK_SPREAD = 0.25
"""Spread of the log height of blinks."""

TWITCH_SD, TWITCH_TAU_S = 0.6, 1.5
"""Bursting of each muscle's log amplitude: spread, time constant in seconds."""


def trial_eeg(
    config: SimulationConfig,
    affect: NDArray[np.float64],
    subject: int,
    session: int,
    trial: int,
) -> FloatArray:
    """Simulate the raw EEG of one trial.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    affect : ndarray, shape (n_grid, 2)
        Result of `eeg_emotion_env.simulation.affect.true_affect`.
    subject, session, trial : int
        Ids, each from 1.

    Returns
    -------
    ndarray, shape (n_channels, n_samples), float32
        Microvolts, in whole steps of the converter; one sample more than whole seconds.
    """
    model = subject_model(config, subject)
    rng = config.stream("eeg", subject, session, trial)
    n_samples = config.n_samples(session, trial)
    log_amplitude = _log_amplitude(config, model, affect, rng, (subject, session, trial))
    sources = _coloured(rng, model, config.sfreq, n_samples)
    _modulate(sources[N_BACKGROUND:], log_amplitude, config.sfreq)
    eeg = model.gains @ sources
    eeg += np.float32(config.sensor_noise_uv) * rng.standard_normal(eeg.shape, dtype=np.float32)
    _add_blinks(eeg, config, model, rng)
    _add_line(eeg, config, rng)
    return _converted(eeg, config.resolution_uv)


def _log_amplitude(
    config: SimulationConfig,
    model: SubjectModel,
    affect: NDArray[np.float64],
    rng: np.random.Generator,
    ids: tuple[int, int, int],
) -> NDArray[np.float64]:
    """Log amplitude of oscillators and muscles on the grid, (n_grid, n_oscillators + n_muscles)."""
    subject, session, trial = ids
    n_rows, n_rhythms = len(affect), len(OSCILLATORS)
    start = sum(config.session_seconds(session)[: trial - 1])
    grid = start + np.arange(n_rows) / GRID_HZ
    drift = _session_drift(config, subject, session)
    slow = np.stack([np.interp(grid, np.arange(len(drift)), column) for column in drift.T], axis=1)
    shape = n_rows, n_rhythms
    bursts = fluctuation(rng, shape, config.burst_sd, config.burst_tau_s, GRID_HZ)
    shape = n_rows, len(MUSCLE_SITES)
    twitches = fluctuation(rng, shape, TWITCH_SD, TWITCH_TAU_S, GRID_HZ)
    smile = config.muscle_coupling * affect[:, :1]
    return np.hstack([affect @ model.couplings + slow + bursts, twitches + smile])


@lru_cache(maxsize=64)
def _session_drift(config: SimulationConfig, subject: int, session: int) -> NDArray[np.float64]:
    """Slow drift of the oscillators' log amplitude, a row a second of the whole session."""
    rng = config.stream("session", subject, session)
    shape = sum(config.session_seconds(session)) + 1, len(OSCILLATORS)
    return fluctuation(rng, shape, config.drift_sd, config.drift_tau_s, 1.0)


def _coloured(
    rng: np.random.Generator, model: SubjectModel, sfreq: float, n_samples: int
) -> FloatArray:
    """Gaussian source signals of unit spread with the subject's spectra, drawn in frequency."""
    from scipy.fft import irfft, next_fast_len

    n_fft = next_fast_len(n_samples, real=True)
    highest = min(HIGHEST_HZ, 0.45 * sfreq)
    n_bins = int(highest * n_fft / sfreq) + 1
    frequencies = np.arange(n_bins, dtype=np.float64) * (sfreq / n_fft)
    shapes = source_spectra(model, frequencies).astype(np.float32)
    shapes[:, 0] = 0.0
    # irfft sums 2·Re(c) over the bins and divides by n_fft; E|c|² = 2 for unit real and
    # imaginary parts.
    shapes *= n_fft / (2.0 * np.linalg.norm(shapes, axis=1, keepdims=True))
    draws = rng.standard_normal((*shapes.shape, 2), dtype=np.float32)
    spectrum = draws.view(np.complex64)[..., 0] * shapes
    return np.asarray(irfft(spectrum, n=n_fft, axis=1)[:, :n_samples])


def source_spectra(model: SubjectModel, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitude spectra of all sources, each up to a factor.

    Parameters
    ----------
    model : SubjectModel
        Whose sources.
    frequencies : ndarray, shape (n_frequencies,)
        Hz.

    Returns
    -------
    ndarray, shape (n_sources, n_frequencies), float64
        Rows in the order of `SubjectModel`.
    """
    knee = np.maximum(frequencies, 0.5)
    background = knee ** (-model.exponents[:, None] / 2)
    widths = np.array([rhythm.width_hz for rhythm in OSCILLATORS])[:, None]
    rhythms = np.exp(-np.square((frequencies - model.centres_hz[:, None]) / (2 * widths)))
    muscle = 1 / (1 + np.exp(-(frequencies - 30.0) / 4.0))
    return np.vstack([background, rhythms, np.tile(muscle, (len(MUSCLE_SITES), 1))])


def _modulate(sources: FloatArray, log_amplitude: NDArray[np.float64], sfreq: float) -> None:
    """Multiply source signals, in place, by amplitudes given on the grid."""
    amplitude = np.exp(log_amplitude)
    seconds = np.arange(sources.shape[1]) / sfreq
    grid = np.arange(len(amplitude)) / GRID_HZ
    for source, column in zip(sources, amplitude.T, strict=True):
        source *= np.interp(seconds, grid, column)


def blink_shape(sfreq: float) -> FloatArray:
    """Return the course of a blink of height 1, shape (n_times,), at `sfreq` Hz."""
    return np.square(np.hanning(round(BLINK_S * sfreq))).astype(np.float32)


def _add_blinks(
    eeg: FloatArray, config: SimulationConfig, model: SubjectModel, rng: np.random.Generator
) -> None:
    template = blink_shape(config.sfreq)
    length = len(template)
    latest = eeg.shape[1] - length
    n_blinks = rng.poisson(config.blink_rate * eeg.shape[1] / config.sfreq)
    for start in rng.integers(0, max(latest, 1), n_blinks):
        height = np.float32(np.exp(BLINK_SPREAD * rng.standard_normal()))
        eeg[:, start : start + length] += height * np.outer(model.blink_gains, template)


def _add_line(eeg: FloatArray, config: SimulationConfig, rng: np.random.Generator) -> None:
    if config.line_noise_uv == 0:
        return
    seconds = np.arange(eeg.shape[1]) / config.sfreq
    wave = np.sin(2 * np.pi * (config.line_hz * seconds + rng.random()))
    strength = config.line_noise_uv * np.exp(0.3 * rng.standard_normal(len(eeg)))
    eeg += np.outer(strength, wave).astype(np.float32)


def _converted(eeg: FloatArray, resolution_uv: float) -> FloatArray:
    eeg /= np.float32(resolution_uv)
    np.rint(eeg, out=eeg)
    eeg *= np.float32(resolution_uv)
    return eeg
