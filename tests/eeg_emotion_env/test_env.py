"""The environment: its contract, step by step."""

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eeg_emotion_env.env import MAX_PREPARED, EEGEmotionEnv
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import episode_metrics
from eeg_emotion_env.rewards import REWARDS, make_reward

from .toys import actions_for, toy_episode, toy_episodes


def play(env, actions, **reset):
    """Play one episode; return observations, rewards and infos."""
    observation, info = env.reset(**reset)
    observations, rewards, infos = [observation], [], [info]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        observations.append(observation)
        rewards.append(reward)
        infos.append(info)
        assert truncated is False
    assert terminated is True
    return np.stack(observations), rewards, infos


@given(arrays(np.float32, (8, 2), elements=st.floats(-1, 1, width=32)))
def test_observations_tell_the_agent_of_its_own_predictions(actions):
    episode = toy_episode(n_steps=8)
    env = EEGEmotionEnv.from_episodes([episode])
    observations, _, _ = play(env, actions)
    layout = env.layout
    assert all(env.observation_space.contains(observation) for observation in observations)
    assert np.array_equal(observations[:-1, layout.latent], episode.latents)
    assert np.array_equal(observations[-1, layout.latent], episode.latents[-1])
    assert np.array_equal(observations[1:, layout.previous], actions)
    assert not observations[0, layout.own].any()
    for t in range(1, 9):
        past = actions[:t].astype(float)
        assert observations[t, layout.mean] == pytest.approx(past.mean(axis=0), abs=1e-6)
        assert observations[t, layout.spread] == pytest.approx(past.std(axis=0), abs=1e-6)
    assert observations[:, layout.elapsed][:, 0] == pytest.approx(np.arange(9) * 2.0 / 600)


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("gaps", [False, True])
def test_rewards_score_each_action_on_its_own_step(reward, gaps):
    episode = toy_episode(n_steps=10, gaps=gaps)
    actions = actions_for(episode)
    env = EEGEmotionEnv.from_episodes([episode], reward)
    _, rewards, infos = play(env, actions)
    expected = make_reward(reward).trajectory(episode.labels, actions)
    assert rewards == pytest.approx(expected, abs=1e-12)
    assert all(type(value) is float for value in rewards)
    for value, info in zip(rewards, infos[1:], strict=True):
        assert sum(info["reward_terms"].values()) == pytest.approx(value)


def test_info_says_what_was_played():
    episode = toy_episode(n_steps=4, trial=3)
    actions = actions_for(episode)
    env = EEGEmotionEnv.from_episodes([episode])
    _, _, (first, *infos) = play(env, actions)
    assert first == {**episode.ids, "n_steps": 4}
    for t, info in enumerate(infos):
        assert np.array_equal(info["label"], episode.labels[t])
        assert np.array_equal(info["prediction"], actions[t])
        assert (info["step"], info["time_s"]) == (t, 2.0 * (t + 1))
        assert list(info["reward_terms"]) == ["squared_error_valence", "squared_error_arousal"]
        assert info["source"] == "simulated"
        assert (info["subject"], info["session"], info["trial"]) == (1, 1, 3)
        assert (info["stimulus"], info["dataset"]) == ("clip03", "toy")
        assert ("episode_metrics" in info) == (t == 3)
    expected = episode_metrics(episode.labels, actions, episode.label_names)
    assert infos[-1]["episode_metrics"] == expected


def test_observations_are_not_reused():
    env = EEGEmotionEnv.from_episodes([toy_episode()])
    first, _ = env.reset()
    kept = first.copy()
    second = env.step(np.array([0.5, 0.5], np.float32))[0]
    second[:] = 7
    first[:] = 7
    assert np.array_equal(env.reset()[0], kept)


def test_actions_are_limited_and_wrong_ones_refused():
    env = EEGEmotionEnv.from_episodes([toy_episode()])
    env.reset()
    observation, _, _, _, info = env.step([5.0, -math.inf])
    assert info["prediction"].tolist() == observation[env.layout.previous].tolist() == [1, -1]
    with pytest.raises(ConfigError, match=r"shape \(2,\), not \(1,\)"):
        env.step(np.zeros(1, np.float32))
    with pytest.raises(ConfigError, match="holds NaN"):
        env.step(np.array([math.nan, 0], np.float32))
    assert env.step(np.zeros(2))[4]["step"] == 1


