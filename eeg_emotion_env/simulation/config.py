"""`SimulationConfig`: every knob of the simulator, and its random streams."""

from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import numpy as np

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.montage import SEED_CHANNELS, directions
from eeg_emotion_env.tables.seed import CLIP_CLASSES, CLIP_SECONDS, SFREQ

STREAMS = (*("stimulus", "person", "subject", "session", "eeg", "rater", "annotation"),)
"""Purposes of random streams: changing one knob never shifts the draws of another purpose."""

AROUSAL_RATIO = 0.6
"""Arousal of a clip's attractor relative to the size of its valence."""

MIN_CLIP_SECONDS = 4
"""Shortest clip, seconds, however small `SimulationConfig.duration_scale` is."""


@dataclass(frozen=True)
class SimulationConfig:
    """Knobs of the simulator. All ranges and defaults are our own design choices.

    Attributes
    ----------
    n_subjects, n_sessions, n_trials : int
        Size of the data set: subjects, sessions a subject, trials a session.
    sessions_repeat : bool
        Whether each session shows the same clips in the same order, or clips of its own.
    clip_durations_s : tuple of int
        Seconds of the clips (SEED's 15); repeated if there are more of them.
    duration_scale : float
        Factor on the durations; results are whole seconds, at least `MIN_CLIP_SECONDS`.
    clip_classes : tuple of int
        Class of the clips (1 positive, 0 neutral, -1 negative); repeated like the durations.
    clip_attractors : tuple of tuple of float
        Valence and arousal, in units of `class_affect`, that each clip draws to; repeated like the
        durations. Empty derives them from the classes.
    extra_samples : int
        Samples of a trial beyond whole seconds (SEED has one).
    sfreq : float
        Sampling rate, Hz.
    step_s : float
        Spacing of the labels, seconds.
    channels : tuple of str
        Electrodes, by the names that `eeg_emotion_env.montage.directions` knows.
    theta : float
        Pull of the affect towards its attractor, 1/s.
    sigma : float
        Diffusion of the affect, 1/√s; its stationary spread is ``sigma / sqrt(2 * theta)``.
    affect_correlation : float
        Correlation of the diffusion of valence and arousal, in (-1, 1).
    class_affect : float
        Valence at which a positive clip's attractor lies (negative: its opposite); arousal lies
        at 0.6 of it for both and at minus that for neutral clips (see `clip_attractors`).
    shared : float
        Share of the affect's variance, in [0, 1], that the stimulus gives to every subject.
    snr : float
        Factor on the amplitude of the oscillators over the background; 0 leaves no information.
    coupling : float
        Change of an oscillator's log amplitude (nepers) for one unit of affect.
    coupling_spread : float
        Spread between subjects of the log strength of each coupling.
    asymmetry_flip : float
        Probability that a subject's frontal alpha asymmetry has the opposite sign.
    subject_variability : float
        Factor on all other differences between subjects (alpha peak, gains, sources).
    drift_sd, drift_tau_s : float
        Slow drift of each oscillator's log amplitude over the session: spread, time constant.
    burst_sd, burst_tau_s : float
        Bursting of each oscillator's log amplitude: spread, time constant.
    background_uv : float
        Spread of the 1/f background, microvolts, on average over channels.
    background_exponent : float
        Mean slope of the background's power spectrum.
    sensor_noise_uv : float
        Spread of the white noise of each electrode, microvolts.
    line_noise_uv, line_hz : float
        Amplitude and frequency of mains hum.
    resolution_uv : float
        Step of the amplifier's converter, microvolts. Powers of two are exact in float32, and
        coarse steps make compressed files smaller.
    blink_rate : float
        Blinks a second.
    blink_uv : float
        Mean height of a blink above the eyes, microvolts.
    muscle_uv : float
        Typical amplitude of muscle bursts at the nearest electrode, microvolts.
    muscle_coupling : float
        Change of the muscles' log amplitude for one unit of valence (smiling); 0 switches the
        confound off.
    label_lag_s : float
        Delay of the raters, seconds.
    rater_tau_s : float
        Time constant of the raters' causal low-pass, seconds; 0 for none.
    n_raters : int
        Raters; the label is the mean over them.
    rater_noise, rater_noise_tau_s : float
        Spread and time constant of each rater's own fluctuation.
    rater_gain_sd, rater_offset_sd : float
        Spread of the raters' log gain and of their offset.
    seed : int
        Everything is a function of the seed, the subject, the session and the trial alone.
    """

    n_subjects: int = 4
    n_sessions: int = 1
    n_trials: int = 15
    sessions_repeat: bool = True
    clip_durations_s: tuple[int, ...] = CLIP_SECONDS
    duration_scale: float = 1.0
    clip_classes: tuple[int, ...] = CLIP_CLASSES
    clip_attractors: tuple[tuple[float, float], ...] = ()
    extra_samples: int = 1
    sfreq: float = SFREQ
    step_s: float = 1.0
    channels: tuple[str, ...] = SEED_CHANNELS
    theta: float = 0.06
    sigma: float = 0.13
    affect_correlation: float = 0.2
    class_affect: float = 0.5
    shared: float = 0.5
    snr: float = 1.0
    coupling: float = 1.0
    coupling_spread: float = 0.3
    asymmetry_flip: float = 0.2
    subject_variability: float = 1.0
    drift_sd: float = 0.25
    drift_tau_s: float = 60.0
    burst_sd: float = 0.3
    burst_tau_s: float = 1.0
    background_uv: float = 12.0
    background_exponent: float = 1.2
    sensor_noise_uv: float = 1.0
    line_noise_uv: float = 0.0
    line_hz: float = 50.0
    resolution_uv: float = 1 / 8
    blink_rate: float = 0.25
    blink_uv: float = 90.0
    muscle_uv: float = 2.0
    muscle_coupling: float = 0.0
    label_lag_s: float = 2.0
    rater_tau_s: float = 1.0
    n_raters: int = 3
    rater_noise: float = 0.1
    rater_noise_tau_s: float = 3.0
    rater_gain_sd: float = 0.15
    rater_offset_sd: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("clip_durations_s", "clip_classes", "channels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        attractors = tuple((float(v), float(a)) for v, a in self.clip_attractors)
        object.__setattr__(self, "clip_attractors", attractors)
        _check_ranges(self)
        samples = self.step_s * self.sfreq
        if abs(samples - round(samples)) > 1e-6:
            raise ConfigError(
                f"step_s must be a whole number of samples at {self.sfreq:g} Hz, not {self.step_s}"
            )
        directions(self.channels)
        if len(set(self.channels)) != len(self.channels) or not self.channels:
            raise ConfigError("channels must be distinct names, at least one")
        if not self.clip_durations_s or min(self.clip_durations_s) <= 0:
            raise ConfigError("clip_durations_s must be positive seconds, at least one")
        if not self.clip_classes or not set(self.clip_classes) <= {-1, 0, 1}:
            raise ConfigError("clip_classes must be -1, 0 or 1, at least one")

    @property
    def n_clips(self) -> int:
        """Number of different clips."""
        return self.n_trials if self.sessions_repeat else self.n_sessions * self.n_trials

    @property
    def clip_seconds(self) -> tuple[int, ...]:
        """Whole seconds of each clip."""
        durations = self.clip_durations_s
        return tuple(
            max(MIN_CLIP_SECONDS, round(durations[clip % len(durations)] * self.duration_scale))
            for clip in range(self.n_clips)
        )

    def clip(self, session: int, trial: int) -> int:
        """Return the clip shown in a trial; all count from 1."""
        return trial if self.sessions_repeat else (session - 1) * self.n_trials + trial

    def clip_class(self, clip: int) -> int:
        """Return the class of a clip (clips count from 1)."""
        return self.clip_classes[(clip - 1) % len(self.clip_classes)]

    def attractor(self, clip: int) -> tuple[float, float]:
        """Return valence and arousal that a clip draws to."""
        if self.clip_attractors:
            valence, arousal = self.clip_attractors[(clip - 1) % len(self.clip_attractors)]
        else:
            valence = self.clip_class(clip)
            arousal = AROUSAL_RATIO * (1 if valence else -1)
        return self.class_affect * valence, self.class_affect * arousal

    def seconds(self, session: int, trial: int) -> int:
        """Return the whole seconds of a trial."""
        return self.clip_seconds[self.clip(session, trial) - 1]

    def session_seconds(self, session: int) -> tuple[int, ...]:
        """Return the whole seconds of each trial of a session."""
        return tuple(self.seconds(session, trial + 1) for trial in range(self.n_trials))

    def n_samples(self, session: int, trial: int) -> int:
        """Return the samples of a trial."""
        return round(self.seconds(session, trial) * self.sfreq) + self.extra_samples

    def n_steps(self, session: int, trial: int) -> int:
        """Return the label steps of a trial."""
        return int(self.seconds(session, trial) / self.step_s + 1e-9)

    def stream(self, purpose: str, *ids: int) -> np.random.Generator:
        """Return the random stream for one purpose, a function of the seed and `ids` alone."""
        spawn_key = (STREAMS.index(purpose), *ids)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=spawn_key))


