"""Band power: right values, and nothing of the future."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.features import (
    BANDS,
    POWER_FLOOR,
    BandPowerStream,
    FeatureConfig,
    band_centres,
    band_weights,
    block_mean,
    log_band_power,
    trailing_mean,
)
from eeg_emotion_env.normalization import normalize_past

SFREQ = 200.0
EEG = 20 * np.random.default_rng(1).standard_normal((3, 2001)).astype(np.float32)


@pytest.mark.parametrize(("band", "hz"), [("theta", 6.0), ("alpha", 10.0), ("beta", 20.0)])
def test_sine_has_its_power_in_its_band(band, hz):
    sine = 10 * np.sin(2 * np.pi * hz * np.arange(1000) / SFREQ)[None]
    power = np.exp(log_band_power(sine, SFREQ))[:, 0]
    place = list(BANDS).index(band)
    np.testing.assert_allclose(power[:, place], 50.0, rtol=0.02)
    assert (np.delete(power, place, axis=1) < 1.0).all()


def test_shape_and_incomplete_last_step():
    assert log_band_power(EEG, SFREQ).shape == (10, 3, 5)
    assert log_band_power(EEG, SFREQ).dtype == np.float32


def test_flat_channel_is_floored():
    np.testing.assert_allclose(log_band_power(np.zeros((1, 400)), SFREQ), np.log(POWER_FLOOR))


@settings(max_examples=20, deadline=None)
@given(second=st.integers(1, 9), seed=st.integers(0, 100))
def test_future_eeg_does_not_move_normalised_features(second, seed):
    changed = EEG.copy()
    start = int(second * SFREQ)
    changed[:, start:] += np.random.default_rng(seed).normal(0, 100, changed[:, start:].shape)
    for config in (FeatureConfig(), FeatureConfig(step_s=1.0, window_s=3.0)):
        before, after = (
            normalize_past([log_band_power(eeg, SFREQ, config)])[0] for eeg in (EEG, changed)
        )
        np.testing.assert_array_equal(before[:second], after[:second])
        assert not np.array_equal(before[second], after[second])


def test_window_is_a_trailing_average_of_power():
    config = FeatureConfig(window_s=4.0)
    power = np.exp(log_band_power(EEG, SFREQ).astype(np.float64))
    averaged = np.exp(log_band_power(EEG, SFREQ, config))
    np.testing.assert_allclose(averaged[7], power[4:8].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(averaged[1], power[:2].mean(axis=0), rtol=1e-4)


@given(st.integers(1, 7), st.integers(1, 30))
def test_trailing_mean_of_ramp(width, n_steps):
    ramp = np.arange(n_steps, dtype=np.float32)[:, None]
    expected = [np.arange(max(0, t + 1 - width), t + 1).mean() for t in range(n_steps)]
    np.testing.assert_allclose(trailing_mean(ramp, width)[:, 0], expected, rtol=1e-6)


def test_block_mean_drops_the_rest():
    np.testing.assert_array_equal(block_mean(np.arange(7.0)[:, None], 3)[:, 0], [1.0, 4.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": ("gama",)}, "bands must be among"),
        ({"bands": ()}, "bands must be among"),
        ({"window_s": 1.5}, "whole number of steps"),
        ({"step_s": 0.0}, "whole number of steps"),
        ({"step_s": 2.0}, "whole number of steps"),
    ],
)
def test_impossible_configurations(options, message):
    with pytest.raises(ConfigError, match=message):
        FeatureConfig(**options)


def test_impossible_recordings():
    with pytest.raises(DataError, match="shorter than one"):
        log_band_power(EEG[:, :100], SFREQ)
    with pytest.raises(DataError, match="cannot resolve"):
        log_band_power(EEG, 80.0)
    with pytest.raises(DataError, match="cannot resolve"):
        log_band_power(EEG, SFREQ, FeatureConfig(step_s=0.25, window_s=1.0))


@pytest.mark.parametrize("window_s", [1.0, 4.0])
def test_stream_of_band_power_equals_the_whole(window_s):
    config = FeatureConfig(window_s=window_s)
    stream = BandPowerStream(SFREQ, config)
    n = stream.n_samples
    steps = [stream.step(EEG[:, i * n : (i + 1) * n]) for i in range(10)]
    np.testing.assert_allclose(np.stack(steps), log_band_power(EEG, SFREQ, config), atol=1e-5)
    with pytest.raises(DataError, match="samples, not"):
        stream.step(EEG[:, :3])


def test_bands_are_made_of_those_that_overlap():
    given = ("theta", "alpha", "beta", "gamma")
    weights = band_weights(("delta", "theta", "alpha", "beta", "gamma"), given)
    np.testing.assert_allclose(weights[0], 0)
    np.testing.assert_allclose(weights[1:], np.eye(4))
    with pytest.raises(ConfigError, match="frequencies of band sigma are not known"):
        band_weights(("sigma",), given)


def test_centres_of_bands_are_geometric_means():
    np.testing.assert_allclose(band_centres(("delta", "theta")), [2.0, np.sqrt(32)])
