"""A small pretrained encoder, shared by the tests of this folder."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from encoders import EncoderConfig, FrozenEncoder, PretrainingConfig, StageConfig, pretrain

torch.set_num_threads(1)

N_CHANNELS, N_BANDS = 6, 3
SHAPE = EncoderConfig(
    N_CHANNELS,
    N_BANDS,
    n_spatial=4,
    width=16,
    code_dim=4,
    codebook_size=8,
    dynamics_width=16,
    dynamics_heads=2,
    window=12,
)
STAGE = StageConfig(epochs=3, patience=3)
SETTINGS = PretrainingConfig(vqvae=STAGE, dynamics=STAGE, batch_size=4)


def require_onnx() -> None:
    """Skip without the extra; not imported here: onnxruntime's telemetry is switched off by us."""
    if find_spec("onnxruntime") is None or find_spec("onnxscript") is None:
        pytest.skip("the extra 'export' is not installed")


def made_trials(n_subjects: int = 4, n_trials: int = 3, seed: int = 0):
    """Return features, groups and labels: labels are a slow latent seen in all features."""
    rng = np.random.default_rng(seed)
    features, groups, labels = [], [], []
    for subject in range(n_subjects):
        for _ in range(n_trials):
            n_steps = int(rng.integers(30, 45))
            track = np.cumsum(rng.normal(0, 0.2, n_steps))
            track = np.tanh(track - track.mean())
            weight = rng.normal(1.0, 0.2, (N_CHANNELS, N_BANDS))
            noise = rng.normal(0, 0.5, (n_steps, N_CHANNELS, N_BANDS))
            features.append((track[:, None, None] * weight + noise).astype(np.float32))
            groups.append(subject)
            labels.append(track[:, None].astype(np.float32))
    return features, groups, labels


@pytest.fixture(scope="session")
def encoder() -> FrozenEncoder:
    features, groups, labels = made_trials()
    return pretrain(features, groups, labels, SHAPE, SETTINGS)
