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


def test_check_data_takes_options_of_the_data_set(tree, capsys):
    command = ["check-data", str(tree), "--verbose"]
    assert main([*command, "--option", "step_s=2"]) == 0
    steps = capsys.readouterr().out
    assert main(command) == 0
    assert steps != capsys.readouterr().out
    options = ("--option", "features=raw", "--option", "labels=class")
    assert main([*command, *options]) == 0
    assert "class" not in capsys.readouterr().err
    for wrong, message in (
        ("colour=1", "option of data set 'seed'"),
        ("step_s", "--option takes name=value"),
        ("step_s=soon", "step_s must be a number"),
        ("labels=~nobody-here/x.csv", "no such user"),
    ):
        assert main([*command, "--option", wrong]) == 1
        err = capsys.readouterr().err
        assert message in err
        assert len(err.strip().splitlines()) == 1


def test_options_choose_among_the_ways_of_reading(tmp_path, capsys):
    out = str(tmp_path / "S")
    short = ("--subjects", "1", "--sessions", "1", "--duration-scale", "0.05", "--features")
    assert main(["simulate", "--layout", "seed", "--out", out, *short]) == 0
    for options, ways in (([], 9), (["--option", "features=de_LDS"], 2)):
        capsys.readouterr()
        assert main(["check-data", out, *options]) == 0
        assert capsys.readouterr().out.count(" trials in 1 recordings") == ways


def test_long_lists_of_findings_are_shortened(tmp_path, capsys):
    for number in range(1, 31):
        path = tmp_path / f"sub-{number:02d}/eeg/sub-{number:02d}_task-x_eeg.edf"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"" if number <= 28 else b"not EDF")
    assert main(["check-data", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("is empty") == 20
    assert captured.out.count("not an EDF") == 2
    assert "problem: … and 8 more like the one above (--verbose prints all)" in captured.out
    assert "30 problems, in sub-01_task-x_eeg.edf" in captured.err
    assert captured.err.strip().endswith("and 10 more")
    assert main(["check-data", str(tmp_path), "--verbose"]) == 1
    assert capsys.readouterr().out.count("is empty") == 28


def test_home_folders_in_every_path(tree, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "SEED").symlink_to(tree)
    rows = "".join(f"{trial},{t},{t / 9},0.{t}\n" for trial in range(1, 16) for t in range(1, 4))
    (tmp_path / "mine.csv").write_text(f"trial,time_s,valence,arousal\n{rows}")
    assert main(["check-data", "~/SEED", "--report", "~/made/report.html"]) == 0
    assert (tmp_path / "made/report.html").is_file()
    assert main(["check-data", "~/SEED", "--option", "labels=~/mine.csv"]) == 0
    capsys.readouterr()
    data = ("--dataset", "seed", "--data", "~/SEED", "--option", "labels=~/mine.csv")
    rest = ("--entries", "constant", "--workers", "1", "--out", "~/board")
    assert main(["leaderboard", *data, *rest]) == 0
    assert (tmp_path / "board/leaderboard.csv").is_file()
    assert main(["simulate", "--out", "~/made/sim", "--subjects", "1", "--layout", "mahnob"]) == 0
    assert (tmp_path / "made/sim/simulation.json").is_file()
    assert not list(tmp_path.glob("~*"))


NOBODY = "~nobody-here/x"


@pytest.mark.parametrize(
    "command",
    [
        ["check-data", NOBODY],
        ["check-data", ".", "--report", NOBODY],
        ["simulate", "--out", NOBODY],
        ["leaderboard", "--dataset", "seed", "--data", NOBODY, "--out", "x"],
        ["leaderboard", "--dataset", "simulated", "--out", NOBODY],
        ["leaderboard", "--dataset", "seed", "--option", f"labels={NOBODY}", "--out", "x"],
        ["pretrain", "--dataset", "simulated", "--out", NOBODY],
        ["train", "--dataset", "simulated", "--out", "x", "--encoder", NOBODY],
        ["train", "--dataset", "simulated", "--out", "x", "--tensorboard", NOBODY],
        ["evaluate", "--dataset", "simulated", "--model", NOBODY, "--out", "x"],
        ["audit", "ridge", "--out", NOBODY],
    ],
)
def test_homes_of_nobody_are_one_line(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 1
    err = capsys.readouterr().err
    assert NOBODY in err
    assert "no such user" in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [lambda b: b[:-999], lambda b: b"text " * 99, lambda b: b""])
def test_damaged_recordings_leave_no_trace(tmp_path, capsys, change):
    out = tmp_path / "S"
    short = ("--subjects", "2", "--duration-scale", "0.1")
    assert main(["simulate", "--layout", "bids", "--out", str(out), *short]) == 0
    path = sorted(out.rglob("*.edf"))[0]
    path.write_bytes(change(path.read_bytes()))
    capsys.readouterr()
    data = ("--dataset", "bids", "--data", str(out))
    for command in (["check-data", str(out)], ["leaderboard", *data, "--out", str(tmp_path / "x")]):
        assert main(command) == 1
        captured = capsys.readouterr()
        assert path.name in captured.err
        assert "Traceback" not in captured.out + captured.err
        assert len(captured.err.strip().splitlines()) == 1


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
    graphs = tmp_path / "graphs"
    export = ["export", "--format", "pt2", "--out", str(graphs)]
    assert main([*export, "--model", model]) == 0
    assert {path.name for path in graphs.glob("*.pt2")} == {"encoder.pt2", "actor.pt2"}
    assert main([*export, "--model", str(tmp_path / "none")]) == 1
    assert main(["sensitivity", *data[:4], "--seeds", "0", "--out", scores]) == 1
    assert main([*export[:1], "--format", "tar", "--out", str(graphs), "--model", model]) == 1
    assert "format must be one of" in capsys.readouterr().err
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


@pytest.mark.filterwarnings("ignore::eeg_emotion_env.errors.SimulatedDataWarning")
def test_pretraining_on_sites_mixes_data_sets_and_encodes_another(tree, tmp_path, capsys):
    seed = ("--dataset", "seed", "--data", str(tree))
    encoder = str(tmp_path / "encoder")
    command = ["pretrain", *seed, "--mix", "mahnob", "--epochs", "1", "--out", encoder]
    assert main(command) == 1
    assert "add --sites 32" in capsys.readouterr().err
    itself = [*command[:5], "--mix", f"seed={tree}", "--sites", "32", "--out", encoder]
    assert main(itself) == 1
    assert "would bring back its --test-subjects" in capsys.readouterr().err
    assert main([*command, "--sites", "32"]) == 0
    described = json.loads((tmp_path / "encoder" / "config.json").read_text())["description"]
    assert described["mixed"][0]["dataset"] == "mahnob"
    assert not (tmp_path / "encoder" / "pretraining.pt").exists()
    other = ("--dataset", "mahnob", "--subjects", "1,2,3")
    train = ["train", *other, "--encoder", encoder, "--out", str(tmp_path / "model")]
    assert main([*train, "--test-subjects", "3", "--total-steps", "300"]) == 1
    assert "pretrained on test subjects 3" in capsys.readouterr().err
    assert main([*train, "--total-steps", "300"]) == 0
    saved = [tmp_path / name / "config.json" for name in ("encoder", "model/encoder")]
    assert saved[0].read_text() == saved[1].read_text()
    assert (tmp_path / "model" / "reference" / "config.json").is_file()
    evaluate = ["evaluate", "--model", str(tmp_path / "model"), *other, "--include-training"]
    assert main([*evaluate, "--out", str(tmp_path / "scores")]) == 0
