"""LTNE: our own container written, read back and told from other trees."""

import json
import shutil

import numpy as np
import pytest
from edfio import read_edf

from eeg_emotion_env.datasets import detect, get_dataset, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.datasets.ltne import write_ltne_trial
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.features import log_band_power

LTNE = get_dataset("ltne")
CHANNELS = ("FP1", "CZ", "OZ")
SFREQ, RATE, SECONDS = 250, 4, 12
IDS = [(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 10), (2, 1, 9)]


def recording(*ids):
    rng = np.random.default_rng(ids)
    eeg = 20 * rng.standard_normal((3, SECONDS * SFREQ + 7))
    return eeg, np.round(rng.uniform(-1, 1, (SECONDS * RATE, 2)), 6)


def centred(eeg):
    whole = eeg[:, : SECONDS * SFREQ]
    return whole - whole.mean(axis=1, keepdims=True)


@pytest.fixture
def root(tmp_path):
    for subject, session, trial in IDS:
        eeg, labels = recording(subject, session, trial)
        write_ltne_trial(
            tmp_path / "L",
            eeg,
            SFREQ,
            CHANNELS,
            labels,
            RATE,
            subject=subject,
            session=session,
            trial=trial,
            stimulus=f"film {trial}" if subject == 1 else None,
        )
    return tmp_path / "L"


def test_round_trip(root):
    trials = load("ltne", root, normalization="none")
    ids = [(k.dataset, k.subject, k.session, k.trial) for k in trials.keys]
    assert ids == [("ltne", *key) for key in sorted(IDS)]
    assert [k.stimulus for k in trials.keys] == ["film 1", "film 2", "film 1", None, None]
    for trial in trials:
        eeg, labels = recording(trial.subject, trial.session, trial.trial)
        folder = root / f"sub-{trial.subject:02d}" / f"ses-{trial.session:02d}" / "eeg"
        path = next(folder.glob(f"*_run-{trial.trial:02d}_eeg.edf"))
        stored = np.stack([signal.data for signal in read_edf(path).signals])
        np.testing.assert_array_equal(trial.features, log_band_power(stored, SFREQ))
        np.testing.assert_allclose(stored, centred(eeg), atol=0.01)
        expected = labels.reshape(SECONDS, RATE, 2).mean(axis=1).astype(np.float32)
        np.testing.assert_array_equal(trial.labels, expected)
        assert trial.channels == CHANNELS
        assert (trial.source, trial.label_kind) == ("recorded", "continuous-self")


def test_offsets_take_no_resolution(tmp_path):
    eeg, labels = recording(1, 1, 1)
    given = eeg + np.array([[3e5], [-3e5], [0.0]])
    untouched = given.copy()
    path = write_ltne_trial(tmp_path / "L", given, SFREQ, CHANNELS, labels, RATE, subject=1)
    stored = np.stack([signal.data for signal in read_edf(path).signals])
    np.testing.assert_allclose(stored, centred(eeg), atol=0.01)
    np.testing.assert_array_equal(given, untouched)
    features = load("ltne", tmp_path, normalization="none")[0].features
    whole = eeg[:, : SECONDS * SFREQ]
    np.testing.assert_allclose(features, log_band_power(whole, SFREQ), atol=1e-3)


def test_swings_that_16_bits_do_not_resolve_are_refused(tmp_path):
    eeg, labels = recording(1, 1, 1)
    rows = CHANNELS, labels, RATE
    drift = np.linspace(-1, 1, eeg.shape[1])
    eeg[1] += 16_000 * drift
    path = write_ltne_trial(tmp_path / "L", eeg, SFREQ, *rows, subject=1)
    np.testing.assert_allclose(read_edf(path).signals[1].data, centred(eeg)[1], atol=0.25)
    eeg[1] += 1_000 * drift
    with pytest.raises(DataError, match=r"eeg: channel CZ swings by 169.*high-pass") as error:
        write_ltne_trial(tmp_path / "M", eeg, SFREQ, *rows, subject=1)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "M").exists()


