"""Trials to and from MNE and pandas: nothing is lost on the way and back."""

import json
import subprocess
import sys
from dataclasses import replace

import mne
import numpy as np
import pandas as pd
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.features import FeatureConfig, log_band_power
from eeg_emotion_env.interop import (
    raw_from_recording,
    trial_from_raw,
    trials_from_frame,
    trials_to_frame,
)
from eeg_emotion_env.labels import WindowLabels
from eeg_emotion_env.montage import HEAD_CENTRE_M, HEAD_RADIUS_M, directions
from eeg_emotion_env.trial import TrialKey
from tests.eeg_emotion_env.toys import toy_trial

KEY = TrialKey("mine", "S07", 2, 3, "film")
SFREQ = 200.0
SIMULATED = {"n_subjects": 1, "n_trials": 2, "duration_scale": 0.05}


def simulated(**options):
    return load("simulated", normalization="none", **{**SIMULATED, **options})


@pytest.fixture(scope="module")
def trials():
    return simulated()


@pytest.fixture(scope="module")
def recording(trials):
    return trials.recordings[0]


def made_raw(labels=(), n_times=1100, channels=("Fz", "CZ", "X9"), types=None, scale=1e-5):
    """Noise on some channels, then one channel for each label, (n_times,)."""
    rng = np.random.default_rng(0)
    eeg = scale * rng.normal(size=(len(channels), n_times))
    names = [*channels, *("valence", "arousal")[: len(labels)]]
    kinds = types or ["eeg"] * len(channels) + ["misc"] * len(labels)
    info = mne.create_info(names, SFREQ, kinds, verbose="error")
    return mne.io.RawArray(np.vstack([eeg, *labels]), info, verbose="error")


# --- recording -> Raw


def test_raw_holds_volts_positions_and_labels(recording, trials):
    key, trial = recording.keys[1], trials[1]
    raw = raw_from_recording(recording, key)
    signal = recording.reader.signal(key)
    np.testing.assert_allclose(raw.get_data("eeg"), 1e-6 * signal.eeg, rtol=1e-12)
    assert raw.info["sfreq"] == signal.sfreq
    assert raw.get_channel_types() == ["eeg"] * len(signal.channels) + ["misc"] * 2
    assert raw.ch_names == [*signal.channels, "valence", "arousal"]
    place = raw.info["chs"][3]["loc"][:3]
    expected = HEAD_CENTRE_M + HEAD_RADIUS_M * directions([signal.channels[3]])[0]
    np.testing.assert_allclose(place, expected, atol=1e-6)
    assert raw.info["subject_info"]["his_id"] == str(key.subject)
    n_samples = round(trial.step_s * signal.sfreq)
    held = raw.get_data("misc")
    np.testing.assert_array_equal(held[:, :n_samples], np.tile(trial.labels[:1].T, n_samples))
    np.testing.assert_array_equal(held[:, : n_samples * trial.n_steps : n_samples], trial.labels.T)
    assert np.isnan(held[:, n_samples * trial.n_steps :]).all()
    assert held.shape[1] > n_samples * trial.n_steps  # the odd sample at the end of a trial


@pytest.mark.parametrize("step_s", [0.5, 1.0, 2.0])
def test_round_trip_through_raw(step_s):
    trials = simulated(step_s=step_s)
    recording = trials.recordings[0]
    for trial in trials:
        back = trial_from_raw(raw_from_recording(recording, trial.key))
        np.testing.assert_allclose(back.features, trial.features, atol=1e-5)
        np.testing.assert_array_equal(back.labels, trial.labels)
        for name in ("key", "step_s", "channels", "bands", "label_names", "label_kind", "source"):
            assert getattr(back, name) == getattr(trial, name)


def test_round_trip_through_a_fif_file(recording, trials, tmp_path):
    path = tmp_path / "trial_raw.fif"
    raw_from_recording(recording, recording.keys[0]).save(path, verbose="error")
    back = trial_from_raw(mne.io.read_raw_fif(path, verbose="error"))
    np.testing.assert_allclose(back.features, trials[0].features, atol=1e-5)
    np.testing.assert_array_equal(back.labels, trials[0].labels)
    assert back.key == trials[0].key
    assert back.origin == str(path)


