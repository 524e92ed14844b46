"""The log: CSV while it is written, Parquet if asked for, whole after a crash."""

import csv

import pandas as pd
import pytest

from agents.live import CSVLog, Event, LiveChain, LiveRun, Step, read_events, read_steps, to_parquet
from agents.live import log as logs
from eeg_emotion_env.errors import ConfigError, DataError
from tests.agents.live.conftest import Scripted, in_chunks, made_eeg

NAMES = ("valence", "arousal")


def written(folder, form, n=5, close=True):
    folder.mkdir()
    log = CSVLog(folder, NAMES, form)
    for number in range(n):
        marks = ("lost", "gap") if number == 2 else ()
        values = () if number == 2 else (0.1 * number, -0.2)
        status = "withheld" if marks else "ok"
        log.step(Step(number, 0, number + 1.0, status, values, marks, ("CZ",)[: len(marks)]))
    log.event(Event("gap", 2.5, 'a "quoted", detail', 7))
    if close:
        log.close()
    return log


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_both_formats_read_the_same(tmp_path):
    for form in logs.FORMATS:
        written(tmp_path / form, form)
    assert names(tmp_path / "csv") == ["events.csv", "steps.csv"]
    assert names(tmp_path / "parquet") == ["events.parquet", "steps.parquet"]
    for read in (read_steps, read_events):
        one, other = (read(tmp_path / form).drop(columns="wall_time") for form in logs.FORMATS)
        pd.testing.assert_frame_equal(one, other)
    steps = read_steps(tmp_path / "parquet")
    assert steps["marks"].tolist() == ["", "", "lost;gap", "", ""]
    assert steps["valence_pred"].isna().tolist() == [False, False, True, False, False]


def test_what_a_crash_left_over_becomes_parquet(tmp_path):
    folder = tmp_path / "log"
    log = written(folder, "parquet", close=False)
    assert names(folder) == ["events.csv", "steps.csv"]
    before = read_steps(folder)
    assert len(before) == 5
    with (folder / "steps.csv").open("a") as file:
        file.write("5,0,6.0,o")  # the row that the crash cut short
    made = to_parquet(folder)
    assert [path.name for path in made] == ["steps.parquet", "events.parquet"]
    assert names(folder) == ["events.parquet", "steps.parquet"]
    pd.testing.assert_frame_equal(read_steps(folder), before)
    assert to_parquet(folder) == made
    log._steps._file.close()
    log._events._file.close()


def test_a_crash_in_the_midst_of_turning_loses_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "log"
    written(folder, "csv")
    before = read_steps(folder)

    def dies(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("agents.live.log.os.fsync", dies)
        with pytest.raises(OSError, match="No space"):
            to_parquet(folder)
    pd.testing.assert_frame_equal(read_steps(folder), before)
    to_parquet(folder)
    pd.testing.assert_frame_equal(read_steps(folder), before)


@pytest.mark.parametrize("form", logs.FORMATS)
def test_no_log_is_overwritten_in_either_format(tmp_path, form):
    written(tmp_path / "log", form)
    for again in logs.FORMATS:
        with pytest.raises(DataError, match="is there already"):
            CSVLog(tmp_path / "log", NAMES, again)


def test_no_text_is_a_formula_to_a_spreadsheet_and_all_are_read_as_they_were(tmp_path):
    notes = ['=HYPERLINK("http://x";"y")', "'=1", "plain", "-3 dB;+4", "@a", "+1"]
    channels = ("CZ", "=1+1", "'-FZ")
    log = CSVLog(tmp_path, NAMES)
    for note in notes:
        log.event(Event("note", 1.0, note))
    log.step(Step(0, 0, 1.0, "marked", (-0.5, 0.25), ("flat",), channels))
    log.close()
    for name in ("steps.csv", "events.csv"):
        with (tmp_path / name).open(newline="") as file:
            cells = [part for row in csv.reader(file) for cell in row for part in cell.split(";")]
        for cell in cells:
            assert not cell.startswith(("=", "+", "@", "\t"))
            assert not cell.startswith("-") or float(cell) < 0
    assert read_events(tmp_path)["detail"].tolist() == notes
    assert read_steps(tmp_path)["bad_channels"].tolist() == [";".join(channels)]
    to_parquet(tmp_path)
    assert read_events(tmp_path)["detail"].tolist() == notes


def test_mistakes_are_said(tmp_path):
    with pytest.raises(ConfigError, match="log format"):
        CSVLog(tmp_path, NAMES, "xlsx")
    with pytest.raises(DataError, match="holds no log"):
        to_parquet(tmp_path)


@pytest.mark.parametrize("read", [read_steps, read_events, to_parquet])
def test_a_folder_is_a_string_too_and_one_without_a_log_is_named(tmp_path, read):
    written(tmp_path / "log", "csv")
    assert len(read(str(tmp_path / "log"))) > 0
    with pytest.raises(DataError, match="nowhere: no such folder"):
        read(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="holds no log"):
        read(tmp_path)


def test_a_log_that_cannot_be_finished_is_a_failure_of_the_run(model, tmp_path, monkeypatch):
    source = Scripted(in_chunks(made_eeg(2)))
    log = CSVLog(tmp_path, model.label_names, "parquet")

    def dies(*_):
        raise ValueError("pyarrow does not like it")

    monkeypatch.setattr("agents.live.log._replace", dies)
    summary = LiveRun(source, LiveChain(model, source.info), [log]).run()
    assert "pyarrow does not like it" in summary.failure
    assert len(read_steps(tmp_path)) == 2
