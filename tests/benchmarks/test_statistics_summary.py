"""Several data sets in one table: pooled differences and p-values, and the command."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.cli import main
from benchmarks.leaderboard import leaderboard_table, write_results
from benchmarks.statistics.summary import random_effects, stouffer, summarise, summary_markdown
from eeg_emotion_env.errors import ConfigError, DataError
from tests.benchmarks.made_runs import CONTEXT, made


def skilled(skill, n_subjects, seed, **changes):
    """A run in which each entry repeats the labels with an error of its own size."""
    rng = np.random.default_rng(seed)
    run = []
    for subject in range(1, n_subjects + 1):
        for trial in (1, 2):
            labels = rng.uniform(-1, 1, (20, 1))
            for entry, error in skill.items():
                guess = labels + rng.normal(0, error, labels.shape)
                run.append(made(labels, guess, entry, subject, 1, trial, **changes))
    return run


def folder_of(path, run, dataset):
    write_results(path, run, {**CONTEXT, "dataset": dataset}, leaderboard_table(run, 20, n_null=10))
    return path


SKILL = {"ridge": 0.5, "gru": 0.3, "constant": 3.0}


@pytest.fixture
def folders(tmp_path):
    one = folder_of(tmp_path / "one", skilled(SKILL, 7, 0), "one")
    two = folder_of(tmp_path / "two", skilled({**SKILL, "svr": 0.4}, 5, 1), "two")
    return one, two


def test_one_row_an_entry_with_pooled_differences(folders):
    table = summarise(folders).set_index("entry")
    assert list(table.index) == ["gru", "ridge", "constant", "svr"]
    assert list(table["n_datasets"]) == [2, 2, 2, 1]
    assert list(table["n_subjects"]) == [12, 12, 12, 5]
    assert table.loc["gru", "mean_rank"] < table.loc["ridge", "mean_rank"]
    assert math.isnan(table.loc["svr", "mean_rank"])
    assert set(table["reference"].dropna()) == {"ridge"}
    scores = [leaderboard_table(skilled(SKILL, 7, 0), 20, n_null=10)]
    scores += [leaderboard_table(skilled({**SKILL, "svr": 0.4}, 5, 1), 20, n_null=10)]
    means = [t.set_index("entry").loc["gru", "ccc"] for t in scores]
    assert table.loc["gru", "ccc"] == pytest.approx(np.mean(means))
    differences = [t.set_index("entry").loc["gru", "diff"] for t in scores]
    assert min(differences) <= table.loc["gru", "diff"] <= max(differences)
    p = [2 / 2**7, 2 / 2**5]
    z = [stats.norm.isf(value / 2) for value in p]
    combined = (math.sqrt(7) * z[0] + math.sqrt(5) * z[1]) / math.sqrt(12)
    assert table.loc["gru", "p_stouffer"] == pytest.approx(2 * stats.norm.sf(combined))
    assert table.loc["gru", "p_holm"] == pytest.approx(3 * table.loc["gru", "p_stouffer"])


def test_order_of_folders_does_not_matter_and_one_is_enough(folders):
    there, back = summarise(folders), summarise(folders[::-1])
    pd.testing.assert_frame_equal(there, back)
    alone = summarise(folders[:1]).set_index("entry")
    run = skilled(SKILL, 7, 0)
    table = leaderboard_table(run, 20, n_null=10).set_index("entry")
    assert alone.loc["gru", "p_stouffer"] == pytest.approx(table.loc["gru", "p"])
    assert alone.loc["gru", "diff"] == pytest.approx(table.loc["gru", "diff"])


def test_reference_can_be_named(folders):
    assert set(summarise(folders, "gru")["reference"].dropna()) == {"gru"}
    with pytest.raises(ConfigError, match="reference must be one of constant, gru, ridge, svr"):
        summarise(folders, "mlp")


def test_what_cannot_be_summarised_is_refused(folders, tmp_path):
    with pytest.raises(ConfigError, match="one comes twice"):
        summarise([folders[0], folders[0]])
    with pytest.raises(DataError, match=r"no results\.jsonl"):
        summarise([tmp_path])
    with pytest.raises(ConfigError, match="no entries of track non-causal"):
        summarise(folders, track="non-causal")
    (tmp_path / "results.jsonl").write_text('{"dataset": "old"}\n')
    with pytest.raises(DataError, match="earlier version"):
        summarise([tmp_path])


def test_stouffer_by_hand():
    # equal p-values of equal weights in one direction: z × √2; in opposite directions: nothing
    z = stats.norm.isf(0.01)
    assert stouffer([0.02, 0.02], [1, 1], [9, 9]) == pytest.approx(
        2 * stats.norm.sf(z * math.sqrt(2))
    )
    assert stouffer([0.02, 0.02], [1, -1], [9, 9]) == pytest.approx(1)
    assert stouffer([0.02], [-1], [9]) == pytest.approx(0.02)
    assert math.isnan(stouffer([], [], []))


def test_random_effects_by_hand():
    # equal errors: the estimate is the mean, and the spread between decides the interval
    x, error = np.array([0.1, 0.3, 0.5]), 0.05
    found = random_effects(x, [error] * 3, [8] * 3)
    q = ((x - 0.3) ** 2).sum() / error**2
    half = stats.t.ppf(0.975, 2) * x.std(ddof=1) / math.sqrt(3)
    assert found == pytest.approx((0.3, 0.3 - half, 0.3 + half, 1 - 2 / q))
    alike = random_effects([0.2, 0.2], [0.1, 0.2], [8, 8])
    assert alike.estimate == pytest.approx(0.2)
    assert alike.i2 == 0
    # never narrower than the plain interval of fixed effects
    plain = stats.t.ppf(0.975, 1) / math.sqrt(1 / 0.1**2 + 1 / 0.2**2)
    assert alike.high - 0.2 == pytest.approx(plain)
    alone = random_effects([0.2], [0.1], [8])
    assert alone.high - 0.2 == pytest.approx(stats.t.ppf(0.975, 7) * 0.1)
    assert math.isnan(random_effects([], [], []).estimate)


def test_command_writes_table_and_says_what_is_simulated(folders, tmp_path, capsys):
    run = skilled(SKILL, 6, 3, source="simulated")
    third = folder_of(tmp_path / "three", run, "three")
    out = tmp_path / "out"
    assert main(["summary", *map(str, folders), str(third), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "three: 6 subjects, SIMULATED DATA" in shown
    assert "gru" in shown
    table = pd.read_csv(out / "summary.csv")
    assert list(table["entry"]) == ["gru", "ridge", "constant", "svr"]
    text = (out / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("# Leaderboard over 3 data sets")
    assert "- three: 6 subjects, SIMULATED" in text
    assert "- one: 7 subjects\n" in text
    assert "| gru | 3 | 18 |" in text
    assert (out / "config.json").is_file()
    assert main(["summary", str(tmp_path), "--out", str(out)]) == 1
    assert "no results.jsonl" in capsys.readouterr().err


def test_markdown_without_comparison(tmp_path):
    folder = folder_of(tmp_path / "one", skilled({"ridge": 0.5}, 4, 0), "one")
    text = summary_markdown(summarise([folder]), "eegdancer summary one")
    assert text.startswith("# Leaderboard over 1 data set\n")
    assert "(none could be compared)" in text
    assert "eegdancer summary one" in text


def test_data_sets_that_disagree_cancel_out(tmp_path):
    up = folder_of(tmp_path / "up", skilled({"ridge": 0.5, "gru": 0.2}, 7, 0), "up")
    down = folder_of(tmp_path / "down", skilled({"ridge": 0.2, "gru": 0.5}, 7, 0), "down")
    row = summarise([up, down]).set_index("entry").loc["gru"]
    assert row["p_stouffer"] > 0.5
    assert row["diff_low"] < 0 < row["diff_high"]
