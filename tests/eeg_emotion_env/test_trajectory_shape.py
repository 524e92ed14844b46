"""Spread, lag and jerk: values that can be told without the code."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trajectory_shape import SHAPES, mean_shape, trajectory_shape

SLOW = np.cumsum(np.random.default_rng(0).normal(0, 0.1, 200))


@given(scale=st.floats(0.05, 20), offset=st.floats(-5, 5))
def test_spread_is_the_factor_of_an_affine_prediction(scale, offset):
    shape = trajectory_shape(SLOW, scale * SLOW + offset, 1.0)
    assert shape.spread == pytest.approx(scale)
    assert shape.lag_s == 0.0


@given(lag=st.integers(-9, 9), step_s=st.sampled_from([0.5, 1.0]))
def test_lag_of_a_shifted_prediction(lag, step_s):
    guess = np.roll(SLOW, lag)
    assert trajectory_shape(SLOW, guess, step_s).lag_s == pytest.approx(lag * step_s)


def test_lag_is_found_around_gaps():
    label = SLOW.copy()
    label[50:80] = np.nan
    assert trajectory_shape(label, np.roll(SLOW, 3), 1.0).lag_s == 3.0


def test_jerk_of_polynomials():
    t = np.arange(20.0)
    assert trajectory_shape(t, t**2, 1.0).jerk == pytest.approx(0.0, abs=1e-9)
    assert trajectory_shape(t, t**3, 1.0).jerk == pytest.approx(6.0)
    assert math.isnan(trajectory_shape(t[:3], t[:3], 1.0).jerk)


def test_undefined():
    constant = trajectory_shape(np.ones(30), SLOW[:30], 1.0)
    assert math.isnan(constant.spread)
    assert math.isnan(constant.lag_s)
    flat = trajectory_shape(SLOW, np.zeros(200), 1.0)
    assert flat.spread == 0.0
    assert math.isnan(flat.lag_s)
    short = trajectory_shape(SLOW[:5], SLOW[:5], 1.0)
    assert math.isnan(short.lag_s)
    with pytest.raises(ConfigError, match="of one length"):
        trajectory_shape(SLOW, SLOW[:-1], 1.0)


def test_means_leave_out_what_is_undefined():
    labels = [np.stack([SLOW, np.ones(200)], axis=1), np.stack([SLOW, SLOW], axis=1)]
    guesses = [2 * label for label in labels]
    means = mean_shape(labels, guesses, ("valence", "arousal"), 1.0)
    assert set(SHAPES) <= set(means)
    assert means["spread"] == pytest.approx(2.0)
    assert means["spread_arousal"] == pytest.approx(2.0)
    assert means["lag_s_valence"] == 0.0
