"""`python -m benchmarks.speed runner`: what it prints, on jobs that take no time."""

import json

import pytest

from benchmarks.speed import __main__ as speed
from benchmarks.speed import runner


def test_the_best_round_is_printed_with_its_target(monkeypatch, capsys):
    rounds = iter([(10.0, 8.0), (10.0, 5.0), (10.0, 6.0)])
    monkeypatch.setattr(runner, "_round", lambda kind, n_jobs: next(rounds))
    monkeypatch.setattr("os.sched_setaffinity", lambda pid, cores: None, raising=False)
    for name in speed.ONE_THREAD:
        monkeypatch.setenv(name, "1")
    assert speed.main(["runner"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    assert json.loads(last) == {"runner.two_vs_one": 2.0}
    assert "≥ 1.8" in "".join(table)
    assert "10 s against 5 s" in "".join(table)


def test_both_sides_run_the_same_jobs(monkeypatch):
    monkeypatch.setattr(runner.Work, "steps", 1)
    seen = []
    monkeypatch.setattr(
        runner, "run_jobs", lambda jobs, trials, folder, workers: seen.append((jobs, workers))
    )
    runner._round(runner.Work, 4)
    (first, one), (second, two) = seen
    assert (one, two) == (1, 2)
    assert first == second
    assert len(first) == 4


@pytest.mark.parametrize("arguments", [[], ["none"], ["runner", "loading"]])
def test_unknown_suites_are_refused(arguments, capsys):
    assert speed.main(arguments) == 2
    assert "loading|runner" in capsys.readouterr().err
