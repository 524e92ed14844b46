"""The leaderboard's runner: two local workers against one, on jobs of equal size."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from benchmarks.entries.base import Entry, FloatArray
from benchmarks.runner import Job, make_jobs, run_jobs
from benchmarks.speed.timing import Row
from eeg_emotion_env.datasets import load
from eeg_emotion_env.splits import make_split
from eeg_emotion_env.trial import Trial

ROUNDS = 3
N_JOBS = 8
STEPS = 32_000
"""Updates of a job: ten seconds or so. Workers take a few seconds to start, whatever the jobs."""


class Work(Entry):
    """Trains a small network for a fixed number of updates, whatever it is given."""

    name, summary = "work", "a fixed amount of work, for timing"
    stochastic = True
    steps = STEPS

    def fit(self, train: Sequence[Trial]) -> None:
        """Do the work."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = torch.nn.Sequential(
                torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 2)
            )
            optimiser = torch.optim.Adam(network.parameters())
            inputs, targets = torch.randn(128, 64), torch.randn(128, 2)
        for _ in range(self.steps):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(network(inputs), targets).backward()
            optimiser.step()

    def predict(self, trial: Trial) -> FloatArray:
        """Predict nothing."""
        return np.zeros(trial.labels.shape, np.float32)


def measure() -> list[Row]:
    """Measure whole runs, the start of the workers included (six minutes or so, two cores)."""
    rounds = [_round(Work, N_JOBS) for _ in track(range(ROUNDS), "running leaderboards")]
    ratios = [one / two for one, two in rounds]
    listed = ", ".join(f"{one:.0f} s against {two:.0f} s" for one, two in rounds)
    return [
        Row(
            "runner.two_vs_one",
            f"leaderboard with two local workers against one, best of {ROUNDS} rounds",
            max(ratios),
            "≥ 1.8",
            f"{N_JOBS} jobs of equal size: {listed}",
        )
    ]


def _round(kind: type[Entry], n_jobs: int) -> tuple[float, float]:
    """Seconds of the same jobs with one worker and with two."""
    trials = list(load("simulated", n_subjects=4, n_trials=2, duration_scale=0.04))
    split = make_split("grouped-k-fold", [trial.key for trial in trials], 2)
    name = f"{kind.__module__}:{kind.__qualname__}"
    jobs = make_jobs(trials, split, [name], range(n_jobs // 2))
    return _seconds(jobs, trials, 1), _seconds(jobs, trials, 2)


def _seconds(jobs: list[Job], trials: list[Trial], workers: int) -> float:
    with tempfile.TemporaryDirectory(prefix="eegdancer-speed-") as folder:
        start = time.perf_counter()
        run_jobs(jobs, trials, Path(folder), workers)
        return time.perf_counter() - start
