"""BIDS: the order of recording, and that features depend on the past alone."""

import shutil
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from edfio import read_edf

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import DataError, DataWarning
from tests.eeg_emotion_env.bids.builders import (
    BIDS,
    N_TIMES,
    SFREQ,
    eeg,
    rated,
    stored,
    table,
    write,
)

NOON = datetime(2021, 3, 4, 12)


def session(root, names, times=None, seed=0):
    """Write recordings of one session, whose headers say when they began."""
    paths = []
    for number, name in enumerate(names):
        path = root / f"sub-01/eeg/sub-01_{name}_eeg.edf"
        signals = {**eeg("Fp1", "Cz", seed=seed + number), **rated()}
        paths.append(write(path, signals, began=times[number] if times else NOON))
    return paths


def scans(root, names, times, ending="_eeg.edf", folder="eeg/"):
    rows = "".join(
        f"{folder}sub-01_{name}{ending} {time}\n" for name, time in zip(names, times, strict=True)
    )
    return table(root / "sub-01/sub-01_scans.tsv", f"filename acq_time\n{rows}")


def order(root, **options):
    """Return names and numbers of the trials in order."""
    trials = load("bids", root, **options)
    named = {trial.key: Path(trial.origin.split(": EEG")[0]) for trial in trials}
    return [(path.name[7:-8], key.trial) for key, path in named.items()]


def after(*minutes):
    return [NOON + timedelta(minutes=number) for number in minutes]


def iso(*minutes):
    return [time.isoformat() for time in after(*minutes)]


def notes(root):
    report = check_folder(BIDS, root)
    assert not report.problems
    assert not report.warnings
    return " ".join(note for note in report.notes if " order of " in note)


@pytest.mark.parametrize("zone", ["", "Z", ".250000", "+01:00"])
@pytest.mark.parametrize("ending", ["_eeg.edf", "_eeg.EDF", "_eeg.vhdr"])
def test_scans_tell_the_order(tmp_path, zone, ending):
    names = ["task-a", "task-b", "task-c"]
    session(tmp_path, names, times=after(1, 2, 3))
    scans(tmp_path, names, [time + zone for time in iso(8, 5, 7)], ending)
    assert order(tmp_path) == [("task-b", 1), ("task-c", 2), ("task-a", 3)]
    assert notes(tmp_path) == ""
    # The number of a trial does not hang on which tasks are read.
    assert order(tmp_path, task="a,c") == [("task-c", 2), ("task-a", 3)]


def test_scans_of_a_session(tmp_path):
    for name, minute in (("a", 2), ("b", 1)):
        path = tmp_path / f"sub-1/ses-2/eeg/sub-1_ses-2_task-{name}_eeg.edf"
        write(path, {**eeg("Cz"), **rated()}, began=NOON + timedelta(minutes=9 - minute))
    rows = f"eeg/sub-1_ses-2_task-b_eeg.edf {iso(1)[0]}\neeg/sub-1_ses-2_task-a_eeg.edf {iso(2)[0]}"
    table(tmp_path / "sub-1/ses-2/sub-1_ses-2_scans.tsv", f"filename acq_time\n{rows}\n")
    trials = load("bids", tmp_path)
    assert [(t.session, t.trial, "task-b" in t.origin) for t in trials] == [
        (2, 1, True),
        (2, 2, False),
    ]


def test_shifted_dates_of_scans_count(tmp_path):
    names = ["task-a", "task-b"]
    session(tmp_path, names)
    scans(tmp_path, names, ["1867-06-15T13:45:30", "1867-06-15T13:15:30"])
    assert order(tmp_path) == [("task-b", 1), ("task-a", 2)]


@pytest.mark.parametrize(
    "times",
    [
        ["n/a", "n/a", "n/a"],
        ["n/a", *iso(5, 7)],
        [*iso(5, 5), "2021-03-04T11:00:00"],
        ["soon", *iso(5, 7)],
        ["0900-01-01T00:00:00", *iso(5, 7)],
    ],
)
def test_headers_tell_the_order_where_scans_do_not(tmp_path, times):
    names = ["task-a", "task-b", "task-c"]
    session(tmp_path, names, times=after(3, 1, 2))
    expected = [("task-b", 1), ("task-c", 2), ("task-a", 3)]
    assert order(tmp_path) == expected
    scans(tmp_path, names, times)
    assert order(tmp_path) == expected
    assert notes(tmp_path) == ""


@pytest.mark.parametrize(
    "times",
    [
        after(0, 0, 0),
        after(5, 0, 0),
        [*after(5, 1), datetime(1985, 1, 1)],  # one of them is anonymised
    ],
)
def test_the_order_is_assumed_where_nothing_tells_it(tmp_path, times):
    session(tmp_path, ["task-c", "task-a_run-2", "task-a_run-1"], times=times)
    expected = [("task-a_run-1", 1), ("task-a_run-2", 2), ("task-c", 3)]
    assert order(tmp_path) == expected
    said = notes(tmp_path)
    assert said.startswith(f"{tmp_path}/sub-01/eeg: order of recording assumed")
    assert "more session" not in said
    shutil.copytree(tmp_path / "sub-01", tmp_path / "ses-2/sub-01")
    shutil.move(tmp_path / "ses-2/sub-01", tmp_path / "sub-02")
    shutil.rmtree(tmp_path / "ses-2")
    for seed, path in enumerate((tmp_path / "sub-02").rglob("*.edf"), 9):
        signals = {**eeg("Fp1", "Cz", seed=seed), **rated()}
        write(path, signals, began=read_edf(path).startdatetime)
        path.rename(path.with_name(path.name.replace("sub-01", "sub-02")))
    assert "here and in 1 more session;" in notes(tmp_path)


