"""The simulator: reproducible, plausible, and honest about what its knobs do."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.features import log_band_power
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.simulation import SimulationConfig, simulate_recording, simulate_trial
from eeg_emotion_env.simulation.affect import GRID_HZ, true_affect
from eeg_emotion_env.simulation.raters import annotate, at_times, step_ends
from eeg_emotion_env.tables.seed import CLIP_SECONDS

CONFIG = SimulationConfig(n_subjects=3, n_sessions=2, n_trials=4, duration_scale=0.05, seed=5)
LONG = SimulationConfig(n_subjects=2, n_trials=2, clip_durations_s=(150,), clip_classes=(0,))


def mean_log_power(trial, band, channels):
    power = log_band_power(trial.eeg, 200.0)
    return power[:, [SEED_CHANNELS.index(name) for name in channels], band].mean(axis=1)


def test_default_clips_are_those_of_seed():
    config = SimulationConfig()
    assert config.clip_seconds == CLIP_SECONDS
    assert sum(config.clip_seconds) == 3394
    assert config.n_samples(1, 1) == 47001


def test_shapes_ranges_and_types():
    trial = simulate_trial(CONFIG, 2, 1, 3)
    assert trial.eeg.shape == (62, 200 * 10 + 1)
    assert trial.labels.shape == trial.truth.shape == (10, 2)
    assert trial.eeg.dtype == trial.labels.dtype == trial.truth.dtype == np.float32
    assert max(np.abs(trial.labels).max(), np.abs(trial.truth).max()) <= 1
    assert (trial.stimulus, trial.clip_class) == ("clip03", -1)


def test_amplitudes_are_those_of_eeg():
    eeg = simulate_trial(LONG, 1, 1, 1).eeg
    low, high = np.percentile(eeg, [0.1, 99.9])
    assert -150 < low < -20
    assert 30 < high < 200
    assert 5 < eeg.std(axis=1).min() < eeg.std(axis=1).max() < 60
    np.testing.assert_array_equal(eeg * 8, np.rint(eeg * 8))


def test_order_of_requests_does_not_matter():
    forward = [simulate_trial(CONFIG, s, 1, t) for s in (1, 2) for t in (1, 2)]
    backward = [simulate_trial(CONFIG, s, 1, t) for s in (2, 1) for t in (2, 1)]
    for one, other in zip(forward, backward[::-1], strict=True):
        np.testing.assert_array_equal(one.eeg, other.eeg)
        np.testing.assert_array_equal(one.labels, other.labels)
    recording = simulate_recording(CONFIG, 2, 1)
    np.testing.assert_array_equal(recording.trials[1].eeg, forward[3].eeg)


def test_subjects_sessions_trials_and_seeds_differ():
    trials = [
        simulate_trial(CONFIG, 1, 1, 1),
        simulate_trial(CONFIG, 2, 1, 1),
        simulate_trial(CONFIG, 1, 2, 1),
        simulate_trial(replace(CONFIG, seed=6), 1, 1, 1),
    ]
    for place, trial in enumerate(trials):
        for other in trials[:place]:
            assert not np.array_equal(trial.eeg, other.eeg)
            assert not np.array_equal(trial.truth, other.truth)


def test_more_subjects_change_nothing_for_the_first():
    larger = replace(CONFIG, n_subjects=9)
    np.testing.assert_array_equal(
        simulate_trial(CONFIG, 1, 1, 2).eeg, simulate_trial(larger, 1, 1, 2).eeg
    )


def test_shared_is_the_share_of_the_stimulus():
    config = replace(CONFIG, n_subjects=40, n_trials=15, duration_scale=0.15)

    def between_subjects(shared):
        tracks = [
            np.concatenate(
                [true_affect(replace(config, shared=shared), s, 1, t) for t in (1, 6, 9)]
            )
            for s in range(1, 41)
        ]
        total = np.var(tracks, axis=0).mean() + np.var(np.mean(tracks, axis=0))
        return np.var(tracks, axis=0).mean() / total

    assert between_subjects(1.0) < 1e-9
    assert between_subjects(0.0) > 0.9
    assert between_subjects(0.9) < between_subjects(0.5) < between_subjects(0.1)


def test_affect_starts_at_rest_and_follows_the_class():
    config = SimulationConfig(seed=1, shared=1.0, sigma=0.0)
    affect = [true_affect(config, 1, 1, trial) for trial in (1, 2, 3)]
    assert all((track[0] == 0).all() for track in affect)
    ends = np.array([track[-1] for track in affect])
    np.testing.assert_allclose(ends[:, 0], np.tanh([0.5, 0.0, -0.5]), atol=1e-3)
    assert ends[0, 1] > 0 > ends[1, 1]


def test_affect_spread_is_that_of_the_process():
    config = SimulationConfig(class_affect=0.0, sigma=0.05, clip_durations_s=(2000,), n_trials=1)
    affect = np.arctanh(true_affect(config, 1, 1, 1)[1000:])
    np.testing.assert_allclose(affect.std(axis=0), 0.05 / np.sqrt(2 * config.theta), rtol=0.3)


def test_raters_lag_behind():
    exact = replace(
        LONG, n_raters=1, rater_noise=0, rater_gain_sd=0, rater_offset_sd=0, rater_tau_s=0
    )
    affect = true_affect(exact, 1, 1, 1)
    times = step_ends(exact, 1, 1)
    for lag in (0.0, 3.0):
        labels = annotate(replace(exact, label_lag_s=lag), affect, 1, 1, 1)
        np.testing.assert_allclose(labels, at_times(affect, times - lag), atol=1e-6)
    smooth = annotate(replace(exact, rater_tau_s=5.0), affect, 1, 1, 1)
    assert np.diff(smooth, axis=0).std() < 0.7 * np.diff(labels, axis=0).std()


@pytest.mark.parametrize("second", [1, 20, 149])
def test_labels_do_not_see_the_future(second):
    affect = true_affect(LONG, 1, 1, 1)
    changed = affect.copy()
    changed[second * GRID_HZ + 1 :] = 0.9
    before, after = (annotate(LONG, track, 1, 1, 1)[:second] for track in (affect, changed))
    np.testing.assert_array_equal(before, after)


def test_arousal_lowers_posterior_alpha():
    trials = [simulate_trial(LONG, 1, 1, trial) for trial in (1, 2)]
    alpha = np.concatenate(
        [mean_log_power(t, 2, ("PO3", "PO4", "POZ", "P5", "P6")) for t in trials]
    )
    arousal = np.concatenate([trial.truth[:, 1] for trial in trials])
    assert np.corrcoef(alpha, arousal)[0, 1] < -0.3


def test_without_signal_the_eeg_is_independent_of_the_affect():
    quiet = replace(CONFIG, snr=0.0)
    other = replace(quiet, coupling=0.0)
    np.testing.assert_array_equal(
        simulate_trial(quiet, 1, 1, 1).eeg, simulate_trial(other, 1, 1, 1).eeg
    )
    assert not np.array_equal(
        simulate_trial(CONFIG, 1, 1, 1).eeg,
        simulate_trial(replace(CONFIG, coupling=0), 1, 1, 1).eeg,
    )


def test_muscle_coupling_raises_temporal_gamma_with_valence():
    world = replace(LONG, snr=0.0, muscle_coupling=2.0)
    gamma, valence = [], []
    for trial in (1, 2):
        simulated = simulate_trial(world, 1, 1, trial)
        gamma.append(mean_log_power(simulated, 4, ("F7", "F8", "T7", "T8")))
        valence.append(simulated.truth[:, 0])
    assert np.corrcoef(np.concatenate(gamma), np.concatenate(valence))[0, 1] > 0.3


def test_line_noise_and_blinks_are_where_they_belong():
    hum = simulate_trial(replace(CONFIG, line_noise_uv=20.0), 1, 1, 1).eeg
    plain = simulate_trial(CONFIG, 1, 1, 1).eeg
    spectra = [np.abs(np.fft.rfft(eeg[30, :2000])) for eeg in (hum, plain)]
    assert np.argmax(spectra[0] - spectra[1]) == 500
    blinks = simulate_trial(replace(CONFIG, blink_rate=1.0, blink_uv=400.0), 1, 1, 1).eeg
    assert blinks[SEED_CHANNELS.index("FP1")].max() > 3 * blinks[SEED_CHANNELS.index("OZ")].max()


def test_any_channels_and_steps():
    config = replace(CONFIG, channels=["FZ", "OZ"], step_s=0.5)
    trial = simulate_trial(config, 1, 1, 1)
    assert trial.eeg.shape[0] == 2
    assert len(trial.labels) == 2 * config.clip_seconds[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shared": 1.5}, r"shared must lie in \[0, 1\], not 1.5"),
        ({"snr": -1}, "snr must lie in"),
        ({"snr": float("nan")}, "snr must lie in"),
        ({"seed": "a"}, "seed must lie in"),
        ({"n_subjects": 0}, "n_subjects must lie in"),
        ({"n_subjects": 1.5}, "n_subjects must be a whole number"),
        ({"channels": ("FZ", "FZ")}, "channels must be distinct"),
        ({"channels": ()}, "channels must be distinct"),
        ({"channels": ("XX",)}, "channel must be one of"),
        ({"clip_durations_s": ()}, "clip_durations_s must be positive"),
        ({"clip_classes": (2,)}, "clip_classes must be"),
        ({"step_s": 0.333}, "whole number of samples"),
    ],
)
def test_impossible_knobs(options, message):
    with pytest.raises(ConfigError, match=message):
        SimulationConfig(**options)


@pytest.mark.parametrize("ids", [(0, 1, 1), (4, 1, 1), (1, 3, 1), (1, 1, 5)])
def test_ids_out_of_range(ids):
    with pytest.raises(ConfigError, match="must be 1 to"):
        simulate_trial(CONFIG, *ids)


@pytest.mark.parametrize("threads", [2, 3])
def test_numbers_do_not_depend_on_threads(threads):
    """Not in the EEG, nor in the features that are computed from it."""
    config = SimulationConfig(n_subjects=1, duration_scale=0.1)
    made = []
    for n in (1, threads):
        with threadpool_limits(n):
            eeg = simulate_trial(config, 1, 1, 1).eeg
            made.append((eeg, log_band_power(eeg, config.sfreq)))
    np.testing.assert_array_equal(made[0][0], made[1][0])
    np.testing.assert_array_equal(made[0][1], made[1][1])
