"""Every layout with every quirk of the documented formats: what is written is what is read."""

import numpy as np
import pytest

from eeg_emotion_env.datasets import detect, load
from eeg_emotion_env.features import FeatureConfig, log_band_power
from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.mahnob_release import write_release

pytestmark = pytest.mark.filterwarnings("ignore:.*not as long as the")

CLIP_S = [235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206]


def exact(actual, expected):
    """Equal as float32, NaN where NaN is expected."""
    np.testing.assert_array_equal(actual, np.asarray(expected).astype(np.float32))


def read(name, root, **options):
    """Read all trials by id, after the layout was recognised without being named."""
    assert detect(root).card.name == name
    trials = load(name, root, normalization="none", **options)
    return {(t.subject, t.session, t.trial): t for t in trials}


SEED_QUIRKS = {
    "as released": {"compressed": True},
    "not compressed": {},
    "keys out of order": {"shuffled": True},
    "no extra sample": {"extra_sample": False},
    "session folders": {"by_session": True},
    "upper case": {"upper": True},
    "label as a column": {"column": True},
    "in SEED_EEG": {"folder": "SEED_EEG/Preprocessed_EEG"},
    "nested twice": {"folder": "SEED/SEED_EEG/SEED_EEG/Preprocessed_EEG"},
    "renamed folder": {"folder": "my recordings (裸数据)"},
    "one subject, one session": {"subjects": (2,), "sessions": (1,)},
}


@pytest.mark.parametrize("quirk", SEED_QUIRKS)
def test_seed_raw(tmp_path, quirk):
    written = writers.write_seed(tmp_path, **SEED_QUIRKS[quirk])
    trials = read("seed", tmp_path)
    assert set(trials) == set(written)
    for (_, _, number), trial in trials.items():
        eeg = written[trial.subject, trial.session, trial.trial]
        exact(trial.features, log_band_power(eeg[:, : 200 * 3], 200.0))
        assert (trial.n_steps, trial.step_s) == (3, 1.0)
        value = writers.SEED_LABELS[number - 1]
        exact(trial.labels, np.tile([value, 0.5 if value else -0.5], (3, 1)))
        assert trial.channels == tuple(writers.CHANNELS_62)
        assert (trial.stimulus, trial.source) == (f"clip{number:02d}", "recorded")
    # Channel c was written with amplitude 5 + c: alpha power must rise with it.
    alpha = trials[2, 1, 1].features.mean(axis=0)[:, 2]
    assert (np.diff(alpha) > -0.2).all()
    assert alpha[-1] - alpha[0] > 4


