"""Every entry: complete, causal, blind to test labels, reproducible; right where it is simple."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.entries import ENTRIES, Entry
from benchmarks.entries.constant import Constant
from benchmarks.entries.gru import GRU
from benchmarks.entries.ridge import Ridge
from benchmarks.entries.rowwise import smooth
from benchmarks.entries.stimulus_time_mean import StimulusTimeMean
from tests.benchmarks.conftest import made_trials

# oracles and nets on raw EEG need what made trials do not have: test_oracle_entries.py and
# test_braindecode_nets.py
NAMES = sorted(name for name, kind in ENTRIES.items() if not kind.lack(made_trials()))


pytestmark = pytest.mark.usefixtures("short_training")


def _fitted(name: str, train) -> Entry:
    entry = ENTRIES[name](seed=1, quick=True)
    entry.fit(train)
    return entry


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name):
    kind = ENTRIES[name]
    assert kind.name == name
    assert len(kind.summary) > 10


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_dims", [1, 2])
def test_predictions_are_causal_blind_and_reproducible(name, n_dims):
    trials = made_trials(n_dims=n_dims)
    train, trial = trials[:-3], trials[-1]
    entry = _fitted(name, train)
    values = entry.predict(trial.without_labels())
    assert values.shape == trial.labels.shape
    assert values.dtype == np.float32
    assert np.abs(values).max() <= 1
    np.testing.assert_array_equal(values, entry.predict(trial))
    later = trial.features.copy()
    later[12:] = -later[12:] + 1.0
    np.testing.assert_allclose(
        entry.predict(trial.replace(features=later))[:12], values[:12], atol=1e-6
    )
    np.testing.assert_array_equal(_fitted(name, train).predict(trial), values)


@pytest.mark.parametrize("name", NAMES)
def test_unannotated_steps_are_tolerated(name):
    trials = made_trials()
    holes = []
    for trial in trials:
        labels = trial.labels.copy()
        labels[:4] = np.nan
        holes.append(trial.replace(labels=labels))
    assert np.isfinite(_fitted(name, holes[:-3]).predict(holes[-1])).all()


def test_constant_is_the_training_mean():
    trials = made_trials()
    entry = Constant()
    entry.fit(trials[:-3])
    expected = np.concatenate([t.labels for t in trials[:-3]]).mean(axis=0)
    np.testing.assert_allclose(entry.predict(trials[-1])[7], expected, atol=1e-6)


def test_stimulus_time_mean_averages_other_subjects_step_by_step():
    trials = made_trials(n_subjects=3)
    entry = StimulusTimeMean()
    entry.fit(trials[:6])
    expected = (trials[1].labels + trials[4].labels) / 2
    np.testing.assert_allclose(entry.predict(trials[7].without_labels()), expected, atol=1e-6)
    unknown = trials[7].replace(key=replace(trials[7].key, stimulus="new"))
    overall = np.concatenate([t.labels for t in trials[:6]]).mean(axis=0)
    np.testing.assert_allclose(entry.predict(unknown)[0], overall, atol=1e-6)


def test_smoothing_is_the_exponential_average_started_at_the_first_value():
    values = np.array([[1.0], [3.0], [5.0]], np.float32)
    np.testing.assert_allclose(smooth(values, 0.5), [[1.0], [2.0], [3.5]])
    np.testing.assert_allclose(smooth(values, 0.0), values)


@pytest.mark.parametrize("kind", [Ridge, GRU])
def test_learners_find_what_there_is_to_find(kind, monkeypatch):
    monkeypatch.setattr("benchmarks.entries.supervised.EPOCHS", 60)
    trials = made_trials(n_subjects=6)
    entry = kind(seed=0)
    entry.fit(trials[:-3])
    errors = [np.square(entry.predict(t) - t.labels).mean() for t in trials[-3:]]
    floor = np.mean([np.square(t.labels - t.labels.mean()).mean() for t in trials[-3:]])
    assert np.mean(errors) < 0.5 * floor


@pytest.mark.parametrize("name", ["eegdancer", "eegdancer-no-rl"])
def test_encoders_without_sites_take_channels_of_any_name(name, short_training):
    channels = ("EEG 1", "EEG 2", "EEG 3", "EEG 4")
    trials = [trial.replace(channels=channels) for trial in made_trials()]
    entry = ENTRIES[name](quick=True)
    entry.fit(trials[:-1])
    assert np.isfinite(entry.predict(trials[-1].without_labels())).all()