# Closed ranges of the numeric fields; all others must be zero or positive.
_RANGES: dict[str, tuple[float, float]] = {
    "n_subjects": (1, 1000),
    "n_sessions": (1, 100),
    "n_trials": (1, 1000),
    "duration_scale": (1e-3, 10),
    "sfreq": (110, 2000),
    "step_s": (0.05, 60),
    "theta": (1e-4, 10),
    "affect_correlation": (-0.99, 0.99),
    "class_affect": (0, 1),
    "shared": (0, 1),
    "coupling": (-3, 3),
    "muscle_coupling": (-3, 3),
    "asymmetry_flip": (0, 1),
    "drift_tau_s": (0.1, 1e5),
    "burst_tau_s": (0.05, 1e3),
    "rater_noise_tau_s": (0.05, 1e3),
    "resolution_uv": (1e-6, 10),
    "blink_rate": (0, 2),
    "n_raters": (1, 100),
}
_WHOLE = ("n_subjects", "n_sessions", "n_trials", "extra_samples", "n_raters", "seed")


def _check_ranges(config: Any) -> None:
    for item in fields(SimulationConfig):
        value = getattr(config, item.name)
        if isinstance(value, tuple | bool):
            continue
        low, high = _RANGES.get(item.name, (0.0, np.inf))
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        # A NaN fails the comparison.
        if not is_number or not low <= float(value) <= high:
            raise ConfigError(f"{item.name} must lie in [{low:g}, {high:g}], not {value!r}")
        if item.name in _WHOLE and float(value) != int(value):
            raise ConfigError(f"{item.name} must be a whole number, not {value!r}")
