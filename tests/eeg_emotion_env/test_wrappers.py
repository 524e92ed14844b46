"""Action views: what an action means, and that nothing else changes."""

import warnings
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from eeg_emotion_env import wrappers
from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.vector import EEGEmotionVectorEnv
from eeg_emotion_env.wrappers import (
    GainAction,
    IncrementAction,
    LinearProposal,
)
from eeg_emotion_env.wrappers import vector as vector_wrappers
from tests.eeg_emotion_env.toys import toy_episode, toy_episodes

EPISODES = toy_episodes()
PROPOSAL = LinearProposal.fit(EPISODES, alpha=1.0)
OPTIONS = {
    "ResidualAction": {"proposal": PROPOSAL, "scale": 0.4},
    "IncrementAction": {"scale": 0.3},
    "GainAction": {"proposal": PROPOSAL, "scale": 0.4},
}


def single(name, **options):
    return getattr(wrappers, name)(
        EEGEmotionEnv.from_episodes(EPISODES, **options), **OPTIONS[name]
    )


def play(env, actions, **options):
    """Predictions, rewards and observations of the first episode, by one action a step."""
    observation, info = env.reset(**options)
    steps = [(observation, None, None)]
    for action in actions[: info["n_steps"]]:
        observation, reward, *_, info = env.step(action)
        steps.append((observation, reward, info["prediction"]))
    return steps


@pytest.mark.parametrize("name", OPTIONS)
def test_both_checkers_pass_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # said of every wrapper
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version")
        check_env(single(name), skip_render_check=True)
        sb3_check_env(single(name), warn=True)


@pytest.mark.parametrize("name", OPTIONS)
def test_only_the_meaning_of_actions_changes(name):
    env, base = single(name, reward="ccc"), EEGEmotionEnv.from_episodes(EPISODES, "ccc")
    assert env.observation_space == base.observation_space
    rng = np.random.default_rng(0)
    actions = [env.action_space.sample() for _ in range(20)]
    seen = play(env, actions, seed=int(rng.integers(99)), options={"subject": 2, "trial": 1})
    predictions = [prediction for *_, prediction in seen[1:]]
    plain = play(base, predictions, seed=0, options={"subject": 2, "trial": 1})
    for (obs, reward, prediction), (obs_, reward_, prediction_) in zip(seen, plain, strict=True):
        np.testing.assert_array_equal(obs, obs_)
        assert reward == reward_
        if prediction is not None:
            np.testing.assert_array_equal(prediction, prediction_)


def test_action_zero_is_the_proposal():
    env = single("ResidualAction")
    latents = env.reset(options={"subject": 1, "trial": 2})[0][None, :3]
    *_, info = env.step(np.zeros(2, np.float32))
    np.testing.assert_allclose(info["prediction"], PROPOSAL(latents)[0], atol=1e-6)
    latents = env.unwrapped._rows[1][None, :3]
    *_, info = env.step(np.array([1.0, -0.5], np.float32))
    expected = np.clip(PROPOSAL(latents)[0] + 0.4 * np.array([1.0, -0.5]), -1, 1)
    np.testing.assert_allclose(info["prediction"], expected, atol=1e-6)


@given(st.lists(st.floats(-1, 1, width=32), min_size=9, max_size=9))
def test_increments_add_up_within_the_limits(values):
    env = IncrementAction(EEGEmotionEnv.from_episodes([toy_episode(n_steps=9)]), scale=0.3)
    steps = play(env, [np.array([v, -v], np.float32) for v in values])
    expected = np.zeros(2)
    for value, (*_, prediction) in zip(values, steps[1:], strict=True):
        expected = np.clip(expected + 0.3 * np.array([value, -value]), -1, 1)
        np.testing.assert_allclose(prediction, expected, atol=1e-5)


def test_a_gain_moves_from_the_last_prediction_to_the_proposal():
    episode = toy_episode(n_steps=6)
    env = GainAction(EEGEmotionEnv.from_episodes([episode]), PROPOSAL, scale=0.4)
    proposals = PROPOSAL(episode.latents)
    stay, jump = np.array([-1, -1, 0, 0], np.float32), np.array([1, 1, 0, 0], np.float32)
    half = np.array([0, 0, 0.5, 0.5], np.float32)
    steps = play(env, [stay, stay, jump, half, stay, stay])
    first, second, third, fourth, fifth, _ = [prediction for *_, prediction in steps[1:]]
    np.testing.assert_allclose(first, proposals[0], atol=1e-6)  # nothing to stay at yet
    np.testing.assert_array_equal(second, first)
    np.testing.assert_allclose(third, proposals[2], atol=1e-6)
    expected = np.clip(third + 0.5 * (proposals[3] + 0.2 - third), -1, 1)
    np.testing.assert_allclose(fourth, expected, atol=1e-6)
    np.testing.assert_array_equal(fifth, fourth)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("name", OPTIONS)
