"""LTNE: our own container written, read back and told from other trees."""

import json
import shutil

import numpy as np
import pytest
from edfio import read_edf

from eeg_emotion_env.datasets import detect, get_dataset, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.datasets.ltne import write_ltne_trial
from eeg_emotion_env.errors import ConfigError, DataError, DataWarning
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
    with pytest.warns(DataWarning, match="eeg: row 2 varies by"):
        path = write_ltne_trial(tmp_path / "L", eeg, SFREQ, *rows, subject=1)
    np.testing.assert_allclose(read_edf(path).signals[1].data, centred(eeg)[1], atol=0.25)
    eeg[1] += 1_000 * drift
    with (
        pytest.warns(DataWarning, match="eeg: row 2 varies by"),
        pytest.raises(DataError, match=r"eeg: channel CZ swings by 169.*high-pass") as error,
    ):
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
        ({"labels": np.zeros((2, 48))}, DataError, r"must be \(n, 2\).*\(2, 48\)"),
        ({"labels": np.full((4, 2), np.inf)}, DataError, "from inf to inf"),
        ({"labels": np.full((4, 2), np.nan)}, DataError, "hold no rating"),
        ({"labels": np.zeros((0, 2))}, DataError, "hold no rating"),
        ({"labels": [["high", "low"]]}, DataError, "labels must be numbers"),
        ({"labels": [[1.0, 0.0], [1.0]]}, DataError, "labels must be numbers"),
        ({"labels": np.zeros((60, 2))}, DataError, "labels end at 15 s, but the EEG lasts 12 s"),
        ({"label_rate": 1}, DataError, "labels end at 48 s"),
        ({"label_rate": 0}, ConfigError, "label_rate must be a positive number of Hz, not 0"),
        ({"label_rate": np.nan}, ConfigError, "label_rate must be a positive number of Hz"),
        ({"label_rate": "4"}, ConfigError, "label_rate must be a positive number of Hz"),
        ({"sfreq": -250}, ConfigError, "sfreq must be a positive number of Hz, not -250"),
        ({"sfreq": np.inf}, ConfigError, "sfreq must be a positive number of Hz"),
        ({"sfreq": None}, ConfigError, "sfreq must be a positive number of Hz"),
        ({"eeg": recording(1, 1, 1)[0] * np.nan}, DataError, "eeg holds NaN"),
        ({"eeg": recording(1, 1, 1)[0] * 1e6}, DataError, "too much for EEG"),
        ({"eeg": [["a"]] * 3}, DataError, "eeg is no numeric array"),
        ({"eeg": [[1.0], [1.0, 2.0], [1.0]]}, DataError, "rows have different lengths"),
        ({"eeg": recording(1, 1, 1)[0][0]}, DataError, "eeg is .*, expected"),
        ({"channels": ("FP1", "CZ")}, DataError, "expected"),
        ({"channels": ()}, DataError, "channels must be names of electrodes"),
        ({"channels": "FP1"}, DataError, "channels must be names of electrodes"),
        ({"channels": (1, 2, 3)}, DataError, "channels must be names of electrodes"),
        ({"channels": ("FP1", "CZ", "CZ")}, DataError, "CZ is there twice"),
        ({"channels": ("FP1", "CZ", "EEG Cz")}, DataError, "same electrode"),
        ({"channels": ("FP1", "CZ", "X1")}, DataError, "X1 would not be read as EEG"),
        ({"channels": ("FP1", "CZ", "ECG")}, DataError, "ECG would not be read as EEG"),
        ({"channels": ("FP1", "CZ", "")}, DataError, "must have 1 to 16 ASCII"),
        ({"channels": ("FP1", "CZ", "Ö1")}, DataError, "must have 1 to 16 ASCII"),
        ({"channels": ("FP1", "CZ", "O2" * 9)}, DataError, "must have 1 to 16 ASCII"),
        ({"subject": 0}, ConfigError, "subject must be a whole number from 1, not 0"),
        ({"subject": "1"}, ConfigError, "subject must be a whole number"),
        ({"session": 1.5}, ConfigError, "session must be a whole number"),
        ({"trial": True}, ConfigError, "trial must be a whole number"),
        ({"stimulus": "a\tb"}, ConfigError, "stimulus must be a name without tabs"),
        ({"stimulus": "n/a"}, ConfigError, "stimulus must be a name"),
        ({"stimulus": 7}, ConfigError, "stimulus must be a name"),
    ],
)
def test_impossible_trials_are_refused(tmp_path, changes, error, message):
    eeg, labels = recording(1, 1, 1)
    given = {"eeg": eeg, "sfreq": SFREQ, "channels": CHANNELS, "labels": labels, "subject": 1}
    with pytest.raises(error, match=message) as caught:
        write_ltne_trial(tmp_path, **{**given, "label_rate": RATE, **changes})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_labels_that_end_early_are_warned_of(tmp_path):
    eeg, labels = recording(1, 1, 1)
    with pytest.warns(DataWarning, match="labels end at 1.2 s, but the EEG lasts 12 s"):
        write_ltne_trial(tmp_path, eeg, SFREQ, CHANNELS, labels, 40, subject=1)


def test_what_numpy_and_lists_give_is_taken(tmp_path):
    eeg, labels = recording(1, 1, 1)
    rate = np.float64(RATE)
    path = write_ltne_trial(
        str(tmp_path / "L"), eeg.tolist(), np.int64(SFREQ), list(CHANNELS), labels, rate, subject=1
    )
    assert path.is_file()
    write_ltne_trial(
        tmp_path / "M", eeg, SFREQ, ("FP1", "CZ", "M1"), labels, RATE, subject=np.int64(1)
    )
    assert load("ltne", tmp_path / "M")[0].channels == ("FP1", "CZ")


def test_writing_a_trial_again_replaces_all_of_it(root):
    eeg, labels = recording(9, 9, 9)
    path = write_ltne_trial(root, eeg, SFREQ, CHANNELS, labels, RATE, subject=1)
    assert not path.with_name(path.name.replace("_eeg.edf", "_events.tsv")).exists()
    assert load("ltne", root).keys[0].stimulus is None


@pytest.mark.parametrize("name", ["another", ""])
def test_other_data_sets_are_not_written_into(tmp_path, name):
    (tmp_path / "dataset_description.json").write_text(json.dumps({"Name": name}))
    eeg, labels = recording(1, 1, 1)
    with pytest.raises(DataError, match="the Name must contain LTNE"):
        write_ltne_trial(tmp_path, eeg, SFREQ, CHANNELS, labels, RATE, subject=1)
    path = tmp_path / "dataset_description.json"
    with pytest.raises(DataError, match="is a file; give the folder"):
        write_ltne_trial(path, eeg, SFREQ, CHANNELS, labels, RATE, subject=1)
    assert len(list(tmp_path.iterdir())) == 1


def test_copies_of_a_container_are_read(root, tmp_path):
    shutil.copytree(root, tmp_path / "deep" / "er" / "LTNE 2026")
    assert len(list(load("ltne", tmp_path / "deep"))) == len(IDS)
