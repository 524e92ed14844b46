"""The runner: labels kept back, resumable, independent of workers, failures reported."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import runner
from benchmarks.entries import ENTRIES
from benchmarks.entries.base import Entry
from benchmarks.runner import JobFailed, make_jobs, run_jobs
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import make_split
from tests.benchmarks.conftest import made_trials


class Spy(Entry):
    name, summary = "spy", "remembers what it was given"
    seen: list = []  # noqa: RUF012

    def fit(self, train):
        self._subjects = {trial.subject for trial in train}

    def predict(self, trial):
        Spy.seen.append((trial.subject in self._subjects, np.isnan(trial.labels).all()))
        return np.zeros(trial.labels.shape, np.float32)


class Failing(Spy):
    name = "failing"

    def predict(self, trial):
        if trial.subject == 2:
            raise RuntimeError("no luck")
        return super().predict(trial)


@pytest.fixture
def setting(monkeypatch, trials):
    monkeypatch.setitem(ENTRIES, "spy", Spy)
    monkeypatch.setitem(ENTRIES, "failing", Failing)
    Spy.seen = []
    return trials, make_split("leave-subject-out", [trial.key for trial in trials])


def test_entries_see_neither_test_subjects_nor_test_labels(setting, tmp_path):
    trials, split = setting
    predictions = run_jobs(make_jobs(trials, split, ["spy"], [0]), trials, tmp_path)
    assert len(predictions) == len(trials)
    assert Spy.seen == [(False, True)] * len(trials)
    assert not any(np.isnan(p.labels).any() for p in predictions)


def test_finished_jobs_are_not_run_again(setting, tmp_path):
    trials, split = setting
    jobs = make_jobs(trials, split, ["spy"], [0])
    first = run_jobs(jobs, trials, tmp_path)
    count = len(Spy.seen)
    broken = [tmp_path / f"{job.fingerprint}.npz" for job in jobs[:3]]
    content = broken[0].read_bytes()
    broken[0].write_bytes(b"broken")
    broken[1].write_bytes(content[: len(content) // 2])
    broken[2].write_bytes(content[:100] + bytes([content[100] ^ 255]) + content[101:])
    second = run_jobs(jobs, trials, tmp_path)
    assert len(Spy.seen) - count == sum(len(job.fold.test) for job in jobs[:3])
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.predictions, b.predictions)


def test_changed_data_change_the_fingerprint(setting):
    trials, split = setting
    labels = trials[0].labels.copy()
    labels[0] += 0.01
    changed = [trials[0].replace(labels=labels), *trials[1:]]
    first = make_jobs(trials, split, ["constant"], [0])[0]
    assert first.fingerprint != make_jobs(changed, split, ["constant"], [0])[0].fingerprint
    assert first.fingerprint == make_jobs(trials, split, ["constant"], [0])[0].fingerprint
    renamed = [trials[0].replace(key=replace(trials[0].key, stimulus="other")), *trials[1:]]
    assert first.fingerprint != make_jobs(renamed, split, ["constant"], [0])[0].fingerprint
    offline = [trials[0].replace(causal=False), *trials[1:]]
    assert first.fingerprint != make_jobs(offline, split, ["constant"], [0])[0].fingerprint


def test_no_entries_means_all_that_can_run(setting):
    trials, split = setting
    names = {job.entry for job in make_jobs(trials, split, [], [0])}
    assert names == {name for name, kind in ENTRIES.items() if not kind.lack(trials)}
    assert {"ridge", "eegdancer", "spy"} <= names
    assert "oracle-filter" not in names
    blind = made_trials(stimuli=False)
    assert "stimulus-time-mean" not in {j.entry for j in make_jobs(blind, split, [], [0])}


def test_a_failing_job_is_named_and_the_others_are_kept(setting, tmp_path):
    trials, split = setting
    jobs = make_jobs(trials, split, ["failing", "constant"], [0])
    with pytest.raises(JobFailed, match=r"1 of 8 jobs failed.*failing, fold 1.*no luck"):
        run_jobs(jobs, trials, tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 7


def test_two_workers_give_the_same_as_one(trials, tmp_path):
    split = make_split("grouped-k-fold", [trial.key for trial in trials], 2)
    jobs = make_jobs(trials, split, ["constant", "ridge", "gru"], [0], quick=True)
    one = run_jobs(jobs, trials, tmp_path / "one", workers=1)
    two = run_jobs(jobs, trials, tmp_path / "two", workers=2)
    for a, b in zip(one, two, strict=True):
        assert (a.entry, a.key) == (b.entry, b.key)
        np.testing.assert_array_equal(a.predictions, b.predictions)


@pytest.mark.usefixtures("short_training")
@pytest.mark.parametrize("name", sorted(n for n, kind in ENTRIES.items() if not kind.oracle))
def test_held_out_subject_leaves_no_trace_in_what_is_fitted(name, trials, monkeypatch, tmp_path):
    """Canary: replace all that is known of a test subject; what is fitted must be the same."""
    fitted = []
    kind = ENTRIES[name]
    if lack := kind.lack(trials):
        pytest.skip(f"{name} needs {lack}")

    class Kept(kind):
        def fit(self, train):
            super().fit(train)
            fitted.append(self)

    monkeypatch.setitem(ENTRIES, name, Kept)
    split = make_split("leave-subject-out", [trial.key for trial in trials])
    rng = np.random.default_rng(5)
    other = [
        t.replace(
            features=rng.normal(size=t.features.shape), labels=rng.uniform(-1, 1, t.labels.shape)
        )
        if t.subject == 1
        else t
        for t in trials
    ]
    for data, store in ((trials, "first"), (other, "second")):
        jobs = [j for j in make_jobs(data, split, [name], [0], quick=True) if j.fold.number == 0]
        run_jobs(jobs, data, tmp_path / store)
    first, second = fitted
    probe = made_trials(n_subjects=1, seed=77)[0].without_labels()
    np.testing.assert_array_equal(first.predict(probe), second.predict(probe))
    if name == "eegdancer":
        for module in (lambda e: e._encoder, lambda e: e._agent.policy):
            states = module(first).state_dict(), module(second).state_dict()
            assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_stimulus_entry_is_refused_where_stimuli_are_unknown():
    trials = made_trials(stimuli=False)
    split = make_split("leave-subject-out", [trial.key for trial in trials])
    with pytest.raises(ConfigError, match="stimulus-time-mean needs to know the stimuli"):
        make_jobs(trials, split, ["stimulus-time-mean"], [0])


def test_unknown_entry_is_suggested(setting):
    trials, split = setting
    with pytest.raises(ConfigError, match="Did you mean 'ridge'"):
        make_jobs(trials, split, ["rige"], [0])


def test_an_entry_named_twice_is_refused(setting):
    trials, split = setting
    with pytest.raises(ConfigError, match="ridge comes twice"):
        make_jobs(trials, split, ["ridge", "benchmarks.entries.ridge:Ridge"], [0])


def test_deterministic_entries_run_once_for_all_seeds(setting):
    trials, split = setting
    jobs = make_jobs(trials, split, ["constant", "gru"], [0, 1, 2])
    assert sum(job.entry == "constant" for job in jobs) == 4
    assert sum(job.entry == "gru" for job in jobs) == 12


def test_sources_of_all_entries_are_part_of_the_fingerprint():
    first = runner.code_fingerprint("ridge")
    assert first == runner.code_fingerprint("ridge") != runner.code_fingerprint("gru")
    assert len(first) == 64


def test_entries_may_come_from_anywhere(setting, tmp_path):
    trials, split = setting
    name = "tests.benchmarks.test_runner:Spy"
    predictions = run_jobs(make_jobs(trials, split, [name], [0]), trials, tmp_path)
    assert {p.entry for p in predictions} == {"spy"}
    with pytest.raises(ConfigError, match="cannot be imported"):
        make_jobs(trials, split, ["nowhere.at.all:Entry"], [0])
    with pytest.raises(ConfigError, match="subclass"):
        make_jobs(trials, split, ["collections:OrderedDict"], [0])
