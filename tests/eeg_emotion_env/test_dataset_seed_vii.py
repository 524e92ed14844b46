"""SEED-VII: what its round trips (`test_round_trips`) do not show."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from eeg_emotion_env.datasets import detect, get_dataset, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.datasets.seed_vii_labels import read_stimulus_order
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.tables.seed_vii import CLIP_EMOTIONS
from tests.eeg_emotion_env import writers

SEED_VII = get_dataset("seed-vii")


def table(path, emotions, clips=20):
    """Write the release's table: pairs of rows, columns B to U."""
    rows = []
    for start in range(0, len(emotions), clips):
        rows.append(["Video index", *range(start + 1, start + clips + 1)])
        rows.append(["Emotion", *(emotion.title() for emotion in emotions[start : start + clips])])
    pd.DataFrame(rows).to_excel(path, header=False, index=False)


def test_published_order():
    counts = Counter(CLIP_EMOTIONS)
    assert counts.pop("neutral") == 8
    assert set(counts.values()) == {12}
    assert CLIP_EMOTIONS[:4] == ("happy", "neutral", "disgust", "sad")


def test_simulated_tree(tmp_path):
    config = replace(LAYOUTS["seed-vii"].config, n_subjects=1, duration_scale=0.03)
    tree = write_layout(LAYOUTS["seed-vii"], config, tmp_path / "S", features=True)
    assert detect(tree).card.name == "seed-vii"
    trials = load("seed-vii", tree)
    assert {(t.source, t.label_kind) for t in trials} == {("simulated", "simulated")}
    assert trials[0].truth.shape == trials[0].labels.shape
    report = check_folder(SEED_VII, tree)
    assert report.ok
    assert len({check.variant for check in report.trials}) == 4
    with pytest.raises(ConfigError, match="needs its own n_sessions: 4"):
        write_layout(LAYOUTS["seed-vii"], replace(config, n_sessions=2), tmp_path / "T")


def test_table_of_the_release_decides(tmp_path):
    writers.write_seed_vii(tmp_path, raw=False)
    swapped = tuple({"happy": "sad", "sad": "happy"}.get(e, e) for e in CLIP_EMOTIONS)
    before = load("seed-vii", tmp_path)[0].labels
    table(tmp_path / "emotion_label_and_stimuli_order.xlsx", swapped)
    with pytest.warns(UserWarning, match="emotions of clips 1, 4, .* and others are not those"):
        after = load("seed-vii", tmp_path)[0].labels
    np.testing.assert_array_equal(after, -before)
    assert (before >= 0).all()


@pytest.mark.parametrize("words", [("Happiness", "Sadness"), ("happy ", "SAD")])
def test_spellings(tmp_path, words):
    path = tmp_path / "order.xlsx"
    names = dict(zip(("happy", "sad"), words, strict=True))
    names |= {"anger": "Angry", "surprise": "Surprised"}
    table(path, [names.get(emotion, emotion) for emotion in CLIP_EMOTIONS])
    assert read_stimulus_order(path) == CLIP_EMOTIONS


def test_table_of_other_size(tmp_path):
    table(tmp_path / "order.xlsx", CLIP_EMOTIONS[:60])
    with pytest.raises(DataError, match="names known emotions of 60 clips, expected 1 to 80"):
        read_stimulus_order(tmp_path / "order.xlsx")


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_sign_of_surprise_is_a_choice(tmp_path, sign):
    written = writers.write_seed_vii(tmp_path, raw=False)
    clip = CLIP_EMOTIONS.index("surprise")
    trial = load("seed-vii", tmp_path, surprise_sign=sign)[clip]
    truth = written[12, clip // 20 + 1, clip % 20 + 1]["intensity"]
    np.testing.assert_allclose(trial.labels[:, 0], sign * truth, rtol=1e-6)


@pytest.mark.parametrize("given", ["", "EEG_features", "continuous_labels"])
@pytest.mark.parametrize("place", ["", "SEED-VII/SEED-VII"])
def test_any_of_the_folders_may_be_given(tmp_path, given, place):
    writers.write_seed_vii(tmp_path / place, raw=False)
    root = tmp_path / place / given
    assert detect(root).card.name == "seed-vii"
    assert len(load("seed-vii", root)) == 80


def test_annotation_file_replaces_the_intensity(tmp_path):
    writers.write_seed_vii(tmp_path, raw=False)
    (tmp_path / "mine.csv").write_text("stimulus,time_s,valence\nclip02,4,0.25\n")
    trials = load("seed-vii", tmp_path, labels=str(tmp_path / "mine.csv"))
    assert trials[1].labels[0, 0] == 0.25
    assert np.isnan(trials[0].labels).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_s": 3.0}, "multiple or a whole fraction of 4 s"),
        ({"step_s": -1.0}, "multiple or a whole fraction of 4 s"),
        ({"surprise_sign": 2}, "surprise_sign must be"),
        ({"features": "de_movingAve"}, "features must be one of"),
        ({"features": "de", "step_s": 1.0}, "step_s is too short"),
    ],
)
def test_impossible_options(tmp_path, options, message):
    writers.write_seed_vii(tmp_path, raw=False)
    with pytest.raises(ConfigError, match=message):
        load("seed-vii", tmp_path, **options)


def test_range_of_the_intensity_may_be_said(tmp_path):
    """Small values of a set on a larger scale are not taken for a scale of their own."""
    written = writers.write_seed_vii(tmp_path, raw=False)
    trial = load("seed-vii", tmp_path, labels="intensity", intensity_range=10.0)[3]
    truth = written[12, 1, 4]["intensity"] / 10
    np.testing.assert_allclose(trial.labels[:, 0], truth, rtol=1e-6)
    with pytest.raises(DataError, match=r"intensities reach .* expected 0 to 0\.5"):
        load("seed-vii", tmp_path, intensity_range=0.5)


def test_scale_is_that_of_all_label_files(tmp_path):
    """A subject whose EEG is not here still tells the scale of the set."""
    writers.write_seed_vii(tmp_path / "large", raw=False, scale=10.0, subjects=(1,))
    written = writers.write_seed_vii(tmp_path / "S", raw=False, subjects=(12,))
    source = tmp_path / "large" / "continuous_labels" / "1.mat"
    (tmp_path / "S" / "continuous_labels" / "1.mat").write_bytes(source.read_bytes())
    with (
        pytest.warns(UserWarning, match="divided by 10"),
        pytest.warns(UserWarning, match=r"12\.mat: .* looks as if the scale was another"),
    ):
        trial = load("seed-vii", tmp_path / "S", labels="intensity")[0]
    truth = written[12, 1, 1]["intensity"] / 10
    np.testing.assert_allclose(trial.labels[:, 0], truth, rtol=1e-6)


def test_rows_of_the_table_may_be_in_any_order(tmp_path):
    path = tmp_path / "order.xlsx"
    table(path, CLIP_EMOTIONS)
    rows = pd.read_excel(path, header=None)
    pd.concat([rows[4:], rows[:4]]).to_excel(path, header=False, index=False)
    assert read_stimulus_order(path) == CLIP_EMOTIONS


def test_powers_in_another_unit_are_doubted(tmp_path):
    writers.write_seed_vii(tmp_path, raw=False)
    path = tmp_path / "EEG_features" / "12.mat"
    stored = {
        name: value * 7e-6 if name.startswith("psd") else value
        for name, value in loadmat(path).items()
        if not name.startswith("__")
    }
    savemat(path, stored)
    with pytest.warns(UserWarning, match=r"psd_\d+: \d+% of the powers are below .* µV²"):
        list(load("seed-vii", tmp_path, features="psd"))
