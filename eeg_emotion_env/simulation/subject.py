"""What distinguishes one simulated subject from another: sources, spectra and couplings."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.montage import directions
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.forward import (
    CORTEX_DEPTH,
    dipole_gains,
    jittered,
    surface_gains,
)
from eeg_emotion_env.trial import FloatArray

N_BACKGROUND = 40
"""Dipoles of the 1/f background."""

MUSCLE_SITES = ("F7", "F8", "T7", "T8")
"""Electrodes over the muscles of forehead and temples."""

EYE_SITES = ("FP1", "FP2")
"""Electrodes nearest to the eyes."""


@dataclass(frozen=True)
class Oscillator:
    """One rhythm: where it is, its spectrum, and how affect moves its log amplitude.

    Attributes
    ----------
    site : str
        Electrode above the dipole.
    hz, width_hz : float
        Centre and spread of its spectrum.
    uv : float
        Spread of its amplitude at the electrode that sees it best, microvolts.
    valence, arousal : float
        Relative change of log amplitude; `SimulationConfig.coupling` scales both.
    kind : str
        ``"alpha"`` rhythms follow the subject's alpha peak; ``"asymmetry"`` ones too, and their
        coupling may have the opposite sign in a subject.
    """

    site: str
    hz: float
    width_hz: float
    uv: float
    valence: float = 0.0
    arousal: float = 0.0
    kind: str = ""


# Effects with support in the literature, of sizes chosen by us: arousal lowers parieto-occipital
# alpha; valence moves frontal alpha asymmetry (weak, inconsistent between subjects), frontal
# midline theta and temporal beta. The uncoupled rhythms are there to be ignored.
OSCILLATORS = (
    Oscillator("PO3", 10.2, 0.8, 6.0, arousal=-1.0, kind="alpha"),
    Oscillator("PO4", 10.2, 0.8, 6.0, arousal=-1.0, kind="alpha"),
    Oscillator("P5", 10.2, 0.9, 4.0, arousal=-0.7, kind="alpha"),
    Oscillator("P6", 10.2, 0.9, 4.0, arousal=-0.7, kind="alpha"),
    Oscillator("F3", 9.8, 1.0, 2.5, valence=-0.5, kind="asymmetry"),
    Oscillator("F4", 9.8, 1.0, 2.5, valence=0.5, kind="asymmetry"),
    Oscillator("FZ", 6.0, 0.7, 3.5, valence=0.9),
    Oscillator("T7", 22.0, 3.5, 2.0, valence=1.0, arousal=0.2),
    Oscillator("T8", 22.0, 3.5, 2.0, valence=1.0, arousal=0.2),
    Oscillator("TP7", 37.0, 4.0, 1.0, valence=0.6),
    Oscillator("TP8", 37.0, 4.0, 1.0, valence=0.6),
    Oscillator("C3", 11.5, 1.0, 3.5, kind="alpha"),
    Oscillator("C4", 11.5, 1.0, 3.5, kind="alpha"),
    Oscillator("CZ", 18.0, 2.5, 2.0),
    Oscillator("PZ", 5.5, 0.9, 2.5),
)


@dataclass(frozen=True, eq=False)
class SubjectModel:
    """Fixed properties of one subject. Sources are background, oscillators, muscles, in order.

    Attributes
    ----------
    gains : ndarray, shape (n_channels, n_sources), float32
        Microvolts at the electrodes for a source signal of unit spread.
    blink_gains : ndarray, shape (n_channels,), float32
        Microvolts of a mean blink.
    exponents : ndarray, shape (n_background,)
        Slopes of the background's power spectra.
    centres_hz : ndarray, shape (n_oscillators,)
        Centres of the rhythms.
    couplings : ndarray, shape (2, n_oscillators)
        Change of log amplitude for one unit of valence and of arousal.
    """

    gains: FloatArray
    blink_gains: FloatArray
    exponents: NDArray[np.float64]
    centres_hz: NDArray[np.float64]
    couplings: NDArray[np.float64]


@lru_cache(maxsize=256)
def subject_model(config: SimulationConfig, subject: int) -> SubjectModel:
    """Draw a subject (from 1): the same for the same seed, whatever was drawn before."""
    rng = config.stream("subject", subject)
    spread = config.subject_variability
    brain = _background_gains(config, rng), _oscillator_gains(config, rng)
    muscle = config.muscle_uv * surface_gains(config.channels, directions(MUSCLE_SITES), 0.03)
    electrode = np.exp(0.2 * spread * rng.standard_normal((len(config.channels), 1)))
    blink = config.blink_uv * surface_gains(config.channels, directions(EYE_SITES), 0.04).sum(1)
    peak = spread * np.clip(rng.normal(0.0, 0.6), -1.2, 1.3)
    follows = np.array([rhythm.kind in ("alpha", "asymmetry") for rhythm in OSCILLATORS])
    return SubjectModel(
        gains=np.asarray(electrode * np.hstack([*brain, muscle]), dtype=np.float32),
        blink_gains=np.asarray(electrode[:, 0] * blink, dtype=np.float32),
        exponents=config.background_exponent + 0.2 * spread * rng.standard_normal(N_BACKGROUND),
        centres_hz=np.array([rhythm.hz for rhythm in OSCILLATORS]) + peak * follows,
        couplings=_couplings(config, rng),
    )


def _background_gains(config: SimulationConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """Dipoles of random place and direction: a common set, moved a little in each subject."""
    common = config.stream("subject")
    sites = jittered(common, np.zeros((N_BACKGROUND, 3)), 60.0)
    sites[:, 2] = np.abs(sites[:, 2])
    moments = jittered(common, np.zeros((N_BACKGROUND, 3)), 60.0)
    depths = common.uniform(0.3, CORTEX_DEPTH, (N_BACKGROUND, 1))
    spread = config.subject_variability
    places = depths * jittered(rng, sites, 8.0 * spread)
    gains = dipole_gains(config.channels, places, jittered(rng, moments, 20.0 * spread))
    return np.asarray(config.background_uv * gains / np.sqrt(np.square(gains).sum(axis=1).mean()))


def _oscillator_gains(config: SimulationConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    sites = directions([rhythm.site for rhythm in OSCILLATORS])
    spread = config.subject_variability
    places = CORTEX_DEPTH * jittered(rng, sites, 6.0 * spread)
    gains = dipole_gains(config.channels, places, jittered(rng, sites, 15.0 * spread))
    amplitude = np.array([rhythm.uv for rhythm in OSCILLATORS])
    personal = np.exp(0.3 * spread * rng.standard_normal(len(OSCILLATORS)))
    return np.asarray(config.snr * amplitude * personal * gains)


def _couplings(config: SimulationConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    table = np.array([[rhythm.valence, rhythm.arousal] for rhythm in OSCILLATORS]).T
    personal = np.exp(config.coupling_spread * rng.standard_normal(table.shape))
    flipped = rng.random() < config.asymmetry_flip
    sign = [-1.0 if flipped and rhythm.kind == "asymmetry" else 1.0 for rhythm in OSCILLATORS]
    return np.asarray(config.coupling * table * personal * np.array(sign))
