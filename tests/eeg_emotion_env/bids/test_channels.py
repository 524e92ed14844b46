"""BIDS: names, types, units and rates of EEG channels."""

import numpy as np
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.features import log_band_power
from tests.eeg_emotion_env.bids.builders import (
    BIDS,
    FIRST,
    SECOND,
    SECONDS,
    SFREQ,
    eeg,
    rated,
    stored,
    table,
    tolerated,
    write,
    write_all,
)


def test_names_of_electrodes_are_cleaned(root):
    names = ("EEG Fp1-REF", "Cz..", "EEG O2-A1", "EEG A1", "M2", "EOG", "Status", "C3-P3")
    write_all(root, *names)
    assert load("bids", root)[0].channels == ("FP1", "CZ", "O2")
    said = " ".join(check_folder(BIDS, root).notes)
    assert "A1, M2 are not used" in said
    assert "not used as EEG, since no electrodes have such names: C3-P3; the type EEG" in said


def test_only_channels_of_all_recordings_are_kept(root):
    write(root / f"{SECOND}_eeg.edf", {**eeg("O2", "Pz", "FP1", "GSR"), **rated()})
    with pytest.warns(DataWarning, match=r"2 that all .*, without CZ, PZ"):
        trials = load("bids", root, normalization="none")
    assert {trial.channels for trial in trials} == {("FP1", "O2")}
    values = stored(root / f"{SECOND}_eeg.edf")
    expected = log_band_power(np.stack([values["FP1"], values["O2"]]), SFREQ)
    np.testing.assert_array_equal(trials[1].features, expected)


def test_channel_table_decides(root):
    write_all(root, "Fp1", "Cz", "E1", "E2", "Pz")
    assert load("bids", root)[0].channels == ("FP1", "CZ", "PZ")
    rows = "name type status\nFp1 EEG good\nCz EOG good\nE1 EEG bad\nE2 n/a good\nPz n/a good\n"
    table(root / "task-x_channels.tsv", rows)
    assert load("bids", root)[0].channels == ("FP1", "E1", "PZ")
    assert any("calls E1 bad" in note for note in check_folder(BIDS, root).notes)


def test_unknown_names_are_kept_where_there_are_no_others(root):
    write_all(root, "E1", "E2", "ECG")
    assert load("bids", root)[0].channels == ("E1", "E2")


def test_channels_that_are_bad_in_the_table_are_noted(root):
    table(root / f"{FIRST}_channels.tsv", "name type status\nCz EEG bad\n")
    assert any("calls Cz bad" in note for note in check_folder(BIDS, root).notes)


def test_recordings_of_different_rates(root):
    path = root / f"{SECOND}_eeg.edf"
    write(path, {**eeg("Fp1", "Cz", "O2"), **rated()}, sfreq=2 * SFREQ)
    trials = load("bids", root, normalization="none")
    assert [trial.n_steps for trial in trials] == [SECONDS, SECONDS // 2]
    values = stored(path)
    raw = np.stack([values[name] for name in ("Fp1", "Cz", "O2")])
    np.testing.assert_array_equal(trials[1].features, log_band_power(raw, 2 * SFREQ))


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e-3), ("V", 1e-6), ("uV", 1), ("microV", 1)])
def test_units_of_eeg(root, unit, factor):
    path = root / f"{FIRST}_eeg.edf"
    span = (-4000 * factor, 4000 * factor)
    signals = {n: (v * factor, unit, span) for n, (v, _, _) in eeg("Fp1", "Cz", "O2").items()}
    write(path, {**signals, **rated()})
    features = load("bids", root, normalization="none")[0].features
    values = np.stack([stored(path)[name] for name in ("Fp1", "Cz", "O2")]) / factor
    np.testing.assert_allclose(features, log_band_power(values, SFREQ), atol=1e-4)


@pytest.mark.parametrize(
    ("said", "scale", "message", "unit"),
    [("uV", 1e-6, "looks like volts", "V"), ("V", 1, "too much for EEG", "uV")],
)
def test_wrong_units_of_eeg(root, said, scale, message, unit):
    for seed, path in enumerate(root.rglob("*.edf")):
        reach = 4000 * scale
        values = {
            n: (v * scale, said, (-reach, reach))
            for n, (v, *_) in eeg("Fp1", "O2", seed=seed).items()
        }
        write(path, {**values, **rated()})
    with pytest.raises(DataError, match=message):
        list(load("bids", root))
    trial = load("bids", root, unit=unit, normalization="none")[0]
    assert 0 < trial.features.mean() < 10


def test_features_are_cached_by_content_and_choice(root, monkeypatch):
    before = load("bids", root, normalization="none")[0].features
    monkeypatch.setattr("eeg_emotion_env.datasets.bids.trials.read_microvolts", None)
    again = load("bids", root, normalization="none")[0].features
    np.testing.assert_array_equal(before, again)
    with pytest.raises(TypeError):
        list(load("bids", root, normalization="none", unit="mV"))
    table(root / f"{FIRST}_channels.tsv", "name type\nCz EOG\n")
    with pytest.warns(DataWarning, match="without CZ"), pytest.raises(TypeError):
        list(load("bids", root, normalization="none"))


def test_later_samples_do_not_change_earlier_steps(root):
    before = load("bids", root)[0]
    path = root / f"{FIRST}_eeg.edf"
    signals = {**eeg("Fp1", "Cz", "O2", seed=1), **rated()}
    for name, (values, unit, span) in signals.items():
        changed = values.copy()
        changed[5 * SFREQ :] *= 0.5
        signals[name] = changed, unit, span
    write(path, signals)
    after = load("bids", root)[0]
    np.testing.assert_array_equal(after.features[:5], before.features[:5])
    np.testing.assert_array_equal(after.labels[:5], before.labels[:5])
    assert not np.array_equal(after.features[5:], before.features[5:])


def test_channel_tables_of_more_channels(root):
    path = table(root / "task-x_channels.tsv", "Name TYPE\nFp1 EEG\nPz EEG\nX9 MISC\n")
    trials, said = tolerated(root)
    assert f"{path}: lists EEG channels that sub-01_task-x_run-1_eeg.edf does not have: Pz" in said
    assert trials[0].channels == ("FP1", "CZ", "O2")


def test_channels_of_codes_are_neither_eeg_nor_events(root):
    write_all(root, "E1", "E2", "trialtype", "AUXILIARY1")
    assert load("bids", root)[0].channels == ("E1", "E2")
    message = r"no events\.tsv, which .* \(its channels trialtype are not read as events\)"
    with pytest.raises(DataError, match=message):
        load("bids", root, trials="events")
