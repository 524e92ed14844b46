"""MAHNOB: axes, alignment, label scale, ids, and what is refused."""

import numpy as np
import pytest
import scipy.io

from eeg_emotion_env import load
from eeg_emotion_env.datasets import DATASETS, detect
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError
from tests.eeg_emotion_env.mahnob_release import write_features, write_release

TRIALS = {(2, 10): 42, (2, 4): 41, (10, 2): 30, (1, 6): 20}
FEATURES = "data/Features/P2-features-resamp4hz-trial-4.mat"
LABELS = "data/lable_continous_Mahnob.mat"


@pytest.fixture
def release(tmp_path):
    return tmp_path, write_release(tmp_path, TRIALS)


def test_ids_are_sorted_as_numbers(release):
    trials = load("mahnob", release[0])
    ids = [(key.subject, key.trial) for key in trials.keys]
    assert ids == [(1, 6), (2, 4), (2, 10), (10, 2)]
    assert {key.stimulus for key in trials.keys} == {None}


def test_columns_are_bands_times_channels_and_steps_are_trailing_means(release):
    root, content = release
    trial = load("mahnob", root, normalization="none")[1]
    features, labels = content[2, 4]
    assert trial.features.shape == (10, 32, 4)
    # column 32 * band + channel, mean of the four quarter-seconds that end with the step
    expected = features[8:12, 32 * 3 + 7].mean()
    assert trial.features[2, 7, 3] == pytest.approx(expected, abs=1e-6)
    assert trial.labels[2, 0] == pytest.approx(labels[8:12].mean(), abs=1e-6)
    assert (trial.step_s, trial.label_names, trial.label_kind) == (
        1.0,
        ("valence",),
        "continuous-external",
    )


def test_target_scale_is_twice_the_labels(release):
    labels = load("mahnob", release[0])[0].labels
    target = load("mahnob", release[0], label_scale="target")[0].labels
    np.testing.assert_allclose(target, 2 * labels, rtol=1e-6)


def test_quarter_second_steps_keep_every_row(release):
    root, content = release
    trial = load("mahnob", root, step_s=0.25, normalization="none")[1]
    np.testing.assert_allclose(trial.labels[:, 0], content[2, 4][1], atol=1e-6)
    assert trial.n_steps == 41


@pytest.mark.parametrize("inner", [".", "data", "data/Features/.."])
def test_root_may_be_the_clone_or_its_data_folder(release, inner):
    root = release[0] / inner
    assert detect(root).card.name == "mahnob"
    assert len(load("mahnob", root)) == 4


def test_nested_release_is_found(tmp_path):
    write_release(tmp_path / "ContinuousEmotionDetection-master", TRIALS)
    assert len(load("mahnob", tmp_path)) == 4


def test_cut_without_face_features_is_read(tmp_path):
    write_release(tmp_path, TRIALS, full=False)
    assert check_folder(DATASETS["mahnob"], tmp_path).ok


def _without(root, name):
    (root / name).unlink()


def _truncated(root, name):
    (root / name).write_bytes((root / name).read_bytes()[: (root / name).stat().st_size // 4])


def _wrong_columns(root, _):
    write_features(root / "data/Features", 2, 4, np.zeros((41, 90)), np.zeros(41))


def _wrong_length(root, _):
    write_features(root / "data/Features", 2, 4, np.zeros((44, 128)), np.zeros(44))


def _nan(root, _):
    content = scipy.io.loadmat(root / FEATURES)
    broken = np.full((41, 128), np.nan)
    write_features(root / "data/Features", 2, 4, broken, content["target"][0] / 2)


def _extra(root, _):
    write_features(root / "data/Features", 2, 40, np.zeros((41, 128)), np.zeros(41))


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (_without, FEATURES, "is missing"),
        (_without, LABELS, "no label file"),
        (_truncated, FEATURES, "damaged"),
        (_truncated, LABELS, "damaged"),
        (_wrong_columns, FEATURES, r"expected \(n, 128\)"),
        (_wrong_length, FEATURES, "44 rows of features but 41 labels"),
        (_nan, FEATURES, "NaN"),
        (_extra, "data/Features/P2-features-resamp4hz-trial-40.mat", "not listed"),
    ],
)
def test_damage_is_named(release, damage, file, message):
    root = release[0]
    damage(root, file)
    with pytest.raises(DataError, match=message) as caught:
        list(load("mahnob", root))
    assert "\n" not in str(caught.value)
    if damage is not _without:
        assert file.rsplit("/", 1)[1] in str(caught.value)


def test_labels_that_do_not_belong_to_the_trials_are_refused(release):
    path = release[0] / LABELS
    content = scipy.io.loadmat(path)
    scipy.io.savemat(
        path, {"trials_included": content["trials_included"][:2], "labels": content["labels"]}
    )
    with pytest.raises(DataError, match="do not belong together"):
        load("mahnob", release[0])


@pytest.mark.parametrize("options", [{"step_s": 0.3}, {"label_scale": "valence"}])
def test_impossible_options_are_refused(release, options):
    with pytest.raises(ConfigError):
        load("mahnob", release[0], **options)


def test_the_real_cut_is_read(mahnob_root):
    trials = load("mahnob", mahnob_root)
    assert len(trials) == 137
    assert len(trials.subjects) == 12
    labels = np.concatenate([trial.labels for trial in trials])
    assert 0.05 < labels.std() < 0.1
    assert {trial.source for trial in trials} == {"recorded"}
