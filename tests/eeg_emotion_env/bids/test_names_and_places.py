"""BIDS: names of files, subjects, sessions and runs, and where they lie."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.files import RecordingFile, _entities
from eeg_emotion_env.datasets.bids.runs import Run
from eeg_emotion_env.datasets.bids.signals import Header
from eeg_emotion_env.datasets.bids.trials import segments_of
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import DataError
from tests.eeg_emotion_env.bids.builders import BIDS, eeg, rated, table, write


def test_subjects_sessions_and_runs_are_sorted_as_numbers(tmp_path):
    for subject in (10, 2):
        for session in ("10", "02"):
            for run in (10, 9):
                name = f"sub-{subject}_ses-{session}_task-x_run-{run}_eeg.edf"
                path = tmp_path / f"sub-{subject}/ses-{session}/eeg/{name}"
                write(path, {**eeg("Cz"), **rated()})
    assert [(k.subject, k.session, k.trial) for k in load("bids", tmp_path).keys] == [
        (subject, session, run) for subject in (2, 10) for session in (2, 10) for run in (9, 10)
    ]


def test_runs_that_are_tasks_and_sessions_that_are_words(tmp_path):
    for session, run in (("pre", 10), ("pre", 2), ("post", 2)):
        name = f"sub-A7_ses-{session}_task-run{run}_eeg.edf"
        write(tmp_path / f"sub-A7/ses-{session}/eeg/{name}", {**eeg("Cz"), **rated()})
    keys = load("bids", tmp_path).keys
    assert [(k.subject, k.session, k.trial) for k in keys] == [
        *(("A7", 1, 2), ("A7", 2, 2), ("A7", 2, 10)),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["s2.edf", "s10.edf"], [(2, 1), (10, 1)]),
        (["Anna_raw.edf", "Ömer 2.edf"], [("Anna", 1), ("Ömer 2", 1)]),
        (["s1.edf", "p1.edf"], [("p1", 1), ("s1", 1)]),
        (["01/film 2.edf", "01/film 10.edf", "02/film 2.edf"], [(1, 1), (1, 2), (2, 1)]),
        (["eeg/sub-3_run-2.edf", "eeg/sub-3_run-1.edf"], [(3, 1), (3, 2)]),
        (["sub-3_task-a_run-2_eeg.edf", "sub-3_task-b_run-1_eeg.edf"], [(3, 1), (3, 2)]),
        (["sub-3_task-b_run-1_eeg.edf", "sub-3_task-a_run-1_eeg.edf"], [(3, 1), (3, 2)]),
        (["sub-4/a.edf", "sub-4/b.edf"], [(4, 1), (4, 2)]),
    ],
)
def test_names_of_a_plain_folder(tmp_path, names, expected):
    for name in names:
        write(tmp_path / name, {**eeg("Cz"), **rated()})
    assert BIDS.recognises(tmp_path)
    assert [(k.subject, k.trial) for k in load("bids", tmp_path).keys] == expected


@pytest.mark.parametrize("place", ["Übung 1/data (copy)", "a/b/c", "."])
@pytest.mark.parametrize("ending", ["edf", "EDF"])
def test_roots_and_endings(root, tmp_path, place, ending):
    base = tmp_path / "base dir"
    for path in root.rglob("*_eeg.edf"):
        path.rename(path.with_suffix(f".{ending}"))
    shutil.copytree(root, base / place, dirs_exist_ok=True)
    assert BIDS.recognises(base)
    assert len(list(load("bids", base))) == 2
    assert len(load("bids", base / place / "sub-01")) == 1


def test_links_are_followed(root, tmp_path):
    base = tmp_path / "links"
    base.mkdir()
    (base / "set").symlink_to(root)
    (root / "loop").symlink_to(root)
    assert len(list(load("bids", base))) == 2


def test_what_is_no_recording_of_the_set(root):
    extra = [
        "derivatives/clean/sub-01/eeg/sub-01_task-x_run-1_eeg.edf",
        "sub-01/eeg/sub-01_task-x_run-1-epo.fif",
        "sub-01/meg/sub-01_task-x_run-1_meg.fif",
        "sub-01/ieeg/sub-01_task-x_run-1_ieeg.edf",
        "sub-01/eeg/.sub-09_task-x_eeg.edf",
    ]
    for name in extra:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not read")
    assert len(load("bids", root)) == 2


def test_other_sets_are_not_recognised(written_seed, tmp_path):
    assert not BIDS.recognises(written_seed)
    assert not BIDS.recognises(tmp_path)
    (tmp_path / "1_1.cnt").write_bytes(b"x")
    assert not BIDS.recognises(tmp_path)
    (tmp_path / "film.edf").write_bytes(b"x")
    assert BIDS.recognises(tmp_path)
    savemat(tmp_path / "1_20131027.mat", {"djc_eeg1": np.ones((2, 2))})
    assert not BIDS.recognises(tmp_path)
    with pytest.raises(DataError, match="no recordings of the task y that MNE reads"):
        load("bids", tmp_path, task="y")


def test_participants_without_recordings_are_noted(root):
    table(root / "participants.tsv", "participant_id age\nsub-01 20\nsub-02 20\nsub-03 20\n")
    notes = check_folder(BIDS, root).notes
    assert any("participants.tsv: no recordings of sub-03" in note for note in notes)


def test_mne_bids_is_not_needed(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "mne_bids", None)
    assert len(load("bids", root)) == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sub-01_ses-pre_task-x_acq-hi_run-02_eeg.edf", ("01", "pre", "x", "hi", "02")),
        ("sub-A7_task-rest_desc-clean_split-01_eeg.fif.gz", ("A7", None, "rest", None, None)),
        ("SUB-3_Task-x_RUN-1.EDF", ("3", None, "x", None, "1")),
        ("a-b-c_run-4_x.y.vhdr", (None, None, None, None, "4")),
        ("film 2.edf", (None,) * 5),
        ("sub-.edf", (None,) * 5),
    ],
)
def test_entities_of_names(name, told):
    found = _entities(Path("sub-99/ses-99") / name)
    assert tuple(found.get(key) for key in ("sub", "ses", "task", "acq", "run")) == told


@pytest.mark.parametrize("run", ["01", "02"])
@pytest.mark.parametrize(("one", "other"), [("", "01"), ("", "pre"), ("", "1")])
def test_sessions_of_the_same_number_are_refused(tmp_path, run, one, other):
    paths = []
    for session, number in ((one, "01"), (other, run)):
        who = [f"ses-{session}"] if session else []
        name = "_".join(["sub-01", *who, f"task-x_run-{number}_eeg.edf"])
        paths.append(
            write(tmp_path.joinpath("sub-01", *who, "eeg", name), {**eeg("Cz"), **rated()})
        )
    (problem,) = check_folder(BIDS, tmp_path).problems
    assert all(str(path) in problem for path in paths)
    assert "\n" not in problem
    with pytest.raises(DataError, match="its session counts as number 1"):
        load("bids", tmp_path)
    # Alone they are sound.
    shutil.rmtree(paths[1].parent)
    assert [(k.session, k.trial) for k in load("bids", tmp_path).keys] == [(1, 1)]


@pytest.mark.parametrize("trials", ["run", "events"])
def test_no_two_trials_get_the_same_key(tmp_path, trials):
    runs, found = [], Survey()
    for name in ("a", "b"):
        file = RecordingFile(tmp_path / f"{name}.edf", 1, "", "", None, name, tmp_path)
        header = Header(file.path, (file.path,), ("Cz",), ("eeg",))
        runs.append(Run(file, header, {"Cz": "Cz"}, 200.0, 4000))
        table(tmp_path / f"{name}_events.tsv", f"onset duration trial_type\n1 2 {name}\n")
    options = BIDS.Options(trials=trials)
    segments = segments_of(runs, "bids", options, True, found)
    if trials == "events":  # counted through
        assert ([key.trial for key in segments], found.problems) == ([1, 2], [])
        return
    (problem,) = found.problems
    assert problem.startswith(f"{runs[1].file.path}: holds bids subject 1 session 1 trial 1, as")
    assert str(runs[0].file.path) in problem
    assert [key.stimulus for key in segments] == ["a"]


def test_two_sets_below_a_folder(root, tmp_path):
    shutil.copytree(root, tmp_path / "C")
    with pytest.raises(DataError, match="a second data set beside"):
        load("bids", tmp_path)
