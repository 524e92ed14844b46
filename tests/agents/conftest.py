"""Made episodes whose latents carry the label."""

import numpy as np
import pytest
import torch

from eeg_emotion_env.playback import Episode
from eeg_emotion_env.trial import TrialKey

torch.set_num_threads(1)


def made_episodes(n_subjects=4, n_trials=3, n_dims=1, seed=0, n_latent=6):
    rng = np.random.default_rng(seed)
    names = ("valence", "arousal")[:n_dims]
    mixing = np.random.default_rng(42).normal(size=(n_dims, n_latent))
    episodes = []
    for subject in range(1, n_subjects + 1):
        for trial in range(1, n_trials + 1):
            n_steps = int(rng.integers(15, 30))
            labels = 0.3 * np.tanh(np.cumsum(rng.normal(0, 0.3, (n_steps, n_dims)), axis=0))
            latents = labels @ mixing / 0.3 + rng.normal(0, 0.3, (n_steps, n_latent))
            key = TrialKey("made", subject, 1, trial)
            episodes.append(Episode(latents, labels, key, names, 1.0, "simulated"))
    return episodes


@pytest.fixture
def episodes():
    return made_episodes()