@pytest.mark.parametrize("family", writers.FAMILIES)
@pytest.mark.parametrize("window_s", [1, 4])
@pytest.mark.parametrize("folder", ["ExtractedFeatures", "ExtractedFeatures_1s", "renamed"])
def test_seed_features(tmp_path, family, window_s, folder):
    """The folder's name lies about the window: the number of windows tells it."""
    windows = [seconds // window_s for seconds in CLIP_S]
    written = writers.write_seed(
        tmp_path, raw=False, windows=windows, folder=folder, subjects=(2,), sessions=(1,)
    )
    trials = read("seed", tmp_path, features=family)
    assert set(trials) == set(written)
    for ids, trial in trials.items():
        stored = written[ids][family].transpose(1, 0, 2)
        exact(trial.features, np.log(stored) if family.startswith("psd") else stored)
        assert (trial.step_s, trial.n_steps) == (window_s, CLIP_S[ids[2] - 1] // window_s)
        assert not trial.causal


def test_seed_features_by_session_with_the_label_at_the_root(tmp_path):
    written = writers.write_seed(
        tmp_path, raw=False, windows=CLIP_S, by_session=True, subjects=(1,)
    )
    trials = read("seed", tmp_path)
    assert set(trials) == set(written)
    for ids, trial in trials.items():
        exact(trial.features, written[ids]["de_LDS"].transpose(1, 0, 2))


SEED_IV_QUIRKS = {
    "as released": {"compressed": True},
    "keys out of order": {"shuffled": True},
    "renamed session folders": {"session_folder": "session{}"},
    "Session_1": {"session_folder": "Session_{}"},
    "in SEED_IV": {"folder": "SEED_IV/eeg_raw_data"},
    "renamed folder": {"folder": "SEED4 raw"},
    "folder without a name": {"folder": "data"},
    "with ReadMe": {"readme": True},
    "as short as 48 s": {"seconds": 48, "subjects": (10,)},
}


@pytest.mark.parametrize("quirk", SEED_IV_QUIRKS)
def test_seed_iv_raw(tmp_path, quirk):
    written = writers.write_seed_iv(tmp_path, **SEED_IV_QUIRKS[quirk])
    trials = read("seed-iv", tmp_path)
    assert list(trials) == sorted(written)  # subject 10 after subject 1
    affect = {0: (0, 0), 1: (-0.7, -0.7), 2: (-0.7, 0.7), 3: (0.7, 0.7)}
    for (subject, session, number), trial in trials.items():
        eeg = written[subject, session, number]
        exact(trial.features, log_band_power(eeg, 200.0))
        value = writers.SEED_IV_LABELS[session][number - 1]
        exact(trial.labels, np.tile(affect[value], (trial.n_steps, 1)))
        assert trial.stimulus == f"clip{24 * (session - 1) + number:02d}"


@pytest.mark.parametrize("family", writers.FAMILIES)
@pytest.mark.parametrize("folder", [None, "features"])
def test_seed_iv_features(tmp_path, family, folder):
    written = writers.write_seed_iv(tmp_path, raw=False, seconds=50, folder=folder, subjects=(10,))
    trials = read("seed-iv", tmp_path, features=family)
    assert set(trials) == set(written)
    for ids, trial in trials.items():
        stored = written[ids][family].transpose(1, 0, 2)
        exact(trial.features, np.log(stored) if family.startswith("psd") else stored)
        assert (trial.step_s, trial.n_steps, trial.causal) == (4.0, 12, False)


SEED_VII_QUIRKS = {
    "as released": {"compressed": True},
    "keys out of order": {"shuffled": True},
    "EEG of whole windows": {"extra_s": 0},
    "EEG of three more seconds": {"extra_s": 3},
    "features alone": {"raw": False},
    "EEG alone": {"features": False},
    "two subjects": {"subjects": (1, 12)},
}
SIGNS = {"H": 1, "u": 1, "N": 0, "D": -1, "s": -1, "A": -1, "F": -1}
EMOTIONS = "".join(2 * block for block in writers.SEED_VII_BLOCKS)


def check_seed_vii(trial, truth):
    sign = SIGNS[EMOTIONS[20 * (trial.session - 1) + trial.trial - 1]]
    exact(trial.labels[:, 0], sign * truth["intensity"])
    assert (trial.label_names, trial.label_kind) == (("valence",), "recalled-intensity")
    assert trial.stimulus == f"clip{20 * (trial.session - 1) + trial.trial:02d}"
    assert trial.step_s == 4.0


@pytest.mark.parametrize("quirk", SEED_VII_QUIRKS)
def test_seed_vii(tmp_path, quirk):
    options = SEED_VII_QUIRKS[quirk]
    written = writers.write_seed_vii(tmp_path / "SEED-VII", **options)
    four = FeatureConfig(step_s=4.0, window_s=4.0)
    for features in ("raw", "de", "psd", "de_LDS"):
        if not options.get("raw" if features == "raw" else "features", True):
            continue
        trials = read("seed-vii", tmp_path, features=features)
        assert list(trials) == sorted(written)
        for ids, trial in trials.items():
            truth = written[ids]
            check_seed_vii(trial, truth)
            if features == "raw":
                n_samples = 800 * len(truth["intensity"])
                exact(trial.features, log_band_power(truth["eeg"][:, :n_samples], 200.0, four))
            else:
                clip = 20 * (ids[1] - 1) + ids[2]
                stored = truth[f"{features}_{clip}"].transpose(0, 2, 1)
                exact(trial.features, np.log(stored) if features == "psd" else stored)
            assert trial.causal == (features != "de_LDS")


@pytest.mark.parametrize("scale", [10.0, 100.0])
def test_seed_vii_intensity_on_another_scale(tmp_path, scale):
    written = writers.write_seed_vii(tmp_path, raw=False, scale=scale, subjects=(1,))
    with pytest.warns(UserWarning, match=f"divided by {scale:g}"):
        trials = read("seed-vii", tmp_path)
    for ids, trial in trials.items():
        np.testing.assert_allclose(np.abs(trial.labels[:, 0]), _unsigned(ids, written), atol=1e-6)


def _unsigned(ids, written):
    neutral = EMOTIONS[20 * (ids[1] - 1) + ids[2] - 1] == "N"
    return written[ids]["intensity"] * (not neutral)


def test_seed_vii_shorter_steps_take_the_value_of_their_window(tmp_path):
    written = writers.write_seed_vii(tmp_path, features=False, subjects=(1,))
    for ids, trial in read("seed-vii", tmp_path, step_s=1.0, labels="intensity").items():
        intensity = written[ids]["intensity"]
        exact(trial.labels[: 4 * len(intensity), 0], np.repeat(intensity, 4))
        assert trial.n_steps == 4 * len(intensity) + 1
        assert np.isnan(trial.labels[-1]).all()
        assert trial.label_names == ("intensity",)


REFED_QUIRKS = {
    "as released": {},
    "200 Hz": {"rate": 200},
    "labels (2, T)": {"transposed": True},
    "labels as uint8": {"dtype": np.uint8},
    "labels as int16, (2, T)": {"dtype": np.int16, "transposed": True},
    "EEG a second shorter than the label": {"label_offset": 1},
    "EEG a second longer than the label": {"label_offset": -1},
    "MER-PS": {"names": ("test_1", "test_2"), "label_name": "annotations/{}_label.mat"},
    "labels beside the EEG": {"label_name": "data/{}/label.mat"},
    "s1_label.mat": {"label_name": "annotations/s{}_label.mat"},
    "without mastoids": {"mastoids": False},
    "with EEG_channels.csv": {"channel_table": True},
}


@pytest.mark.parametrize("quirk", REFED_QUIRKS)
def test_refed(tmp_path, quirk):
    options = REFED_QUIRKS[quirk]
    written = writers.write_refed(tmp_path / "REFED-dataset", **options)
    trials = read("refed", tmp_path)
    assert list(trials) == sorted(written)
    kept = [row for row in range(64) if row not in (32, 42)]
    for ids, trial in trials.items():
        truth = written[ids]
        eeg = truth["eeg"][kept] if options.get("mastoids", True) else truth["eeg"]
        exact(trial.features, log_band_power(eeg, float(options.get("rate", 1000))))
        expected = (truth["label"] - 128) / 127
        expected[:2] = np.nan  # the joystick had not been moved yet
        if ids[2] == 7:
            expected[:, 1] = np.nan
        # a value of 128 later on is the centre, not a gap
        moved = (np.cumsum(truth["label"] != 128, axis=0) > 0)[2:]
        expected[2:][~moved] = np.nan
        n = min(trial.n_steps, len(expected))
        exact(trial.labels[:n], expected[:n])
        assert np.isnan(trial.labels[n:]).all()
        assert trial.channels == tuple(writers.CHANNELS_62)
        assert trial.label_kind == "continuous-self"


def test_refed_train_and_leaderboard_people_of_mer_ps_are_different_people(tmp_path):
    writers.write_refed(tmp_path, names=("test_1", "predict1"))
    assert {ids[0] for ids in read("refed", tmp_path)} == {"test_1", "predict1"}


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("place", ["", "ContinuousEmotionDetection-master", "a/b"])
def test_mahnob(tmp_path, full, place):
    sizes = {(2, 4): 41, (2, 10): 140, (10, 2): 160, (10, 40): 143}
    written = write_release(tmp_path / place, sizes, full=full)
    trials = read("mahnob", tmp_path, step_s=0.25)
    assert list(trials) == [(subject, 1, trial) for subject, trial in sizes]
    for (subject, _, number), trial in trials.items():
        rows, track = written[subject, number]
        exact(trial.features, rows.reshape(-1, 4, 32).transpose(0, 2, 1))
        exact(trial.labels[:, 0], track)
        assert trial.step_s == 0.25


def test_mahnob_target_is_twice_the_label(tmp_path):
    write_release(tmp_path, {(1, 2): 80, (2, 4): 81})
    one, two = (read("mahnob", tmp_path, label_scale=scale) for scale in ("labels", "target"))
    for ids, trial in one.items():
        np.testing.assert_allclose(two[ids].labels, 2 * trial.labels, rtol=1e-6)
        assert trial.n_steps == 20
