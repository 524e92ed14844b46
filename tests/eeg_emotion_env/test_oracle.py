"""Oracles: honest (they see the EEG and not the person), causal, calibrated, and a ceiling."""

from dataclasses import replace

import numpy as np
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.simulation import SimulationConfig, simulate_labels, simulate_trial
from eeg_emotion_env.simulation.affect import GRID_HZ, stimulus_process, true_affect
from eeg_emotion_env.simulation.kalman import Path, PersonModel
from eeg_emotion_env.simulation.oracle import is_generated, oracle_labels, oracle_session
from eeg_emotion_env.simulation.raters import at_times
from eeg_emotion_env.simulation.subject import OSCILLATORS
from eeg_emotion_env.simulation.whittle import AmplitudeLikelihood

CHANNELS = ("FZ", "F3", "F4", "T7", "T8", "C3", "C4", "CZ", "PZ", "PO3", "PO4", "FP1", "F7", "F8")
CONFIG = SimulationConfig(n_subjects=2, n_trials=3, duration_scale=0.1, channels=CHANNELS, seed=3)
STILL = {"burst_sd": 0.0, "drift_sd": 0.0, "rater_noise": 0.0}


def scores(config, which="filtered"):
    """Mean metrics over the subjects."""
    found = []
    for subject in range(1, config.n_subjects + 1):
        expected = [getattr(trial, which) for trial in oracle_session(config, subject, 1)]
        numbers = range(1, config.n_trials + 1)
        labels = [simulate_labels(config, subject, 1, number)[0] for number in numbers]
        found.append(score_concatenated(labels, expected, ["valence", "arousal"]))
    return {name: np.mean([score[name] for score in found]) for name in ("ccc", "rmse")}


def eeg_of(config, subject=1):
    return [simulate_trial(config, subject, 1, n + 1).eeg for n in range(config.n_trials)]


def test_nothing_of_the_person_is_looked_up(monkeypatch):
    recordings, used = eeg_of(CONFIG), set()
    draw = SimulationConfig.stream

    def stream(self, purpose, *ids):
        used.add(purpose)
        return draw(self, purpose, *ids)

    monkeypatch.setattr(SimulationConfig, "stream", stream)
    oracle_session(CONFIG, 1, 1, recordings)
    # the subject's gains may be known from other tests
    assert used - {"subject"} == {"stimulus", "rater"}


def test_without_signal_only_the_clip_is_known():
    mute = replace(CONFIG, snr=0.0, shared=0.0)
    first, second = oracle_session(mute, 1, 1), oracle_session(mute, 2, 1)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one.filtered, other.filtered, atol=1e-6)
        np.testing.assert_allclose(one.filtered, one.smoothed, atol=1e-6)
    assert abs(scores(mute)["ccc"]) < 0.1
    known = replace(CONFIG, snr=0.0, shared=1.0, rater_noise=0.0)
    labels, _ = simulate_labels(known, 1, 1, 2)
    np.testing.assert_allclose(oracle_labels(known, 1, 1, 2).filtered, labels, atol=1e-3)


def test_more_signal_tells_more():
    worlds = [replace(CONFIG, shared=0.0, snr=snr) for snr in (0.0, 0.05, 1.0)]
    ccc = [scores(world)["ccc"] for world in worlds]
    assert ccc[0] + 0.2 < ccc[1] < ccc[2] - 0.1


def test_the_smoother_is_better_than_the_filter():
    prompt = replace(CONFIG, label_lag_s=0.0)
    assert scores(prompt, "smoothed")["rmse"] < scores(prompt)["rmse"]


def test_without_nuisances_the_affect_is_found():
    clear = replace(CONFIG, **STILL, snr=3.0, coupling=3.0)
    assert scores(clear)["ccc"] > 0.93
    assert scores(clear, "smoothed")["ccc"] > 0.96


