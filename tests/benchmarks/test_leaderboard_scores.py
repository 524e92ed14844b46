"""Leaderboard: the scores against independent computation."""

import math

import numpy as np
import pytest

from benchmarks.leaderboard import leaderboard_table, markdown, subject_scores, trial_rows
from eeg_emotion_env.errors import ConfigError
from tests.benchmarks.made_runs import CONSTANT_LABELS, CONTEXT, made, random_run


def lin(y, a):
    y, a = np.asarray(y, dtype=np.float64), np.asarray(a, dtype=np.float64)
    covariance = np.mean((y - y.mean()) * (a - a.mean()))
    return 2 * covariance / (y.var() + a.var() + (y.mean() - a.mean()) ** 2)


def test_columns_in_order():
    head = [
        "entry",
        "track",
        "n_subjects",
        "n_trials",
        "seeds",
        "ccc",
        "ccc_low",
        "ccc_high",
        "pcc",
        "rmse",
        "mae",
    ]
    valence = ["ccc_valence", "pcc_valence", "rmse_valence", "mae_valence"]
    arousal = [name.replace("valence", "arousal") for name in valence]
    tail = ["trial_ccc", "trial_pcc", "trial_rmse", "trial_mae", "trial_spread"]
    tail += ["spread", "lag_s", "jerk", "n_compared", "p", "p_holm", "effect"]
    tail += ["dz", "dz_low", "dz_high", "diff", "diff_low", "diff_high", "null_low", "null_high"]
    tail += ["reference", "iqm", "seed_sd"]
    assert list(leaderboard_table(random_run()).columns) == head + valence + arousal + tail
    one_dim = [made([[0.0], [1.0]], [[0.0], [0.5]])]
    assert list(leaderboard_table(one_dim).columns) == head + valence + tail


def test_score_is_mean_over_subjects_of_concatenated_trials():
    run = random_run(entries=("a",), n_subjects=3)
    by_dim = []
    for dim in range(2):
        scores = []
        for subject in (1, 2, 3):
            trials = [p for p in run if p.key.subject == subject]
            y = np.concatenate([p.labels[:, dim] for p in trials])
            a = np.concatenate([p.predictions[:, dim] for p in trials])
            scores.append(lin(y, a))
        by_dim.append(np.mean(scores))
    row = leaderboard_table(run).iloc[0]
    assert row["ccc_valence"] == pytest.approx(by_dim[0])
    assert row["ccc_arousal"] == pytest.approx(by_dim[1])
    assert row["ccc"] == pytest.approx(np.mean(by_dim))
    per_trial = [lin(p.labels[:, d], p.predictions[:, d]) for p in run for d in range(2)]
    assert row["trial_ccc"] == pytest.approx(np.mean(per_trial))
    assert (row["n_subjects"], row["n_trials"], row["seeds"]) == (3, 9, 1)


def test_numbers_by_hand():
    row = leaderboard_table(CONSTANT_LABELS).iloc[0]
    # Covariance 1/8, variances 1/4 and 1/16, shift of the mean 1/4.
    assert row["ccc"] == pytest.approx(2 / 8 / (1 / 4 + 1 / 16 + 1 / 16))
    assert row["pcc"] == pytest.approx(1.0)
    assert row["rmse"] == pytest.approx(math.sqrt(0.125))
    assert row["mae"] == pytest.approx(0.25)
    assert row["trial_rmse"] == pytest.approx(0.25)


def test_constant_labels_are_scored_over_the_subject_and_never_within_the_trial():
    row = leaderboard_table(CONSTANT_LABELS).iloc[0]
    assert row["ccc"] > 0
    assert math.isnan(row["trial_ccc"])
    assert math.isnan(row["trial_pcc"])
    for line in trial_rows(CONSTANT_LABELS, CONTEXT):
        assert line["ccc"] is None
        undefined = {"ccc", "pcc", "spread", "lag_s", "jerk"}
        assert set(line["undefined"]) == undefined | {f"{name}_valence" for name in undefined}
        assert line["rmse"] is not None


def test_trial_mean_leaves_out_undefined_trials():
    varying = made([[0.0], [1.0]], [[0.0], [1.0]])
    constant = made([[0.5], [0.5]], [[0.0], [1.0]], trial=2)
    assert leaderboard_table([varying, constant]).iloc[0]["trial_ccc"] == pytest.approx(1.0)


def test_subject_with_constant_label_is_left_out_and_counted():
    run = [
        made([[0.0], [1.0]], [[0.0], [1.0]], subject=1),
        made([[0.5], [0.5]], [[0.0], [1.0]], subject=2),
    ]
    table = leaderboard_table(run)
    assert table.loc[0, "ccc"] == pytest.approx(1.0)
    assert table.loc[0, "n_subjects"] == 2
    assert "1 of 2 subjects" in markdown(table, run, CONTEXT)


def test_constant_prediction_has_ccc_zero_and_no_pcc():
    run = [made([[0.0], [1.0]], [[0.5], [0.5]], subject=s) for s in (1, 2, 3)]
    row = leaderboard_table(run).iloc[0]
    assert row["ccc"] == row["ccc_low"] == row["ccc_high"] == 0
    assert math.isnan(row["pcc"])


def test_seeds_are_averaged_within_the_subject():
    good = made([[0.0], [1.0]], [[0.0], [1.0]], seed=0)
    flat = made([[0.0], [1.0]], [[0.5], [0.5]], seed=1)
    scores = subject_scores([good, flat])
    assert len(scores) == 1
    assert scores.loc[0, "ccc"] == pytest.approx(0.5)
    assert scores.loc[0, "pcc"] == pytest.approx(1.0)  # undefined for the flat seed
    table = leaderboard_table([good, flat])
    assert table.loc[0, "seeds"] == 2
    assert table.loc[0, "trial_ccc"] == pytest.approx(0.5)


def test_steps_without_annotation_are_left_out():
    gap = made([[math.nan], [0.0], [1.0]], [[-1.0], [0.0], [1.0]])
    assert leaderboard_table([gap]).loc[0, "ccc"] == pytest.approx(1.0)


def test_correlations_are_averaged_by_fishers_z_and_the_rest_is_not():
    run = random_run(entries=("a",), seeds=(0, 1))
    row = leaderboard_table(run).iloc[0]

    def pearson(trials):
        y, a = (np.concatenate([getattr(p, n) for p in trials]) for n in ("labels", "predictions"))
        return np.mean([np.corrcoef(y[:, d], a[:, d])[0, 1] for d in range(2)])

    by_subject = [
        np.mean(
            [
                np.arctanh(pearson([p for p in run if p.key.subject == s and p.seed == seed]))
                for seed in (0, 1)
            ]
        )
        for s in (1, 2, 3, 4)
    ]
    assert row["pcc"] == pytest.approx(np.tanh(np.mean(by_subject)))
    per_trial = [np.mean(np.arctanh([pearson([p]) for p in run]))]
    assert row["trial_pcc"] == pytest.approx(np.tanh(np.mean(per_trial)), abs=1e-4)


def test_refuses_nothing_duplicates_and_mixed_dimensions():
    with pytest.raises(ConfigError, match="no predictions"):
        leaderboard_table([])
    one = made([[0.0], [1.0]], [[0.0], [1.0]])
    with pytest.raises(ConfigError, match=r"'a' with seed 0 predicted made subject 1 .* twice"):
        leaderboard_table([one, one])
    two = made([[0.0, 1.0]] * 2, [[0.0, 1.0]] * 2, subject=2)
    with pytest.raises(ConfigError, match="share label dimensions"):
        leaderboard_table([one, two])
