"""Frozen encoders: causal, equal in a stream, unchangeable, and saved without code."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoders import CheckpointError, EncoderConfig, FrozenEncoder, load_encoder, shipped_encoder
from encoders.dynamics import MaskedDynamics
from encoders.vqvae import CausalVQVAE
from tests.encoders.conftest import N_BANDS, N_CHANNELS, SHAPE


def _features(n_steps: int, seed: int = 0) -> np.ndarray:
    shape = (n_steps, N_CHANNELS, N_BANDS)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(n_steps=st.integers(2, 40), data=st.data())
def test_no_latent_depends_on_later_steps(encoder, n_steps, data):
    t = data.draw(st.integers(0, n_steps - 2))
    features = _features(n_steps)
    changed = features.copy()
    changed[t + 1 :] += 5.0
    # equal to rounding: matrix kernels may order sums by shape, never by content
    before, after = encoder.encode(features), encoder.encode(changed)
    np.testing.assert_array_equal(before[: t + 1], after[: t + 1])
    assert not np.allclose(before[t + 1 :], after[t + 1 :])


def test_stream_equals_whole_trial_far_beyond_the_window(encoder):
    features = _features(10 * SHAPE.window)
    state, latents = encoder.initial_state(), []
    for frame in features:
        latent, state = encoder.step(frame, state)
        latents.append(latent)
    np.testing.assert_allclose(np.stack(latents), encoder.encode(features), atol=1e-5)


def test_stream_state_is_bounded(encoder):
    state, sizes = encoder.initial_state(), []
    for frame in _features(3 * SHAPE.window):
        _, state = encoder.step(frame, state)
        sizes.append(sum(t.numel() for t in (*state.buffers, *state.caches)))
    assert len(set(sizes[SHAPE.window :])) == 1


def test_train_mode_cannot_be_switched_on(encoder):
    encoder.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(p.requires_grad for p in encoder.parameters())
    codebook = encoder.vqvae.quantizer.codebook.clone()
    for _ in range(3):
        encoder.train()
        encoder.encode(_features(40, seed=1))
    assert torch.equal(codebook, encoder.vqvae.quantizer.codebook)


def test_latent_is_prototype_residual_state(encoder):
    features = _features(20)
    latents, codes = encoder.encode(features), encoder.codes(features)
    prototypes = encoder.vqvae.quantizer.codebook.numpy()
    np.testing.assert_allclose(
        latents[:, encoder.layout["prototype"]], prototypes[codes], atol=1e-6
    )
    assert latents.shape == (20, encoder.n_latent)
    assert latents.dtype == np.float32


def test_saved_and_loaded_encoder_gives_the_same_latents(encoder, tmp_path):
    fingerprint = encoder.save(tmp_path / "model")
    loaded = load_encoder(tmp_path / "model")
    features = _features(25)
    np.testing.assert_array_equal(encoder.encode(features), loaded.encode(features))
    assert loaded.fingerprint == fingerprint == encoder.fingerprint
    assert loaded.description["guided"] is True


def _flip_byte(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m: _flip_byte(m / "model.safetensors", -5), "damaged"),
        (lambda m: (m / "model.safetensors").write_bytes(b""), "damaged"),
        (lambda m: (m / "model.safetensors").unlink(), "no frozen encoder model here"),
        (lambda m: (m / "config.json").write_text("{"), "not valid JSON"),
        (lambda m: (m / "config.json").write_text("[]"), "no known model"),
    ],
)
def test_damaged_model_is_a_clear_error(encoder, tmp_path, damage, message):
    encoder.save(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_encoder(tmp_path / "model")
    assert str(tmp_path / "model") in str(caught.value)


def test_changed_configuration_is_a_clear_error(encoder, tmp_path):
    encoder.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["encoder"]["window"] = 5
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="was changed after the model was saved"):
        load_encoder(tmp_path)


def test_wrong_shape_is_named(encoder):
    with pytest.raises(ValueError, match=r"\(5, 2, 2\).*6 channels × 3 bands"):
        encoder.encode(np.zeros((5, 2, 2), np.float32))


def test_unknown_shipped_encoder_lists_those_there_are():
    with pytest.raises(CheckpointError, match="simulated-62x5"):
        shipped_encoder("simulated-1x1")


@pytest.mark.parametrize(
    ("name", "shape"), [("simulated-62x5", (62, 5)), ("simulated-32x4", (32, 4))]
)
def test_shipped_encoders_load_use_their_codebook_and_are_causal(name, shape):
    encoder = shipped_encoder(name)
    assert (encoder.n_channels, encoder.n_bands) == shape
    assert encoder.description["codebook"]["usage"] > 0.5
    features = np.random.default_rng(0).normal(size=(30, *shape)).astype(np.float32)
    changed = features.copy()
    changed[12:] = 0.0
    np.testing.assert_array_equal(encoder.encode(features)[:12], encoder.encode(changed)[:12])


def test_jacobian_of_the_chain_has_no_entry_ahead_of_time():
    torch.manual_seed(0)
    encoder = FrozenEncoder(CausalVQVAE(SHAPE), MaskedDynamics(SHAPE), {})
    x = torch.randn(1, 10, N_CHANNELS, N_BANDS, requires_grad=True)
    states = encoder.dynamics(encoder.vqvae(x))
    for t in (0, 4, 8):
        # one unit: the sum over a layer norm's outputs is constant
        (gradient,) = torch.autograd.grad(states[0, t, 0], x, retain_graph=True)
        assert gradient[0, t + 1 :].abs().max() == 0
        assert gradient[0, : t + 1].abs().max() > 0


def test_configuration_is_checked():
    with pytest.raises(ValueError, match="dynamics_width"):
        EncoderConfig(4, 2, dynamics_width=30, dynamics_heads=4)
