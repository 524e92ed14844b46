"""Trials with something changed: labels, EEG, length or identity. Raw EEG changes with features."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.trial import FloatArray, Trial, TrialKey

if TYPE_CHECKING:
    from eeg_emotion_env.datasets.recording import Signal

STRENGTH = 2.0
"""Spread of planted noise, in spreads of what it replaces."""

LEAST_SPREAD = 1e-3

LABEL_FACTOR = -0.5
"""Planted labels are the real ones times this."""

_handing_over = 0


@contextmanager
def handing_over() -> Iterator[None]:
    """Mark that what is read now is part of a trial that the entry was given."""
    global _handing_over
    _handing_over += 1
    try:
        yield
    finally:
        _handing_over -= 1


def is_handing_over() -> bool:
    """Say whether raw EEG of a trial that the entry was given is being read."""
    return _handing_over > 0


@dataclass(frozen=True, eq=False)
class GivenEEG:
    """Raw EEG of a trial that the entry was given, with something changed.

    Attributes
    ----------
    inner : callable
        Reads the signal (`Trial.read_eeg`).
    key : TrialKey
        What the entry is told that the trial is.
    change : callable or None
        Changes the signal.
    """

    inner: "Callable[[], Signal]"
    key: TrialKey
    change: "Callable[[Signal], Signal] | None" = None

    def __call__(self) -> "Signal":
        """Read it."""
        with handing_over():
            signal = self.inner()
        return signal if self.change is None else self.change(signal)

    def __getattr__(self, name: str) -> Any:
        # What can be reached through the reader on the leaderboard can be reached here.
        if name.startswith("__") or "inner" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.inner, name)


def given(trial: Trial) -> Trial:
    """Return the trial with raw EEG whose reading is not held against the entry."""
    return trial if trial.read_eeg is None else _with_eeg(trial, None)


def with_labels(trial: Trial) -> Trial:
    """Turn labels, and the truth behind them, upside down and shrink them.

    What was best on the test labels is then among the worst, and their mean and spread are others.
    """
    truth = None if trial.truth is None else LABEL_FACTOR * trial.truth
    return trial.replace(labels=LABEL_FACTOR * trial.labels, truth=truth)


def with_noise(trial: Trial, start: int = 0) -> Trial:
    """Replace features and raw EEG from a step on by noise of the same mean and a larger spread.

    Parameters
    ----------
    trial : Trial
        The trial.
    start : int
        First step that changes.

    Returns
    -------
    Trial
        Equal to `trial` before that step.
    """
    rng = _rng("noise", trial.subject, trial.session, trial.trial, start)
    features = np.array(trial.features)
    features[start:] = _noise_like(features, rng)[start:]
    changed = trial.replace(features=features)
    if trial.read_eeg is None:
        return changed
    return _with_eeg(changed, NoiseFrom(start * trial.step_s, int(rng.integers(2**31))))


def cut_short(trial: Trial, n_steps: int) -> Trial:
    """Return the first steps of a trial alone."""
    short = trial.replace(
        features=trial.features[:n_steps],
        labels=trial.labels[:n_steps],
        truth=None if trial.truth is None else trial.truth[:n_steps],
    )
    return short if trial.read_eeg is None else _with_eeg(short, CutAt(n_steps * trial.step_s))


def renamed(trial: Trial, /, **changes: Any) -> Trial:
    """Return the trial with parts of its key changed, and its origin, which tells it, removed."""
    other = trial.replace(key=replace(trial.key, **changes), origin="")
    return other if trial.read_eeg is None else _with_eeg(other, None)


def noise_signal(signal: "Signal", start_s: float, seed: int) -> "Signal":
    """Replace raw EEG from a time on by noise of the same mean and a larger spread."""
    start = round(start_s * signal.sfreq)
    eeg = np.array(signal.eeg)
    noise = _noise_like(eeg.T, np.random.default_rng(seed)).T
    eeg[:, start:] = noise[:, start:].astype(eeg.dtype)
    return replace(signal, eeg=eeg)


@dataclass(frozen=True)
class NoiseFrom:
    """`noise_signal` as a change that other processes can be told of."""

    start_s: float
    seed: int

    def __call__(self, signal: "Signal") -> "Signal":
        """Change it."""
        return noise_signal(signal, self.start_s, self.seed)


@dataclass(frozen=True)
class CutAt:
    """Ends raw EEG at a time."""

    end_s: float

    def __call__(self, signal: "Signal") -> "Signal":
        """Change it."""
        return replace(signal, eeg=signal.eeg[:, : round(self.end_s * signal.sfreq)])


def _with_eeg(trial: Trial, change: "Callable[[Signal], Signal] | None") -> Trial:
    assert trial.read_eeg is not None
    return trial.replace(read_eeg=GivenEEG(trial.read_eeg, trial.key, change))


def _noise_like(values: NDArray[np.floating], rng: np.random.Generator) -> FloatArray:
    """Draw noise with the mean of each column and `STRENGTH` times its spread."""
    spread = STRENGTH * np.maximum(values.std(axis=0), LEAST_SPREAD)
    noise = values.mean(axis=0) + spread * rng.standard_normal(values.shape)
    return np.asarray(noise, dtype=np.float32)


def _rng(*words: object) -> np.random.Generator:
    """Return a generator that is a function of the words alone, in every process."""
    return np.random.default_rng(zlib.crc32(repr(tuple(map(str, words))).encode()))
