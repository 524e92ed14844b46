"""Linear probes on trials made by hand: what is in the inputs is read, and nothing else."""

import numpy as np
import pytest

from benchmarks.encoder_report import readers
from benchmarks.encoder_report.probes import (
    COLUMNS,
    FEATURES,
    LATENTS,
    PROTOTYPES,
    RANDOM,
    SMOOTHED,
    mean_interval,
    probe_table,
)
from benchmarks.encoder_report.readers import (
    read_classes,
    read_label,
    stimulus_folds,
    subject_folds,
    thinned,
    trial_folds,
)
from tests.benchmarks.made_steps import made_steps

N_STEPS = 30
SUBJECTS = ["a"] * 4 + ["b"] * 4 + ["c"] * 4 + ["d"] * 4
STIMULI = ["clip1", "clip2", "clip3", "clip4"] * 4


def _steps(offset=0.0, label_weight=0.0, stimulus_offset=0.0, n_latent=4, **changes):
    """Latents of noise, with what the arguments ask for; features are noise alone."""
    rng = np.random.default_rng(5)
    labels = [np.cumsum(rng.normal(0, 0.15, N_STEPS)) for _ in SUBJECTS]
    labels = [np.clip(label - label.mean(), -1, 1) for label in labels]
    place = {s: rng.normal(size=n_latent) for s in (*sorted(set(SUBJECTS)), *sorted(set(STIMULI)))}
    latents = [
        rng.normal(size=(N_STEPS, n_latent))
        + offset * place[subject]
        + stimulus_offset * place[stimulus]
        + label_weight * label[:, None] * [0, 0, 1, 1]
        for subject, stimulus, label in zip(SUBJECTS, STIMULI, labels, strict=True)
    ]
    known = {"stimuli": STIMULI, **changes}
    return made_steps([[0] * N_STEPS] * len(SUBJECTS), SUBJECTS, labels, None, latents, **known)


def _table(steps, **options):
    return probe_table(steps, _steps(), **options).set_index(["target", "representation"])


def test_identity_is_read_where_latents_hold_subject_offsets():
    table = _table(_steps(offset=3.0))
    subject = table.loc["subject"]
    assert subject["chance"].tolist() == [0.25] * 5
    assert subject.loc[LATENTS, "value"] > 0.9
    assert subject.loc[LATENTS, "low"] > 0.25
    assert abs(subject.loc[FEATURES, "value"] - 0.25) < 0.12
    assert abs(subject.loc[RANDOM, "value"] - 0.25) < 0.12
    assert subject.loc[FEATURES, "difference_low"] > 0.3
    assert subject["n_inputs"].to_dict() == {
        LATENTS: 4,
        PROTOTYPES: 2,
        FEATURES: 10,
        SMOOTHED: 10,
        RANDOM: 4,
    }


def test_label_is_read_from_the_latents_that_hold_it():
    table = _table(_steps(label_weight=4.0))
    valence = table.loc["valence"]
    assert valence.loc[LATENTS, "value"] > 0.8
    # the label is in the other half of the latents
    assert abs(valence.loc[PROTOTYPES, "value"]) < 0.15
    assert abs(valence.loc[RANDOM, "value"]) < 0.15
    assert valence["score"].unique() == ["CCC"]


def test_stimulus_is_read_across_subjects():
    table = _table(_steps(stimulus_offset=3.0))
    assert table.loc[("stimulus", LATENTS), "value"] > 0.9
    # trials of one stimulus stay together: who saw it is not told by it
    assert table.loc[("subject", LATENTS), "value"] < 0.5


def test_unknown_stimuli_are_not_probed():
    table = _table(_steps(stimuli=None))
    assert set(table.index.get_level_values(0)) == {"valence", "subject"}


def test_unseen_subjects_have_a_mean_of_their_own():
    table = _table(_steps(offset=3.0, seen={"a", "b", "c"}))
    assert table["n_unseen"].unique() == [1]
    assert table.loc[("subject", LATENTS), "value_unseen"] > 0.9


