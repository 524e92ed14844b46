"""`eegdancer live`: predictions of a replayed file are those of `evaluate`; the log, kill -9."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.agent import load_agent
from agents.intervals import PredictionIntervals
from agents.live import Event, Step, read_events, read_steps, to_parquet
from benchmarks.cli import main
from benchmarks.commands.live import _Lines
from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.interop import raw_from_recording
from tests import lsl
from tests.agents.live.conftest import save_model
from tests.agents.test_intervals import made_people

NAMES = ("valence", "arousal")
PREDICTED = [f"{name}_{part}" for part in ("pred", "low", "high") for name in NAMES]
FAST = ("--speed", "inf")
PLAYED_S = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = save_model(tmp_path_factory.mktemp("model") / "model")
    intervals = PredictionIntervals.fit(*made_people(np.random.default_rng(0), 6))
    intervals.save(folder, load_agent(folder).description["fingerprint"])
    return folder


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
    told = capsys.readouterr().out
    assert "predictions begin" in told
    assert "6 steps of 6 s: 3 predictions (0 marked), 0 withheld, 3 calibrating;" in told
    assert "remark" not in told


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--calibration", "9"), "the run ended before the calibration"),
        (("--unit", "V"), "every step was withheld"),
    ],
)
def test_a_run_without_predictions_says_why(model, recording, tmp_path, more, why, capsys):
    assert live(model, recording, tmp_path, *FAST, "--duration", "3", *more) == 0
    assert f"\nremark: no prediction was made: {why}" in capsys.readouterr().out


def test_lines_tell_the_time_since_the_first_sample(capsys):
    lines = _Lines(("valence",))
    lines.event(Event("channels", float("nan"), "all"))
    lines.event(Event("started", 53221.6, "62 channels"))
    lines.step(Step(0, 0, 53222.6, "ok", (0.5,)))
    assert capsys.readouterr().out.splitlines() == [
        "channels: all",
        "0.0 s: started: 62 channels",
        "1.0 s: valence +0.50 (ok)",
    ]


def test_a_log_in_parquet(model, recording, tmp_path):
    out = tmp_path / "log"
    assert live(model, recording, out, *FAST, "--duration", "2", "--log-format", "parquet") == 0
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".parquet", ".parquet"]
    assert len(read_steps(out)) == 2
    assert "ended" in set(read_events(out)["kind"])


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
        (("--source", "{recording}", "--duration", "0"), "--duration must be positive seconds"),
        (("--source", "{recording}", "--log-format", "xls"), "--log-format must be one of"),
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


def test_a_start_that_fails_leaves_the_folder_free(model, recording, tmp_path, capsys):
    pytest.importorskip("bokeh")
    more = ("--duration", "2", "--browser", "--no-open", "--port")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        assert live(model, recording, tmp_path, *FAST, *more, port) == 1
    assert not list(tmp_path.iterdir())
    assert live(model, recording, tmp_path, *FAST, *more, "0") == 0
    kinds = read_events(tmp_path)["kind"].tolist()
    assert (kinds[0], kinds[-1]) == ("channels", "ended")


def test_a_closed_output_does_not_end_the_recording(
    model, recording, tmp_path, monkeypatch, capsys
):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as closed, monkeypatch.context() as patched:
        patched.setattr("sys.stdout", closed)
        assert live(model, recording, tmp_path, *FAST, "--duration", "5") == 1
    assert "BrokenPipeError" in capsys.readouterr().err
    assert len(read_steps(tmp_path)) == 5
    assert {"output", "ended"} <= set(read_events(tmp_path)["kind"])


def test_a_damaged_data_set_beside_a_file_does_not_speak_for_it(model, tmp_path, capsys):
    other = tmp_path / "MAHNOB"
    other.mkdir()
    (other / "lable_continous_Mahnob.mat").write_bytes(b"damaged")
    path = tmp_path / "mine" / "x.mat"
    path.parent.mkdir()
    path.write_bytes(b"unknown")
    assert main(["live", "--model", str(model), "--source", str(path)]) == 1
    assert f"{path}: belongs to no recording of a known data set" in capsys.readouterr().err


def test_after_kill_9_the_log_holds_all_but_the_last_second(model, fif, tmp_path):
    out = tmp_path / "log"
    code = "import sys; from benchmarks.cli import main; sys.exit(main(sys.argv[1:]))"
    command = ["live", "--model", str(model), "--source", str(fif), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command, "--speed", "2", "--log-format", "parquet"],
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
    assert process.returncode == -signal.SIGKILL
    assert "ended" not in set(read_events(out)["kind"])
    steps = read_steps(out)
    assert steps["step"].tolist() == list(range(len(steps)))
    assert len(steps) >= seen - 1 - 2
    assert steps[PREDICTED].notna().all().all()
    to_parquet(out)
    pd.testing.assert_frame_equal(read_steps(out), steps)


def test_sigterm_ends_a_run_as_ctrl_c_does(model, fif, tmp_path):
    out = tmp_path / "log"
    more = ("--speed", "1", "--log-format", "parquet", "--out", out)
    process = _in_a_process("live", "--model", model, "--source", fif, *more)
    try:
        assert _wait_for(lambda: len(_steps(out)) >= 1, 60)
        process.terminate()
        time.sleep(0.02)
        process.terminate()  # as `timeout` does
        told, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert " predictions (0 marked), 0 withheld" in told
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".parquet", ".parquet"]
    end = read_events(out).iloc[-1]
    assert (end["kind"], end["detail"]) == ("ended", "stopped by the user")


def test_the_handler_of_sigterm_from_before_is_put_back(model, recording, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    assert live(model, recording, tmp_path, *FAST, "--duration", "2") == 0
    assert signal.getsignal(signal.SIGTERM) is before


def _steps(out):
    try:
        return read_steps(out)
    except (DataError, pd.errors.EmptyDataError):
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


def _in_a_process(*arguments):
    code = "import sys; from benchmarks.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _played(fif, folder):
    """Write `PLAYED_S` of a recording as they are, and with channels the other way round.

    A tail keeps the player from an empty last chunk, which it takes for an error; and whole chunks
    make whole seconds, since it stamps a shorter chunk too late.
    """
    import mne

    raw = mne.io.read_raw(fif, preload=True, verbose="error").pick("eeg")
    raw.crop(0, PLAYED_S, include_tmax=False)
    eeg, sfreq = raw.get_data(), raw.info["sfreq"]
    eeg = np.concatenate([eeg, eeg[:, -11:]], axis=1)
    kinds = {"TRIGGER": "stim", "Masseter": "emg"}
    versions = {
        "plain": (raw.ch_names, ["eeg"] * 62, eeg, 10),
        "mixed": (
            [*kinds, *raw.ch_names[::-1]],
            [*kinds.values()] + ["eeg"] * 62,
            np.vstack([np.ones((2, eeg.shape[1])), eeg[::-1]]),
            45,
        ),
    }
    played = {}
    for version, (names, types, data, chunk) in versions.items():
        path = folder / f"{version}_raw.fif"
        made = mne.io.RawArray(data, mne.create_info(names, sfreq, types), verbose="error")
        made.save(path, fmt="double", verbose="error")
        played[version] = (path, chunk)
    return int(len(raw.times) / sfreq), played


def test_what_a_player_streams_is_predicted_as_evaluate_does(model, fif, evaluated, tmp_path):
    lsl.needs_lsl()
    length, played = _played(fif, tmp_path)
    first = evaluated[evaluated["trial"] == 1][:length]
    names = {kind: f"command-{kind}-{time.monotonic_ns()}" for kind in played}
    # first the command: it waits for the stream
    running = {
        kind: _in_a_process(
            *("live", "--model", model, "--source", f"lsl:{names[kind]}", "--wait", "60"),
            *("--duration", length, "--out", tmp_path / kind),
        )
        for kind in played
    }
    players = [lsl.patient_player(path, n, names[kind]) for kind, (path, n) in played.items()]
    try:
        for player in players:
            player.start()
        for kind, process in running.items():
            out, err = process.communicate(timeout=90)
            assert process.returncode == 0, err
            assert f"{length} predictions (0 marked), 0 withheld; 0 samples lost" in out
            steps = read_steps(tmp_path / kind)
            assert len(steps) == length == len(first)
            np.testing.assert_allclose(steps[PREDICTED], first[PREDICTED], atol=1e-4)
    finally:
        for process in running.values():
            process.kill()
