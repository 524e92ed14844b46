"""Plain SB3 algorithms on the registered environments; encoders stay as they are."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv

import eeg_emotion_env  # noqa: F401 (registers the environments)
from agents import AgentConfig, EEGDancerPolicy, PlaybackVecEnv, make_vec_env, train_agent
from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.playback import build_episodes
from encoders import shipped_encoder
from tests.agents.conftest import made_episodes
from tests.benchmarks.conftest import made_trials

SMALL = {"dataset_options": {"n_subjects": 2, "n_trials": 2, "duration_scale": 0.05}}


@pytest.mark.parametrize(
    ("algorithm", "policy", "options"),
    [
        (SAC, "MlpPolicy", {"learning_starts": 50}),
        (TD3, "MlpPolicy", {"learning_starts": 50}),
        (PPO, "MlpPolicy", {"n_steps": 64}),
        (SAC, EEGDancerPolicy, {"learning_starts": 50}),
    ],
)
def test_algorithms_learn_save_load_and_predict(algorithm, policy, options, tmp_path):
    env = gym.make("EEGEmotion-Simulated-v0", **SMALL)
    model = algorithm(policy, env, seed=0, device="cpu", **options).learn(128)
    observation, _ = env.reset(seed=3)
    action, _ = model.predict(observation, deterministic=True)
    assert env.action_space.contains(action)
    model.save(tmp_path / "model.zip")
    again, _ = algorithm.load(tmp_path / "model.zip", device="cpu").predict(
        observation, deterministic=True
    )
    np.testing.assert_array_equal(action, again)


def _tensors(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_encoder_is_bit_identical_after_sac_training():
    encoder = shipped_encoder("simulated-62x5")
    before = _tensors(encoder)
    rng = np.random.default_rng(0)
    trials = [
        trial.replace(
            features=rng.normal(size=(trial.n_steps, 62, 5)),
            channels=tuple(f"C{i}" for i in range(62)),
            bands=tuple("abcde"),
        )
        for trial in made_trials(n_subjects=3, n_stimuli=1)
    ]
    config = AgentConfig(net_arch=(16,), total_steps=200, n_envs=2, learning_starts=20)
    train_agent(build_episodes(trials, encoder.encode), config)
    after = _tensors(encoder)
    assert all(torch.equal(before[name], after[name]) for name in before)


class EncoderInPolicy(BaseFeaturesExtractor):
    """What one should not do, and what must not break the encoder all the same."""

    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=1)
        self.encoder = shipped_encoder("simulated-62x5")

    def forward(self, observations):
        frames = observations[:, None, :310].unflatten(-1, (62, 5))
        latents = self.encoder.dynamics(self.encoder.vqvae(frames))
        return latents[:, 0, :1]


def test_encoder_inside_a_policy_stays_frozen_too():
    options = {**SMALL, "encoder": "none"}
    env = gym.make("EEGEmotion-Simulated-v0", **options)
    model = SAC(
        "MlpPolicy",
        env,
        learning_starts=20,
        device="cpu",
        policy_kwargs={"features_extractor_class": EncoderInPolicy, "net_arch": [8]},
    )
    before = _tensors(model.actor.features_extractor.encoder)
    model.learn(80)
    after = _tensors(model.actor.features_extractor.encoder)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_native_vec_env_equals_dummy_vec_env():
    episodes = made_episodes(1, 1, n_dims=2)
    native = PlaybackVecEnv(episodes, n_envs=3, reward="ccc", privileged=True)
    dummy = DummyVecEnv(
        [
            lambda: EEGEmotionEnv.from_episodes(episodes, reward="ccc", privileged=True)
            for _ in range(3)
        ]
    )
    np.testing.assert_array_equal(native.reset(), dummy.reset())
    rng = np.random.default_rng(0)
    for _ in range(episodes[0].n_steps + 3):
        actions = rng.uniform(-1, 1, (3, 2)).astype(np.float32)
        first, second = native.step(actions), dummy.step(actions)
        np.testing.assert_allclose(first[0], second[0], atol=1e-6)
        np.testing.assert_allclose(first[1], second[1], atol=1e-6)
        np.testing.assert_array_equal(first[2], second[2])
        for a, b in zip(first[3], second[3], strict=True):
            if "terminal_observation" in a:
                np.testing.assert_allclose(
                    a["terminal_observation"], b["terminal_observation"], atol=1e-6
                )
                assert a["episode_metrics"] == pytest.approx(b["episode_metrics"])


def test_make_vec_env_plays_the_environments_episodes_and_reward():
    env = EEGEmotionEnv.from_episodes(made_episodes(), reward={"name": "ccc", "lambda_": 0.3})
    fast = make_vec_env(env, n_envs=4, seed=1)
    assert fast.playback.keys == env.keys
    assert fast.playback.reward == env.reward
    model = SAC("MlpPolicy", fast, learning_starts=20, device="cpu").learn(60)
    assert model.num_timesteps >= 60