def test_gaps_and_names_survive_the_round_trip(recording):
    key = recording.keys[0]
    track = np.array([[0.25], [np.nan], [-1.0], [np.nan]])
    labels = WindowLabels({key: track}, 1.0, ("intensity",), "recalled-intensity")
    gappy = replace(recording, labels=labels, truth=None, source="recorded")
    trial, back = gappy.trial(key), trial_from_raw(raw_from_recording(gappy, key))
    np.testing.assert_array_equal(back.labels, trial.labels)
    assert np.isnan(back.labels).sum() == trial.n_steps - 2
    assert back.label_names == ("intensity",)
    assert back.label_kind == "recalled-intensity"
    assert back.source == "recorded"


def test_unknown_electrodes_have_no_position(recording):
    reader = recording.reader
    signal = reader.signal(recording.keys[0])

    class Renamed(type(reader)):
        def signal(self, key):
            return replace(signal, channels=names)

    names = ("E1", *signal.channels[1:])
    renamed = replace(recording, reader=Renamed(**{**vars(reader), "channels": names}))
    raw = raw_from_recording(renamed, recording.keys[0])
    assert np.isnan(raw.info["chs"][0]["loc"][:3]).all()
    assert np.isfinite(raw.info["chs"][1]["loc"][:3]).all()
    assert trial_from_raw(raw).channels == names


def test_stored_features_are_no_raw(mahnob_root):
    recording = load("mahnob", mahnob_root, cache=False).recordings[0]
    with pytest.raises(DataError, match="features are stored here, not EEG"):
        raw_from_recording(recording, recording.keys[0])


def test_key_of_another_recording(recording):
    with pytest.raises(ConfigError, match="key must be one of its trials"):
        raw_from_recording(recording, KEY)


# --- Raw -> Trial


def test_any_raw_becomes_a_trial():
    valence = np.repeat([0.5, -0.25, 0.0, 1.0, 0.1, 0.0], 200)[:1100]
    raw = made_raw([valence])
    trial = trial_from_raw(raw, key=KEY, label_kind="continuous-self")
    eeg = 1e6 * raw.get_data("eeg")
    np.testing.assert_allclose(trial.features, log_band_power(eeg, SFREQ), atol=1e-5)
    np.testing.assert_array_equal(trial.labels[:, 0], np.float32([0.5, -0.25, 0.0, 1.0, 0.1]))
    assert trial.key == KEY
    assert trial.channels == ("Fz", "CZ", "X9")
    assert trial.label_names == ("valence",)
    assert (trial.label_kind, trial.source, trial.track) == (
        "continuous-self",
        "recorded",
        "causal",
    )


def test_label_is_the_mean_of_annotated_samples():
    valence = np.linspace(-1, 1, 1000)
    valence[200:300] = valence[400:600] = np.nan
    trial = trial_from_raw(made_raw([valence], 1000), key=KEY)
    for step in (0, 1, 3, 4):
        expected = np.nanmean(valence[200 * step : 200 * (step + 1)])
        assert trial.labels[step, 0] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(trial.labels[2, 0])


def test_label_channels_of_any_type_and_name():
    raw = made_raw([np.full(1100, 0.5)], types=["eeg"] * 4)
    raw.rename_channels({"valence": "joystick"})
    trial = trial_from_raw(raw, key=KEY, label_channels=["joystick"])
    assert trial.label_names == ("joystick",)
    assert trial.channels == ("Fz", "CZ", "X9")
    assert (trial.labels == 0.5).all()


def test_without_label_channels_nothing_is_annotated():
    trial = trial_from_raw(made_raw(), key=KEY)
    assert trial.label_names == ("valence", "arousal")
    assert np.isnan(trial.labels).all()


