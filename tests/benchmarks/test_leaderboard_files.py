"""Leaderboard: rows, written files, Markdown, titles and formats."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from benchmarks.leaderboard import leaderboard_table, markdown, replacing, trial_rows, write_results
from benchmarks.scores import ordered
from benchmarks.tables import column_groups, column_title, formatted
from tests.benchmarks.made_runs import CONTEXT, made, random_run


def test_written_files_do_not_depend_on_the_order_of_predictions(tmp_path):
    run = random_run(n_subjects=3, seeds=(0, 1))
    for name, some in (("there", run), ("back", run[::-1])):
        write_results(tmp_path / name, some, CONTEXT, leaderboard_table(some, 100, n_null=20))
    for path in (tmp_path / "there").iterdir():
        assert path.read_bytes() == (tmp_path / "back" / path.name).read_bytes()


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
