"""What the audit plants in trials, data sets and the simulator, and what it measures by."""

import os
import pickle

import numpy as np
import pytest

from benchmarks.audit import audit
from benchmarks.audit.agreement import agreement, chance
from benchmarks.audit.planting import cut_short, given, renamed, with_labels, with_noise
from benchmarks.audit.setting import few
from benchmarks.audit.worlds import Plant, Watch, world
from benchmarks.audit.worlds import identity as identity_of
from eeg_emotion_env.datasets import load
from eeg_emotion_env.simulation import simulate_labels, simulate_trial
from tests.benchmarks.audit import leaky_entries
from tests.benchmarks.conftest import made_trials


@pytest.mark.parametrize(
    ("place", "is_heard"),
    [
        ("{out}/dev/cache.npy", True),
        ("{out}/proc.npy", True),
        ("/dev/shm/eegdancer-test.npy", True),
        ("/dev/null", False),
        ("{out}/__pycache__/module.pyc", False),
        ("{scratch}/features.npy", False),
    ],
)
def test_what_outlives_the_job_is_heard(place, is_heard, tmp_path):
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    path = place.format(out=out, scratch=scratch)
    watch = Watch(scratch=str(scratch), active=True)
    for mode, flags in (("w", None), (None, os.O_WRONLY)):
        watch.written.clear()
        watch.hear("open", (path, mode, flags))
        assert watch.written == ([path] if is_heard else [])
    watch.written.clear()
    watch.hear("open", (path, "r", os.O_RDONLY))
    watch.hear("open", (3, "w", None))
    watch.hear("sqlite3.connect", (":memory:",))
    assert watch.written == []


@pytest.mark.parametrize("start", [0, 5])
def test_noise_leaves_the_past_alone(simulated, start):
    trial = simulated[0]
    changed = with_noise(given(trial), start)
    np.testing.assert_array_equal(changed.features[:start], trial.features[:start])
    assert (changed.features[start:] != trial.features[start:]).all()
    before, after = trial.read_eeg().eeg, changed.read_eeg().eeg
    sample = round(start * trial.step_s * trial.read_eeg().sfreq)
    np.testing.assert_array_equal(after[:, :sample], before[:, :sample])
    assert (after[:, sample:] != before[:, sample:]).mean() > 0.99


def test_changed_trials_reach_other_processes(simulated):
    trial = pickle.loads(pickle.dumps(cut_short(with_noise(given(simulated[0]), 3), 7)))
    assert trial.n_steps == 7
    signal = trial.read_eeg()
    assert signal.eeg.shape[1] == round(7 * trial.step_s * signal.sfreq)
    # as on the leaderboard: the reader can be reached
    assert trial.read_eeg.reader.simulation.n_subjects == 4
    other = renamed(trial, subject=9)
    assert (other.subject, other.origin, other.read_eeg.key.subject) == (9, "", 9)
    with pytest.raises(AttributeError):
        _ = other.read_eeg.nothing


@pytest.mark.parametrize("what", ["labels", "eeg", ""])
def test_data_sets_and_simulator_are_changed_for_a_while(simulated, what):
    held, other = simulated[1], simulated[5]
    config, ids = held.simulation, (held.subject, held.session, held.trial)
    plant = Plant(frozenset({identity_of(held.key)}), what)
    watch = Watch()
    with world(plant, watch):
        trials = load("simulated", **leaky_entries.OPTIONS)
        found, untouched = trials[1], trials[5]
        labels, truth = simulate_labels(config, *ids)
        eeg = simulate_trial(config, *ids).eeg
        given_eeg = given(held).read_eeg().eeg
    factor = -0.5 if what == "labels" else 1.0
    np.testing.assert_allclose(found.labels, factor * held.labels, atol=1e-6)
    np.testing.assert_allclose(truth, factor * held.truth, atol=1e-6)
    assert (found.features == held.features).all() == (what != "eeg")
    assert (eeg == held.read_eeg().eeg).all() == (what != "eeg")
    assert (labels == held.labels).all() == (what != "labels")
    np.testing.assert_array_equal(given_eeg, held.read_eeg().eeg)
    np.testing.assert_array_equal(untouched.labels, other.labels)
    np.testing.assert_array_equal(untouched.features, other.features)
    assert watch.opened == [f"the held-out trial {held.key}"]
    np.testing.assert_array_equal(simulate_labels(config, *ids)[0], held.labels)
    np.testing.assert_array_equal(load("simulated", **leaky_entries.OPTIONS)[1].labels, held.labels)


def test_few_trials_are_the_first_of_the_first_subjects():
    keys = [trial.key for trial in made_trials(n_subjects=4, n_stimuli=5)]
    kept = [keys[place] for place in few(keys, 3, 2)]
    assert [(key.subject, key.trial) for key in kept] == [
        (subject, trial) for subject in (1, 2, 3) for trial in (1, 2)
    ]


def test_chance_is_what_shifted_labels_and_random_readouts_reach(simulated):
    test = [simulated[0]]
    n_steps, rng = test[0].n_steps, np.random.default_rng(0)
    label, noise = np.cumsum(rng.normal(size=(2, n_steps, 2)), axis=1).astype(np.float32)
    assert agreement([label], [label]) == pytest.approx(1)
    assert agreement([label], [-label]) == pytest.approx(-1)
    assert agreement([label], [np.zeros_like(label)]) == 0
    assert 0 < chance([label], [noise], test) < 0.95
    # a step at the start of the trial is something that any readout may share
    drift = np.tile(np.arange(n_steps)[:, None], (1, test[0].features[0].size))
    drifting = test[0].replace(features=drift.reshape(test[0].features.shape))
    line = drift[:, :2].astype(np.float32)
    assert chance([line], [line], [drifting]) > 0.99


def test_labels_are_planted_where_they_are(simulated):
    holes = np.array(simulated[0].labels)
    holes[:3] = np.nan
    planted = with_labels(simulated[0].replace(labels=holes))
    np.testing.assert_array_equal(planted.labels, -0.5 * holes)


def test_the_environment_of_the_caller_stays(make):
    before, folder = dict(os.environ), os.getcwd()
    audit(make("CacheByName"))
    assert (dict(os.environ), os.getcwd()) == (before, folder)