def test_step_and_bands_can_be_chosen(recording):
    raw = raw_from_recording(recording, recording.keys[0])
    trial = trial_from_raw(raw, step_s=2.0, bands=("alpha", "beta"), key=KEY)
    config = FeatureConfig(2.0, 2.0, ("alpha", "beta"))
    expected = log_band_power(recording.reader.signal(recording.keys[0]).eeg, SFREQ, config)
    np.testing.assert_allclose(trial.features, expected, atol=1e-5)
    assert (trial.step_s, trial.bands, trial.key) == (2.0, ("alpha", "beta"), KEY)


@pytest.mark.parametrize(("unit", "scale"), [("V", 1e-5), ("mV", 1e-2), ("uV", 10.0)])
def test_units(unit, scale):
    expected = trial_from_raw(made_raw(), key=KEY).features
    features = trial_from_raw(made_raw(scale=scale), key=KEY, unit=unit).features
    np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.parametrize(
    "description", [None, "resting state", "[1]", json.dumps({"eeg_emotion_env": {}})]
)
def test_descriptions_of_others_tell_nothing(description):
    raw = made_raw()
    raw.info["description"] = description
    with pytest.raises(ConfigError, match="give key=TrialKey"):
        trial_from_raw(raw)
    assert trial_from_raw(raw, key=KEY).step_s == 1.0


@pytest.mark.parametrize(
    ("changes", "options", "error", "message"),
    [
        ({"scale": 10.0}, {}, DataError, "too much for EEG in microvolts"),
        ({"n_times": 100}, {}, DataError, "mine subject S07 .*shorter than one"),
        ({"types": ["misc"] * 3}, {}, DataError, "no channels of type eeg"),
        ({"labels": [np.full(1100, 5.0)]}, {}, DataError, r"labels must lie in \[-1, 1\]"),
        ({}, {"label_channels": ["valence"]}, ConfigError, "label channel must be one of CZ, Fz"),
        ({}, {"label_kind": "felt"}, ConfigError, "label_kind must be one of"),
        ({}, {"unit": "nV"}, ConfigError, "unit must be one of"),
        ({}, {"step_s": 0.0}, ConfigError, "step_s must be positive"),
        ({}, {"step_s": np.nan}, ConfigError, "step_s must be positive"),
        ({}, {"bands": ("mu",)}, ConfigError, "bands must be among"),
    ],
)
def test_impossible_raws(changes, options, error, message):
    with pytest.raises(error, match=message) as caught:
        trial_from_raw(made_raw(**changes), **{"key": KEY, **options})
    assert "\n" not in str(caught.value)


def test_only_raws_are_taken():
    with pytest.raises(ConfigError, match=r"raw must be an mne\.io\.Raw, not ndarray"):
        trial_from_raw(np.zeros((2, 200)), key=KEY)


# --- frames


def gappy_trials():
    labels = np.array([[0.1, np.nan], [np.nan, np.nan], [1 / 3, -1.0]])
    key = TrialKey("toy", 1, 1, 9)
    return [
        toy_trial(1),
        toy_trial(2, subject=2, session=3, origin="b.mat"),
        toy_trial(9, n_steps=3, labels=labels, key=key, source="recorded", origin="c.mat"),
    ]


def assert_same(back, trials):
    assert len(back) == len(trials)
    names = ("key", "label_names", "label_kind", "step_s", "channels", "bands", "source")
    for one, other in zip(back, trials, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.labels, other.labels)
        for name in (*names, "normalization", "causal", "origin"):
            assert getattr(one, name) == getattr(other, name)
            assert type(getattr(one, name)) is type(getattr(other, name))
        for name in ("subject", "session", "trial", "stimulus"):
            assert type(getattr(one.key, name)) is type(getattr(other.key, name))


