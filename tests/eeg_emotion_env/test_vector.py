"""The vector form: equal to the single environment, Gymnasium's autoreset, masks of infos."""

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics
from hypothesis import given, settings
from hypothesis import strategies as st

from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.rewards import REWARDS
from eeg_emotion_env.vector import EEGEmotionVectorEnv

from .toys import toy_episodes

EPISODES = toy_episodes(gaps=True)
STEPS = 30


class Mirror:
    """A single environment that plays what one environment of a vector is seen to play."""

    def __init__(self, reward):
        self.env = EEGEmotionEnv.from_episodes(EPISODES, reward)

    def begin(self, infos, i):
        options = {name: infos[name][i] for name in ("subject", "session", "trial")}
        return self.env.reset(options=options)[0]


def make(n, mode="NextStep", **options):
    return EEGEmotionVectorEnv.from_episodes(EPISODES, n, autoreset_mode=mode, **options)


def check_scored(infos, info, i):
    assert infos["_label"][i]
    assert infos["_prediction"][i]
    assert np.array_equal(infos["label"][i], info["label"], equal_nan=True)
    assert np.array_equal(infos["prediction"][i], info["prediction"])
    for name, value in info["reward_terms"].items():
        assert infos["reward_terms"][name][i] == pytest.approx(value, abs=1e-12)


@settings(max_examples=12)
@given(st.sampled_from(sorted(REWARDS)), st.integers(1, 4), st.integers(0, 99))
def test_next_step_autoreset_equals_single_environments(reward, n, seed):
    vector = make(n, reward=reward)
    actions = np.random.default_rng(seed).uniform(-1, 1, (STEPS, n, 2)).astype(np.float32)
    observations, infos = vector.reset(seed=seed)
    mirrors, ended = [Mirror(reward) for _ in range(n)], [False] * n
    for i, mirror in enumerate(mirrors):
        assert np.array_equal(mirror.begin(infos, i), observations[i])
    for action in actions:
        observations, rewards, terminated, truncated, infos = vector.step(action)
        assert not truncated.any()
        assert vector.observation_space.contains(observations)
        for i, mirror in enumerate(mirrors):
            if ended[i]:
                ended[i] = False
                assert np.array_equal(mirror.begin(infos, i), observations[i])
                assert (rewards[i], terminated[i], infos["_label"][i]) == (0, False, False)
                continue
            observation, reward_, ended[i], _, info = mirror.env.step(action[i])
            assert np.array_equal(observation, observations[i])
            assert rewards[i] == pytest.approx(reward_, abs=1e-12)
            assert terminated[i] == ended[i]
            check_scored(infos, info, i)
            assert ended[i] == ("episode_metrics" in infos and infos["_episode_metrics"][i])
            if ended[i]:
                metrics = dict(infos["episode_metrics"][i])
                assert metrics == pytest.approx(info["episode_metrics"], nan_ok=True)


@settings(max_examples=8)
@given(st.sampled_from(sorted(REWARDS)), st.integers(1, 4), st.integers(0, 99))
def test_same_step_autoreset_equals_single_environments(reward, n, seed):
    vector = make(n, "SameStep", reward=reward)
    actions = np.random.default_rng(seed).uniform(-1, 1, (STEPS, n, 2)).astype(np.float32)
    observations, infos = vector.reset(seed=seed)
    mirrors = [Mirror(reward) for _ in range(n)]
    for i, mirror in enumerate(mirrors):
        mirror.begin(infos, i)
    for action in actions:
        observations, rewards, terminated, _, infos = vector.step(action)
        for i, mirror in enumerate(mirrors):
            observation, reward_, ended, _, info = mirror.env.step(action[i])
            assert rewards[i] == pytest.approx(reward_, abs=1e-12)
            assert terminated[i] == ended
            if not ended:
                assert np.array_equal(observation, observations[i])
                check_scored(infos, info, i)
                continue
            final = infos["final_info"]
            assert infos["_final_obs"][i]
            assert infos["_final_info"][i]
            assert np.array_equal(infos["final_obs"][i], observation)
            check_scored(final, info, i)
            assert (final["trial"][i], final["subject"][i]) == (info["trial"], info["subject"])
            metrics = dict(final["episode_metrics"][i])
            assert metrics == pytest.approx(info["episode_metrics"], nan_ok=True)
            assert not infos["_label"][i]
            assert np.array_equal(mirror.begin(infos, i), observations[i])


@pytest.mark.parametrize("mode", ["NextStep", AutoresetMode.SAME_STEP])
def test_autoreset_mode_is_declared(mode):
    assert make(2, mode).metadata["autoreset_mode"] is AutoresetMode(mode)


def test_unknown_autoreset_modes_are_refused():
    with pytest.raises(ConfigError, match="autoreset_mode must be one of NextStep, SameStep"):
        make(2, AutoresetMode.DISABLED)


def test_seeds_fix_what_is_played():
    def run(seed):
        vector = make(3)
        first, _ = vector.reset(seed=seed)
        more = [vector.step(np.full((3, 2), 0.1, np.float32))[0] for _ in range(STEPS)]
        return np.stack([first, *more])

    assert np.array_equal(run(5), run(5))
    assert not np.array_equal(run(5), run(6))


def test_seeding_again_begins_the_same_order():
    vector = make(2)
    first = vector.reset(seed=1)[1]["trial"].tolist(), vector.reset()[1]["trial"].tolist()
    again = vector.reset(seed=1)[1]["trial"].tolist(), vector.reset()[1]["trial"].tolist()
    assert first == again


def test_reset_options_apply_to_all():
    vector = make(3)
    _, infos = vector.reset(options={"subject": 2, "trial": 1})
    assert infos["subject"].tolist() == [2, 2, 2]
    assert infos["trial"].tolist() == [1, 1, 1]
    with pytest.raises(ConfigError, match="trial must be one of"):
        vector.reset(options={"trial": 7})


def test_infos_given_out_do_not_change_later():
    vector = make(2)
    _, infos = vector.reset(seed=0)
    kept = infos["trial"].copy()
    for _ in range(STEPS):
        vector.step(np.zeros((2, 2), np.float32))
    assert np.array_equal(infos["trial"], kept)


def test_steps_need_a_reset():
    vector = make(2, render_mode="ansi")
    for call in (lambda: vector.step(np.zeros((2, 2))), vector.render):
        with pytest.raises(ResetNeeded):
            call()


def test_each_environment_is_drawn():
    vector = make(2, render_mode="ansi")
    vector.reset(seed=0)
    vector.step(np.zeros((2, 2), np.float32))
    first, second = vector.render()
    assert "step 1/" in first
    assert "step 1/" in second
    assert make(1).render() is None


def test_gymnasiums_vector_wrappers_apply():
    vector = DictInfoToList(RecordEpisodeStatistics(make(2)))
    vector.reset(seed=0)
    total, ended = np.zeros(2), []
    for _ in range(12):
        _, rewards, terminated, _, infos = vector.step(np.zeros((2, 2), np.float32))
        total += rewards
        ended += [info for info, end in zip(infos, terminated, strict=True) if end]
        if ended:
            break
    assert ended[0]["episode"]["r"] == pytest.approx(total[terminated][0])
    assert set(ended[0]["episode_metrics"]) >= {"ccc", "pcc", "rmse", "mae"}
