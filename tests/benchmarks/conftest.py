"""Made trials: labels are a slow track that all features show, with subject differences."""

import numpy as np
import pytest
import torch

from agents import AgentConfig
from benchmarks.entries.eegdancer import EEGDancer
from eeg_emotion_env.trial import Trial, TrialKey
from encoders import PretrainingConfig, StageConfig

torch.set_num_threads(1)

CHANNELS = ("FZ", "CZ", "PZ", "OZ")
BANDS = ("alpha", "beta", "gamma")


def made_trials(n_subjects=4, n_stimuli=3, n_dims=2, seed=0, stimuli=True, n_steps=24):
    rng = np.random.default_rng(seed)
    names = ("valence", "arousal")[:n_dims]
    shared = [np.cumsum(rng.normal(0, 0.1, (n_steps, n_dims)), axis=0) for _ in range(n_stimuli)]
    mixing = rng.normal(size=(n_dims, len(CHANNELS) * len(BANDS)))
    trials = []
    for subject in range(1, n_subjects + 1):
        gain = rng.normal(1.0, 0.1)
        for stimulus in range(1, n_stimuli + 1):
            own = np.cumsum(rng.normal(0, 0.1, (n_steps, n_dims)), axis=0)
            labels = np.tanh(shared[stimulus - 1] + own)
            features = gain * labels @ mixing + rng.normal(0, 0.5, (n_steps, mixing.shape[1]))
            trials.append(
                Trial(
                    features=features.reshape(n_steps, len(CHANNELS), len(BANDS)),
                    labels=labels,
                    label_names=names,
                    label_kind="simulated",
                    step_s=1.0,
                    channels=CHANNELS,
                    bands=BANDS,
                    key=TrialKey(
                        "made", subject, 1, stimulus, f"clip{stimulus}" if stimuli else None
                    ),
                    source="simulated",
                    normalization="past",
                )
            )
    return trials


@pytest.fixture
def trials():
    return made_trials()


@pytest.fixture
def short_training(monkeypatch):
    """Cut training down: these tests are about behaviour, not about scores."""
    stage = StageConfig(epochs=2, patience=2)
    monkeypatch.setattr("benchmarks.entries.supervised.EPOCHS", 9)
    monkeypatch.setattr("benchmarks.entries.supervised.DROPOUTS", (0.3,))
    monkeypatch.setattr("benchmarks.entries.bptt.EPOCHS", 3)
    monkeypatch.setattr("benchmarks.entries.gradient_boosting.ITERATIONS", 10)
    monkeypatch.setattr(
        EEGDancer, "pretraining_config", PretrainingConfig(vqvae=stage, dynamics=stage)
    )
    monkeypatch.setattr("benchmarks.entries.eegdancer.QUICK_STAGE", stage)
    monkeypatch.setattr(
        EEGDancer,
        "agent_config",
        AgentConfig(
            net_arch=(16,), total_steps=200, n_envs=4, learning_starts=20, evaluate_every=50
        ),
    )
