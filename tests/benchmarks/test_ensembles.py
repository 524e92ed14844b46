"""Ensembles: the mean of members that differ in their seeds alone."""

import numpy as np
import pytest

from benchmarks.ensembles import N_MEMBERS, member_seeds
from benchmarks.entries import ENTRIES, resolve_entry
from eeg_emotion_env.errors import ConfigError
from tests.benchmarks.conftest import made_trials


def test_predictions_are_the_mean_of_the_members(short_training):
    trials = made_trials()
    train, test = trials[:-1], trials[-1].without_labels()
    both = resolve_entry("benchmarks.ensembles:gru")(seed=1, quick=True)
    both.fit(train)
    members = [ENTRIES["gru"](seed, True) for seed in member_seeds(1, N_MEMBERS)]
    for member in members:
        member.fit(train)
    expected = [member.predict(test) for member in members]
    np.testing.assert_allclose(both.predict(test), np.mean(expected, axis=0), atol=1e-6)
    assert not np.allclose(expected[0], expected[1])
    assert (both.name, both.stochastic) == ("gru (ensemble)", True)


def test_what_does_not_depend_on_the_seed_has_no_ensemble():
    with pytest.raises(ConfigError, match="does not depend on the seed"):
        resolve_entry("benchmarks.ensembles:ridge")
