"""`eegdancer live --bench`: what it measures and prints."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cli import main
from benchmarks.live_bench import resident_mb
from tests.agents.live.conftest import save_model

KEYS = {
    "live.step_ms",
    "live.step_p99_ms",
    "live.step_cpu_p99_ms",
    "live.real_time_factor",
    "live.growth_mb",
    "live.drift_ms",
    "live.latency_ms",
    "live.latency_max_ms",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("bench") / "model")


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr("benchmarks.live_bench.STEPS", 60)
    monkeypatch.setattr("benchmarks.live_bench.WARM_UP", 5)
    monkeypatch.setattr("benchmarks.live_bench.REAL_STEPS", 2)


def _figures(capsys) -> dict[str, float]:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_bench_prints_every_figure(model, capsys):
    main(["live", "--model", str(model), "--bench"])
    figures = _figures(capsys)
    assert set(figures) == KEYS
    assert figures["live.drift_ms"] < 1
    assert figures["live.growth_mb"] < 20
    assert 0 < figures["live.step_cpu_p99_ms"] < 100
    assert figures["live.real_time_factor"] > 1


def test_bench_measures_the_exported_form(model, tmp_path, capsys, monkeypatch):
    # two seconds of real time, which the test before has shown
    monkeypatch.setattr("benchmarks.live_bench._latencies", lambda model: np.ones(1))
    assert main(["export", "--model", str(model), "--out", str(tmp_path), "--format", "pt2"]) == 0
    main(["live", "--model", str(model), "--exported", str(tmp_path), "--bench"])
    out = capsys.readouterr().out
    assert "exported" in out
    assert set(json.loads(out.strip().splitlines()[-1])) == KEYS


def test_memory_is_what_is_in_use_and_not_its_peak():
    if not Path("/proc/self/statm").exists():
        pytest.skip("only the peak is known here")
    block = np.ones(12_000_000)
    del block
    before = resident_mb()
    block = np.ones(6_000_000)
    assert resident_mb() - before > 30
    del block
