"""Networks on raw EEG: windows that look back only, and predictions like any entry's."""

import importlib.util

import numpy as np
import pytest

from benchmarks.entries import ENTRIES
from benchmarks.entries.braindecode_nets import RawEEGNet, windows
from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.recording import Signal
from tests.benchmarks.conftest import made_trials

NETS = sorted(name for name, kind in ENTRIES.items() if issubclass(kind, RawEEGNet))
needs_braindecode = pytest.mark.skipif(
    importlib.util.find_spec("braindecode") is None, reason="the extra braindecode is not installed"
)


@pytest.fixture(scope="module")
def trials():
    return list(load("simulated", n_subjects=3, n_trials=2, duration_scale=0.04))


def with_eeg(trial, eeg, sfreq=200.0):
    return trial.replace(read_eeg=lambda: Signal(eeg, sfreq, trial.channels))


def test_there_are_three():
    assert len(NETS) >= 3


def test_windows_are_the_steps_scaled_by_their_past(trials):
    trial = trials[0]
    rows = windows(trial)
    assert rows.shape == (trial.n_steps, 62, 100)
    assert rows.dtype == np.float32
    eeg = trial.read_eeg().eeg
    first = eeg[5, :200].reshape(100, 2).mean(axis=1)
    np.testing.assert_allclose(rows[0, 5], first / np.sqrt(np.square(first).mean()), rtol=1e-4)
    # Gains do not matter, neither of the cap nor of a channel.
    gains = np.linspace(0.5, 3, 62)[:, None]
    np.testing.assert_allclose(windows(with_eeg(trial, eeg * gains)), rows, rtol=1e-3, atol=1e-4)
    later = eeg.copy()
    later[:, 600:] = 77.0
    np.testing.assert_array_equal(windows(with_eeg(trial, later))[:3], rows[:3])


@pytest.mark.parametrize(("sfreq", "n_times"), [(200.0, 100), (1000.0, 100), (128.0, 128)])
def test_other_rates(trials, sfreq, n_times):
    trial = trials[0]
    eeg = np.random.default_rng(0).normal(size=(62, round(trial.n_steps * sfreq) + 1))
    assert windows(with_eeg(trial, eeg, sfreq)).shape == (trial.n_steps, 62, n_times)


@pytest.mark.parametrize("name", NETS)
def test_what_is_lacking_is_said(name):
    lack = ENTRIES[name].lack(made_trials())
    assert "raw EEG, which made does not give" in lack or "braindecode" in lack


@needs_braindecode
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETS)
def test_nets_are_causal_and_reproducible(name, trials):
    train, trial = trials[:-2], trials[-1]
    assert not ENTRIES[name].lack(trials)
    entry = ENTRIES[name](seed=1, quick=True)
    entry.fit(train)
    values = entry.predict(trial.without_labels())
    assert values.shape == trial.labels.shape
    assert np.abs(values).max() <= 1
    eeg = trial.read_eeg().eeg.copy()
    eeg[:, 800:] = np.random.default_rng(0).normal(0, 30, eeg[:, 800:].shape)
    after = entry.predict(with_eeg(trial, eeg).without_labels())
    np.testing.assert_allclose(after[:4], values[:4], atol=1e-6)
    assert not np.allclose(after[4:], values[4:])
    again = ENTRIES[name](seed=1, quick=True)
    again.fit(train)
    np.testing.assert_array_equal(again.predict(trial), values)
