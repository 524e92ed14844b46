"""Past-only normalisation sees the past alone; the transductive one sees everything."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eeg_emotion_env.normalization import (
    CLIP,
    PastNormalizer,
    normalize_past,
    normalize_subject,
)

RNG = np.random.default_rng(2)
TRIALS = [RNG.normal(5.0, 2.0, (n, 2, 3)).astype(np.float32) for n in (40, 7, 60)]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 106))
def test_later_steps_and_trials_do_not_count(step):
    changed = np.concatenate(TRIALS)
    changed[step:] = 100.0
    edges = np.cumsum([len(trial) for trial in TRIALS])[:-1]
    before = np.concatenate(normalize_past(TRIALS))
    after = np.concatenate(normalize_past(np.split(changed, edges)))
    np.testing.assert_array_equal(before[:step], after[:step])


def test_stream_equals_whole_session():
    normalizer = PastNormalizer()
    streamed = np.stack([normalizer.step(frame) for trial in TRIALS for frame in trial])
    np.testing.assert_array_equal(streamed, np.concatenate(normalize_past(TRIALS)))


def test_past_approaches_z_scores():
    values = RNG.normal(-3.0, 0.5, (4000, 1, 1))
    late = normalize_past([values])[0][2000:]
    assert abs(late.mean()) < 0.1
    assert abs(late.std() - 1) < 0.1


def test_first_step_is_zero_and_outliers_are_clipped():
    values = np.zeros((50, 1, 1))
    values[40] = 1e6
    out = normalize_past([values])[0]
    assert out[0] == 0.0
    assert np.abs(out).max() <= CLIP
    assert np.isfinite(out).all()


def test_subject_is_z_scored_over_all_trials():
    stacked = np.concatenate(normalize_subject(TRIALS))
    np.testing.assert_allclose(stacked.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(stacked.std(axis=0), 1.0, rtol=1e-4)
    assert np.isfinite(normalize_subject([np.ones((5, 1, 1))])[0]).all()


def test_a_gap_is_nan_and_leaves_the_session_so_far_as_it_was():
    features = np.random.default_rng(0).normal(3, 2, (30, 2, 3)).astype(np.float32)
    holes = features.copy()
    holes[5:8, 1] = np.nan
    holes[9, 1, 0] = np.inf
    found, whole = PastNormalizer()(holes), PastNormalizer()(features)
    np.testing.assert_array_equal(found[:, 0], whole[:, 0])
    assert np.isnan(found[5:8, 1]).all()
    assert np.isnan(found[9, 1]).tolist() == [True, False, False]
    # as if the missing steps had never been, for the features that missed them
    kept = [t for t in range(30) if t not in (5, 6, 7)]
    shorter = PastNormalizer()(features[kept])
    np.testing.assert_allclose(found[kept][:, 1, 1:], shorter[:, 1, 1:], atol=1e-6)
