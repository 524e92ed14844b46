"""BIDS: what is tolerated or refused in EDF files and in the tables beside them."""

import json

import numpy as np
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import DataError, DataWarning
from tests.eeg_emotion_env.bids.builders import (
    FIRST,
    SECOND,
    SECONDS,
    SFREQ,
    eeg,
    rated,
    table,
    tolerated,
    write,
    write_all,
)
from tests.eeg_emotion_env.bids.edf_files import (
    HIGH,
    LOW,
    altered,
    in_header,
    in_signal,
    write_plus,
)


@pytest.mark.parametrize("rest", [0, 300])
def test_a_recorder_that_was_not_stopped(root, rest):
    expected = [trial.features for trial in load("bids", root, normalization="none")]
    path = root / f"{SECOND}_eeg.edf"
    in_header(236, "-1")(path)
    path.write_bytes(path.read_bytes() + bytes(rest))
    trials, said = tolerated(root)
    assert f"{path}: its recorder was not stopped" in said
    np.testing.assert_array_equal(trials[1].features, expected[1])
    path.write_bytes(path.read_bytes()[: 256 * 6 + 100])
    with pytest.raises(DataError, match="holds no whole record"):
        load("bids", root)


def test_inverted_physical_ranges(root):
    before = load("bids", root, normalization="none")[1]
    path = root / f"{SECOND}_eeg.edf"
    for number, span in ((0, "4000"), (3, "9")):
        in_signal(LOW, number, span)(path)
        in_signal(HIGH, number, "0" if number == 3 else "-4000")(path)
    trials, said = tolerated(root)
    assert f"{path}: the physical range of Fp1, VA1 runs from high to low" in said
    np.testing.assert_allclose(trials[1].features, before.features, atol=1e-5)
    np.testing.assert_allclose(trials[1].labels[:, 0], -before.labels[:, 0], atol=1e-6)


def test_signals_that_are_not_used_may_lack_ranges_and_rates(root):
    write_all(root, "Fp1", "Cz", "O2", labels={**rated(), **eeg("GSR")})
    for path in root.rglob("*.edf"):
        in_signal(HIGH, 5, "-4000", n_signals=6)(path)
    assert len(list(load("bids", root))) == 2


@pytest.mark.parametrize("names", [("Cz",), ("VA1",)])
def test_channels_of_different_rates_are_not_mixed(root, names):
    path = root / f"{SECOND}_eeg.edf"
    signals = {**eeg("Fp1", "Cz", "O2"), **rated()}
    for name in names:
        values, unit, span = signals[name]
        signals[name] = values[::2], unit, span
    write(path, signals)
    with pytest.raises(DataError, match=r"(VA|Cz).* and .* have different rates"):
        load("bids", root)
    if names == ("Cz",):
        table(root / f"{SECOND}_channels.tsv", "name type\nCz MISC\n")
        with pytest.warns(DataWarning, match="without CZ"):
            assert len(load("bids", root)) == 2


def test_discontinuous_files(tmp_path):
    path = tmp_path / "s3.edf"
    write_plus(path, [0, 1, 2, 3], "EDF+C")
    expected = load("bids", tmp_path, normalization="none")[0].features
    write_plus(path, [0, 1, 2, 3])  # said to have gaps, but has none
    features = load("bids", tmp_path, normalization="none")[0].features
    np.testing.assert_array_equal(features, expected)
    write_plus(path, [0, 1, 12.5, 13.5])
    with pytest.raises(DataError, match=r"s3\.edf: is discontinuous: record 3 begins 11\.5 s"):
        load("bids", tmp_path)
    altered(lambda b: b.replace(b"+12.5", b"?????"))(path)
    with pytest.raises(DataError, match="record 3 does not say when it begins"):
        load("bids", tmp_path)
    write(path, {**eeg("Cz"), **rated()})
    altered(lambda b: b[:192] + b"EDF+D" + b[197:])(path)
    with pytest.raises(DataError, match="discontinuous without annotations"):
        load("bids", tmp_path)


def test_a_part_in_which_nothing_moves(root):
    path = root / f"{SECOND}_eeg.edf"
    signals = {**eeg("Fp1", "Cz", "O2"), **rated()}
    for values, *_ in list(signals.values())[:3]:
        values[500:900] = values[500]
    write(path, signals)
    _, said = tolerated(root)
    assert "no channel changes for 2 s, from 2.5 s of the trial" in said


def test_descriptions_that_contradict_the_recording(root):
    path = root / f"{FIRST}_eeg.json"
    path.write_text(json.dumps({"SamplingFrequency": SFREQ, "RecordingDuration": SECONDS}))
    assert len(load("bids", root)) == 2
    path.write_text(json.dumps({"SamplingFrequency": 500, "RecordingDuration": 60}))
    _, said = tolerated(root)
    assert "has 200 Hz, but sub-01_task-x_run-1_eeg.json says SamplingFrequency 500" in said
    assert "has 8 s, but sub-01_task-x_run-1_eeg.json says RecordingDuration 60" in said
    for text in ("{", "[]", ""):
        path.write_text(text)
        assert f"{path}: no description in JSON" in tolerated(root)[1]
