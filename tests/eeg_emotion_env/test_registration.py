"""Registered environments: import, specification, shared latents."""

import json
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from scipy.io import loadmat, savemat

import eeg_emotion_env
from eeg_emotion_env import EEGEmotionEnv
from eeg_emotion_env.datasets import DATASETS, Trials
from eeg_emotion_env.errors import ConfigError, SimulatedDataWarning
from eeg_emotion_env.latents import load_latent_episodes, make_encoder, require_fitting
from eeg_emotion_env.registration import ENV, VECTOR_ENV, register_envs
from tests.eeg_emotion_env import writers

from .toys import toy_trial

IDS = register_envs()
OFFLINE = {"source": "simulated", "encoder": "none"}


def test_each_data_set_has_an_environment():
    assert set(IDS) == {dataset.card.env_id for dataset in DATASETS.values()}
    for env_id in IDS:
        spec = gymnasium.spec(env_id)
        assert (spec.entry_point, spec.vector_entry_point) == (ENV, VECTOR_ENV)


def test_registering_again_changes_nothing():
    before = {env_id: gymnasium.registry[env_id] for env_id in IDS}
    assert register_envs() == IDS
    assert all(gymnasium.registry[env_id] is spec for env_id, spec in before.items())


@pytest.mark.parametrize("env_id", IDS)
def test_specifications_survive_json(env_id):
    env = gymnasium.make(env_id, **OFFLINE, reward={"name": "ccc"}, subjects=[1])
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    again = gymnasium.make(spec)
    assert np.array_equal(again.reset(seed=1)[0], env.reset(seed=1)[0])
    assert again.unwrapped.reward == env.unwrapped.reward


def test_vector_form_is_made_by_gymnasium():
    vector = gymnasium.make_vec("EEGEmotion-Simulated-v0", num_envs=3, **OFFLINE)
    single = gymnasium.make("EEGEmotion-Simulated-v0", **OFFLINE)
    assert vector.single_observation_space == single.observation_space
    observations, infos = vector.reset(seed=0)
    assert observations.shape == (3, *single.observation_space.shape)
    assert set(infos["source"]) == {"simulated"}
    observations, rewards, *_ = vector.step(vector.action_space.sample())
    assert np.isfinite(rewards).all()
    vector.close()


def test_only_chosen_subjects_are_played():
    env = gymnasium.make("EEGEmotion-Simulated-v0", **OFFLINE, subjects=["2"])
    assert {key.subject for key in env.unwrapped.keys} == {2}
    with pytest.raises(ConfigError, match="subjects must be among 1, 2"):
        gymnasium.make("EEGEmotion-Simulated-v0", **OFFLINE, subjects=[77])


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_missing_recordings_are_simulated_with_one_warning(make):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        env = make("EEGEmotion-SEED-v0", encoder="none")
        env.reset(seed=0)
    kinds = [str(w.message) for w in caught if issubclass(w.category, SimulatedDataWarning)]
    assert len(kinds) == 1
    assert "EEG_EMOTION_DATA" in kinds[0]


def test_the_warning_names_the_folder_that_was_searched(monkeypatch, tmp_path):
    monkeypatch.setenv("EEG_EMOTION_DATA", str(tmp_path))
    with pytest.warns(SimulatedDataWarning, match=str(tmp_path)):
        gymnasium.make("EEGEmotion-SEED-v0", encoder="none")


@pytest.mark.filterwarnings("ignore::eeg_emotion_env.errors.DataWarning")
def test_labels_that_change_are_seen_by_the_next_environment(tmp_path):
    writers.write_seed(tmp_path / "S", subjects=(1,), sessions=(1,), seconds=4)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "EEG").symlink_to(tmp_path / "S" / "Preprocessed_EEG")
    options = {"data": str(tmp_path / "linked"), "encoder": "none"}

    def label(**more):
        env = EEGEmotionEnv("seed", **options, **more)
        env.reset(options={"trial": 1})
        return env.step(np.zeros(2, np.float32))[4]["label"][0]

    assert label() == 1.0
    path = tmp_path / "S" / "Preprocessed_EEG" / "label.mat"
    savemat(path, {"label": -loadmat(path)["label"]})
    assert label() == -1.0
    csv = tmp_path / "elsewhere.csv"
    for value in (0.5, -0.5):
        csv.write_text(f"stimulus,time_s,valence,arousal\n1,1,{value},0\n")
        assert label(dataset_options={"labels": str(csv)}) == value


def test_options_of_a_data_set_are_not_arguments_of_load():
    for option in ("normalization", "source", "name", "cache"):
        with pytest.raises(ConfigError, match="option of data set"):
            load_latent_episodes("simulated", dataset_options={option: "none"})


def test_environments_share_what_is_encoded():
    first = load_latent_episodes("simulated", **OFFLINE)
    second = load_latent_episodes("simulated", **OFFLINE)
    assert first[0] is second[0]
    assert load_latent_episodes("simulated", **OFFLINE, subjects=[1])[0] is first[0]
    other = load_latent_episodes("simulated", **OFFLINE, normalization="none")
    assert not np.array_equal(other[0].latents, first[0].latents)


def test_encoding_none_is_flattening():
    trial = toy_trial()
    latents = make_encoder("none", Trials([]))(trial.features)
    assert np.array_equal(latents, trial.features.reshape(6, 4))


def test_import_is_light_and_quick():
    code = (
        "import sys, time; start = time.process_time(); import eeg_emotion_env as package;"
        "import json; seconds = time.process_time() - start;"
        "names = ['torch', 'stable_baselines3', 'mne', 'pandas', 'matplotlib', 'sklearn'];"
        "loaded = [name for name in names if name in sys.modules];"
        "package.EEGEmotionEnv; package.EEGEmotionVectorEnv;"
        "print(json.dumps([seconds, loaded, 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, loaded, torch = json.loads(done.stdout)
    assert not loaded
    assert not torch
    # 0.5 s on an idle core; the margin is for machines shared with other work.
    assert seconds < 1.5


def test_public_names_exist():
    for name in eeg_emotion_env.__all__:
        assert getattr(eeg_emotion_env, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = eeg_emotion_env.nothing


def test_module_name_in_the_id_registers():
    code = (
        "import gymnasium; env = gymnasium.make('eeg_emotion_env:EEGEmotion-Simulated-v0',"
        "encoder='none'); print(env.reset(seed=0)[1]['source'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "simulated"


@pytest.mark.parametrize(
    "description",
    [
        {"channels": ["FZ"]},
        {"bands": ["alpha"]},
        {"step_s": 4.0},
        {"normalization": "none"},
    ],
)
def test_encoders_made_for_other_features_are_refused(description):
    trial = toy_trial().replace(normalization="past")
    with pytest.raises(ConfigError, match=f"made for {next(iter(description))}"):
        require_fitting(description, trial)
    require_fitting({}, trial)


def test_shipped_encoder_refuses_features_that_are_not_normalised():
    small = {**OFFLINE, "encoder": "shipped", "normalization": "none"}
    with pytest.raises(ConfigError, match="made for normalised features"):
        load_latent_episodes("simulated", **small)[0]
