"""BIDS: channels and tables that hold labels."""

import shutil

import numpy as np
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError
from tests.eeg_emotion_env.bids.builders import (
    BIDS,
    FIRST,
    N_TIMES,
    SECOND,
    SECONDS,
    SFREQ,
    eeg,
    means,
    rated,
    stored,
    table,
    wave,
    without_labels,
    write,
    write_all,
)
from tests.eeg_emotion_env.bids.formats import TWO_LABELS, write_fif


@pytest.mark.parametrize("unit", ["uV", "mV", "V", "n/a", "", "microV", "degC"])
def test_units_of_labels_are_ignored(root, unit):
    path = write(root / f"{FIRST}_eeg.edf", {**eeg("Fp1", "Cz", "O2"), **rated(unit=unit)})
    values = stored(path)
    trial = load("bids", root)[0]
    np.testing.assert_array_equal(trial.labels, means([values["VA1"], values["VA2"]]))
    assert (trial.label_kind, trial.source) == ("continuous-self", "recorded")


@pytest.mark.parametrize(
    "names",
    [("ft_valance", "ft_arousal"), ("FT_VALENCE", "FT_AROUSAL"), ("valence", "Arousal")],
)
def test_other_label_channels_within_one(root, names):
    labels = rated(names, centre=0.0, reach=0.75)
    write_all(root, "Fp1", "Cz", "O2", labels=dict(reversed(labels.items())))
    trial = load("bids", root)[0]
    values = stored(root / f"{FIRST}_eeg.edf")
    expected = [values[name] for name in names]
    np.testing.assert_array_equal(trial.labels, means(expected, -1, 1))
    assert trial.label_names == ("valence", "arousal")


def test_unknown_range_is_asked_for(root):
    write_all(root, "Fp1", "Cz", "O2", labels=rated(("ft_valance", "ft_arousal")))
    with pytest.raises(DataError, match=r"ft_valance reaches from .* label_range=") as error:
        list(load("bids", root))
    assert "\n" not in str(error.value)
    trial = load("bids", root, label_range=[0, 9])[0]
    np.testing.assert_array_equal(trial.labels, means([wave(0), wave(1)]))


def test_one_dimension_alone(root):
    write_all(root, "Fp1", "Cz", "O2", labels=rated(("arousal",), centre=0.0, reach=0.5))
    trial = load("bids", root)[0]
    assert (trial.label_names, trial.labels.shape) == (("arousal",), (SECONDS, 1))


def test_slower_labels_are_not_resampled(root):
    slow = {name: (v[::20], unit, span) for name, (v, unit, span) in rated().items()}
    write_all(root, "Fp1", "Cz", "O2", labels=slow)
    values = stored(root / f"{FIRST}_eeg.edf")
    assert len(values["VA1"]) == 10 * SECONDS
    trial = load("bids", root, step_s=0.5)[0]
    np.testing.assert_array_equal(trial.labels, means([values["VA1"], values["VA2"]], step=5))
    with pytest.raises(DataError, match=r"label channel VA1 .*choose a step_s"):
        load("bids", root, step_s=0.75)


def test_rounding_beyond_the_range_is_clipped(root):
    high = np.where(np.arange(N_TIMES) < 4 * SFREQ, 9.005, wave())
    labels = {"VA1": (high, "", (0, 9.1)), "VA2": (wave(1), "", (0, 9))}
    write(root / f"{FIRST}_eeg.edf", {**eeg("Fp1", "Cz", "O2"), **labels})
    assert (load("bids", root)[0].labels[:4, 0] == 1.0).all()


def test_nan_labels_are_not_annotated(tmp_path):
    labels = TWO_LABELS.copy()
    labels[0, 450:460] = np.nan
    write_fif(tmp_path / "s3_raw.fif", labels)
    trial = load("bids", tmp_path)[0]
    np.testing.assert_array_equal(np.isnan(trial.labels[:, 0]), np.arange(SECONDS) == 2)
    assert not np.isnan(trial.labels[:, 1]).any()


