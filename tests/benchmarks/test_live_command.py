"""`eegdancer live`: predictions of a replayed file are those of `evaluate`; the log, kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.live import read_events, read_steps
from benchmarks.cli import main
from eeg_emotion_env.datasets import load
from eeg_emotion_env.interop import raw_from_recording
from tests.agents.live.conftest import save_model

PREDICTED = ["valence_pred", "arousal_pred"]
FAST = ("--speed", "inf")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """One simulated session in SEED's layout, very short clips."""
    out = tmp_path_factory.mktemp("simulated") / "SEED"
    short = ("--subjects", "1", "--sessions", "1", "--duration-scale", "0.04")
    assert main(["simulate", "--layout", "seed", "--out", str(out), *short]) == 0
    return out


@pytest.fixture(scope="module")
def recording(tree):
    (path,) = tree.glob("Preprocessed_EEG/1_*.mat")
    return path


@pytest.fixture(scope="module")
def fif(tree, tmp_path_factory):
    """The first trial as a FIF file."""
    recording = load("seed", data=tree).recordings[0]
    path = tmp_path_factory.mktemp("fif") / "trial_raw.fif"
    raw_from_recording(recording, recording.keys[0]).save(path, fmt="double", verbose="error")
    return path


@pytest.fixture(scope="module")
def evaluated(model, tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("scores")
    command = ["evaluate", "--model", str(model), "--dataset", "seed", "--data", str(tree)]
    assert main([*command, "--out", str(out)]) == 0
    return pd.read_parquet(out / "predictions.parquet")


def live(model, source, out, *more) -> int:
    command = ["live", "--model", str(model), "--source", str(source), "--out", str(out)]
    return main([*command, *more])


def test_a_replayed_session_gives_the_predictions_of_evaluate(
    model, recording, evaluated, tmp_path, capsys
):
    out = tmp_path / "log"
    assert live(model, recording, out, *FAST) == 0
    steps = read_steps(out)
    assert len(steps) == len(evaluated)
    np.testing.assert_allclose(steps[PREDICTED], evaluated[PREDICTED], atol=1e-4)
    assert set(steps["status"]) == {"ok"}
    assert steps["segment"].nunique() == evaluated["trial"].nunique()
    events = read_events(out)
    assert (events["kind"] == "begins").sum() == evaluated["trial"].nunique()
    assert json.loads((out / "command.json").read_text())["command"] == "live"
    assert f"{len(evaluated)} predictions (0 marked), 0 withheld" in capsys.readouterr().out


def test_a_file_that_mne_reads_does_so_too_at_its_speed(model, fif, evaluated, tmp_path):
    out, begun = tmp_path / "log", time.monotonic()
    assert live(model, fif, out, "--speed", "5") == 0
    steps = read_steps(out)
    first = evaluated[evaluated["trial"] == 1]
    np.testing.assert_allclose(steps[PREDICTED], first[PREDICTED], atol=1e-4)
    assert time.monotonic() - begun > (len(first) - 1) / 5


def test_a_duration_and_a_calibration(model, recording, tmp_path, capsys):
    out = tmp_path / "log"
    assert (
        live(model, recording, out, "--speed", "inf", "--calibration", "3", "--duration", "6") == 0
    )
    assert read_steps(out)["status"].tolist() == ["calibrating"] * 3 + ["ok"] * 3
    assert "predictions begin" in capsys.readouterr().out


def test_a_log_is_never_overwritten(model, recording, tmp_path, capsys):
    assert live(model, recording, tmp_path, *FAST, "--duration", "2") == 0
    before = (tmp_path / "steps.csv").read_bytes()
    assert live(model, recording, tmp_path, *FAST, "--duration", "2") == 1
    assert "steps.csv: is there already" in capsys.readouterr().err
    assert (tmp_path / "steps.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--source", "/none.edf"), "/none.edf: no such file; --source takes lsl"),
        (("--source", __file__), "MNE cannot read it"),
        (("--source", "{tree}/label.mat"), "belongs to no recording of a known data set"),
        (("--source", "{recording}", "--speed", "0"), "--speed must be positive"),
        (("--source", "{recording}", "--calibration", "-1"), "--calibration must be zero or"),
        (("--source", "{recording}", "--unit", "kV"), "unit must be one of"),
        (("--source", "{recording}", "--exported", "/none"), "no actor.onnx or actor.pt2 here"),
        (("--source", "{recording}", "--dataset", "mahnob"), "belongs to no recording of"),
    ],
)
def test_mistakes_are_one_line(model, recording, more, message, capsys):
    given = [part.format(recording=recording, tree=recording.parent) for part in more]
    assert main(["live", "--model", str(model), *given]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_after_kill_9_the_log_holds_all_but_the_last_second(model, fif, tmp_path):
    out = tmp_path / "log"
    code = "import sys; from benchmarks.cli import main; sys.exit(main(sys.argv[1:]))"
    command = ["live", "--model", str(model), "--source", str(fif), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command, "--speed", "2"],
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        started = _wait_for(lambda: len(_steps(out)) >= 1, 60)
        begun = time.monotonic()
        assert started
        time.sleep(1.7)
        seen = 1 + 2 * (time.monotonic() - begun)  # steps at twice real time
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    steps = read_steps(out)
    assert steps["step"].tolist() == list(range(len(steps)))
    assert len(steps) >= seen - 1 - 2
    assert steps[PREDICTED].notna().all().all()


def _steps(out):
    try:
        return read_steps(out)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return ()


def _wait_for(what, seconds) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if what():
            return True
        time.sleep(0.05)
    return False


def test_a_row_that_a_crash_cut_short_is_left_out(model, recording, tmp_path):
    assert live(model, recording, tmp_path, *FAST, "--duration", "3") == 0
    path = tmp_path / "steps.csv"
    path.write_text(path.read_text()[:-30])
    assert len(read_steps(tmp_path)) == 2


def test_the_exported_form_gives_the_same_predictions(model, recording, evaluated, tmp_path):
    graphs, out = tmp_path / "graphs", tmp_path / "log"
    form = ("--format", "pt2")
    assert main(["export", "--model", str(model), "--out", str(graphs), *form]) == 0
    assert live(model, recording, out, "--exported", str(graphs), "--duration", "20", *FAST) == 0
    steps = read_steps(out)
    np.testing.assert_allclose(steps[PREDICTED], evaluated[PREDICTED][:20], atol=1e-4)


def test_graphs_of_another_model_are_refused(model, recording, tmp_path, capsys):
    graphs = tmp_path / "graphs"
    assert main(["export", "--model", str(model), "--out", str(graphs), "--format", "pt2"]) == 0
    other = save_model(tmp_path / "other", seed=1)
    assert main(
        ["live", "--model", str(other), "--source", str(recording), "--exported", str(graphs)]
    )
    assert "exported from another model" in capsys.readouterr().err
