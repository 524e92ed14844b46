"""The simulated data set and the stand-ins of the others."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.linear_model import Ridge

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.simulated import SimulatedOptions
from eeg_emotion_env.errors import ConfigError, DataError, SimulatedDataWarning
from eeg_emotion_env.features import log_band_power
from eeg_emotion_env.simulation import simulate_trial

SMALL = {"n_subjects": 2, "n_trials": 3, "duration_scale": 0.03}


def test_default_size_is_known_without_simulating():
    trials = load("simulated")
    assert len(trials) == 6 * 15
    assert trials.subjects == (1, 2, 3, 4, 5, 6)
    assert trials.keys[0].stimulus == "clip01"


def test_trials_are_the_simulation():
    trials = load("simulated", normalization="none", seed=7, **SMALL)
    trial = trials[4]
    raw = simulate_trial(SimulatedOptions(seed=7, **SMALL), 2, 1, 2)
    np.testing.assert_array_equal(trial.features, log_band_power(raw.eeg, 200.0))
    np.testing.assert_array_equal(trial.labels, raw.labels)
    np.testing.assert_array_equal(trial.truth, raw.truth)
    assert (trial.source, trial.label_kind, trial.track) == ("simulated", "simulated", "causal")


@pytest.mark.parametrize(("step_s", "n_steps"), [(0.5, 14), (1.0, 7), (2.0, 3), (3.0, 2)])
def test_any_step(step_s, n_steps):
    trial = load("simulated", step_s=step_s, **SMALL)[0]
    assert (trial.step_s, trial.n_steps) == (step_s, n_steps)


def test_steps_too_short_for_the_bands():
    with pytest.raises(DataError, match="cannot resolve the bands"):
        load("simulated", step_s=0.25, **SMALL)[0]


def test_no_folder_is_taken(tmp_path):
    with pytest.raises(DataError, match="takes no data folder"):
        load("simulated", tmp_path)


def test_unknown_option_is_named():
    with pytest.raises(ConfigError, match="Did you mean 'coupling'"):
        load("simulated", couplin=1.0)


@pytest.mark.parametrize("name", ["seed", "mahnob"])
def test_stand_ins_say_what_they_are(name):
    with pytest.warns(SimulatedDataWarning, match="simulated EEG with its channels"):
        trials = load(name)
    trial = trials[1]
    assert (trial.dataset, trial.source, trial.label_kind) == (name, "simulated", "simulated")
    assert trials.subjects == (1, 2, 3, 4)
    assert trial.stimulus == "clip02"


def test_affect_can_be_decoded_across_subjects():
    trials = load("simulated", n_subjects=4, n_trials=6, seed=1)
    by_subject = [[t for t in trials if t.subject == s] for s in trials.subjects]
    arrays = [
        (
            np.concatenate([t.features.reshape(t.n_steps, -1) for t in group]),
            np.concatenate([t.labels for t in group]),
        )
        for group in by_subject
    ]
    x, y = (np.concatenate(parts) for parts in zip(*arrays[:3], strict=True))
    predicted = Ridge(1000.0).fit(x, y).predict(arrays[3][0])
    correlations = [pearsonr(predicted[:, d], arrays[3][1][:, d]).statistic for d in range(2)]
    assert min(correlations) > 0.25


def test_stand_ins_are_other_people_than_those_of_other_sets():
    """A model of one stand-in must not meet its own training subjects in another."""
    first = load("seed", source="simulated")[0]
    second = load("simulated", n_subjects=4)[0]
    assert not np.array_equal(first.labels, second.labels)
    assert not np.allclose(first.features, second.features)
