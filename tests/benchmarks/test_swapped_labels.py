"""Entries trained on labels of other trials."""

import numpy as np

from benchmarks.entries import resolve_entry
from benchmarks.swapped_labels import swapped
from eeg_emotion_env.metrics import score_concatenated
from tests.benchmarks.conftest import made_trials


def test_every_trial_gets_the_labels_of_another():
    trials = made_trials()
    changed = swapped(trials)
    tracks = [trial.labels.tobytes() for trial in trials]
    assert sorted(trial.labels.tobytes() for trial in changed) == sorted(tracks)
    for trial, other in zip(trials, changed, strict=True):
        assert other.labels.tobytes() != trial.labels.tobytes()
        assert other.key == trial.key
        np.testing.assert_array_equal(other.features, trial.features)


def test_trials_of_other_lengths_take_a_track_of_their_length():
    long, short = made_trials()[:2]
    n = short.n_steps - 5
    short = short.replace(features=short.features[:n], labels=short.labels[:n], truth=None)
    first, second = swapped([long, short])
    np.testing.assert_array_equal(first.labels[:n], short.labels)
    np.testing.assert_array_equal(first.labels[n:], short.labels[:5])
    np.testing.assert_array_equal(second.labels, long.labels[:n])


def test_nothing_is_learned():
    trials = made_trials()
    scores = []
    for name in ("ridge", "benchmarks.swapped_labels:ridge"):
        entry = resolve_entry(name)()
        entry.fit(trials[:-1])
        guess = entry.predict(trials[-1].without_labels())
        scores.append(score_concatenated([trials[-1].labels], [guess], trials[0].label_names))
    assert scores[0]["ccc"] > 0.5
    assert abs(scores[1]["ccc"]) < 0.2
    assert resolve_entry("benchmarks.swapped_labels:ridge").name == "ridge (swapped labels)"