def test_one_recording_needs_no_order(root):
    assert notes(root) == ""


def test_runs_number_the_trials_if_they_are_in_order(tmp_path):
    names = ["task-a_run-5", "task-b_run-2"]
    session(tmp_path, names, times=after(9, 1))
    assert order(tmp_path) == [("task-b_run-2", 2), ("task-a_run-5", 5)]
    assert notes(tmp_path) == ""
    scans(tmp_path, names, iso(1, 9))
    assert order(tmp_path) == [("task-a_run-5", 1), ("task-b_run-2", 2)]
    assert "sub-01/eeg: not recorded in the order of runs; trials are counted" in notes(tmp_path)


def test_damage_in_other_tasks_does_not_matter_to_the_order(tmp_path):
    names = ["task-a", "task-b", "task-c"]
    paths = session(tmp_path, names, times=after(3, 2, 1))
    paths[2].write_bytes(b"")
    assert order(tmp_path, task="a,b") == [("task-a", 1), ("task-b", 2)]


def test_scans_that_are_no_table(tmp_path):
    names = ["task-a", "task-b"]
    session(tmp_path, names, times=after(2, 1))
    path = table(tmp_path / "sub-01/sub-01_scans.tsv", "filename operator\nx me\n")
    assert order(tmp_path)[0] == ("task-b", 1)
    path.write_bytes(b"filename\tacq_time\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"sub-01_scans\.tsv: not a CSV file"):
        load("bids", tmp_path)


def test_trials_at_events_are_counted_in_the_order_of_recording(tmp_path):
    names = ["task-a", "task-b"]
    session(tmp_path, names)
    scans(tmp_path, names, iso(2, 1))
    for name in names:
        rows = f"onset duration trial_type\n1 2 {name}1\n5 2 {name}2\n"
        table(tmp_path / f"sub-01/eeg/sub-01_{name}_events.tsv", rows)
    keys = load("bids", tmp_path, trials="events").keys
    assert [(key.trial, key.stimulus) for key in keys] == [
        *((1, "task-b1"), (2, "task-b2"), (3, "task-a1"), (4, "task-a2")),
    ]


def changed_from(path, second, began=NOON):
    """Change the EEG of a recording from a second on; nothing else."""
    signals = stored(path)
    scale = np.where(np.arange(N_TIMES) < second * SFREQ, 1.0, 0.3)
    eeg_too = {
        name: (values * scale, "uV", (-4000, 4000))
        for name, values in signals.items()
        if name not in ("VA1", "VA2")
    }
    write(path, {**eeg_too, **rated()}, began=began)


def features(root, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return [trial.features for trial in load("bids", root, normalization="past", **options)]


@pytest.mark.parametrize("by", ["scans", "headers", "runs"])
def test_runs_depend_on_the_past_alone(tmp_path, by):
    # Recorded as third, first, second; alphabetical order is another one.
    names = ["task-a", "task-b", "task-c"] if by != "runs" else ["task-a_run-3", "task-b_run-1"]
    names += ["task-a_run-2"] if by == "runs" else []
    times = after(3, 1, 2) if by == "headers" else [NOON] * 3
    third, _, second = session(tmp_path, names, times=times)
    if by == "scans":
        scans(tmp_path, names, iso(3, 1, 2))
    before = features(tmp_path)
    changed_from(second, 5, began=times[2])
    changed_from(third, 0, began=times[0])
    after_it = features(tmp_path)
    np.testing.assert_array_equal(after_it[0], before[0])
    np.testing.assert_array_equal(after_it[1][:5], before[1][:5])
    assert not np.array_equal(after_it[1][5:], before[1][5:])
    assert not np.array_equal(after_it[2], before[2])


@pytest.mark.parametrize("second", [3, 4, 7])  # 7: second 5 of the second trial
@pytest.mark.parametrize("clip_s", [None, 6.0])
def test_trials_at_events_depend_on_the_past_alone(tmp_path, second, clip_s):
    names = ["task-a", "task-b"]
    later, earlier = session(tmp_path, names)
    scans(tmp_path, names, iso(2, 1))
    for name in names:  # the trials are said to overlap
        rows = "onset duration trial_type\n0 5 x\n2 9 y\n"
        table(tmp_path / f"sub-01/eeg/sub-01_{name}_events.tsv", rows)
    before = features(tmp_path, trials="events", clip_s=clip_s)
    assert [len(rows) for rows in before] == [2, 6, 2, 6]
    changed_from(earlier, second)
    changed_from(later, 0)
    after_it = features(tmp_path, trials="events", clip_s=clip_s)
    np.testing.assert_array_equal(after_it[0], before[0])
    steps = second - 2
    np.testing.assert_array_equal(after_it[1][:steps], before[1][:steps])
    assert not np.array_equal(after_it[1][steps:], before[1][steps:])
    assert not np.array_equal(after_it[2], before[2])