def test_one_subject_or_no_random_encoder_makes_no_probes():
    one = made_steps([[0] * 5] * 2, ["a", "a"])
    for table in (probe_table(one, one), probe_table(_steps(), None)):
        assert table.empty
        assert list(table.columns) == list(COLUMNS)


def test_missing_and_constant_labels():
    missing = made_steps([[0] * 9] * 4, list("abcd"), [[np.nan] * 9] * 4)
    assert probe_table(missing, missing).empty  # one trial a subject: nothing to train on either
    constant = made_steps([[0] * 9] * 4, list("abcd"), [[0.3] * 9] * 4)
    table = probe_table(constant, constant)
    assert table["value"].isna().all()
    assert table["n_subjects"].tolist() == [0] * 5


def test_folds_leave_out_what_they_say():
    steps = _steps()
    for train, test in subject_folds(steps.subject, 3):
        assert not set(steps.subject[train]) & set(steps.subject[test])
    stimulus = steps.stimulus
    for train, test in trial_folds(steps, 3):
        assert not set(stimulus[train]) & set(stimulus[test])
        assert set(steps.subject[train]) == set(steps.subject[test]) == set("abcd")
    unknown = _steps(stimuli=None)
    folds = trial_folds(unknown, 3)
    for train, test in folds:
        assert not set(unknown.trial_number[train]) & set(unknown.trial_number[test])
        assert set(unknown.subject[test]) == set("abcd")
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(range(len(unknown.code)))
    assert stimulus_folds(made_steps([[0]] * 2, ["a", "b"], stimuli=["x", "y"]), 3) == []


def test_predictions_do_not_depend_on_tested_labels():
    steps = _steps(label_weight=4.0)
    label, subjects = steps.labels[:, 0], steps.subject
    folds = subject_folds(subjects, 2)
    _, test = folds[0]
    predicted = read_label(steps.latent, label, subjects, folds)
    changed = label.copy()
    changed[test] = -changed[test]
    np.testing.assert_array_equal(
        predicted[test], read_label(steps.latent, changed, subjects, folds)[test]
    )
    classes = steps.subject.copy()
    folds = trial_folds(steps, 2)
    _, test = folds[0]
    predicted = read_classes(steps.latent, classes, folds)[test]
    classes[test] = "a"
    np.testing.assert_array_equal(predicted, read_classes(steps.latent, classes, folds)[test])


def test_inputs_and_rows_are_bounded(monkeypatch):
    monkeypatch.setattr(readers, "MAX_ROWS", 10)
    assert thinned(5).tolist() == list(range(5))
    rows = thinned(1000)
    assert len(rows) == 10
    assert (rows[0], rows[-1]) == (0, 999)
    wide = np.random.default_rng(0).normal(size=(200, 90)).astype(np.float32)
    classes = np.repeat(["x", "y"], 100)
    fitted = readers._classifier(wide, classes)
    assert fitted[-1].n_features_in_ == readers.MAX_INPUTS


def test_intervals_are_of_subjects_and_repeat():
    scores = np.array([0.1, 0.2, 0.3, np.nan, 0.4])
    low, high = mean_interval(scores)
    assert 0.1 < low < 0.25 < high < 0.4
    assert (low, high) == mean_interval(scores)
    assert np.isnan(mean_interval(scores[:2])).all()
    assert np.isnan(mean_interval(np.full(4, np.nan))).all()


def test_table_repeats():
    steps = _steps(offset=1.0)
    assert probe_table(steps, _steps(), n_folds=2).equals(probe_table(steps, _steps(), n_folds=2))


@pytest.mark.parametrize("n_folds", [2, 50])
def test_any_number_of_folds(n_folds):
    assert len(_table(_steps(), n_folds=n_folds)) == 15