def test_labels_have_a_rate_of_their_own(root):
    trial = load("ltne", root, step_s=0.5)[0]
    labels = recording(1, 1, 1)[1]
    expected = labels.reshape(-1, 2, 2).mean(axis=1).astype(np.float32)
    np.testing.assert_array_equal(trial.labels, expected)


def test_missing_ratings_stay_missing(tmp_path):
    eeg, labels = recording(1, 1, 1)
    labels[8:24] = np.nan
    write_ltne_trial(tmp_path, eeg, SFREQ, CHANNELS, labels, RATE, subject=1)
    unknown = np.isnan(load("ltne", tmp_path)[0].labels)
    assert unknown.all(axis=1).tolist() == [2 <= second < 6 for second in range(SECONDS)]


def test_registry_tells_it_from_other_trees(root, tmp_path):
    assert detect(root).card.name == "ltne"
    assert detect(tmp_path).card.name == "ltne"
    assert get_dataset("bids").recognises(root)
    description = root / "dataset_description.json"
    description.write_text(json.dumps({"Name": "The ltne set, converted"}))
    assert detect(root).card.name == "ltne"
    for text in ('{"Name": "another"}', "[]", "{", ""):
        description.write_text(text)
        assert detect(root).card.name == "bids"
        with pytest.raises(DataError, match="no LTNE container"):
            load("ltne", root)
    description.unlink()
    assert not LTNE.recognises(root)
    assert len(load("bids", root)) == len(IDS)


def test_check(root):
    report = check_folder(LTNE, root)
    assert (report.ok, report.warnings, len(report.found)) == (True, [], len(IDS))
    path = next(root.rglob("*_labels.tsv"))
    path.unlink()
    problems = check_folder(LTNE, root).problems
    assert len(problems) == 1
    assert path.name.replace("_labels.tsv", "_eeg.edf") in problems[0]


def test_a_description_is_not_overwritten(root):
    description = root / "dataset_description.json"
    description.write_text('{"Name": "LTNE, second half"}')
    eeg, labels = recording(5, 1, 1)
    write_ltne_trial(root, eeg, SFREQ, CHANNELS, labels, RATE, subject=5)
    assert "second half" in description.read_text()


def test_the_card_is_plain_about_what_is_not_known():
    text = " ".join(LTNE.card.quirks)
    assert "the format is ours, not the authors'" in text
    assert "nothing here was checked against LTNE itself" in text
    assert "write_ltne_trial" in LTNE.card.access


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"sfreq": 250.5}, ConfigError, "sfreq must be whole Hz"),
        ({"eeg": np.ones((3, 100))}, DataError, "looks like volts"),
        ({"eeg": recording(1, 1, 1)[0] * 1e-6}, DataError, "looks like volts"),
        ({"eeg": recording(1, 1, 1)[0][:, :200]}, ConfigError, "last a second"),
        ({"eeg": recording(1, 1, 1)[0].T}, DataError, "axes swapped|expected"),
        ({"labels": np.full((4, 2), 5.0)}, DataError, r"within \[-1, 1\]"),
        ({"labels": np.zeros(4)}, DataError, r"must be \(n, 2\)"),
    ],
)
def test_impossible_trials_are_refused(tmp_path, changes, error, message):
    eeg, labels = recording(1, 1, 1)
    given = {"eeg": eeg, "sfreq": SFREQ, "channels": CHANNELS, "labels": labels} | changes
    with pytest.raises(error, match=message):
        write_ltne_trial(tmp_path, **given, label_rate=RATE, subject=1)
    assert not list(tmp_path.iterdir())


def test_copies_of_a_container_are_read(root, tmp_path):
    shutil.copytree(root, tmp_path / "deep" / "er" / "LTNE 2026")
    assert len(list(load("ltne", tmp_path / "deep"))) == len(IDS)
