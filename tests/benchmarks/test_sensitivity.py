"""The sweep: each setting changes what it says, runs are kept, the table tells the difference."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from benchmarks.cli import main
from benchmarks.entries import resolve_entry
from benchmarks.sensitivity import SETTINGS, variant
from benchmarks.sensitivity.run import Run, read_runs, sweep
from benchmarks.sensitivity.table import markdown, sensitivity_table
from eeg_emotion_env.splits import make_split
from encoders import EncoderConfig, PretrainingConfig


def _run(setting, scores, fold=0):
    return Run(setting, fold, 0, "x", scores, 0.9, 0.5, 0.8, 96)


def test_every_setting_but_the_default_changes_something():
    encoder, pretraining = asdict(EncoderConfig(62, 5)), asdict(PretrainingConfig())
    for name, setting in SETTINGS.items():
        changed = {k: v for k, v in setting.encoder.items() if encoder[k] != v}
        changed |= {k: v for k, v in setting.pretraining.items() if pretraining[k] != v}
        assert bool(changed) == (name != "default"), name


def test_settings_are_entries_of_any_leaderboard():
    kind = resolve_entry("benchmarks.sensitivity:codebook-16")
    assert kind.name == "latents (codebook-16)"
    assert kind.encoder_options["codebook_size"] == 16
    with pytest.raises(AttributeError, match="there are default"):
        variant("codebook-17")


def test_what_looks_ahead_is_not_causal():
    assert not variant("attention-bidirectional").causal
    assert variant("teacher-bidirectional").causal


def test_table_gives_paired_differences_and_intervals():
    scores = {"1": 0.5, "2": 0.3, "3": 0.4, "4": 0.1}
    better = {k: v + d for (k, v), d in zip(scores.items(), (0.1, 0.2, 0.1, 0.0), strict=True)}
    table = sensitivity_table([_run("default", scores), _run("codebook-16", better)])
    row = table.set_index("setting").loc["codebook-16"]
    assert row["difference"] == pytest.approx(0.1)
    assert 0.0 <= row["difference_low"] < 0.1 < row["difference_high"] <= 0.2
    assert (row["wins"], row["n_subjects"]) == (3, 4)
    text = markdown(table, "eegdancer sensitivity")
    assert "| codebook-16 | 0.425 | +0.100 (" in text


@pytest.mark.filterwarnings("ignore:the codebook collapses")
def test_runs_are_kept_and_done_once(trials, short_training, monkeypatch, tmp_path):
    split = make_split("grouped-k-fold", [t.key for t in trials], 2)
    seen = []
    arguments = (trials, split, ["default", "codebook-16"], [0], tmp_path, 1)
    first = sweep(*arguments, seen.append)
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert len(first) == len(lines) == 4
    assert {len(run.scores) for run in first} == {2}
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write('{"setting": "def')  # a kill while a line was written
    assert len(sweep(trials, split, ["codebook-32"], [0], tmp_path, 1, seen.append)) == 2
    monkeypatch.setattr("benchmarks.sensitivity.run._run", lambda *_: pytest.fail("done twice"))
    assert sweep(*arguments, seen.append) == first
    assert len(read_runs(tmp_path / "runs.jsonl")) == 6


@pytest.mark.filterwarnings("ignore:the codebook collapses")
def test_command_writes_table_and_plot(short_training, tmp_path, capsys):
    command = ["sensitivity", "--dataset", "simulated", "--n-folds", "2", "--workers", "1"]
    options = [f"--option={o}" for o in ("n_subjects=3", "n_trials=3", "duration_scale=0.05")]
    out = ["--settings", "sites-32", "--out", str(tmp_path)]
    assert main([*command, *options, *out]) == 0
    table = pd.read_csv(tmp_path / "sensitivity.csv")
    assert list(table["setting"]) == ["default", "sites-32"]
    assert np.isfinite(table["ccc"]).all()
    assert (tmp_path / "sensitivity.png").stat().st_size > 1000
    assert main([*command, "--settings", "nonsense", "--out", str(tmp_path)]) == 1
    assert "setting must be one of" in capsys.readouterr().err
