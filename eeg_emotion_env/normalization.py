"""Normalisation of features: past-only (causal) or over the whole subject (transductive)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.trial import FloatArray

PRIOR_STEPS = 10.0
"""Weight of the prior variance, in steps, at the start of a session."""

PRIOR_VARIANCE = 1.0
"""Prior variance of a feature (log band power varies by about one neper)."""

CLIP = 8.0
"""Normalised features are limited to ± this many standard deviations."""


class PastNormalizer:
    """Running z-score that uses the current and earlier steps of a session only.

    The state is bounded: count, sum and sum of squared deviations for each feature (Welford). The
    standard deviation is shrunk towards 1 by `PRIOR_STEPS` pseudo-steps, so the first seconds are
    neither amplified nor undefined.
    """

    def __init__(self) -> None:
        self._count = 0
        self._missed: NDArray[np.int64] | None = None
        self._mean: NDArray[np.float64] | None = None
        self._squares: NDArray[np.float64] | None = None

    def step(self, frame: NDArray[np.floating]) -> FloatArray:
        """Take the features of one step and return them normalised.

        Parameters
        ----------
        frame : ndarray, shape (n_channels, n_bands), float32
            Features of this step.

        Returns
        -------
        ndarray, shape (n_channels, n_bands), float32
            z-scores relative to the session so far, this step included. What is not finite is
            NaN, and leaves the session so far as it was.
        """
        value = np.asarray(frame, dtype=np.float64)
        if self._mean is None or self._squares is None:
            self._mean, self._squares = np.zeros_like(value), np.zeros_like(value)
        self._count += 1
        known = np.isfinite(value)
        if not known.all() or self._missed is not None:
            return self._step_with_gaps(value, known)
        delta = value - self._mean
        self._mean += delta / self._count
        self._squares += delta * (value - self._mean)
        variance = (self._squares + PRIOR_STEPS * PRIOR_VARIANCE) / (self._count + PRIOR_STEPS)
        z = (value - self._mean) / np.sqrt(variance)
        return np.clip(z, -CLIP, CLIP).astype(np.float32)

    def _step_with_gaps(self, value: NDArray[np.float64], known: NDArray[np.bool_]) -> FloatArray:
        """Do as `step` where each feature has a count of its own."""
        assert self._mean is not None
        assert self._squares is not None
        value = np.where(known, value, 0.0)
        if self._missed is None:
            self._missed = np.zeros(value.shape, dtype=np.int64)
        self._missed += ~known
        count = np.maximum(self._count - self._missed, 1)
        delta = np.where(known, value - self._mean, 0.0)
        self._mean += delta / count
        self._squares += np.where(known, delta * (value - self._mean), 0.0)
        variance = (self._squares + PRIOR_STEPS * PRIOR_VARIANCE) / (count + PRIOR_STEPS)
        z = np.where(known, (value - self._mean) / np.sqrt(variance), np.nan)
        return np.clip(z, -CLIP, CLIP).astype(np.float32)

    def __call__(self, features: NDArray[np.floating]) -> FloatArray:
        """Normalise consecutive steps, shape (n_steps, n_channels, n_bands)."""
        return np.stack([self.step(frame) for frame in features])


def normalize_past(trials: Sequence[FloatArray]) -> list[FloatArray]:
    """Normalise the trials of one session in their order, each step by its past alone.

    Parameters
    ----------
    trials : sequence of ndarray, each (n_steps, n_channels, n_bands)
        Features of the session's trials in the order of recording.

    Returns
    -------
    list of ndarray
        The same shapes, float32.
    """
    normalizer = PastNormalizer()
    return [normalizer(features) for features in trials]


def normalize_subject(trials: Sequence[FloatArray]) -> list[FloatArray]:
    """z-score over all given steps: transductive, it uses the future and unlabelled test data.

    Parameters
    ----------
    trials : sequence of ndarray, each (n_steps, n_channels, n_bands)
        Features of all trials of one session of a subject.

    Returns
    -------
    list of ndarray
        The same shapes, float32.
    """
    stacked = np.concatenate(list(trials)).astype(np.float64)
    mean, std = stacked.mean(axis=0), np.maximum(stacked.std(axis=0), 1e-6)
    return [np.clip((features - mean) / std, -CLIP, CLIP).astype(np.float32) for features in trials]
