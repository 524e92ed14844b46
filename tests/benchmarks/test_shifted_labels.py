"""Entries trained on labels that are out of step."""

import numpy as np
import pytest

from benchmarks.entries import ENTRIES, resolve_entry
from benchmarks.shifted_labels import half_shifted
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import score_concatenated
from tests.benchmarks.conftest import made_trials


def test_labels_move_by_half_a_trial_and_nothing_else_does():
    trial = made_trials()[0]
    (moved,), half = half_shifted([trial]), trial.n_steps // 2
    np.testing.assert_array_equal(moved.labels[half:], trial.labels[:-half])
    np.testing.assert_array_equal(moved.labels[:half], trial.labels[-half:])
    np.testing.assert_array_equal(moved.features, trial.features)


def test_what_is_learned_is_the_shifted_label():
    trials = made_trials()
    train, test = trials[:-1], trials[-1]
    plain, shifted = ENTRIES["ridge"](), resolve_entry("benchmarks.shifted_labels:ridge")()
    by_hand = ENTRIES["ridge"]()
    plain.fit(train)
    shifted.fit(train)
    by_hand.fit(half_shifted(train))
    hidden = test.without_labels()
    np.testing.assert_array_equal(shifted.predict(hidden), by_hand.predict(hidden))
    ccc = [
        score_concatenated([test.labels], [entry.predict(hidden)], test.label_names)["ccc"]
        for entry in (plain, shifted)
    ]
    assert ccc[0] > ccc[1]


def test_every_competitor_has_a_counterpart():
    for name, kind in ENTRIES.items():
        if not kind.oracle:
            found = resolve_entry(f"benchmarks.shifted_labels:{name}")
            assert issubclass(found, kind)
            assert found.name == f"{name} (shifted labels)"
    with pytest.raises(ConfigError, match="has no entry 'oracle-filter'"):
        resolve_entry("benchmarks.shifted_labels:oracle-filter")
