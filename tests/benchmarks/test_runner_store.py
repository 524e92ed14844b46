"""The folder of finished jobs: recorded, locked, tidied, never half written."""

import json
import multiprocessing
import os
import signal

import numpy as np
import pytest

from benchmarks.runner import JobResult, locked, make_jobs, run_jobs
from benchmarks.runner.store import RECORD, Store
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import make_split


@pytest.fixture
def jobs(trials):
    split = make_split("leave-subject-out", [trial.key for trial in trials])
    return make_jobs(trials, split, ["constant"], [0])


def record(folder):
    return [json.loads(line) for line in (folder / RECORD).read_text().splitlines()]


def hold(folder, ready):
    with locked(folder):
        ready.set()
        signal.pause()


def test_each_execution_is_recorded_once(jobs, trials, tmp_path):
    run_jobs(jobs, trials, tmp_path)
    run_jobs(jobs, trials, tmp_path)
    lines = record(tmp_path)
    assert [line["fingerprint"] for line in lines] == [job.fingerprint for job in jobs]
    assert {line["entry"] for line in lines} == {"constant"}
    assert [line["fold"] for line in lines] == [0, 1, 2, 3]
    for line in lines:
        assert (line["seed"], line["error"], line["pid"]) == (0, "", os.getpid())
        assert line["seconds"] >= 0
        assert line["started"].endswith("+00:00")
        assert line["host"]


def test_a_result_that_was_kept_but_not_recorded_is_recorded_later(jobs, trials, tmp_path):
    run_jobs(jobs, trials, tmp_path)
    lines = record(tmp_path)
    text = (tmp_path / RECORD).read_text().splitlines(keepends=True)
    (tmp_path / RECORD).write_text("".join(text[:2]) + text[2][:20])
    run_jobs(jobs, trials, tmp_path)
    assert record(tmp_path) == lines


def test_a_failure_and_its_repair_are_recorded(jobs, tmp_path):
    store = Store(tmp_path)
    job = jobs[0]
    store.add(JobResult.failed(job, RuntimeError("no luck"), None))
    assert store.load(job) is None
    assert "no luck" in store.log(job).read_text()
    values = {i: np.zeros((2, 1), np.float32) for i in job.fold.test}
    store.add(JobResult(job, values, None, label_delay_s=0.5))
    assert [line["error"] for line in record(tmp_path)] == ["RuntimeError: no luck", ""]
    assert not store.log(job).exists()


def test_what_a_killed_run_left_behind_is_removed(jobs, trials, tmp_path):
    (tmp_path / "tmpabc.part").write_bytes(b"half")
    run_jobs(jobs, trials, tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_a_second_run_is_refused_until_the_first_ends_or_is_killed(jobs, trials, tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready))
    process.start()
    assert ready.wait(60)
    with pytest.raises(ConfigError, match="another run is writing here"):
        run_jobs(jobs, trials, tmp_path)
    assert not (tmp_path / RECORD).exists()
    process.kill()
    process.join()
    assert len(run_jobs(jobs, trials, tmp_path)) == len(trials)
