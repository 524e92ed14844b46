"""Quantiles for the next person: nominal coverage, people as the unit."""

import numpy as np
import pytest

from agents.quantiles import FEWEST_PEOPLE, calibrated, quantiles
from eeg_emotion_env.errors import ConfigError

LEVEL = 0.8


def made_errors(rng, n_people, n_steps=120):
    """Slow errors of people who differ in size, with an offset of their own."""
    found = []
    for _ in range(n_people):
        steps = rng.normal(size=n_steps)
        for t in range(1, n_steps):
            steps[t] += 0.9 * steps[t - 1]
        found.append(np.exp(rng.normal(0, 0.3)) * (steps + rng.normal(0, 1)))
    return found


def of(errors):
    return lambda _: lambda person: errors[person]


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("n_people", [6, 12])
def test_people_who_are_new_are_covered_as_meant(symmetric, n_people):
    rng = np.random.default_rng(3)
    held = []
    for _ in range(60):
        ends = calibrated(of(made_errors(rng, n_people)), n_people, LEVEL, symmetric)
        new = made_errors(rng, 20)
        held.append(np.mean([np.mean((e >= ends.low) & (e <= ends.high)) for e in new]))
    assert abs(np.mean(held) - LEVEL) < 0.04


def test_without_the_correction_few_people_are_covered_too_rarely():
    rng = np.random.default_rng(3)
    plain, corrected = [], []
    for _ in range(60):
        known, new = made_errors(rng, 5), made_errors(rng, 20)
        low, high = quantiles(known, np.array([LEVEL]), symmetric=False)
        ends = calibrated(of(known), 5, LEVEL)
        plain.append(np.mean([np.mean((e >= low) & (e <= high)) for e in new]))
        corrected.append(np.mean([np.mean((e >= ends.low) & (e <= ends.high)) for e in new]))
    assert np.mean(plain) < np.mean(corrected)
    assert abs(np.mean(corrected) - LEVEL) < 0.05


def test_a_person_with_many_steps_counts_as_one():
    errors = made_errors(np.random.default_rng(0), 7)
    longer = [np.repeat(errors[0], 9), *errors[1:]]
    assert calibrated(of(errors), 7, LEVEL) == calibrated(of(longer), 7, LEVEL)


def test_what_it_takes_is_measured_on_people_left_out():
    errors = made_errors(np.random.default_rng(1), 8)
    asked = set()

    def fitted(people):
        asked.add(tuple(people))
        return lambda person: errors[person]

    ends = calibrated(fitted, 8, LEVEL)
    assert {(*range(k), *range(k + 1, 8)) for k in range(8)} < asked
    assert ends.share >= LEVEL - 0.05
    assert ends.reached >= LEVEL


def test_too_few_people_are_refused():
    with pytest.raises(ConfigError, match=f"at least {FEWEST_PEOPLE} people, not 4"):
        calibrated(of(made_errors(np.random.default_rng(0), 4)), 4, LEVEL)