def test_vector_views_equal_single_ones(name, mode):
    base = EEGEmotionVectorEnv.from_episodes(EPISODES, 3, autoreset_mode=mode)
    vector = getattr(vector_wrappers, name)(base, **OPTIONS[name])
    assert vector.action_space.shape == (3, *single(name).action_space.shape)
    observations, infos = vector.reset(seed=1)
    singles = [single(name) for _ in range(3)]
    alive = [True] * 3
    for i, env in enumerate(singles):
        begun = {"subject": infos["subject"][i], "trial": infos["trial"][i]}
        np.testing.assert_array_equal(env.reset(options=begun)[0], observations[i])
    vector.action_space.seed(0)
    for _ in range(8):
        actions = vector.action_space.sample()
        observations, rewards, _, _, infos = vector.step(actions)
        for i, env in enumerate(singles):
            if not alive[i]:
                continue
            observation, reward, terminated, _, _ = env.step(actions[i])
            assert reward == pytest.approx(rewards[i], abs=1e-12)
            alive[i] = not terminated
            if alive[i]:
                np.testing.assert_allclose(observation, observations[i], atol=1e-6)


def test_views_refuse_what_they_cannot_read():
    env = EEGEmotionEnv.from_episodes(EPISODES)
    other = gym.spaces.Box(-1, 1, env.observation_space.shape)
    vector = EEGEmotionVectorEnv.from_episodes(EPISODES, 2)
    with pytest.raises(ConfigError, match="still predictions"):
        IncrementAction(IncrementAction(env))
    with pytest.raises(ConfigError, match="around it"):
        IncrementAction(gym.wrappers.TransformObservation(env, lambda x: x, other))
    with pytest.raises(ConfigError, match="still predictions"):
        IncrementAction(gym.make("CartPole-v1"))
    with pytest.raises(ConfigError, match="scale of an action view must be positive"):
        IncrementAction(env, scale=0)
    with pytest.raises(ConfigError, match="still predictions"):
        vector_wrappers.IncrementAction(vector_wrappers.IncrementAction(vector))
    with pytest.raises(ConfigError, match="unchanged"):
        vector_wrappers.IncrementAction(gym.make_vec("CartPole-v1", 2))
    wrapped = IncrementAction(env)
    with pytest.raises(gym.error.ResetNeeded):
        wrapped.step(np.zeros(2, np.float32))
    wrapped.reset()
    with pytest.raises(ConfigError, match=r"actions must have shape \(1, 2\)"):
        wrapped.step(np.zeros(3, np.float32))
    with pytest.raises(ConfigError, match="NaN"):
        wrapped.step(np.full(2, np.nan, np.float32))


def test_a_linear_proposal_recovers_a_linear_label():
    episodes = toy_episodes(gaps=True)
    weights = np.array([[0.1, -0.2], [0.05, 0.1], [0.0, 0.1]])
    linear = [
        replace(e, labels=np.where(np.isnan(e.labels), np.nan, e.latents @ weights + [0.1, -0.1]))
        for e in episodes
    ]
    proposal = LinearProposal.fit(linear, alpha=1e-6)
    np.testing.assert_allclose(proposal.weights, weights, atol=1e-3)
    np.testing.assert_allclose(proposal.intercept, [0.1, -0.1], atol=1e-3)
    with pytest.raises(ConfigError, match="annotated"):
        LinearProposal.fit([replace(e, labels=np.full_like(e.labels, np.nan)) for e in episodes])
    with pytest.raises(ConfigError, match="alpha must be positive"):
        LinearProposal.fit(linear, alpha=0)


@pytest.mark.parametrize("name", OPTIONS)
def test_writing_into_observations_changes_no_prediction(name):
    plain, written = single(name), single(name)
    actions = [plain.action_space.sample() for _ in range(5)]
    for env in (plain, written):
        env.reset(options={"subject": 1, "trial": 1})
    for action in actions:
        *_, info = plain.step(action)
        observation, *_, other = written.step(action)
        np.testing.assert_array_equal(info["prediction"], other["prediction"])
        observation[:] = 0.9
