"""Use of a codebook on sequences made by hand: runs, shares, labels, moments, transitions."""

import numpy as np
import pytest

from benchmarks.encoder_report.codebook import (
    collapse,
    mean_maps,
    places,
    prototype_table,
    runs,
    usage_table,
)
from benchmarks.encoder_report.transitions import transition_counts, transition_table
from tests.benchmarks.made_steps import made_steps

CODES = [[1, 1, 1, 2, 1], [1, 1, 3, 3]]
SUBJECTS = ["a", "b"]


def test_runs_end_with_their_trial():
    prototypes, lengths = runs([np.array(track) for track in CODES])
    assert prototypes.tolist() == [1, 2, 1, 1, 3]
    assert lengths.tolist() == [3, 1, 1, 2, 2]


def test_usage_of_all_of_seen_and_unseen_and_of_each_subject():
    table = usage_table(made_steps(CODES, SUBJECTS, seen={"a"})).set_index(["group", "subject"])
    assert list(table.index) == [
        *(("all", ""), ("training", ""), ("unseen", "")),
        *(("subject", "a"), ("subject", "b")),
    ]
    assert table.loc[("all", ""), ["n_trials", "n_steps", "n_prototypes"]].tolist() == [2, 9, 3]
    assert table.loc[("training", ""), "perplexity"] == table.loc[("subject", "a"), "perplexity"]
    assert table.loc[("unseen", ""), "perplexity"] == pytest.approx(2.0)
    assert table.loc[("unseen", ""), "usage"] == pytest.approx(2 / 8)
    # runs of 3, 1, 1, 2 and 2 steps of 2 s
    assert table.loc[("all", ""), "dwell_s"] == pytest.approx(9 / 5 * 2)
    assert table.loc[("all", ""), "dwell_median_s"] == pytest.approx(4.0)


def test_collapse_is_told_for_groups_alone():
    constant = made_steps([[5] * 40, list(range(8)) * 5], SUBJECTS, seen={"a"}, size=11)
    assert collapse(usage_table(constant), 11) == ["training"]
    assert collapse(usage_table(constant), 8) == []


def test_prototypes_by_label_with_use_dwell_and_subjects():
    labels = [[-0.5, -0.3, -0.4, 0.5, -0.4], [-0.4, -0.4, 0.9, np.nan]]
    table = prototype_table(made_steps(CODES, SUBJECTS, labels)).set_index("prototype")
    assert table.index.tolist() == [1, 2, 3]
    assert table["valence"].tolist() == pytest.approx([-0.4, 0.5, 0.9])
    assert table.loc[1, "valence_spread"] == pytest.approx(np.sqrt(0.02 / 6))
    assert table["n_steps"].tolist() == [6, 1, 2]
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.loc[1, "dwell_s"] == pytest.approx(4.0)
    assert table["subjects"].tolist() == ["a, b", "a", "b"]


def test_prototypes_without_labels_come_last():
    labels = [[np.nan] * 3 + [0.5, np.nan], [np.nan, np.nan, -0.9, -0.9]]
    table = prototype_table(made_steps(CODES, SUBJECTS, labels))
    assert table["prototype"].tolist() == [3, 2, 1]
    assert np.isnan(table["valence"].iloc[-1])


def test_typical_moments_are_the_nearest_one_a_trial():
    distances = [[0.5, 0.1, 0.2, 9, 9], [0.4, 0.3, 9, 9]]
    latents = [np.stack([np.zeros(len(d))] * 2 + [d], axis=1) for d in distances]
    steps = made_steps(CODES, SUBJECTS, latents=latents, stimuli=["clip1", "clip2"])
    moments = prototype_table(steps).set_index("prototype").loc[1, "moments"]
    # the second that a step ends with
    assert moments == (
        "subject a session 1 trial 1 (clip1) at 4 s; subject b session 1 trial 2 (clip2) at 4 s"
    )


def test_rare_prototypes_are_told():
    table = prototype_table(made_steps([[0] * 990 + [1] * 10], ["a"], size=8))
    assert dict(zip(table["prototype"], table["rare"], strict=True)) == {0: False, 1: True}


def test_transitions_stay_within_a_trial():
    steps = made_steps(CODES, SUBJECTS)
    counts = transition_counts(steps)
    assert counts.sum() == 7
    assert (counts[1, 1], counts[1, 2], counts[2, 1], counts[1, 3], counts[3, 3]) == (3, 1, 1, 1, 1)
    table = transition_table(steps).set_index(["prototype", "following"])
    assert table.index[0] == (1, 1)
    assert table.loc[(1, 2), "probability"] == pytest.approx(1 / 5)
    assert table.loc[(1, 2), "probability_of_change"] == pytest.approx(1 / 2)
    assert np.isnan(table.loc[(1, 1), "probability_of_change"])


def test_maps_are_means_of_features():
    steps = made_steps(CODES, SUBJECTS)
    maps = mean_maps(steps)
    np.testing.assert_allclose(maps[2], steps.trials[0].features[3], rtol=1e-6)
    assert np.isnan(maps[0]).all()


def test_places_take_two_labels_or_a_component():
    two = made_steps(CODES, SUBJECTS, names=("valence", "arousal"))
    table = prototype_table(two)
    spots, axis = places(two, table)
    assert axis == "arousal"
    np.testing.assert_allclose(spots, table[["valence", "arousal"]])
    one = made_steps(CODES, SUBJECTS)
    spots, axis = places(one, prototype_table(one))
    assert "component" in axis
    assert np.average(spots[:, 1], weights=prototype_table(one)["n_steps"]) == pytest.approx(
        0, abs=1e-6
    )
