"""Oracle entries: alone in knowing the simulator, and better than those who do not."""

import numpy as np
import pytest

from benchmarks.entries import ENTRIES
from benchmarks.entries.base import Entry
from benchmarks.leaderboard import leaderboard_table
from benchmarks.runner import make_jobs, run_jobs
from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import make_split
from tests.benchmarks.conftest import made_trials

ORACLES = ["oracle-filter", "oracle-smoother"]


class Spy(Entry):
    name, summary = "spy", "remembers what it was given"
    seen: list = []  # noqa: RUF012

    def fit(self, train):
        self.seen.extend(("fit", trial) for trial in train)

    def predict(self, trial):
        self.seen.append(("predict", trial))
        return np.zeros(trial.labels.shape, np.float32)


class OracleSpy(Spy):
    name = "oracle-spy"
    oracle = True
    seen: list = []  # noqa: RUF012


@pytest.fixture(scope="module")
def simulated():
    return list(load("simulated", n_subjects=4, n_trials=6, duration_scale=0.12))


@pytest.fixture(scope="module")
def split(simulated):
    return make_split("leave-subject-out", [trial.key for trial in simulated])


def test_oracles_beat_those_who_do_not_know_the_generator(simulated, split, tmp_path):
    jobs = make_jobs(simulated, split, ["stimulus-time-mean", "ridge", *ORACLES], [0])
    table = leaderboard_table(run_jobs(jobs, simulated, tmp_path), n_bootstrap=10)
    rows = table.set_index("entry")
    for name in ORACLES:
        for other in ("stimulus-time-mean", "ridge"):
            assert rows.loc[name, "ccc"] > rows.loc[other, "ccc"] + 0.1
            assert rows.loc[name, "rmse"] < 0.8 * rows.loc[other, "rmse"]
    assert rows["track"].to_dict() == {
        **dict.fromkeys(["stimulus-time-mean", "ridge", "oracle-filter"], "causal"),
        "oracle-smoother": "non-causal",
    }


@pytest.mark.parametrize("kind", [Spy, OracleSpy])
def test_only_oracles_are_told_the_generator(kind, simulated, split, monkeypatch, tmp_path):
    monkeypatch.setitem(ENTRIES, kind.name, kind)
    monkeypatch.setattr(kind, "seen", [])
    run_jobs(make_jobs(simulated, split, [kind.name], [0]), simulated, tmp_path)
    shown = [trial for when, trial in kind.seen if when == "predict"]
    assert len(shown) == len(simulated)
    assert all((trial.simulation is not None) == kind.oracle for trial in shown)
    assert all(np.isnan(trial.labels).all() for trial in shown)
    assert all(trial.truth is None for _, trial in kind.seen)
    assert all(trial.simulation is None for when, trial in kind.seen if when == "fit")


def test_oracles_need_labels_of_the_simulator(simulated, split):
    assert set(ORACLES) <= {job.entry for job in make_jobs(simulated, split, [], [0])}
    scaled = [simulated[0].replace(labels=simulated[0].labels / 2), *simulated[1:]]
    for trials in (made_trials(), scaled):
        others = make_split("leave-subject-out", [trial.key for trial in trials])
        assert not set(ORACLES) & {job.entry for job in make_jobs(trials, others, [], [0])}
        with pytest.raises(ConfigError, match="entry oracle-filter needs labels straight from"):
            make_jobs(trials, others, ["oracle-filter"], [0])


@pytest.mark.parametrize("name", ORACLES)
def test_predictions_have_the_dimensions_of_the_labels(name, simulated):
    trial = simulated[7]
    entry = ENTRIES[name]()
    assert entry.name == name
    assert len(entry.summary) > 10
    entry.fit(simulated[:6])
    both = entry.predict(trial)
    valence = trial.replace(labels=trial.labels[:, :1], label_names=("valence",), truth=None)
    assert both.shape == trial.labels.shape
    assert both.dtype == np.float32
    np.testing.assert_array_equal(entry.predict(valence), both[:, :1])
    with pytest.raises(ConfigError, match="needs a simulated trial"):
        entry.predict(trial.without_labels())
