"""Leaderboard: the numbers against independent computation, and the files."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from benchmarks.leaderboard import (
    leaderboard_table,
    markdown,
    notes,
    replacing,
    subject_scores,
    trial_rows,
    write_results,
)
from benchmarks.predictions import TrialPrediction
from benchmarks.scores import ordered
from benchmarks.tables import column_groups, column_title, formatted, standing
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


def test_written_files_do_not_depend_on_the_order_of_predictions(tmp_path):
    run = random_run(n_subjects=3, seeds=(0, 1))
    for name, some in (("there", run), ("back", run[::-1])):
        write_results(tmp_path / name, some, CONTEXT, leaderboard_table(some, 100, n_null=20))
    for path in (tmp_path / "there").iterdir():
        assert path.read_bytes() == (tmp_path / "back" / path.name).read_bytes()


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
        made(
            p.labels, unrelated.uniform(-1, 1, p.labels.shape), "mlp", p.key.subject, 1, p.key.trial
        )
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
        made(
            p.labels,
            np.full_like(p.labels, 0.1 * p.key.subject * p.key.trial),
            "constant",
            p.key.subject,
            1,
            p.key.trial,
        )
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
        made(p.labels, copied[p.key].predictions, "gru", p.key.subject, 1, p.key.trial)
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
    assert row["spread_arousal"] == pytest.approx(
        run[0].predictions[:, 1].std() / run[0].labels[:, 1].std(), rel=1e-5
    )
    n, y, a, yy, aa, ya = row["moments"]["valence"]
    cov, means = ya / n - y * a / n**2, (y - a) / n
    variances = yy / n - (y / n) ** 2 + aa / n - (a / n) ** 2
    assert 2 * cov / (variances + means**2) == pytest.approx(row["ccc_valence"])


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
    written = pd.read_csv(out / "leaderboard.csv")
    assert list(written["reference"].fillna("")) == list(table["reference"].fillna(""))
    pd.testing.assert_frame_equal(
        written.drop(columns="reference"), table.drop(columns="reference"), atol=1e-6
    )
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == trial_rows(ordered(run), CONTEXT)


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
    names = ("ccc_valence", "trial_rmse", "seeds", "interval", "p_holm", "spread")
    titles = [column_title(name) for name in names]
    expected = ["CCC valence", "Trial RMSE", "Seeds", "95 % interval", "p (Holm)", "Spread"]
    assert titles == expected


def test_every_column_group_can_be_formatted():
    table = leaderboard_table(random_run())
    cells, _ = formatted(table)
    shown = [
        column for columns in column_groups(["valence", "arousal"]).values() for column in columns
    ]
    assert set(shown) <= set(cells.columns)
    assert cells.loc[0, "null_interval"].startswith("[")
    tiny = formatted(table.assign(p_holm=[math.nan, 1e-5]))[0]
    assert list(tiny["p_holm"]) == ["", "<0.001"]


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
    flat = [made([[0.0]] * 2, [[0.0]] * 2), made([[1.0]] * 2, [[0.5]] * 2, trial=2)]
    text = " ".join(notes(leaderboard_table(flat, 50, n_null=60), flat))
    assert "In 2 of 2 trials the label is constant: these swap" in text
    assert "There is nothing to compare" in text
    assert "(50 resamples)" in text
    assert "(60 draws)" in text
    seeds = random_run(seeds=(0, 1))
    assert "IQM is the interquartile mean" in " ".join(notes(leaderboard_table(seeds), seeds))


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