def test_steps_need_an_episode():
    env = EEGEmotionEnv.from_episodes([toy_episode(n_steps=2)], render_mode="ansi")
    action = np.zeros(2, np.float32)
    for call in (lambda: env.step(action), env.render):
        with pytest.raises(ResetNeeded, match=r"call reset\(\)"):
            call()
    play(env, [action, action])
    with pytest.raises(ResetNeeded, match="is over"):
        env.step(action)


def test_seeds_fix_the_order_of_trials():
    def order(env, seed):
        keys = [env.reset(seed=seed)[1]["subject"]]
        infos = [env.reset()[1] for _ in range(8)]
        return keys + [(info["subject"], info["trial"]) for info in infos]

    env = EEGEmotionEnv.from_episodes(toy_episodes())
    first = order(env, 3)
    assert order(env, 3) == first == order(EEGEmotionEnv.from_episodes(toy_episodes()), 3)
    assert any(order(env, seed) != first for seed in range(4, 8))


def test_trials_come_once_before_any_comes_again():
    env = EEGEmotionEnv.from_episodes(toy_episodes())
    env.reset(seed=0)
    played = [env.reset()[1] for _ in range(11)]
    ids = [(info["subject"], info["trial"]) for info in played]
    assert len(set(ids[:5])) == 5
    assert len(set(ids[5:])) == 6


def test_reset_options_choose_the_trial():
    env = EEGEmotionEnv.from_episodes(toy_episodes())
    _, info = env.reset(options={"subject": 2, "trial": "3"})
    assert (info["subject"], info["trial"]) == (2, 3)
    assert {env.reset(options={"subject": 1})[1]["trial"] for _ in range(3)} == {1, 2, 3}
    assert env.reset(options={})[1]["dataset"] == "toy"
    with pytest.raises(ConfigError, match="reset option must be one of session, subject, trial"):
        env.reset(options={"start": 3})
    with pytest.raises(ConfigError, match="subject must be one of 1, 2"):
        env.reset(options={"subject": 9})


def test_privileged_part_is_off_unless_asked_for():
    episodes = toy_episodes(gaps=True)
    public = EEGEmotionEnv.from_episodes(episodes)
    private = EEGEmotionEnv.from_episodes(episodes, privileged=True)
    assert public.observation_space.shape == (public.layout.public_size,)
    assert private.layout.public_size == public.layout.public_size
    choice = {"options": {"subject": 1, "trial": 1}}
    actions = actions_for(episodes[0])
    seen, more = play(public, actions, **choice)[0], play(private, actions, **choice)[0]
    assert np.array_equal(more[:, : public.layout.size], seen)
    assert all(private.observation_space.contains(row) for row in more)


def test_many_episodes_are_laid_out_in_bounded_memory():
    episodes = [toy_episode(trial, n_steps=1) for trial in range(1, MAX_PREPARED + 5)]
    env = EEGEmotionEnv.from_episodes(episodes)
    for _ in episodes:
        env.reset()
        assert len(env._prepared) <= MAX_PREPARED


def test_one_dimension_is_enough():
    episode = toy_episode(names=("valence",))
    env = EEGEmotionEnv.from_episodes([episode], {"name": "ccc", "lambda_": 0.5})
    _, _, infos = play(env, actions_for(episode))
    assert set(infos[-1]["reward_terms"]) == {"agreement_valence", "spread_valence"}
    assert infos[-1]["episode_metrics"]["ccc"] == infos[-1]["episode_metrics"]["ccc_valence"]


def test_environments_refuse_what_makes_no_sense():
    with pytest.raises(ConfigError, match="at least one episode"):
        EEGEmotionEnv.from_episodes([])
    with pytest.raises(ConfigError, match="render_mode must be one of ansi, rgb_array"):
        EEGEmotionEnv.from_episodes([toy_episode()], render_mode="human")
    with pytest.raises(ConfigError, match="episode must be one of session, trial"):
        EEGEmotionEnv("simulated", episode="clip")
    with pytest.raises(ConfigError, match="encoder must be 'auto'"):
        EEGEmotionEnv("simulated", encoder="nowhere/at/all")
    with pytest.raises(ConfigError, match="reward must be one of"):
        EEGEmotionEnv("simulated", reward="mse")


def test_standard_wrappers_apply():
    env = gymnasium.wrappers.RecordEpisodeStatistics(EEGEmotionEnv.from_episodes([toy_episode()]))
    env = gymnasium.wrappers.FrameStackObservation(env, 3)
    _, rewards, infos = play(env, actions_for(toy_episode()))
    assert infos[-1]["episode"]["r"] == pytest.approx(sum(rewards))
