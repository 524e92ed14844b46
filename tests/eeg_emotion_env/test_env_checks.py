"""Checkers of Gymnasium and SB3 over all ids and options, warnings as errors; vector forms too."""

import copy
import itertools
from collections.abc import Mapping

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.env_checker import check_env as check_sb3_env

from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.registration import register_envs
from eeg_emotion_env.rendering import RENDER_MODES
from eeg_emotion_env.rewards import REWARDS
from eeg_emotion_env.vector import EEGEmotionVectorEnv

from .toys import toy_episodes

pytestmark = pytest.mark.filterwarnings("error")

SIMULATED = "EEGEmotion-Simulated-v0"
SMALL = {
    "source": "simulated",
    "dataset_options": {"n_subjects": 2, "n_trials": 2, "duration_scale": 0.05},
}
OPTIONS = {
    "reward": [*REWARDS, {"name": "ccc", "lambda_": 0.5}],
    "episode": ["trial", "session"],
    "privileged": [False, True],
    "normalization": ["past", "subject", "none"],
    "encoder": ["auto", "none", "shipped"],
    "render_mode": [None, *RENDER_MODES],
    "source": ["simulated", None],
    "subjects": [None, [2]],
}
ONE_AT_A_TIME = [{name: value} for name, values in OPTIONS.items() for value in values]
MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
EPISODES = toy_episodes(gaps=True)
STEPS = 40


def drawn_together(n, seed=0):
    """Draw a value of every option at once, n times."""
    rng = np.random.default_rng(seed)
    return [
        {name: values[rng.integers(len(values))] for name, values in OPTIONS.items()}
        for _ in range(n)
    ]


def check(env_id, **options):
    env = gymnasium.make(env_id, **options)
    check_env(env.unwrapped)
    check_sb3_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize("env_id", register_envs())
def test_checkers_pass_for_every_id(env_id):
    check(env_id, source="simulated")


@pytest.mark.parametrize("options", [*ONE_AT_A_TIME, *drawn_together(6)], ids=str)
def test_checkers_pass_for_every_option(options):
    chosen = {**SMALL, **options}
    if chosen.get("normalization") == "none":
        chosen["encoder"] = "none"  # encoders refuse features that are not normalised
    check(SIMULATED, **chosen)


# --- the vector form


def actions(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (STEPS, n, 2)).astype(np.float32)


def native(n, mode, **options):
    return EEGEmotionVectorEnv.from_episodes(EPISODES, n, autoreset_mode=mode, **options)


class Follower(gymnasium.Wrapper):
    """A single environment that plays given episodes, one a reset."""

    def __init__(self, played, reward):
        super().__init__(EEGEmotionEnv.from_episodes(EPISODES, reward))
        self.played = list(played)

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed, options=self.played.pop(0))


def play(vector, seed=0):
    """Return what reset and each step gave."""
    given = [vector.reset(seed=seed)]
    return given + [vector.step(action) for action in actions(vector.num_envs, seed)]


def episodes_played(given, n):
    """Read from infos what each environment played, in order."""
    played, ended = [[] for _ in range(n)], np.ones(n, bool)
    same_step = any("final_info" in out[-1] for out in given)
    for out in given:
        infos = out[-1]
        begun = out[2] if same_step and len(out) == 5 else ended
        for i in np.flatnonzero(begun):
            played[i].append({name: infos[name][i] for name in ("subject", "session", "trial")})
        ended = out[2] if len(out) == 5 else np.zeros(n, bool)
    return played


def assert_same_infos(ours, theirs):
    """Compare what both report where both say that it holds."""
    names = [name for name in theirs if not name.startswith("_")]
    extra = {"step", "time_s", "n_steps"}  # given by the single environment alone
    assert set(names) - extra <= set(ours)
    for name in set(names) - extra:
        if f"_{name}" in ours:
            mine, other = ours[f"_{name}"], np.asarray(theirs[f"_{name}"])
            assert np.array_equal(mine, other), name
        for i in np.flatnonzero(theirs[f"_{name}"]):
            mine, other = ours[name], theirs[name]
            if isinstance(other, dict) and isinstance(mine, dict):
                assert_same_infos(mine, other)
            elif isinstance(other, dict):  # metrics: a mapping for each environment
                assert dict(mine[i]) == pytest.approx(
                    {key: other[key][i] for key in mine[i]}, nan_ok=True
                )
            elif isinstance(mine[i], np.ndarray):
                assert np.array_equal(mine[i], other[i], equal_nan=True), name
            else:
                assert mine[i] == other[i] or mine[i] == pytest.approx(other[i], nan_ok=True), name


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reward", REWARDS)
def test_vector_form_equals_gymnasiums_own(mode, reward):
    ours = play(native(3, mode, reward=reward))
    played = episodes_played(ours, 3)
    assert all(len(episodes) > 2 for episodes in played)
    sync = SyncVectorEnv(
        [lambda episodes=episodes: Follower(episodes, reward) for episodes in played],
        autoreset_mode=mode,
    )
    theirs = play(sync)
    for mine, other in zip(ours, theirs, strict=True):
        assert np.array_equal(mine[0], other[0])
        if len(mine) == 5:
            np.testing.assert_allclose(mine[1], other[1], atol=1e-12)
            assert np.array_equal(mine[2], other[2])
            assert np.array_equal(mine[3], other[3])
        assert_same_infos(mine[-1], other[-1])


@pytest.mark.parametrize("mode", MODES)
def test_vector_form_keeps_gymnasiums_types(mode):
    vector = native(3, mode)
    assert vector.metadata["autoreset_mode"] is mode
    for name in ("observation_space", "action_space"):
        assert getattr(vector, name) == batch_space(getattr(vector, f"single_{name}"), 3)
    for observations, *scores, infos in play(vector):
        assert vector.observation_space.contains(observations)
        if scores:
            rewards, terminations, truncations = scores
            assert (rewards.shape, rewards.dtype) == ((3,), np.float64)
            for flags in (terminations, truncations):
                assert (flags.shape, flags.dtype) == ((3,), np.bool_)
        for name, value in infos.items():
            if name.startswith("_"):
                assert (value.shape, value.dtype) == ((3,), np.bool_)
                assert name[1:] in infos


def as_plain(value):
    """Turn mappings into dicts and arrays of objects into lists, which NumPy can compare."""
    if isinstance(value, Mapping):
        return {name: as_plain(item) for name, item in value.items()}
    if isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        return [as_plain(item) for item in value]
    return value


@pytest.mark.parametrize("mode", MODES)
def test_vector_form_does_not_reuse_what_it_gave(mode):
    vector = native(3, mode)
    given, kept = [], []
    for out in [vector.reset(seed=0)] + [vector.step(action) for action in actions(3)]:
        given.append(out)
        kept.append(copy.deepcopy(out))
    for out, copied in zip(given, kept, strict=True):
        np.testing.assert_equal(as_plain(out), as_plain(copied))
    for before, after in itertools.pairwise(given):
        for a, b in zip(before[:-1], after[:-1], strict=False):
            assert not np.shares_memory(a, b)


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_gymnasium_makes_both_kinds_of_vector(mode):
    vector = gymnasium.make_vec(SIMULATED, 2, vectorization_mode=mode, **SMALL, encoder="none")
    observations, infos = vector.reset(seed=0)
    assert vector.observation_space.contains(observations)
    assert set(infos["source"]) == {"simulated"}
    assert isinstance(vector.unwrapped, EEGEmotionVectorEnv) == (mode == "vector_entry_point")
    vector.close()
