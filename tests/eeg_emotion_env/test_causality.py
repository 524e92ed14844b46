"""Nothing looks ahead: from the recording's file to the observation, for all that is shipped."""

import numpy as np
import pytest
import scipy.io

from eeg_emotion_env import EEGEmotionEnv, load
from eeg_emotion_env.simulation import SimulationConfig
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.mahnob_release import write_features, write_release

pytestmark = pytest.mark.filterwarnings("ignore:.*pretrained on simulated EEG")

SECONDS_BEFORE = 5
TRIAL = 2


@pytest.fixture(scope="module")
def seed_trees(tmp_path_factory):
    """Two trees that differ after second 5 of trial 2 of a session, in EEG alone."""
    root = tmp_path_factory.mktemp("causality")
    config = SimulationConfig(n_subjects=1, n_trials=4, duration_scale=0.05)
    trees = [write_layout(LAYOUTS["seed"], config, root / name) for name in ("before", "after")]
    (path,) = trees[1].glob("Preprocessed_EEG/1_*.mat")
    content = {k: v for k, v in scipy.io.loadmat(path).items() if not k.startswith("__")}
    rng = np.random.default_rng(0)
    for name, eeg in content.items():
        trial = int(name.rsplit("eeg", 1)[1])
        first = SECONDS_BEFORE * 200 if trial == TRIAL else 0
        if trial >= TRIAL:
            eeg[:, first:] = rng.normal(0, 80, eeg[:, first:].shape)
    scipy.io.savemat(path, content)
    return trees


@pytest.fixture(scope="module")
def mahnob_trees(tmp_path_factory):
    """The same for the MAHNOB release: rows of later steps and trials differ."""
    root = tmp_path_factory.mktemp("causality")
    trials = {(1, 2): 48, (1, 4): 48, (1, 6): 48}
    trees = [root / "before", root / "after"]
    for tree in trees:
        content = write_release(tree, trials)
    rng = np.random.default_rng(1)
    for (subject, trial), (features, labels) in content.items():
        first = {2: len(features), 4: SECONDS_BEFORE * 4, 6: 0}[trial]
        features[first:] = rng.normal(0, 3, features[first:].shape)
        write_features(trees[1] / "data/Features", subject, trial, features, labels)
    return trees


def _observations(root, dataset, trial, **options):
    env = EEGEmotionEnv(dataset, str(root), **options)
    observation, _ = env.reset(options={"trial": trial})
    rows, done = [observation.copy()], False
    while not done:
        observation, _, done, _, _ = env.step(np.zeros(env.action_space.shape, np.float32))
        rows.append(observation.copy())
    return np.stack(rows)


@pytest.mark.parametrize("encoder", ["shipped", "none"])
@pytest.mark.parametrize("dataset", ["seed", "mahnob"])
def test_later_eeg_changes_no_earlier_observation(dataset, encoder, request):
    trees = request.getfixturevalue(f"{dataset}_trees")
    early, changed = {"seed": (1, 2), "mahnob": (2, 4)}[dataset]
    before, after = (_observations(t, dataset, changed, encoder=encoder) for t in trees)
    np.testing.assert_array_equal(before[:SECONDS_BEFORE], after[:SECONDS_BEFORE])
    assert not np.allclose(before[SECONDS_BEFORE], after[SECONDS_BEFORE])
    before, after = (_observations(t, dataset, early, encoder=encoder) for t in trees)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("dataset", ["seed", "mahnob"])
def test_chained_sessions_look_back_only(dataset, request):
    trees = request.getfixturevalue(f"{dataset}_trees")
    before, after = (_observations(t, dataset, 0, episode="session") for t in trees)
    same = np.flatnonzero((before != after).any(axis=1))[0]
    lengths = {"seed": 12, "mahnob": 12}[dataset]
    assert same == lengths + SECONDS_BEFORE


def test_transductive_normalisation_does_look_ahead_and_says_so(seed_trees):
    """The test above can fail: the marked option fails it."""
    options = {"normalization": "subject", "encoder": "none"}
    before, after = (_observations(t, "seed", TRIAL, **options) for t in seed_trees)
    assert not np.allclose(before[:SECONDS_BEFORE], after[:SECONDS_BEFORE])
    env = EEGEmotionEnv("seed", str(seed_trees[0]), **options)
    assert env.episodes[0].track == "transductive"


OTHERS = {
    "seed-iv": (
        lambda root: writers.write_seed_iv(root, seconds=8, subjects=(1,)),
        {"raw": "eeg_raw_data/1/1_20160518.mat"},
        lambda name: int(name.rsplit("eeg", 1)[1]),
    ),
    "seed-vii": (
        lambda root: writers.write_seed_vii(root, more_windows=2),
        {"raw": "EEG_preprocessed/12.mat", "de": "EEG_features/12.mat"},
        lambda name: int(name.rsplit("_", 1)[-1]),
    ),
    "refed": (
        lambda root: writers.write_refed(root, names=("1",), seconds=8),
        {"raw": "data/1/EEG_videos.mat"},
        lambda name: int(name.rsplit("_", 1)[1]),
    ),
}
"""How a set is written, where its EEG or features lie, and the trial of a variable."""


def _perturb(path, trial_of, seconds):
    """Change what lies after a second of trial 2, and all of the later trials."""
    content = {k: v for k, v in scipy.io.loadmat(path).items() if not k.startswith("__")}
    rng = np.random.default_rng(0)
    for name, values in content.items():
        number = trial_of(name)
        if number < TRIAL:
            continue
        if values.ndim == 3:  # windows of 4 s first
            first = int(seconds // 4) if number == TRIAL else 0
            values[first:] = rng.uniform(10, 28, values[first:].shape)
        else:
            rate = 1000 if "video" in name else 200
            first = int(seconds * rate) if number == TRIAL else 0
            values[:, first:] = rng.normal(0, 40, values[:, first:].shape)
    scipy.io.savemat(path, content)


@pytest.mark.filterwarnings("ignore:.*not as long as the")
@pytest.mark.parametrize(
    ("dataset", "features"),
    [(name, kind) for name, (_, files, _) in OTHERS.items() for kind in files],
)
def test_later_eeg_changes_no_earlier_feature(dataset, features, tmp_path):
    write, files, trial_of = OTHERS[dataset]
    seconds = 4.0
    options = {} if dataset == "refed" else {"features": features}
    trees = [tmp_path / "before", tmp_path / "after"]
    for tree in trees:
        write(tree)
    _perturb(trees[1] / files[features], trial_of, seconds)
    before, after = (load(dataset, tree, **options).select(sessions=[1]) for tree in trees)
    np.testing.assert_array_equal(before[0].features, after[0].features)
    n_same = int(seconds / before[1].step_s)
    assert 0 < n_same < before[1].n_steps
    np.testing.assert_array_equal(before[1].features[:n_same], after[1].features[:n_same])
    assert not np.allclose(before[1].features[n_same], after[1].features[n_same])
    assert before[1].track == "causal"
