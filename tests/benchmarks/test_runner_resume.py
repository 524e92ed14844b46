"""A run that is killed loses the jobs that ran, and nothing else."""

import time

import numpy as np
import pytest

from benchmarks.entries.base import Entry
from benchmarks.runner.resume_check import differences

DATA = (
    *("--dataset", "simulated", "--option", "n_subjects=4", "--option", "n_trials=3"),
    *("--option", "duration_scale=0.04"),
)


class Slow(Entry):
    """Takes its time, and predicts noise that its seed decides."""

    name, summary, stochastic = "slow", "noise, slowly", True

    def fit(self, train):
        time.sleep(0.15)

    def predict(self, trial):
        rng = np.random.default_rng([self.seed, trial.trial])
        return rng.uniform(-1, 1, trial.labels.shape).astype(np.float32)


@pytest.mark.parametrize(("workers", "seeds", "kills"), [(1, 4, 4), (2, 2, 1)])
def test_killed_at_random_moments_the_table_is_the_same(workers, seeds, kills, tmp_path):
    arguments = [
        *(*DATA, "--workers", str(workers), "--seeds", str(seeds)),
        *("--entries", "constant,tests.benchmarks.test_runner_resume:Slow"),
    ]
    assert differences(arguments, tmp_path, kills) == []
