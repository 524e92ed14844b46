"""Small made-up episodes."""

import numpy as np

from eeg_emotion_env.episodes import Episode
from eeg_emotion_env.trial import Trial, TrialKey

NAMES = ("valence", "arousal")


def toy_episode(trial=1, *, n_steps=8, subject=1, n_latent=3, seed=0, gaps=False, names=NAMES):
    rng = np.random.default_rng([seed, subject, trial])
    labels = np.tanh(np.cumsum(rng.normal(size=(n_steps, len(names))), axis=0))
    if gaps:
        labels[rng.random(labels.shape) < 0.3] = np.nan
    return Episode(
        latents=rng.normal(size=(n_steps, n_latent)),
        labels=labels,
        key=TrialKey("toy", subject, 1, trial, f"clip{trial:02d}"),
        label_names=names,
        step_s=2.0,
        source="simulated",
    )


def toy_episodes(**options):
    """Six episodes of different lengths: two subjects, three trials each."""
    return [
        toy_episode(trial, n_steps=5 + 2 * trial + subject, subject=subject, **options)
        for subject in (1, 2)
        for trial in (1, 2, 3)
    ]


def toy_trial(trial=1, *, subject=1, session=1, n_steps=6, **changes):
    rng = np.random.default_rng([subject, session, trial])
    fields = {
        "features": rng.normal(size=(n_steps, 2, 2)),
        "labels": rng.uniform(-1, 1, (n_steps, 2)),
        "label_names": NAMES,
        "label_kind": "simulated",
        "step_s": 1.0,
        "channels": ("FZ", "CZ"),
        "bands": ("alpha", "beta"),
        "key": TrialKey("toy", subject, session, trial, f"clip{trial:02d}"),
        "source": "simulated",
    }
    return Trial(**{**fields, **changes})


def actions_for(episode, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, episode.labels.shape).astype(np.float32)
