"""Reconstruction targets: what is removed is removed, what is whitened is white."""

from dataclasses import replace

import numpy as np
import pytest

from encoders import EncoderConfigError, PretrainingConfig, pretrain
from encoders.targets import target_mixing
from tests.encoders.conftest import SETTINGS, SHAPE, made_trials

HZ = (2.0, 6.0, 10.6, 20.8, 39.4)


def _features(n_bands: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    mixing = 2 * np.eye(n_bands) + np.ones((n_bands, n_bands))
    return [(rng.normal(size=(400, 4, n_bands)) @ mixing).astype(np.float32) for _ in range(3)]


def test_offset_and_slope_over_log_frequency_are_removed():
    mixing = target_mixing("aperiodic-removed", _features(), HZ)
    lines = np.stack([np.ones(5), np.log(HZ)])
    np.testing.assert_allclose(lines @ mixing, 0, atol=1e-6)
    peak = np.array([0, 0, 1.0, 0, 0]) @ mixing
    assert peak.argmax() == 2
    assert peak[2] > 0.5


def test_whitened_bands_are_uncorrelated_and_of_equal_size():
    features = _features()
    rows = np.concatenate(features).reshape(-1, 5) @ target_mixing("whitened", features)
    covariance = np.cov(rows, rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(5), atol=0.03)


def test_plain_target_is_the_features():
    np.testing.assert_array_equal(target_mixing("features", _features()), np.eye(5))


@pytest.mark.parametrize("target", ["whitened", "aperiodic-removed"])
def test_pretraining_takes_the_target(target):
    features, groups, labels = made_trials()
    settings = replace(SETTINGS, target=target, band_hz=(2.0, 6.0, 10.6))
    encoder = pretrain(features, groups, labels, SHAPE, settings)
    assert np.isfinite(encoder.encode(features[0])).all()
    assert encoder.description["pretraining"]["target"] == target


def test_targets_are_checked():
    with pytest.raises(EncoderConfigError, match="target must be one of features, whitened"):
        PretrainingConfig(target="raw")
    features, groups, labels = made_trials()
    with pytest.raises(EncoderConfigError, match="needs band_hz"):
        pretrain(features, groups, labels, SHAPE, replace(SETTINGS, target="aperiodic-removed"))
