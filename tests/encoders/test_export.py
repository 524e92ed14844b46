"""Exported encoders give the numbers of the frozen one, over hours and with bounded memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from encoders import CheckpointError, EncoderConfigError, pretrain
from encoders.export import ExportedEncoder, export_encoder
from tests.encoders.conftest import (
    N_BANDS,
    N_CHANNELS,
    SETTINGS,
    SHAPE,
    made_trials,
    require_onnx,
)
from tests.encoders.test_montage import SITES, _electrodes


def _features(n_steps: int, n_channels: int = N_CHANNELS) -> np.ndarray:
    shape = (n_steps, n_channels, N_BANDS)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _streamed(model, features: np.ndarray) -> np.ndarray:
    state, latents = model.initial_state(), []
    for frame in features:
        latent, state = model.step(frame, state)
        latents.append(latent)
    return np.stack(latents)


def test_four_hours_of_stream_equal_the_whole(encoder):
    features = _features(4 * 3600)
    whole = encoder.encode(features)
    tracemalloc.start()
    head = _streamed(encoder, features[:100])
    before = tracemalloc.get_traced_memory()[0]
    found = _streamed(encoder, features)
    grown = tracemalloc.get_traced_memory()[0] - before - found.nbytes
    tracemalloc.stop()
    np.testing.assert_allclose(found, whole, atol=1e-5)
    np.testing.assert_allclose(head, whole[:100], atol=1e-5)
    assert grown < 100_000


def test_torch_export_equals_eager(encoder, tmp_path):
    exported = ExportedEncoder(export_encoder(encoder, tmp_path / "encoder.pt2"))
    features = _features(60)
    np.testing.assert_allclose(_streamed(exported, features), encoder.encode(features), atol=1e-5)


def test_onnx_equals_eager_and_takes_other_montages(tmp_path):
    require_onnx()
    features, groups, labels = made_trials()
    where = [_electrodes(6)] * len(features)
    shape = replace(SITES, soft_assignment=True)
    encoder = pretrain(features, groups, labels, shape, SETTINGS, positions=where)
    path = export_encoder(encoder, tmp_path / "encoder.onnx")
    whole = encoder.encode(_features(60))
    np.testing.assert_allclose(_streamed(ExportedEncoder(path), _features(60)), whole, atol=1e-5)
    other, wide = _electrodes(9, seed=4), _features(30, 9)
    exported = ExportedEncoder(path, other)
    np.testing.assert_allclose(_streamed(exported, wide), encoder.on(other).encode(wide), atol=1e-5)


def test_what_looks_ahead_is_not_exported(tmp_path):
    features, groups, labels = made_trials()
    shape = replace(SHAPE, bidirectional=True)
    encoder = pretrain(features, groups, labels, shape, SETTINGS)
    with pytest.raises(EncoderConfigError, match="looks ahead"):
        export_encoder(encoder, tmp_path / "encoder.pt2")
    assert not list(tmp_path.iterdir())


def test_wrong_files_are_clear_errors(encoder, tmp_path):
    with pytest.raises(EncoderConfigError, match=r"ends in \.onnx or \.pt2"):
        export_encoder(encoder, tmp_path / "encoder.bin")
    with pytest.raises(CheckpointError, match="no exported model here"):
        ExportedEncoder(tmp_path / "encoder.pt2")
    (tmp_path / "encoder.pt2").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="export the model again"):
        ExportedEncoder(tmp_path / "encoder.pt2")
