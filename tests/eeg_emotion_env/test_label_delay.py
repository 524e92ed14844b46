"""The annotators' delay: moved out of training labels, and back into predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.labels import (
    delay_steps,
    delayed,
    estimate_delay,
    resolve_delay,
    shift_labels,
)


@pytest.fixture(scope="module")
def trials():
    return list(load("simulated", n_subjects=2, n_trials=3))


@given(steps=st.integers(0, 80))
def test_labels_move_earlier_and_predictions_later(trials, steps):
    trial = trials[0]
    shifted = shift_labels(trial, steps * trial.step_s).labels
    n_left = max(0, trial.n_steps - steps)
    np.testing.assert_array_equal(shifted[:n_left], trial.labels[steps:])
    assert np.isnan(shifted[n_left:]).all()
    # A perfect model of the shifted labels is a perfect model of the labels, once it has begun.
    perfect = delayed(np.where(np.isnan(shifted), 0, shifted), steps)
    np.testing.assert_array_equal(perfect[steps:], trial.labels[steps:])


def test_predictions_stay_causal(trials):
    values = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    changed = values.copy()
    changed[12:] = 9
    np.testing.assert_array_equal(delayed(values, 3)[:15], delayed(changed, 3)[:15])


def test_load_moves_labels(trials):
    moved = load("simulated", n_subjects=2, n_trials=3, label_delay_s=2.0)
    np.testing.assert_array_equal(moved[1].labels[:-2], trials[1].labels[2:])
    np.testing.assert_array_equal(moved[1].features, trials[1].features)
    back = moved.delayed(0.0)
    np.testing.assert_array_equal(back[1].labels, trials[1].labels)


@pytest.mark.parametrize(
    ("delay_s", "step_s", "steps"),
    [(2.0, 0.5, 4), (2.0, 1.0, 2), (2.0, 4.0, 1), (1.9, 4.0, 0), (2.6, 1.0, 3), (0.0, 1.0, 0)],
)
def test_delay_is_rounded_to_steps(delay_s, step_s, steps):
    assert delay_steps(delay_s, step_s) == steps
    with pytest.raises(ConfigError, match="zero or positive"):
        delay_steps(-1.0, step_s)


def test_estimate_follows_the_delay_of_the_raters():
    """The estimate is the delay beyond that of the smoothing, so differences count."""
    estimates = [
        estimate_delay(list(load("simulated", n_subjects=4, label_lag_s=lag)))
        for lag in (0.0, 2.0, 4.0)
    ]
    assert estimates[0] == 0.0
    assert 1.0 <= estimates[2] - estimates[1] <= 3.0
    assert 2.0 <= estimates[2] <= 4.0


@pytest.mark.parametrize("seed", range(6))
def test_estimate_is_none_where_the_eeg_tells_nothing(seed):
    trials = list(load("simulated", n_subjects=4, n_trials=5, snr=0.0, shared=0.0, seed=seed))
    assert estimate_delay(trials) == 0.0


def test_resolved_delays_are_whole_steps(trials):
    assert resolve_delay("2.4", trials) == 2.0
    assert resolve_delay(0.4, trials) == 0.0
    with pytest.raises(ConfigError, match="eegdancer train and leaderboard"):
        load("simulated", label_delay_s="auto")
    with pytest.raises(ConfigError, match="zero or positive"):
        load("simulated", label_delay_s=-1.0)


def test_estimate_of_what_cannot_be_estimated(trials):
    assert estimate_delay(trials[:3]) == 0.0  # one subject
    silent = [trial.without_labels() for trial in trials]
    assert estimate_delay(silent) == 0.0


@pytest.mark.parametrize("wrong", ["soon", "-1", -1.0, "inf", "nan"])
def test_wrong_delays(wrong):
    with pytest.raises(ConfigError, match="'auto' or zero or positive seconds"):
        resolve_delay(wrong, [])
    assert resolve_delay("2.5", []) == 2.5
