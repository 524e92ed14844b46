"""Leaderboard: intervals, the reference, who is better, oracles, and what the notes say of it."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.leaderboard import leaderboard_table, markdown, notes
from benchmarks.tables import formatted, standing
from eeg_emotion_env.errors import ConfigError
from tests.benchmarks.made_runs import CONSTANT_LABELS, CONTEXT, answered, random_run


def test_order_of_predictions_does_not_matter():
    run = random_run(seeds=(0, 1))
    expected = leaderboard_table(run, 200, n_null=50)
    rng = np.random.default_rng(0)
    for _ in range(3):
        shuffled = [run[i] for i in rng.permutation(len(run))]
        found = leaderboard_table(shuffled, 200, n_null=50)
        # to the last bit, and not only to the digits that are written
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        assert notes(found, shuffled) == notes(expected, run)


def test_causal_first_and_then_by_ccc():
    run = [
        *random_run(entries=("t-good", "t-bad"), track="transductive"),
        *random_run(entries=("x",), track="non-causal"),
        *random_run(entries=("c-good", "c-bad")),
    ]
    table = leaderboard_table(run)
    assert list(table["entry"]) == ["c-good", "c-bad", "t-good", "t-bad", "x"]
    assert list(table["track"].unique()) == ["causal", "transductive", "non-causal"]


def test_one_entry_in_two_tracks_has_two_rows():
    run = random_run(entries=("a",)) + random_run(entries=("a",), track="transductive")
    assert list(leaderboard_table(run)["track"]) == ["causal", "transductive"]


def test_interval_contains_the_mean_and_is_repeatable():
    table = leaderboard_table(random_run(n_subjects=6))
    assert (table["ccc_low"] < table["ccc"]).all()
    assert (table["ccc"] < table["ccc_high"]).all()
    pd.testing.assert_frame_equal(table, leaderboard_table(random_run(n_subjects=6)))
    other = leaderboard_table(random_run(n_subjects=6), seed=1)
    assert (other["ccc_low"] != table["ccc_low"]).all()


def test_no_interval_below_three_subjects():
    table = leaderboard_table(random_run(n_subjects=2))
    assert table[["ccc_low", "ccc_high", "diff_low", "diff_high"]].isna().all(axis=None)
    assert table.loc[1, "diff"] == pytest.approx(table.loc[1, "ccc"] - table.loc[0, "ccc"])


def test_who_is_better_than_the_reference_and_who_is_within_the_null():
    run = random_run(entries=("ridge", "gru"), n_subjects=8, n_steps=40)
    unrelated = np.random.default_rng(1)
    run += [
        answered(p, unrelated.uniform(-1, 1, p.labels.shape), "mlp")
        for p in run
        if p.entry == "ridge"
    ]
    table = leaderboard_table(run).set_index("entry")
    assert standing(table.reset_index()) == ["reference", "▼ worse", "▼ worse, within null"]
    assert table.loc["gru", "p_holm"] == pytest.approx(2 / 2**8 * 2)
    assert table.loc["mlp", "p_holm"] == pytest.approx(2 / 2**8 * 2)
    assert list(table["effect"].iloc[1:]) == [-1, -1]
    assert list(table["reference"].iloc[1:]) == ["ridge", "ridge"]
    against = leaderboard_table(run, reference="gru")
    assert standing(against)[0] == "▲ better"
    with pytest.raises(ConfigError, match="reference must be one of gru, mlp, ridge"):
        leaderboard_table(run, reference="svr")


def test_constants_of_each_fold_are_within_their_null():
    # not 0, as folds differ, and not above what a shift leaves, which is the same
    run = [
        answered(p, np.full_like(p.labels, 0.1 * p.key.subject * p.key.trial), "constant")
        for p in random_run(entries=("a",), n_subjects=6, n_steps=40)
    ]
    table = leaderboard_table(run, 100, n_null=50)
    assert table.loc[0, "ccc"] != 0
    assert standing(table) == ["within null"]


def test_the_reference_is_declared_and_not_picked_on_the_scores():
    run = random_run(entries=("best", "constant", "ridge", "eegdancer"))
    table = leaderboard_table(run)
    assert table["reference"].dropna().unique().tolist() == ["eegdancer"]
    assert "declared before any score is known" in " ".join(notes(table, run))
    # one that did not predict all trials is no common ground
    partial = [p for p in run if p.entry != "eegdancer" or p.key.subject > 1]
    assert leaderboard_table(partial)["reference"].dropna().unique().tolist() == ["ridge"]
    unknown = random_run(entries=("best", "other"))
    table = leaderboard_table(unknown)
    assert table["reference"].dropna().unique().tolist() == ["best"]
    assert "picked on these very scores" in " ".join(notes(table, unknown))


def test_subjects_that_do_not_differ_cannot_lower_the_p():
    run = random_run(entries=("ridge", "gru"), n_subjects=8)
    copied = {p.key: p for p in run if p.entry == "ridge"}
    run = [
        answered(p, copied[p.key].predictions, "gru")
        if p.entry == "gru" and p.key.subject > 4
        else p
        for p in run
    ]
    row = leaderboard_table(run).set_index("entry").loc["gru"]
    assert row["n_compared"] == 4
    assert row["p"] == row["p_holm"] == 2 / 2**4
    assert "With 4 subjects no p can be below 0.12" in " ".join(notes(leaderboard_table(run), run))


def test_oracles_come_last_in_their_track_and_are_neither_bold_nor_tested():
    table = leaderboard_table(random_run(entries=("oracle-filter", "ridge", "gru")))
    assert list(table["entry"]) == ["ridge", "gru", "oracle-filter"]
    oracle = table.iloc[2]
    assert oracle["ccc"] > table["ccc"].iloc[0]
    assert oracle[["p_holm", "effect", "diff", "reference"]].isna().all()
    _, best = formatted(table)
    assert not best.iloc[2].any()
    assert best.loc[0, "ccc"]
    text = markdown(table, random_run(entries=("oracle-filter", "ridge", "gru")), CONTEXT)
    line = next(line for line in text.splitlines() if line.startswith("| oracle-filter (ceiling)"))
    assert "**" not in line


def test_best_is_largest_correlation_and_smallest_error_per_track():
    table = leaderboard_table(random_run())
    _, best = formatted(table)
    for column in ("ccc", "pcc", "rmse", "mae", "mae_arousal", "trial_rmse"):
        assert list(best[column]) == [True, False]
    assert not best[["entry", "n_trials", "ccc_low", "interval"]].any(axis=None)


@pytest.mark.parametrize(
    ("n_subjects", "said"),
    [
        (2, "below 6 subjects nothing can be significant"),
        (5, "With 5 subjects no p can be below 0.062"),
        (6, "no corrected one below 0.031."),
    ],
)
def test_notes_say_what_few_subjects_cannot_show(n_subjects, said):
    run = random_run(n_subjects=n_subjects)
    assert said in " ".join(notes(leaderboard_table(run), run))


def test_notes_say_what_is_special_about_these_trials():
    run = random_run(n_subjects=3, n_trials=1)
    text = " ".join(notes(leaderboard_table(run, reference="a"), run))
    assert "Each subject has a single trial" in text
    assert "3 trials are shorter than 40 s" in text
    assert "picked on these very scores" not in text
    assert "ran with one seed" in text
    flat = leaderboard_table(CONSTANT_LABELS, 50, n_null=60)
    text = " ".join(notes(flat, CONSTANT_LABELS))
    assert "In 2 of 2 trials the label is constant: these swap" in text
    assert "There is nothing to compare" in text
    assert "(50 resamples)" in text
    assert "(60 draws)" in text
    seeds = random_run(seeds=(0, 1))
    assert "IQM is the interquartile mean" in " ".join(notes(leaderboard_table(seeds), seeds))
