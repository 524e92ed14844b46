"""How well predictions agree with labels, and how well by chance."""

from collections.abc import Sequence

import numpy as np

from benchmarks.entries.rowwise import rows
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.trial import FloatArray, Trial

N_DRAWS = 200
QUANTILE = 0.99
"""Agreement above this quantile of what is drawn at random is no chance."""

MEMORY = 0.8
"""Weight of the past in the smoothing of the features that random readouts see."""


def agreement(labels: Sequence[FloatArray], answers: Sequence[FloatArray]) -> float:
    """Pearson's correlation over all test steps, mean over dimensions; 0 where undefined.

    Parameters
    ----------
    labels, answers : sequence of ndarray, each (n_steps, n_dims)
        Labels (NaN where not annotated) and predictions of the test trials.

    Returns
    -------
    float
        In [-1, 1].
    """
    names = [f"dimension {i}" for i in range(labels[0].shape[1])]
    value = score_concatenated(labels, answers, names)["pcc"]
    return value if np.isfinite(value) else 0.0


def chance(
    labels: Sequence[FloatArray], answers: Sequence[FloatArray], test: Sequence[Trial]
) -> float:
    """Agreement that an entry hardly exceeds that has learnt nothing.

    Parameters
    ----------
    labels, answers : sequence of ndarray, each (n_steps, n_dims)
        Labels and predictions of the test trials.
    test : sequence of Trial
        The test trials.

    Returns
    -------
    float
        The higher of two quantiles: of labels moved by a random time, and of random readouts of
        the EEG, which share with labels what happens at the start of every trial.
    """
    rng = np.random.default_rng(0)
    return max(_of_moved_labels(labels, answers, rng), _of_random_readouts(labels, test, rng))


def _of_moved_labels(
    labels: Sequence[FloatArray], answers: Sequence[FloatArray], rng: np.random.Generator
) -> float:
    track, guesses = np.concatenate(labels), [np.concatenate(answers)]
    margin = max(1, len(track) // 10)
    shifts = rng.integers(margin, max(margin + 1, len(track) - margin), N_DRAWS)
    values = [agreement([np.roll(track, shift, axis=0)], guesses) for shift in shifts]
    return float(np.quantile(values, QUANTILE))


def _of_random_readouts(
    labels: Sequence[FloatArray], test: Sequence[Trial], rng: np.random.Generator
) -> float:
    """Agreement of random projections, of the sign that fits each dimension better."""
    features = np.concatenate([rows(trial, MEMORY) for trial in test])
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    tracks = np.concatenate(labels).T
    values = []
    for weights in rng.standard_normal((N_DRAWS, features.shape[1])):
        guess = (features @ weights).astype(np.float32)[:, None]
        values.append(np.mean([abs(agreement([y[:, None]], [guess])) for y in tracks]))
    return float(np.quantile(values, QUANTILE))
