"""The audit: every shipped entry passes, in the table too, and is given what the runner gives."""

import csv
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.audit import FAIL, NOT_APPLICABLE, PASS, audit, make_setting
from benchmarks.audit.setting import answers_alone
from benchmarks.entries import ENTRIES
from benchmarks.entries.braindecode_nets import import_models
from benchmarks.runner import make_jobs, run_job
from eeg_emotion_env.datasets import load
from eeg_emotion_env.splits import make_split
from encoders import PretrainingConfig, StageConfig, pretrain
from tests.benchmarks.audit import leaky_entries
from tests.benchmarks.audit.checks import CHECK, OF_ONE_RUN, choose, named


@pytest.fixture(scope="module")
def few_trials():
    """Few short trials; what libraries load and compile late is done once, not in each process."""
    trials = list(load("simulated", **{**leaky_entries.OPTIONS, "n_subjects": 3, "n_trials": 2}))
    stage = StageConfig(epochs=1)
    pretrain(
        [trial.features for trial in trials],
        [trial.subject for trial in trials],
        [trial.labels for trial in trials],
        pretraining=PretrainingConfig(vqvae=stage, dynamics=stage),
    ).encode(trials[0].features)
    if importlib.util.find_spec("braindecode") is not None:
        import_models()
    return trials


@pytest.mark.parametrize("name", ENTRIES)
def test_shipped_entries_pass(name, few_trials, short_training, monkeypatch):
    stage = StageConfig(epochs=1, patience=1)
    monkeypatch.setattr("benchmarks.entries.eegdancer.QUICK_STAGE", stage)
    monkeypatch.setattr("benchmarks.entries.braindecode_nets.MOST_WINDOWS", 40)
    monkeypatch.setattr("benchmarks.entries.bptt.EPOCHS", 3)
    monkeypatch.setattr("benchmarks.audit.probes.MOST_TRIALS", 1)
    kind = ENTRIES[name]
    config = getattr(kind, "agent_config", None)
    if config is not None:
        short = {"net_arch": (8,), "total_steps": 60, "n_envs": 4, "learning_starts": 20}
        monkeypatch.setattr(kind, "agent_config", replace(config, evaluate_every=30, **short))
    lack = kind.lack(few_trials)
    if lack:
        pytest.skip(f"{name} needs {lack}")
    if set(kind.__mro__[1:]) & set(ENTRIES.values()):
        # a variant: what trains again is in benchmarks/results/audit.md
        choose(monkeypatch, "held-out-labels", "held-out-eeg", *OF_ONE_RUN)
    split = make_split("leave-subject-out", [trial.key for trial in few_trials])
    verdicts = audit(make_setting(name, few_trials, split, method="fork"))
    assert not [v for v in verdicts if v.verdict == FAIL]
    undeclared = named(verdicts, NOT_APPLICABLE) if not kind.oracle else set()
    assert undeclared <= ({"stimulus"} if kind.needs_stimuli else set())


def test_the_committed_table_is_of_all_shipped_entries():
    path = Path(benchmarks.__file__).parent / "results" / "audit.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = {(name, check) for name in ENTRIES for check in CHECK}
    assert {(row["entry"], row["check"]) for row in rows} == expected
    assert {row["verdict"] for row in rows} == {PASS, NOT_APPLICABLE}


def test_entries_get_what_the_runner_gives_them(make, simulated, short_training):
    setting = make("ridge", fold=1)
    split = make_split("leave-subject-out", [trial.key for trial in simulated])
    result = run_job(make_jobs(simulated, split, ["ridge"], [0], quick=True)[1], simulated)
    for answer, expected in zip(
        answers_alone(setting.base), result.predictions.values(), strict=True
    ):
        np.testing.assert_array_equal(answer, expected)
    shown = (*setting.train, *setting.test)
    assert all(trial.truth is None and trial.simulation is None for trial in shown)
    assert all(np.isnan(trial.labels).all() for trial in setting.test)
    told = make("oracle-filter").test
    assert all(trial.simulation is not None and trial.truth is None for trial in told)
    assert all(np.isnan(trial.labels).all() for trial in told)