@pytest.mark.parametrize(
    ("ending", "header"),
    [
        ("_labels.tsv", "time_s valence arousal"),
        ("_Annotations.CSV", "Time Valence Arousal"),
        ("_beh.tsv", "onset valence arousal"),
        ("_physio.tsv", "time valence arousal"),
        ("_eeg_labels.csv", "time_s valence arousal"),
    ],
)
def test_tables_beside_recordings(root, ending, header):
    without_labels(root)
    ratings = np.round(np.random.default_rng(5).uniform(-1, 1, (4 * SECONDS, 2)), 6)
    rows = [f"{(i + 1) / 4} {v} {a}" for i, (v, a) in enumerate(ratings)]
    for name in (FIRST, SECOND):
        suffix = "\t" if ending.endswith("tsv") else ","
        (root / f"{name}{ending}").write_text("\n".join([header, *rows]).replace(" ", suffix))
    trial = load("bids", root)[0]
    expected = ratings.reshape(SECONDS, 4, 2).mean(axis=1).astype(np.float32)
    np.testing.assert_array_equal(trial.labels, expected)
    assert trial.label_kind == "continuous-self"
    table = load("bids", root, labels="sidecar", label_range=(-2, 2))[0].labels
    np.testing.assert_allclose(table, expected / 2, atol=1e-6)


def test_table_in_the_folder_of_behaviour(root):
    without_labels(root)
    for name in (FIRST, SECOND):
        path = root / f"{name.replace('/eeg/', '/beh/')}_beh.tsv"
        table(path, "time_s valence\n1 0.25\n2 n/a\n3 0.5\n")
    trial = load("bids", root)[0]
    assert trial.label_names == ("valence",)
    np.testing.assert_array_equal(trial.labels[:3, 0], [0.25, 0.25, 0.5])
    assert np.isnan(trial.labels[-1, 0])


def test_behaviour_without_ratings_is_no_label(root):
    table(root / f"{FIRST}_beh.tsv", "trial rt\n1 0.2\n")
    assert load("bids", root)[0].label_names == ("valence", "arousal")
    without_labels(root)
    with pytest.raises(DataError, match="no labels"):
        load("bids", root)


def test_annotation_file(root, tmp_path):
    rows = "1 1 1 1 0.5 -0.5\n1 1 1 2 0.6 -0.6\nsub-02 1 1 1 0.1 0\nsub-02 1 1 2 0.2 0.3\n"
    path = table(tmp_path / "mine.csv", f"subject session trial time_s valence arousal\n{rows}")
    trials = load("bids", root, labels=str(path))
    np.testing.assert_array_equal(trials[0].labels[0], np.float32([0.5, -0.5]))
    np.testing.assert_array_equal(trials[1].labels[0], np.float32([0.1, 0.0]))
    assert trials[0].label_kind == "continuous-external"
    shutil.copy(path, root / "Annotations.csv")
    assert load("bids", root)[0].label_kind == "continuous-self"  # signals come first
    without_labels(root)
    assert load("bids", root)[0].label_kind == "continuous-external"


def test_labels_of_any_type_are_found_by_their_names(root):
    table(root / "task-x_channels.tsv", "name type\nFp1 EEG\nCz EEG\nVA1 AUX\nVA2 TRIG\n")
    assert load("bids", root)[0].label_names == ("valence", "arousal")


def test_names_that_are_almost_labels_are_named(root):
    write_all(root, "Fp1", "AUX_valence", "felt arousal", labels={})
    with pytest.raises(DataError, match=r"no labels.*; rename AUX_valence, felt arousal in"):
        load("bids", root)
    without_labels(root)
    path = table(root / "task-x_events.tsv", "onset duration Valence\n1 0 0.5\n")
    with pytest.raises(DataError, match=rf"{path} has valence: copy it"):
        load("bids", root)


def test_homes_of_nobody(root):
    with pytest.raises(ConfigError, match=r"labels=~nobody-here/x\.csv: no such user"):
        load("bids", root, labels="~nobody-here/x.csv")


def test_annotations_of_other_trials(root, tmp_path):
    path = table(tmp_path / "mine.csv", "subject trial time_s valence\n7 1 1 0.5\n")
    with pytest.raises(DataError, match="annotates none of the trials"):
        load("bids", root, labels=str(path))
    with pytest.raises(DataError, match=r"nowhere\.csv: cannot be read"):
        load("bids", root, labels=str(tmp_path / "nowhere.csv"))


def test_recordings_must_be_rated_alike(root):
    write(
        root / f"{SECOND}_eeg.edf",
        {**eeg("Fp1", "Cz", "O2"), **rated(("valence",), centre=0.0, reach=0.5)},
    )
    with pytest.raises(DataError, match="no label channel for arousal, unlike sub-01"):
        load("bids", root)
    assert len(check_folder(BIDS, root).problems) == 1