def test_frame_has_a_row_a_step():
    trials = gappy_trials()
    frame = trials_to_frame(trials)
    assert list(frame.columns) == [
        *("dataset", "subject", "session", "trial", "stimulus", "step", "time_s"),
        *("source", "origin", "valence", "arousal"),
        *("FZ alpha", "FZ beta", "CZ alpha", "CZ beta"),
    ]
    assert len(frame) == 6 + 6 + 3
    rows = frame[frame["trial"] == 9]
    assert list(rows["step"]) == [0, 1, 2]
    assert list(rows["time_s"]) == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(rows["CZ alpha"], trials[2].features[:, 1, 0])
    np.testing.assert_array_equal(rows["valence"], trials[2].labels[:, 0])
    assert set(frame.dtypes[9:]) == {np.dtype(np.float32)}
    assert frame.attrs == {
        "step_s": 1.0,
        "label_kind": "simulated",
        "normalization": "none",
        "causal": True,
        "label_names": ["valence", "arousal"],
        "channels": ["FZ", "CZ"],
        "bands": ["alpha", "beta"],
    }


def test_round_trip_through_a_frame():
    trials = gappy_trials()
    assert_same(trials_from_frame(trials_to_frame(trials)), trials)


def test_round_trip_through_parquet(tmp_path):
    trials = [
        *gappy_trials(),
        toy_trial(4, step_s=0.5, normalization="past", causal=False, label_kind="constant-class"),
    ]
    trials_to_frame(trials).to_parquet(tmp_path / "trials.parquet")
    assert_same(trials_from_frame(pd.read_parquet(tmp_path / "trials.parquet")), trials)


def test_round_trip_of_named_subjects_without_stimuli(tmp_path):
    trials = [toy_trial(1, key=TrialKey("toy", name, 1, 1)) for name in ("S01", "02")]
    trials_to_frame(trials).to_parquet(tmp_path / "trials.parquet")
    assert_same(trials_from_frame(pd.read_parquet(tmp_path / "trials.parquet")), trials)


def test_round_trip_of_a_data_set(trials):
    plain = [trial.replace(truth=None, simulation=None) for trial in trials]
    assert_same(trials_from_frame(trials_to_frame(trials)), plain)


def test_rows_in_any_order_and_further_columns():
    trials = gappy_trials()
    frame = trials_to_frame(trials).assign(note="mine").sample(frac=1.0, random_state=1)
    back = sorted(trials_from_frame(frame), key=lambda trial: trial.trial)
    assert_same(back, trials)


def test_whole_trials_of_a_frame():
    trials = gappy_trials()
    frame = trials_to_frame(trials)
    assert_same(trials_from_frame(frame[frame["subject"] == 2]), trials[1:2])


def test_impossible_frames(tmp_path):
    frame = trials_to_frame(gappy_trials())
    cases = [
        (frame[frame["step"] != 1], "its steps are not 0 to 4, each once"),
        (pd.concat([frame, frame[:1]]), "each once"),
        (frame.drop(columns=["CZ beta", "step"]), "frame lacks the columns step, CZ beta"),
    ]
    frame.to_csv(tmp_path / "trials.csv", index=False)
    cases.append((pd.read_csv(tmp_path / "trials.csv"), "keep frames in parquet files"))
    for broken, message in cases:
        with pytest.raises(DataError, match=message) as caught:
            trials_from_frame(broken)
        assert "\n" not in str(caught.value)


def test_a_csv_file_needs_its_attributes_back(tmp_path):
    trials = gappy_trials()
    frame = trials_to_frame(trials)
    frame.to_csv(tmp_path / "trials.csv", index=False)
    read = pd.read_csv(tmp_path / "trials.csv")
    read.attrs = frame.attrs
    back = trials_from_frame(read)
    np.testing.assert_allclose(back[0].features, trials[0].features, rtol=1e-6)
    assert [trial.key for trial in back] == [trial.key for trial in trials]


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ([], "no trials"),
        ([toy_trial(1), toy_trial(1)], "given twice"),
        ([toy_trial(1), toy_trial(2, channels=("FZ", "OZ"))], "trial 2: other channels than"),
    ],
)
def test_trials_that_make_no_frame(trials, message):
    with pytest.raises(DataError, match=message):
        trials_to_frame(trials)


def test_import_is_light():
    code = (
        "import sys, eeg_emotion_env.interop; "
        "print([name for name in ('mne', 'pandas', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
