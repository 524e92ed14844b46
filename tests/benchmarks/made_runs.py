"""Predictions made by hand or at random, from which tables are made."""

import numpy as np

from benchmarks.predictions import TrialPrediction
from eeg_emotion_env.trial import TrialKey

CONTEXT = {
    "dataset": "made",
    "title": "Made data",
    "protocol": "subject",
    "command": "eegdancer leaderboard --dataset made --out results",
    "versions": {"numpy": np.__version__},
    "config": {"seeds": [0]},
    "fingerprint": "abc",
    "source": "recorded",
}


def made(labels, predictions, entry="a", subject=1, session=1, trial=1, **changes):
    """Make the predictions of one entry for one trial, each (n_steps, n_dims)."""
    labels = np.asarray(labels, dtype=np.float32)
    values = np.asarray(predictions, dtype=np.float32)
    known = {
        "seed": 0,
        "fold": 0,
        "label_names": ("valence", "arousal")[: labels.shape[1]],
        "step_s": 0.5,
        "track": "causal",
        "source": "recorded",
    }
    key = TrialKey("made", subject, session, trial)
    return TrialPrediction(
        entry=entry, key=key, labels=labels, predictions=values, **{**known, **changes}
    )


def answered(other, values, entry):
    """Make the predictions of another entry for the trial of some predictions."""
    return made(other.labels, values, entry, other.key.subject, 1, other.key.trial)


def random_run(entries=("a", "b"), n_subjects=4, n_trials=3, seeds=(0,), n_steps=20, **changes):
    """Make a run of entries that answer with noise, of which later ones have more."""
    rng = np.random.default_rng(0)
    run = []
    for subject in range(1, n_subjects + 1):
        for trial in range(1, n_trials + 1):
            labels = rng.uniform(-1, 1, (n_steps, 2))
            for number, entry in enumerate(entries):
                for seed in seeds:
                    noisy = labels + rng.normal(0, 0.2 + number, labels.shape)
                    values = np.clip(noisy, -1, 1)
                    run.append(made(labels, values, entry, subject, 1, trial, seed=seed, **changes))
    return run


CONSTANT_LABELS = [made([[0.0]] * 2, [[0.0]] * 2), made([[1.0]] * 2, [[0.5]] * 2, trial=2)]
"""Truth 0, 0, 1, 1 and prediction 0, 0, 0.5, 0.5 over two trials of constant label."""
