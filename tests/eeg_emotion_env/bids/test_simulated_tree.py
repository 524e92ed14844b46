"""BIDS: the simulated tree, round trip, detection and checks."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import gymnasium
import mne
import numpy as np
import pytest
from edfio import read_edf

from eeg_emotion_env.datasets import detect, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataWarning
from eeg_emotion_env.features import log_band_power
from eeg_emotion_env.simulation import simulate_labels, simulate_trial
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.tables.bids import CHANNELS
from tests.eeg_emotion_env.bids.builders import BIDS, means, stored

SMALL = replace(LAYOUTS["bids"].config, n_subjects=2, n_trials=3, duration_scale=0.15, seed=3)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Simulated tree; not to be changed by tests."""
    return write_layout(LAYOUTS["bids"], SMALL, tmp_path_factory.mktemp("bids") / "S")


def test_files_are_those_of_the_release(written):
    path = written / "sub-01/eeg/sub-01_task-run2_eeg.edf"
    edf = read_edf(path)
    assert edf.labels == (*CHANNELS, "GSR", "ECG", "VA1", "VA2", "VAtarg")
    assert {signal.sampling_frequency for signal in edf.signals} == {1000}
    assert path.stat().st_size == 256 * (1 + 37) + 37 * 6 * 1000 * 2
    assert b"SIMULATED" in path.read_bytes()[:256]
    rows = path.with_name("sub-01_task-run2_channels.tsv").read_text().splitlines()
    assert rows[0].split("\t") == ["name", "type", "units"]
    assert [row.split("\t")[2] for row in rows[1:]] == ["microV"] * 37
    assert (edf.startdate.isoformat(), edf.starttime.isoformat()) == ("2000-01-01", "08:05:00")
    events = path.with_name("sub-01_task-run2_events.tsv").read_text()
    assert events == "onset\tduration\ttrial_type\n0.0\t21\t1\n0.0\t21\t102\n"
    facts = json.loads(path.with_suffix(".json").read_text())
    assert (facts["SamplingFrequency"], facts["EEGReference"]) == (1000, "FCz")
    assert "ft_valance" in stored(written / "sub-01/eeg/sub-01_task-genMusic01_eeg.edf")
    for name in ("dataset_description.json", "participants.tsv", "README"):
        assert (written / name).is_file()
        assert name in json.loads((written / "simulation.json").read_text())["files"]


def test_round_trip(written):
    trials = load("bids", written, normalization="none")
    assert [(k.subject, k.session, k.trial) for k in trials.keys] == [
        (subject, 1, trial) for subject in (1, 2) for trial in (1, 2, 3)
    ]
    for trial in trials:
        task = "genMusic01" if trial.trial == 3 else f"run{trial.trial}"
        name = f"sub-{trial.subject:02d}"
        values = stored(written / name / "eeg" / f"{name}_task-{task}_eeg.edf")
        raw = np.stack([values[channel] for channel in CHANNELS])
        np.testing.assert_array_equal(trial.features, log_band_power(raw, 1000.0))
        if trial.trial == 3:
            expected = means([values["ft_valance"], values["ft_arousal"]], -1, 1, 1000)
        else:
            expected = means([values["VA1"], values["VA2"]], step=1000)
        np.testing.assert_array_equal(trial.labels, expected)
        assert trial.channels == tuple(channel.upper() for channel in CHANNELS)
        assert (trial.n_steps, trial.step_s) == (6, 1.0)
        assert (trial.source, trial.label_kind) == ("simulated", "simulated")
        ids = SMALL, trial.subject, 1, trial.trial
        simulated = [x.reshape(6, 10, 2).mean(axis=1) for x in simulate_labels(*ids)]
        np.testing.assert_allclose(trial.labels, simulated[0], atol=1e-4)
        np.testing.assert_allclose(trial.truth, simulated[1], atol=1e-6)
        np.testing.assert_allclose(raw, simulate_trial(*ids).eeg, atol=1e-6)


def test_runs_may_be_entities_instead_of_tasks(written, tmp_path):
    shutil.copytree(written, tmp_path / "S")
    for path in (tmp_path / "S").rglob("*_task-run*"):
        path.rename(path.with_name(path.name.replace("task-run", "task-calibration_run-")))
    before, after = load("bids", written), load("bids", tmp_path / "S")
    assert (after.keys, len(after)) == (before.keys, 6)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new.features, old.features)
        np.testing.assert_array_equal(new.labels, old.labels)
        np.testing.assert_array_equal(new.truth, old.truth)


def test_writing_twice_gives_the_same_bytes(written, tmp_path):
    again = write_layout(LAYOUTS["bids"], SMALL, tmp_path / "T")
    names = [p.relative_to(again) for p in again.rglob("*") if p.is_file()]
    assert len(names) > 20
    for name in names:
        assert (again / name).read_bytes() == (written / name).read_bytes(), name


def test_sessions_have_folders(tmp_path):
    config = replace(SMALL, n_subjects=1, n_sessions=2, n_trials=2, duration_scale=0.1)
    tree = write_layout(LAYOUTS["bids"], config, tmp_path / "S")
    assert (tree / "sub-01/ses-02/eeg/sub-01_ses-02_task-genMusic01_eeg.edf").is_file()
    trials = load("bids", tree)
    assert [(k.session, k.trial) for k in trials.keys] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert len(trials.recordings) == 2
    _, truth = simulate_labels(config, 1, 2, 2)
    np.testing.assert_allclose(trials[3].truth, truth.reshape(4, 10, 2).mean(axis=1), atol=1e-6)
    # The number of a trial does not hang on which tasks are read.
    assert [k.trial for k in load("bids", tree, task="genMusic01").keys] == [2, 2]


def test_check_and_detect(written, root):
    assert detect(written).card.name == detect(root).card.name == "bids"
    report = check_folder(BIDS, written)
    assert (report.ok, report.warnings) == (True, [])
    assert len(report.found) == 6
    assert not any("order of recording" in note for note in report.notes)
    assert check_folder(BIDS, root).ok


def test_simulated_files_say_so_wherever_they_are_copied(written, tmp_path):
    shutil.copy(written / "sub-01/eeg/sub-01_task-run1_eeg.edf", tmp_path / "a.edf")
    trial = load("bids", tmp_path)[0]
    assert (trial.source, trial.label_kind, trial.subject) == ("simulated", "simulated", "a")


def test_environment(written):
    with pytest.warns(DataWarning, match="encoder"):
        env = gymnasium.make("EEGEmotion-BIDS-v0", data=str(written))
    env.reset(seed=0)
    _, reward, *_, info = env.step(env.action_space.sample())
    assert np.isfinite(reward)
    assert info["source"] == "simulated"
    env.close()


def test_survey_reads_no_signals(root, monkeypatch):
    monkeypatch.setattr(mne.io.BaseRaw, "get_data", None)
    assert len(load("bids", root).keys) == 2


def test_layout_keeps_its_channels(tmp_path):
    with pytest.raises(ConfigError, match="needs its own channels"):
        write_layout(LAYOUTS["bids"], replace(SMALL, channels=("FZ",)), Path(tmp_path / "T"))