@pytest.mark.parametrize(
    ("second", "options"), [(1, {}), (12, {}), (19, {"step_s": 0.25, "label_lag_s": 0.0})]
)
def test_the_filter_does_not_see_the_future(second, options):
    config = replace(CONFIG, **options)
    recordings = eeg_of(config)[:2]
    changed = recordings[1].copy()
    changed[:, round(second * config.sfreq) :] *= -3.0
    before = oracle_session(config, 1, 1, recordings)
    after = oracle_session(config, 1, 1, [recordings[0], changed])
    n_steps = round(second / config.step_s)
    np.testing.assert_array_equal(before[0].smoothed, after[0].smoothed)
    np.testing.assert_array_equal(before[1].filtered[:n_steps], after[1].filtered[:n_steps])
    assert not np.array_equal(before[1].smoothed[:n_steps], after[1].smoothed[:n_steps])


def test_beliefs_are_as_wide_as_their_errors():
    config = SimulationConfig(n_trials=1, clip_durations_s=(240,), clip_classes=(0,), seed=8)
    errors = []
    for subject in (1, 2, 3):
        model = PersonModel(config, subject)
        stimulus = stimulus_process(config, 1, 240 * GRID_HZ + 1)
        windows = model.likelihood.project(simulate_trial(config, subject, 1, 1).eeg)
        ticks = model.hop_s * np.arange(len(windows) + 1)
        path = Path(model, model.start())
        for row, z in zip(at_times(stimulus, ticks[1:]), windows, strict=True):
            path.append(row, z)
        mixture = np.arctanh(true_affect(config, subject, 1, 1))
        own = (mixture - np.sqrt(config.shared) * stimulus) / np.sqrt(1 - config.shared)
        mean, variance = path.own(1, len(windows))
        errors.append((at_times(own, ticks[1:]) - mean) / np.sqrt(variance))
    spread = np.sqrt(np.mean(np.square(errors)))
    assert 0.8 < spread < 1.25


def test_the_gradient_is_zero_on_average_where_the_truth_is():
    config = replace(CONFIG, n_trials=1, duration_scale=0.5, coupling=0.0, muscle_uv=0.0, **STILL)
    likelihood = AmplitudeLikelihood(config, 1)
    windows = likelihood.project(simulate_trial(config, 1, 1, 1).eeg)
    truth = np.zeros(windows.shape[2])
    found = [likelihood.score(window, truth, truth) for window in windows]
    gradient = np.sum([gradient for gradient, _ in found], axis=0)
    spread = np.sqrt(np.sum([np.diag(information) for _, information in found], axis=0))
    rhythms = slice(len(OSCILLATORS))
    assert spread[rhythms].min() > 1
    assert np.abs(gradient[rhythms] / spread[rhythms]).max() < 3.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "options",
    [
        {"burst_sd": 2.0},
        {"drift_sd": 2.0},
        {"snr": 20.0, "coupling": -3.0},
        {"sensor_noise_uv": 0.0, "resolution_uv": 1e-6},
        {"channels": ("OZ",)},
        {"sfreq": 128.0, "line_noise_uv": 10.0, "blink_uv": 500.0},
        {"sigma": 0.0, "class_affect": 0.0, **STILL},
        {"step_s": 4.0, "rater_tau_s": 0.0},
    ],
)
def test_extreme_knobs(options):
    config = replace(CONFIG, n_trials=2, **options)
    recordings = eeg_of(config)
    for trial in oracle_session(config, 1, 1, recordings):
        assert np.isfinite(trial.filtered).all()
        assert np.abs(trial.smoothed).max() <= 1


def test_labels_that_an_oracle_may_predict():
    trial = load("simulated", n_subjects=1, n_trials=1, duration_scale=0.05)[0]
    assert is_generated(trial)
    assert is_generated(trial.without_labels().replace(simulation=trial.simulation))
    valence = {"labels": trial.labels[:, :1], "label_names": ("valence",), "truth": None}
    assert is_generated(trial.replace(**valence))
    for other in (
        trial.without_labels(),
        trial.replace(labels=0.5 * trial.labels),
        trial.replace(step_s=2.0),
        trial.replace(key=replace(trial.key, subject=2)),
        trial.replace(key=replace(trial.key, subject="pilot")),
    ):
        assert not is_generated(other)
