"""Every id plays recordings of its layout, recognised without being named."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import eeg_emotion_env
from eeg_emotion_env.datasets import DATASETS, detect
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.mahnob_release import write_release

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*not as long as the"),
    # The checker looks at few steps of an environment that was made with pass-through wrappers.
    pytest.mark.filterwarnings("ignore:.*no shipped encoder is made for"),
    pytest.mark.filterwarnings("ignore:.*pretrained on simulated EEG"),
]


def bids(root):
    config = replace(LAYOUTS["bids"].config, n_subjects=1, n_trials=2, duration_scale=0.3)
    write_layout(LAYOUTS["bids"], config, root)


def ltne(root):
    from eeg_emotion_env.datasets.ltne import write_ltne_trial

    rng = np.random.default_rng(0)
    names = writers.CHANNELS_62[:8]
    for trial in (1, 2):
        write_ltne_trial(
            root,
            subject=1,
            session=1,
            trial=trial,
            eeg=writers.eeg(rng, 8, 2000),
            sfreq=200.0,
            channels=names,
            labels=rng.uniform(-1, 1, (20, 2)),
            label_rate=2.0,
        )


TREES = {
    "seed": lambda root: writers.write_seed(root, subjects=(1,), sessions=(1,)),
    "seed-iv": lambda root: writers.write_seed_iv(root, raw=False, seconds=48, subjects=(1,)),
    "seed-vii": lambda root: writers.write_seed_vii(root, raw=False, more_windows=2),
    "refed": lambda root: writers.write_refed(root, names=("1",)),
    "mahnob": lambda root: write_release(root, {(1, 2): 40, (1, 4): 44}),
    "ltne": ltne,
    "bids": bids,
}


def test_every_set_with_files_is_here():
    assert set(TREES) == set(DATASETS) - {"simulated"}


@pytest.mark.parametrize("name", sorted(TREES))
def test_env_plays_recordings(name, tmp_path):
    TREES[name](tmp_path / "data")
    assert detect(tmp_path / "data").card.name == name
    card = DATASETS[name].card
    env = gymnasium.make(card.env_id, data=str(tmp_path / "data"))
    if name != "refed":
        # Where the first step is not annotated, its label is NaN, which the checker holds to be
        # different from itself.
        check_env(env.unwrapped)
    observation, info = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert info["dataset"] == name
    expected = "simulated" if name == "bids" else "recorded"
    total, done = 0, False
    while not done:
        observation, reward, done, _, info = env.step(env.action_space.sample())
        total += np.isfinite(reward)
    assert total >= 2
    assert info["source"] == expected
    assert set(info["episode_metrics"]) >= {"ccc", "pcc", "rmse", "mae"}


def test_variable_names_the_folder_of_any_set(tmp_path, monkeypatch):
    """One folder may hold several sets, each under its name."""
    TREES["seed"](tmp_path / "SEED")
    TREES["mahnob"](tmp_path / "mahnob")
    monkeypatch.setenv("EEG_EMOTION_DATA", str(tmp_path))
    for name in ("seed", "mahnob"):
        assert eeg_emotion_env.load(name)[0].source == "recorded"
