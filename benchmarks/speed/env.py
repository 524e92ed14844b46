"""Stepping environments: against CartPole-v1, single and vectorised, and against DummyVecEnv."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agents.vec_env import PlaybackVecEnv
from benchmarks.speed.timing import Row, interleaved
from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.episodes import Episode
from eeg_emotion_env.trial import TrialKey
from eeg_emotion_env.vector import EEGEmotionVectorEnv

WIDTH, N_DIMS, N_STEPS = 128, 2, 240
"""Observation width, label dimensions, steps of an episode (four minutes, as a clip of SEED)."""
N_EPISODES, N_ENVS = 45, 64
STEPS, CALLS, DUMMY_CALLS = 20_000, 2_000, 100
"""Steps of a single environment, and calls of a vectorised one, in each round."""
REPEATS = 7
ENV_ID = "EEGEmotion-Speed-v0"


def measure() -> list[Row]:
    """Measure CPU time a step, all sides in turn (about a minute)."""
    episodes = _episodes()
    _register(episodes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sides = {name: make() for name, make in _sides(episodes).items()}
    seconds = interleaved({name: run for name, (run, _) in sides.items()}, REPEATS)
    rates = {name: n_steps / seconds[name] for name, (_, n_steps) in sides.items()}
    return [
        _row(rates, "env.make_vs_cartpole", "single", "CartPole-v1", "cartpole", "≥ 1.5"),
        _row(rates, "env.vector64_vs_cartpole", "vector", "CartPole-v1", "cartpole", "≥ 25"),
        _row(
            rates,
            "env.vector64_vs_cartpole_vector64",
            "vector",
            "CartPole's own vector form at 64",
            "cartpole-vector",
            "≥ 2.5",
        ),
        _row(rates, "env.sb3_vec64_vs_dummy64", "sb3", "DummyVecEnv at 64", "dummy", "≥ 8"),
    ]


NAMES = {
    "single": "gym.make, full contract, width 128",
    "vector": "native vector form, 64 environments",
    "sb3": "native SB3 VecEnv, 64 environments",
}

Side = tuple[Callable[[], None], int]
"""What is timed, and how many steps of an environment that is."""


def _sides(episodes: Sequence[Episode]) -> dict[str, Callable[[], Side]]:
    return {
        "single": lambda: _single(gymnasium.make(ENV_ID)),
        "cartpole": lambda: _single(gymnasium.make("CartPole-v1")),
        "vector": lambda: _vector(EEGEmotionVectorEnv.from_episodes(episodes, N_ENVS)),
        "cartpole-vector": lambda: _vector(
            gymnasium.make_vec("CartPole-v1", N_ENVS, "vector_entry_point")
        ),
        "sb3": lambda: _sb3(PlaybackVecEnv(episodes, N_ENVS, seed=0), CALLS),
        "dummy": lambda: _sb3(
            DummyVecEnv([lambda: EEGEmotionEnv.from_episodes(episodes)] * N_ENVS), DUMMY_CALLS
        ),
    }


def _episodes() -> list[Episode]:
    """Make episodes of random latents whose observations are 128 wide."""
    rng = np.random.default_rng(0)
    n_latent = WIDTH - 3 * N_DIMS - 1
    return [
        Episode(
            latents=rng.normal(size=(N_STEPS, n_latent)).astype(np.float32),
            labels=rng.uniform(-1, 1, (N_STEPS, N_DIMS)).astype(np.float32),
            key=TrialKey("speed", 1 + number // 15, 1, 1 + number % 15, None),
            label_names=("valence", "arousal"),
            step_s=1.0,
            source="simulated",
            track="causal",
        )
        for number in range(N_EPISODES)
    ]


def _register(episodes: Sequence[Episode]) -> None:
    """Register these episodes as the data sets' environments are."""
    gymnasium.register(
        ENV_ID,
        entry_point=lambda **arguments: EEGEmotionEnv.from_episodes(episodes, **arguments),
        order_enforce=False,
    )


def _single(env: gymnasium.Env[Any, Any]) -> Side:
    actions = [env.action_space.sample() for _ in range(100)]
    env.reset(seed=0)

    def run() -> None:
        for step in range(STEPS):
            _, _, terminated, truncated, _ = env.step(actions[step % 100])
            if terminated or truncated:
                env.reset()

    return run, STEPS


def _vector(env: gymnasium.vector.VectorEnv[Any, Any, Any]) -> Side:
    actions = [env.action_space.sample() for _ in range(100)]
    env.reset(seed=0)

    def run() -> None:
        for call in range(CALLS):
            env.step(actions[call % 100])

    return run, CALLS * N_ENVS


def _sb3(env: VecEnv, calls: int) -> Side:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (100, N_ENVS, N_DIMS)).astype(np.float32)
    env.reset()

    def run() -> None:
        for call in range(calls):
            env.step(actions[call % 100])

    return run, calls * N_ENVS


def _row(rates: dict[str, float], key: str, ours: str, others: str, other: str, target: str) -> Row:
    return Row(
        key,
        f"{NAMES[ours]}, against {others}",
        rates[ours] / rates[other],
        target,
        f"{rates[ours]:,.0f} steps/s against {rates[other]:,.0f}",
    )
