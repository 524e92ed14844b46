"""Leaderboard: the numbers against independent computation, and the files."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.leaderboard import (
    column_title,
    formatted,
    leaderboard_table,
    markdown,
    replacing,
    subject_scores,
    trial_rows,
    write_results,
)
from benchmarks.predictions import TrialPrediction
from benchmarks.scores import bootstrap_interval
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import TrialKey

CONTEXT = {
    "dataset": "made",
    "title": "Made data",
    "protocol": "subject",
    "command": "eegdancer leaderboard --dataset made --out results",
    "versions": {"numpy": np.__version__},
    "config": {"seeds": [0]},
    "fingerprint": "abc",
    "source": "recorded",
}


def made(labels, predictions, entry="a", subject=1, session=1, trial=1, **changes):
    labels = np.asarray(labels, dtype=np.float32)
    values = np.asarray(predictions, dtype=np.float32)
    known = {
        "seed": 0,
        "fold": 0,
        "label_names": ("valence", "arousal")[: labels.shape[1]],
        "step_s": 0.5,
        "track": "causal",
        "source": "recorded",
    }
    key = TrialKey("made", subject, session, trial)
    return TrialPrediction(
        entry=entry, key=key, labels=labels, predictions=values, **{**known, **changes}
    )


def random_run(entries=("a", "b"), n_subjects=4, n_trials=3, seeds=(0,), n_steps=20, **changes):
    rng = np.random.default_rng(0)
    run = []
    for subject in range(1, n_subjects + 1):
        for trial in range(1, n_trials + 1):
            labels = rng.uniform(-1, 1, (n_steps, 2))
            for number, entry in enumerate(entries):
                for seed in seeds:
                    noisy = labels + rng.normal(0, 0.2 + number, labels.shape)
                    values = np.clip(noisy, -1, 1)
                    run.append(made(labels, values, entry, subject, 1, trial, seed=seed, **changes))
    return run


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
    tail = ["trial_ccc", "trial_pcc", "trial_rmse", "trial_mae"]
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
    # Truth 0, 0, 1, 1 and prediction 0, 0, 0.5, 0.5 over two trials of constant label.
    run = [made([[0.0]] * 2, [[0.0]] * 2), made([[1.0]] * 2, [[0.5]] * 2, trial=2)]
    row = leaderboard_table(run).iloc[0]
    # Covariance 1/8, variances 1/4 and 1/16, shift of the mean 1/4.
    assert row["ccc"] == pytest.approx(2 / 8 / (1 / 4 + 1 / 16 + 1 / 16))
    assert row["pcc"] == pytest.approx(1.0)
    assert row["rmse"] == pytest.approx(math.sqrt(0.125))
    assert row["mae"] == pytest.approx(0.25)
    assert row["trial_rmse"] == pytest.approx(0.25)


def test_constant_labels_are_scored_over_the_subject_and_never_within_the_trial():
    run = [made([[0.0]] * 2, [[0.0]] * 2), made([[1.0]] * 2, [[0.5]] * 2, trial=2)]
    row = leaderboard_table(run).iloc[0]
    assert row["ccc"] > 0
    assert math.isnan(row["trial_ccc"])
    assert math.isnan(row["trial_pcc"])
    for line in trial_rows(run, CONTEXT):
        assert line["ccc"] is None
        assert line["undefined"] == ["ccc", "pcc", "ccc_valence", "pcc_valence"]
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


def test_order_of_predictions_does_not_matter():
    run = random_run(seeds=(0, 1))
    pd.testing.assert_frame_equal(leaderboard_table(run), leaderboard_table(run[::-1]))


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


@given(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=12), st.integers(0, 5))
def test_interval_lies_within_the_values_and_is_repeatable(values, seed):
    low, high = bootstrap_interval(values, 200, seed)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert bootstrap_interval([*values, math.nan], 200, seed) == (low, high)


def test_interval_contains_the_mean_and_narrows_like_the_standard_error():
    values = np.random.default_rng(0).normal(0.3, 0.1, 40)
    low, high = bootstrap_interval(values, 4000)
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / math.sqrt(40), rel=0.1)


def test_no_interval_below_three_subjects():
    assert all(math.isnan(end) for end in bootstrap_interval([0.1, 0.9]))
    table = leaderboard_table(random_run(n_subjects=2))
    assert table[["ccc_low", "ccc_high"]].isna().all(axis=None)


def test_trial_rows_hold_ids_and_context():
    run = random_run(entries=("a",), n_subjects=1, n_trials=1, seeds=(7,))
    (row,) = trial_rows(run, CONTEXT)
    expected = {
        "protocol": "subject",
        "dataset": "made",
        "fingerprint": "abc",
        "fold": 0,
        "entry": "a",
        "seed": 7,
        "subject": 1,
        "session": 1,
        "trial": 1,
        "n_steps": 20,
        "source": "recorded",
        "track": "causal",
        "undefined": [],
    }
    assert expected.items() <= row.items()
    assert row["ccc"] == pytest.approx((row["ccc_valence"] + row["ccc_arousal"]) / 2)


def test_refuses_nothing_duplicates_and_mixed_dimensions():
    with pytest.raises(ConfigError, match="no predictions"):
        leaderboard_table([])
    one = made([[0.0], [1.0]], [[0.0], [1.0]])
    with pytest.raises(ConfigError, match=r"'a' with seed 0 predicted made subject 1 .* twice"):
        leaderboard_table([one, one])
    two = made([[0.0, 1.0]] * 2, [[0.0, 1.0]] * 2, subject=2)
    with pytest.raises(ConfigError, match="share label dimensions"):
        leaderboard_table([one, two])


def test_written_files_agree_with_the_table(tmp_path):
    run = random_run(seeds=(0, 1))
    table = leaderboard_table(run)
    out = tmp_path / "new" / "folder"
    write_results(out, run, CONTEXT, table)
    names = sorted(path.name for path in out.iterdir())
    assert names == ["leaderboard.csv", "leaderboard.md", "predictions.parquet", "results.jsonl"]
    pd.testing.assert_frame_equal(pd.read_csv(out / "leaderboard.csv"), table, atol=1e-6)
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == trial_rows(run, CONTEXT)


def test_undefined_values_are_null_in_json_and_empty_in_csv(tmp_path):
    run = [made([[0.5], [0.5]], [[0.0], [1.0]])]
    write_results(tmp_path, run, CONTEXT, leaderboard_table(run))
    row = json.loads((tmp_path / "results.jsonl").read_text(encoding="utf-8"))
    assert row["ccc"] is None
    assert "a,causal,1,1,1,,,,,0.500000" in (tmp_path / "leaderboard.csv").read_text()


def test_steps_are_written_with_times_and_text_subjects(tmp_path):
    run = [
        made([[0.0, math.nan], [1.0, 0.5]], [[0.1, 0.2], [0.3, 0.4]], subject=3, fold=2),
        made([[0.0, 0.0]], [[0.0, 0.0]], subject="P04", entry="b"),
    ]
    write_results(tmp_path, run, CONTEXT, leaderboard_table(run))
    steps = pd.read_parquet(tmp_path / "predictions.parquet")
    ids = ["entry", "seed", "fold", "subject", "session", "trial", "step", "time_s"]
    tracks = ["valence_true", "valence_pred", "arousal_true", "arousal_pred"]
    assert list(steps.columns) == ids + tracks
    assert list(steps["subject"]) == ["3", "3", "P04"]
    assert list(steps["step"]) == [0, 1, 0]
    assert list(steps["time_s"]) == [0.5, 1.0, 0.5]
    assert list(steps["fold"]) == [2, 2, 0]
    np.testing.assert_array_equal(steps["arousal_true"], np.float32([math.nan, 0.5, 0.0]))
    np.testing.assert_array_equal(steps["valence_pred"], np.float32([0.1, 0.3, 0.0]))


def test_markdown_marks_the_best_and_gives_the_command():
    run = random_run()
    table = leaderboard_table(run)
    text = markdown(table, run, CONTEXT)
    best = next(line for line in text.splitlines() if line.startswith("| a |"))
    other = next(line for line in text.splitlines() if line.startswith("| b |"))
    assert f"**{table.loc[0, 'ccc']:.3f}**" in best
    assert f"**{table.loc[0, 'rmse']:.3f}**" in best
    assert "**" not in other
    assert text.startswith("# Leaderboard: Made data, subject\n")
    assert CONTEXT["command"] in text
    assert "SIMULATED" not in text
    assert "equal ground" not in text


def test_best_is_largest_correlation_and_smallest_error_per_track():
    table = leaderboard_table(random_run())
    _, best = formatted(table)
    for column in ("ccc", "pcc", "rmse", "mae", "mae_arousal", "trial_rmse"):
        assert list(best[column]) == [True, False]
    assert not best[["entry", "n_trials", "ccc_low", "interval"]].any(axis=None)


def test_simulated_data_are_called_so():
    run = random_run(source="simulated")
    table = leaderboard_table(run)
    assert "SIMULATED DATA" in markdown(table, run, CONTEXT)
    recorded = random_run()
    assert "SIMULATED DATA" in markdown(table, recorded, {**CONTEXT, "source": "simulated"})


def test_entries_that_lack_trials_are_named():
    run = random_run()
    lacking = [p for p in run if not (p.entry == "b" and p.key.subject == 1)]
    text = markdown(leaderboard_table(lacking), lacking, CONTEXT)
    assert "Not on equal ground" in text
    assert "others: b (9)." in text


def test_titles_of_columns():
    titles = [column_title(c) for c in ("ccc_valence", "trial_rmse", "seeds", "interval")]
    assert titles == ["CCC valence", "Trial RMSE", "Seeds", "95 % interval"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
