"""Quantisers: one protocol; a frozen look-up gives what the library gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from encoders import EncoderConfigError, pretrain
from encoders.config import grid
from encoders.quantizers import KINDS, nearest, soft_assignment
from tests.encoders.conftest import SETTINGS, SHAPE, made_trials

SHAPE16 = replace(SHAPE, codebook_size=16)


def _quantizer(kind: str):
    torch.manual_seed(0)
    quantizer = KINDS[kind](replace(SHAPE16, quantizer=kind), 0.25, 0.1)
    z = torch.randn(4, 50, SHAPE16.code_dim)
    quantizer.train()
    for _ in range(3):
        quantizer.fit(z, torch.ones(4, 50, dtype=torch.bool))
    return quantizer.eval(), z


@pytest.mark.parametrize("kind", ["vq", "residual-vq"])
def test_lookup_equals_the_library_in_evaluation_mode(kind):
    quantizer, z = _quantizer(kind)
    with torch.no_grad():
        expected, codes, _ = quantizer(z)
        found, found_codes = quantizer.lookup(z)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert torch.equal(found_codes.squeeze(-1), codes)
    assert found_codes.shape[-1] == quantizer.n_levels


@pytest.mark.parametrize("kind", ["vq", "residual-vq", "fsq"])
def test_prototypes_are_what_the_first_code_stands_for(kind):
    quantizer, z = _quantizer(kind)
    found, codes = quantizer.lookup(z)
    prototypes = quantizer.prototypes()
    assert prototypes.shape == (16, SHAPE16.code_dim)
    if kind == "residual-vq":
        rest = z - prototypes[codes[..., 0]]
        second = quantizer.layers[1]._codebook.embed[0]
        found = found - second[nearest(rest, second)]
    torch.testing.assert_close(found, prototypes[codes[..., 0]], atol=1e-5, rtol=0)


def test_second_level_comes_nearer():
    (one, z), (two, _) = _quantizer("vq"), _quantizer("residual-vq")
    errors = [float((q.lookup(z)[0] - z).square().mean()) for q in (one, two)]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("kind", ["vq", "residual-vq"])
def test_settled_codebook_uses_every_prototype_and_shortens_distances(kind):
    quantizer, z = _quantizer(kind)
    before = (quantizer.lookup(z)[0] - z).square().mean()
    quantizer.settle(z.reshape(-1, z.shape[-1]), 0)
    found, codes = quantizer.lookup(z)
    assert len(codes[..., 0].unique()) == 16
    assert (found - z).square().mean() < before


def test_too_few_vectors_leave_the_codebook_alone():
    quantizer, z = _quantizer("vq")
    book = quantizer.prototypes().clone()
    quantizer.settle(z[0, :10], 0)
    assert torch.equal(book, quantizer.prototypes())


def test_soft_assignment_sums_to_one_and_names_the_nearest():
    quantizer, z = _quantizer("vq")
    shares = soft_assignment(z, quantizer.prototypes())
    torch.testing.assert_close(shares.sum(-1), torch.ones(z.shape[:-1]))
    assert torch.equal(shares.argmax(-1), quantizer.lookup(z)[1][..., 0])


@pytest.mark.parametrize(
    ("size", "levels"), [(8, (8,)), (16, (4, 4)), (64, (8, 8)), (256, (8, 8, 4)), (22, ()), (2, ())]
)
def test_grid_of_finite_scalar_quantisation(size, levels):
    assert grid(size) == levels
    assert not levels or np.prod(levels) == size


def test_impossible_grid_is_an_error():
    with pytest.raises(EncoderConfigError, match="codebook_size 22 is no product"):
        replace(SHAPE, quantizer="fsq", codebook_size=22)


@pytest.mark.parametrize("kind", ["residual-vq", "fsq", "none"])
def test_every_quantiser_pretrains_streams_and_saves(kind, tmp_path):
    from encoders import load_encoder

    features, groups, labels = made_trials()
    shape = replace(SHAPE16, quantizer=kind)
    encoder = pretrain(features, groups, labels, shape, SETTINGS)
    encoder.save(tmp_path)
    loaded = load_encoder(tmp_path)
    whole, state, steps = loaded.encode(features[0]), loaded.initial_state(), []
    np.testing.assert_array_equal(whole, encoder.encode(features[0]))
    for frame in features[0]:
        latent, state = loaded.step(frame, state)
        steps.append(latent)
    np.testing.assert_allclose(np.stack(steps), whole, atol=1e-5)
    assert ("codebook" in loaded.description) == (kind != "none")


def test_soft_assignment_has_a_place_in_the_latent():
    features, groups, labels = made_trials()
    shape = replace(SHAPE, soft_assignment=True)
    encoder = pretrain(features, groups, labels, shape, SETTINGS)
    latents = encoder.encode(features[0])
    assert list(encoder.layout) == ["prototype", "residual", "assignment", "state"]
    shares = latents[:, encoder.layout["assignment"]]
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(shares.argmax(axis=1), encoder.codes(features[0]))
    assert latents.shape[1] == encoder.n_latent == 4 + 4 + 8 + 16


def test_any_seed_settles():
    quantizer, z = _quantizer("vq")
    quantizer.settle(z.reshape(-1, z.shape[-1]), 2**40 + 1)
    assert len(quantizer.lookup(z)[1].unique()) == 16


@pytest.mark.parametrize("kind", ["fsq", "none"])
def test_soft_assignment_needs_prototypes(kind):
    with pytest.raises(EncoderConfigError, match="soft_assignment needs prototypes"):
        replace(SHAPE16, quantizer=kind, soft_assignment=True)
