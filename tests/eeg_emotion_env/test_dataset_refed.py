"""REFED and MER-PS: what their round trips (`test_round_trips`) do not show."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.io import loadmat

from eeg_emotion_env.datasets import detect, get_dataset, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.tables.refed import STORED_CHANNELS, VIDEO_SECONDS
from tests.eeg_emotion_env import writers

pytestmark = pytest.mark.filterwarnings("ignore:.*not as long as the")
REFED = get_dataset("refed")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    config = replace(LAYOUTS["refed"].config, n_subjects=2, duration_scale=0.08, sfreq=200.0)
    return write_layout(LAYOUTS["refed"], config, tmp_path_factory.mktemp("refed") / "S")


def test_tables():
    assert sum(VIDEO_SECONDS) == 1535
    assert len(STORED_CHANNELS) == 64
    assert (STORED_CHANNELS[32], STORED_CHANNELS[42]) == ("M1", "M2")
    assert (STORED_CHANNELS[33], STORED_CHANNELS[43]) == ("TP7", "P7")


def test_simulated_files_have_the_structure_of_the_release(tree):
    assert sorted(path.name for path in (tree / "data" / "1").iterdir()) == [
        *("EEG_baselines.mat", "EEG_videos.mat", "fNIRS_baselines.mat", "fNIRS_videos.mat")
    ]
    eeg = loadmat(tree / "data/1/EEG_videos.mat")
    assert [name for name in eeg if name[0] != "_"] == [f"video_{n}" for n in range(1, 16)]
    assert eeg["video_1"].shape == (64, 200 * round(134 * 0.08))
    label = loadmat(tree / "annotations/1_label.mat")["video_1"]
    assert label.shape == (round(134 * 0.08), 2)
    assert (label[:2] == 128).all()
    assert label.min() >= 1
    assert label.max() <= 255
    fnirs = loadmat(tree / "data/1/fNIRS_videos.mat")["video_1"]
    assert fnirs.shape[:2] == (6, 51)


def test_simulated_tree(tree):
    assert detect(tree).card.name == "refed"
    trials = load("refed", tree)
    assert {(t.source, t.label_kind) for t in trials} == {("simulated", "simulated")}
    report = check_folder(REFED, tree)
    assert report.ok
    assert len(report.found) == 30
    known = ~np.isnan(trials[0].labels[:, 0])
    # What was annotated is the raters' view, quantised to 1 in 127.
    assert known.any()


def test_start_may_be_kept(tmp_path):
    writers.write_refed(tmp_path, names=("1",))
    trial = load("refed", tmp_path, mask_start=False)[0]
    assert (trial.labels[:2] == 0).all()
    assert np.isnan(load("refed", tmp_path)[0].labels[:2]).all()


def test_longer_and_shorter_steps(tmp_path):
    written = writers.write_refed(tmp_path, names=("1",), seconds=6)
    track = (written[1, 1, 2]["label"] - 128) / 127
    longer = load("refed", tmp_path, step_s=2.0)[1]
    np.testing.assert_allclose(
        longer.labels[1:], track[2:].reshape(2, 2, 2).mean(axis=1), rtol=1e-6
    )
    shorter = load("refed", tmp_path, step_s=0.5)[1]
    np.testing.assert_allclose(shorter.labels[4:], np.repeat(track[2:], 2, axis=0), rtol=1e-6)


def test_rate_may_be_said(tmp_path):
    writers.write_refed(tmp_path, names=("1",), rate=250)
    with pytest.raises(DataError, match="neither 1000 nor 200 Hz"):
        load("refed", tmp_path)
    assert load("refed", tmp_path, sfreq=250.0)[0].n_steps == 5


def test_unit_may_be_said(tmp_path):
    plain = writers.write_refed(tmp_path / "a", names=("1",))
    for path in (tmp_path / "a").rglob("EEG_videos.mat"):
        content = {k: v * 1e-6 for k, v in loadmat(path).items() if k[0] != "_"}
        writers.save(tmp_path / "b" / path.relative_to(tmp_path / "a"), content)
    labels = "annotations/1_label.mat"
    (tmp_path / "b" / "annotations").mkdir()
    (tmp_path / "b" / labels).write_bytes((tmp_path / "a" / labels).read_bytes())
    one, two = (
        load("refed", tmp_path / name, **o) for name, o in (("a", {}), ("b", {"unit": "V"}))
    )
    np.testing.assert_allclose(one[0].features, two[0].features, atol=1e-5)
    assert plain


def test_annotation_file(tmp_path):
    writers.write_refed(tmp_path, names=("1",))
    path = tmp_path / "mine.csv"
    path.write_text(
        "subject,stimulus,time_s,valence,arousal\n1,video_2,1,0.5,-0.5\n1,video_2,2,0.4,0.5\n"
    )
    trials = load("refed", tmp_path, labels=str(path), sfreq=1000.0)
    np.testing.assert_array_equal(trials[1].labels[0], [0.5, -0.5])
    assert trials[1].label_kind == "continuous-external"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "mm"}, "unit must be one of"),
        ({"step_s": 0.3}, "multiple or a whole fraction of 1 s"),
        ({"sfreq": 5.0}, "sfreq must lie"),
    ],
)
def test_impossible_options(options, message):
    with pytest.raises(ConfigError, match=message):
        load("refed", source="simulated", **options)
