"""Mutual information of codes with labels, subjects and stimuli: known ties and no ties."""

import numpy as np
import pytest

from benchmarks.encoder_report.information import information_table, quantile_bins, verdict
from tests.benchmarks.made_steps import made_steps

SUBJECTS = ["a", "b", "c", "d"] * 3
STIMULI = ["clip1"] * 4 + ["clip2"] * 4 + ["clip3"] * 4
SHUFFLES = 30


def _table(codes, labels=None, stimuli=STIMULI):
    steps = made_steps(codes, SUBJECTS, labels, stimuli=stimuli)
    return information_table(steps, SHUFFLES).set_index("target")


def _random_codes(rng, n_steps=60):
    return [rng.integers(0, 4, n_steps) for _ in SUBJECTS]


def test_independent_codes_tell_nothing():
    table = _table(_random_codes(np.random.default_rng(1)))
    assert list(table.index) == ["valence", "subject", "stimulus"]
    assert table["adjusted"].abs().max() < 0.02
    assert (table["nmi"] > 0).all()  # which is why chance is taken off


def test_codes_of_subjects_are_an_id_table():
    table = _table([[ord(s) - ord("a")] * 60 for s in SUBJECTS])
    assert table.loc["subject", "nmi"] == pytest.approx(1.0)
    assert table.loc["subject", "bits"] == pytest.approx(2.0)
    assert table.loc["subject", "adjusted"] == pytest.approx(1.0)
    assert table["adjusted"].drop("subject").abs().max() < 0.02
    assert "subject ID table" in verdict(table.reset_index())


def test_codes_of_labels_tell_emotion():
    rng = np.random.default_rng(2)
    labels = [np.repeat(rng.uniform(-1, 1, 12), 5) for _ in SUBJECTS]
    codes = [np.digitize(label, [-0.5, 0, 0.5]) for label in labels]
    table = _table(codes, labels)
    assert table.loc["valence", "adjusted"] > 0.6
    assert table.loc["subject", "adjusted"] < 0.05
    assert verdict(table.reset_index()).startswith("Emotion is at least as readable")


def test_label_that_follows_the_subject_alone_is_no_emotion():
    level = {"a": -0.9, "b": -0.3, "c": 0.3, "d": 0.9}
    codes = [[ord(s) - ord("a")] * 60 for s in SUBJECTS]
    table = _table(codes, [[level[s]] * 60 for s in SUBJECTS])
    assert table.loc["valence", "nmi"] > 0.9
    assert table.loc["valence", "chance"] == pytest.approx(table.loc["valence", "nmi"])
    assert table.loc["valence", "adjusted"] == pytest.approx(0, abs=1e-3)


def test_codes_of_stimuli():
    table = _table([[int(s[-1])] * 60 for s in STIMULI])
    assert table.loc["stimulus", "nmi"] == pytest.approx(1.0)
    assert table.loc["stimulus", "adjusted"] > 0.5


def test_unknown_stimuli_and_missing_labels_are_left_out():
    labels = [[np.nan] * 60 for _ in SUBJECTS]
    table = _table(_random_codes(np.random.default_rng(3)), labels, stimuli=None)
    assert list(table.index) == ["subject"]
    assert verdict(table.reset_index()) == ""


def test_neither_is_readable():
    codes = _random_codes(np.random.default_rng(1), 300)
    table = _table(codes).reset_index()
    table["nmi"] = table["chance"]
    assert verdict(table).startswith("Neither")


def test_same_seed_same_chance():
    codes = _random_codes(np.random.default_rng(1))
    assert _table(codes).equals(_table(codes))


def test_quantile_bins():
    label = np.array([np.nan, *np.linspace(-1, 1, 100)])
    bins = quantile_bins(label)
    assert bins[0] == -1
    assert np.bincount(bins[1:]).tolist() == [20] * 5
    classes = np.repeat([-0.5, 0.0, 0.5], 10)
    assert len(np.unique(quantile_bins(classes))) == 3
    assert len(np.unique(quantile_bins(np.zeros(5)))) == 1
