"""The command line, end to end on small simulated recordings: files, messages, exit status."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from benchmarks.cli import main
from benchmarks.options import COMMANDS


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Simulated recordings in SEED's layout: 3 subjects, 1 session, very short clips."""
    out = tmp_path_factory.mktemp("simulated") / "SEED"
    status = main(
        [
            *("simulate", "--layout", "seed", "--out", str(out)),
            *("--subjects", "3", "--sessions", "1", "--duration-scale", "0.05"),
        ]
    )
    assert status == 0
    return out


def _copy(tree, tmp_path):
    return shutil.copytree(tree, tmp_path / "copy of SEED")


def test_check_data_names_what_is_there(tree, capsys):
    assert main(["check-data", str(tree)]) == 0
    out = capsys.readouterr().out
    assert "3 subjects, 3 sessions, 45 trials" in out
    assert "subject 2: session 1: 15 trials" in out


def test_check_data_names_missing_and_truncated_files(tree, tmp_path, capsys):
    root = _copy(tree, tmp_path)
    gone, cut = sorted(root.glob("Preprocessed_EEG/[0-9]*.mat"))[:2]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:5000])
    assert main(["check-data", str(root)]) == 1
    captured = capsys.readouterr()
    for name in (gone.name, cut.name):
        assert name in captured.out
        assert name in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err + captured.out


def test_leaderboard_writes_everything_and_goes_on_where_it_was(tree, tmp_path, capsys):
    command = [
        *("leaderboard", "--dataset", "seed", "--data", str(tree), "--workers", "1", "--quick"),
        *("--entries", "constant,stimulus-time-mean,ridge", "--out", str(tmp_path / "out")),
    ]
    assert main(command) == 0
    assert "ridge" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {
        *("config.json", "leaderboard.csv", "leaderboard.md", "report.html"),
        *("results.jsonl", "predictions.parquet"),
    }
    table = pd.read_csv(tmp_path / "out" / "leaderboard.csv")
    assert set(table["entry"]) == {"constant", "stimulus-time-mean", "ridge"}
    assert (table["n_subjects"] == 3).all()
    assert "SIMULATED" in (tmp_path / "out" / "leaderboard.md").read_text().upper()
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["source"] for row in rows} == {"simulated"}
    assert main(command) == 0
    again = pd.read_csv(tmp_path / "out" / "leaderboard.csv")
    pd.testing.assert_frame_equal(table, again)
    assert "kept" in capsys.readouterr().err


def test_pretrain_train_evaluate(tree, tmp_path, capsys):
    data = ("--dataset", "seed", "--data", str(tree), "--test-subjects", "3")
    encoder, model, scores = (str(tmp_path / name) for name in ("encoder", "model", "scores"))
    assert main(["pretrain", *data, "--out", encoder, "--epochs", "1"]) == 0
    train = ["train", *data, "--encoder", encoder, "--out", model, "--total-steps", "300"]
    assert main(train) == 0
    evaluate = ["evaluate", "--model", model, *data[:4], "--out", scores]
    assert main(evaluate) == 0
    predictions = pd.read_parquet(tmp_path / "scores" / "predictions.parquet")
    assert set(predictions["subject"]) == {"3"}
    assert np.isfinite(predictions[["valence_pred", "arousal_pred"]]).all(axis=None)
    capsys.readouterr()
    assert main([*evaluate, "--subjects", "1"]) == 1
    assert "--include-training" in capsys.readouterr().err
    leaky = ["train", "--dataset", "seed", "--data", str(tree), "--test-subjects", "1"]
    assert main([*leaky, "--encoder", encoder, "--out", str(tmp_path / "no")]) == 1
    assert "pretrained on test subjects 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["check-data", "/no/such/folder"], "/no/such/folder: no such folder"),
        (["leaderboard", "--dataset", "sed", "--out", "x"], "Did you mean 'seed'"),
        (["leaderboard", "--dataset", "seed", "--data", "/none", "--out", "x"], "/none: no such"),
        (
            ["leaderboard", "--dataset", "mahnob", "--source", "recorded", "--out", "x"],
            "give data=",
        ),
        (
            ["leaderboard", "--dataset", "simulated", "--option", "colour=1", "--out", "x"],
            "option of data set 'simulated'",
        ),
        (
            ["simulate", "--layout", "sed", "--out", "x"],
            "layout must be one of bids, mahnob, refed, seed",
        ),
        (["evaluate", "--model", "/none", "--dataset", "seed", "--out", "x"], "/none"),
    ],
)
def test_mistakes_are_one_line_without_a_trace(command, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EEG_EMOTION_DATA", raising=False)
    assert main(command) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert COMMANDS[name].__doc__.split(".")[0].split()[0] in capsys.readouterr().out
