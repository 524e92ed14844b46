"""`PredictionIntervals`: coverage of new people, order of the ends, the folder."""

import numpy as np
import pytest

from agents.intervals import PredictionIntervals, load_intervals
from encoders import CheckpointError


def made_people(rng, n_people, n_trials=3, n_steps=60, gain=2.0):
    """Slow labels, and predictions that overshoot them, with people's own offset and noise."""
    people, labels, predictions = [], [], []
    for person in range(n_people):
        offset, noise = rng.normal(0, 0.05), np.exp(rng.normal(-2, 0.3))
        for _ in range(n_trials):
            truth = 0.15 * np.cumsum(rng.normal(0, 0.3, (n_steps, 2)), axis=0).clip(-2, 2)
            people.append(str(person))
            labels.append(truth.astype(np.float32))
            guess = gain * truth + offset + noise * rng.normal(size=truth.shape)
            predictions.append(np.clip(guess, -1, 1).astype(np.float32))
    return people, labels, predictions


@pytest.fixture(scope="module")
def intervals():
    return PredictionIntervals.fit(*made_people(np.random.default_rng(0), 9))


def covered(intervals, made):
    people, labels, predictions = made
    held = {}
    for person, truth, guess in zip(people, labels, predictions, strict=True):
        low, high = intervals.ends(guess)
        held.setdefault(person, []).append((truth >= low) & (truth <= high))
    return np.mean([np.concatenate(own).mean(axis=0) for own in held.values()], axis=0)


def test_new_people_are_covered_as_meant():
    rng = np.random.default_rng(5)
    found = [
        covered(PredictionIntervals.fit(*made_people(rng, 8)), made_people(rng, 15))
        for _ in range(20)
    ]
    np.testing.assert_allclose(np.mean(found, axis=0), 0.8, atol=0.04)


def test_the_middle_takes_overshooting_back(intervals):
    assert (intervals.slope < 0.6).all()
    assert (intervals.slope > 0.3).all()
    constant = intervals.constant[1] - intervals.constant[0]
    assert (2 * intervals.half_width < constant).all()


def test_ends_are_in_order_inside_the_range_and_hold_the_prediction(intervals):
    guesses = np.random.default_rng(1).uniform(-1, 1, (500, 2)).astype(np.float32)
    guesses[:2] = [[-1, 1], [1, -1]]
    low, high = intervals.ends(guesses)
    assert low.dtype == high.dtype == np.float32
    assert ((low >= -1) & (low <= guesses) & (guesses <= high) & (high <= 1)).all()


def test_a_step_is_as_a_step_of_a_trial(intervals):
    guesses = np.random.default_rng(1).uniform(-1, 1, (20, 2)).astype(np.float32)
    whole = np.stack(intervals.ends(guesses))
    single = np.stack([np.stack(intervals.ends(row)) for row in guesses], axis=1)
    np.testing.assert_array_equal(whole, single)


def test_steps_that_are_not_annotated_count_for_nothing():
    people, labels, predictions = made_people(np.random.default_rng(2), 6)
    known = PredictionIntervals.fit(people, labels, predictions)
    hidden = np.full_like(labels[0], np.nan)
    more = PredictionIntervals.fit([*people, "x"], [*labels, hidden], [*predictions, labels[0]])
    assert more.n_people == known.n_people == 6
    np.testing.assert_array_equal(more.half_width, known.half_width)


def test_predictions_that_say_nothing_give_the_labels_own_range():
    people, labels, predictions = made_people(np.random.default_rng(2), 6)
    flat = [np.zeros_like(p) for p in predictions]
    made = PredictionIntervals.fit(people, labels, flat)
    assert (made.slope == 0).all()


def test_it_is_kept_beside_its_agent(intervals, tmp_path):
    assert load_intervals(tmp_path, "abc") is None
    intervals.save(tmp_path, "abc", {"folds": 5})
    kept = load_intervals(tmp_path, "abc")
    guesses = np.random.default_rng(1).uniform(-1, 1, (50, 2)).astype(np.float32)
    np.testing.assert_array_equal(kept.ends(guesses), intervals.ends(guesses))
    with pytest.raises(CheckpointError, match="of another agent"):
        load_intervals(tmp_path, "another")
    (tmp_path / "intervals" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        load_intervals(tmp_path, "abc")
