"""Any montage: smooth fields are found again from other, fewer or missing electrodes."""

from dataclasses import replace

import numpy as np
import pytest

from encoders import EncoderConfigError, load_encoder, pretrain
from encoders.export import ExportedEncoder, export_encoder
from encoders.montage import MAX_KEPT, Montage, sites, to_sites
from tests.encoders.conftest import N_BANDS, SETTINGS, SHAPE, made_trials

SITES = replace(SHAPE, n_channels=12, n_sites=12)


def _electrodes(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(4 * n, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points[points[:, 2] > -0.3][:n]


def _field(points: np.ndarray, steps: int = 5) -> np.ndarray:
    """A smooth field: a different gradient over the head at each step; (steps, points, bands)."""
    gradients = np.random.default_rng(3).normal(size=(steps, 3, N_BANDS))
    return np.einsum("pd,sdb->spb", points, gradients).astype(np.float32)


def test_sites_are_unit_vectors_where_electrodes_are():
    points = sites(32)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)
    assert points[:, 2].min() > np.cos(np.deg2rad(113))
    gaps = np.arccos(np.clip(points @ points.T - 2 * np.eye(32), -1, 1)).min(axis=1)
    assert gaps.min() > 0.5 * gaps.max()


@pytest.mark.parametrize(("n", "least"), [(62, 0.97), (32, 0.95), (14, 0.85)])
def test_a_smooth_field_is_found_from_any_number_of_electrodes(n, least):
    electrodes = _electrodes(n)
    montage = Montage(n, N_BANDS, 32, electrodes)
    found, true = montage(_field(electrodes)), _field(sites(32))
    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > least


def test_order_of_channels_does_not_matter():
    electrodes = _electrodes(20)
    order = np.random.default_rng(1).permutation(20)
    features = _field(electrodes)
    there = Montage(20, N_BANDS, 12, electrodes)(features)
    back = Montage(20, N_BANDS, 12, electrodes[order])(features[:, order])
    np.testing.assert_allclose(there, back, atol=1e-5)


def test_missing_channels_are_left_out_at_their_steps_alone():
    electrodes = _electrodes(20)
    features = _field(electrodes)
    holes = features.copy()
    holes[2, [3, 7]] = np.nan
    whole, found = (Montage(20, N_BANDS, 12, electrodes)(x) for x in (features, holes))
    np.testing.assert_allclose(np.delete(found, 2, 0), np.delete(whole, 2, 0), atol=1e-6)
    rest = np.delete(np.arange(20), [3, 7])
    expected = to_sites(electrodes[rest], 12) @ features[2, rest]
    np.testing.assert_allclose(found[2], expected, atol=1e-6)


def test_without_any_channel_the_estimate_is_the_mean():
    montage = Montage(4, N_BANDS, 12, _electrodes(4))
    assert (montage(np.full((2, 4, N_BANDS), np.nan)) == 0).all()


def test_memory_of_patterns_is_bounded():
    montage, rng = Montage(20, N_BANDS, 12, _electrodes(20)), np.random.default_rng(0)
    for _ in range(MAX_KEPT + 20):
        frame = rng.normal(size=(1, 20, N_BANDS)).astype(np.float32)
        frame[:, rng.random(20) < 0.4] = np.nan
        montage(frame)
    assert len(montage._kept) <= MAX_KEPT


def test_without_sites_a_missing_channel_is_its_mean(encoder):
    features = np.random.default_rng(0).normal(size=(10, 6, N_BANDS)).astype(np.float32)
    holes, zeros = features.copy(), features.copy()
    holes[:, 2], zeros[:, 2] = np.nan, 0.0
    np.testing.assert_array_equal(encoder.encode(holes), encoder.encode(zeros))


@pytest.fixture(scope="module")
def on_sites():
    features, groups, labels = made_trials()
    where = [_electrodes(6)] * len(features)
    return pretrain(features, groups, labels, SITES, SETTINGS, positions=where)


def test_encoder_on_sites_takes_another_montage(on_sites):
    other = on_sites.on(_electrodes(9, seed=5))
    features = np.random.default_rng(0).normal(size=(30, 9, N_BANDS)).astype(np.float32)
    latents, state, steps = other.encode(features), other.initial_state(), []
    for frame in features:
        latent, state = other.step(frame, state)
        steps.append(latent)
    np.testing.assert_allclose(np.stack(steps), latents, atol=1e-5)
    assert (other.n_channels, on_sites.n_channels) == (9, 6)


def test_encoder_on_sites_takes_other_bands(on_sites):
    electrodes = _electrodes(6)
    halves = np.kron(np.eye(N_BANDS), [0.5, 0.5]).astype(np.float32)
    features = np.random.default_rng(0).normal(size=(8, 6, N_BANDS)).astype(np.float32)
    split = np.repeat(features, 2, axis=2)
    found = on_sites.on(electrodes, halves).encode(split)
    np.testing.assert_allclose(found, on_sites.encode(features), atol=1e-5)


def test_encoder_on_sites_is_saved_with_its_electrodes(on_sites, tmp_path):
    on_sites.save(tmp_path)
    features = np.random.default_rng(0).normal(size=(8, 6, N_BANDS)).astype(np.float32)
    loaded = load_encoder(tmp_path)
    np.testing.assert_array_equal(loaded.encode(features), on_sites.encode(features))


def test_data_sets_with_other_channels_are_mixed():
    features, groups, labels = made_trials(3)
    wide, _, _ = made_trials(3, seed=1)
    wide = [np.concatenate([f, f], axis=1) for f in wide]
    where = [_electrodes(6)] * len(features) + [_electrodes(12, seed=2)] * len(wide)
    others = [f"other {group}" for group in groups]
    encoder = (
        pretrain(
            [*features, *wide],
            [*groups, *others],
            [*labels, *labels],
            SITES,
            SETTINGS,
            positions=where,
        )
        if all(len(a) == len(b) for a, b in zip(wide, labels, strict=True))
        else pretrain(
            [*features, *wide], [*groups, *others], None, SITES, SETTINGS, positions=where
        )
    )
    assert encoder.n_channels == 6
    assert np.isfinite(encoder.on(where[-1]).encode(wide[0])).all()


def test_tied_encoder_refuses_another_montage(encoder):
    with pytest.raises(EncoderConfigError, match="tied to its 6 channels"):
        encoder.on(_electrodes(9))


def test_positions_are_needed_and_checked():
    features, groups, labels = made_trials()
    with pytest.raises(EncoderConfigError, match="needs the positions"):
        pretrain(features, groups, labels, SITES, SETTINGS)
    with pytest.raises(EncoderConfigError, match="finite vectors"):
        to_sites(np.zeros((3, 3)), 12)
    with pytest.raises(EncoderConfigError, match="2 positions for 6 channels"):
        Montage(6, 3, 12, _electrodes(2))


def test_band_weights_are_saved_and_exported_and_other_channels_are_not_taken_for_the_old(
    on_sites, tmp_path
):
    electrodes, halves = _electrodes(9, seed=4), np.kron(np.eye(N_BANDS), [0.5, 0.5])
    other = on_sites.on(electrodes, halves)
    features = np.random.default_rng(0).normal(size=(8, 9, 2 * N_BANDS)).astype(np.float32)
    other.save(tmp_path / "model")
    loaded = load_encoder(tmp_path / "model")
    np.testing.assert_array_equal(loaded.encode(features), other.encode(features))
    exported = ExportedEncoder(export_encoder(other, tmp_path / "encoder.pt2"))
    latent, _ = exported.step(features[0], exported.initial_state())
    np.testing.assert_allclose(latent, other.encode(features)[0], atol=1e-5)


def test_exported_encoder_that_is_tied_to_its_channels_takes_no_others(encoder, tmp_path):
    path = export_encoder(encoder, tmp_path / "encoder.pt2")
    assert path.stat().st_mode & 0o044
    with pytest.raises(EncoderConfigError, match="tied to its 6 channels"):
        ExportedEncoder(path, _electrodes(6))
