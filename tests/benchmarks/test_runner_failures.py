"""What goes wrong with a job is told, and costs no other job."""

import os
import signal

import numpy as np
import pandas as pd

from benchmarks.cli import main
from benchmarks.entries.base import Entry
from benchmarks.runner import finish_jobs, make_jobs
from benchmarks.runner.local import LocalProcesses
from benchmarks.runner.worker import run_same_code
from eeg_emotion_env.splits import make_split

HERE = "tests.benchmarks.test_runner_failures"


class Failing(Entry):
    """Fails for one subject, until that is allowed."""

    name, summary = "failing", "fails for subject 2"
    allowed = False

    def fit(self, train):
        pass

    def predict(self, trial):
        if str(trial.subject) == "2" and not Failing.allowed:
            raise RuntimeError("no luck\nat all")
        return np.zeros(trial.labels.shape, np.float32)


class Dying(Failing):
    """Takes its process along for one subject."""

    name = "dying"

    def predict(self, trial):
        if str(trial.subject) == "2":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(trial)


def command(out, entries):
    return [
        *("leaderboard", "--dataset", "simulated", "--option", "n_subjects=4"),
        *("--option", "n_trials=3", "--option", "duration_scale=0.04", "--workers", "1"),
        *("--entries", entries, "--out", str(out)),
    ]


def test_the_table_is_written_without_entries_that_failed(tmp_path, capsys, monkeypatch):
    assert main(command(tmp_path, f"constant,ridge,{HERE}:Failing")) == 1
    told = capsys.readouterr()
    assert "FAILED: RuntimeError: no luck at all" in told.err
    last = told.err.strip().splitlines()[-1]
    assert last.startswith("eegdancer: error: 1 of 12 jobs failed; the first:")
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert set(table["entry"]) == {"constant", "ridge"}
    mark = f"INCOMPLETE: {HERE}:Failing left out, because 1 of 4 jobs failed"
    assert mark in told.out
    for name in ("leaderboard.md", "report.html"):
        assert mark in (tmp_path / name).read_text(encoding="utf-8")
    (failed,) = pd.read_csv(tmp_path / "failed.csv").to_dict("records")
    assert (failed["entry"], failed["fold"], failed["seed"]) == (f"{HERE}:Failing", 1, 0)
    assert failed["error"] == "RuntimeError: no luck at all"
    assert "no luck\nat all" in (tmp_path / failed["trace"]).read_text()

    # the same command goes on from there
    monkeypatch.setattr(Failing, "allowed", True)
    assert main(command(tmp_path, f"constant,ridge,{HERE}:Failing")) == 0
    told = capsys.readouterr()
    assert "11 of 12 jobs kept" in told.err
    assert "INCOMPLETE" not in told.out
    assert len(pd.read_csv(tmp_path / "leaderboard.csv")) == 3
    assert not (tmp_path / "failed.csv").exists()


def test_nothing_is_written_where_every_entry_failed(tmp_path):
    assert main(command(tmp_path, f"{HERE}:Failing")) == 1
    assert (tmp_path / "failed.csv").exists()
    assert not (tmp_path / "leaderboard.csv").exists()


def test_a_job_that_takes_its_process_along_does_not_lose_the_others(trials, tmp_path):
    split = make_split("leave-subject-out", [trial.key for trial in trials])
    jobs = make_jobs(trials, split, [f"{HERE}:Dying", "constant"], [0])
    results = finish_jobs(jobs, trials, tmp_path, LocalProcesses(2))
    failed = [result for result in results if result.error]
    assert [str(result.job) for result in failed] == [f"{HERE}:Dying, fold 1, seed 0"]
    assert "SIGKILL" in failed[0].error
    assert not list(tmp_path.glob("*.part"))


def test_a_worker_with_other_code_refuses_the_job(trials):
    split = make_split("leave-subject-out", [trial.key for trial in trials])
    job = make_jobs(trials, split, ["constant"], [0])[0]
    assert "install the same versions" in run_same_code(job, "another", trials).error
    assert not run_same_code(job, job.fingerprint, trials).error
