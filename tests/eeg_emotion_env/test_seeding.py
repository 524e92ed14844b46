"""A seed fixes everything in any process, whatever the hash seed of Python."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, json
import gymnasium, numpy as np, torch
from stable_baselines3 import SAC
import eeg_emotion_env
from agents import make_vec_env

torch.set_num_threads(1)
ID = "eeg_emotion_env:EEGEmotion-Simulated-v0"
small = {"n_subjects": 2, "n_trials": 3, "duration_scale": 0.05}
options = {"source": "simulated", "reward": "ccc-running", "dataset_options": small}


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def single():
    env = gymnasium.make(ID, **options)
    env.action_space.seed(7)
    seen, order = [], []
    for episode in range(4):
        observation, info = env.reset(seed=7 if episode == 0 else None)
        order.append([info["subject"], info["trial"]])
        seen.append(observation)
        over = False
        while not over:
            observation, reward, over, _, info = env.step(env.action_space.sample())
            seen += [observation, np.float64(reward)]
    return [order, digest(*seen), info["episode_metrics"]["ccc"]]


def vector():
    env = gymnasium.make_vec(ID, 3, **options)
    env.action_space.seed(7)
    observation, infos = env.reset(seed=7)
    seen, order = [observation], [infos["trial"].tolist()]
    for _ in range(40):
        observation, reward, *_, infos = env.step(env.action_space.sample())
        seen += [observation, reward]
        order.append(infos["trial"].tolist())
    return [order, digest(*seen)]


def sb3():
    env = make_vec_env(gymnasium.make(ID, **options).unwrapped, n_envs=3, seed=7)
    rng, seen = np.random.default_rng(7), [env.reset()]
    for _ in range(40):
        seen += env.step(rng.uniform(-1, 1, (3, 2)).astype(np.float32))[:3]
    return digest(*seen)


def training():
    env = make_vec_env(gymnasium.make(ID, **options).unwrapped, n_envs=3, seed=7)
    model = SAC("MlpPolicy", env, seed=7, learning_starts=30, batch_size=16)
    model.learn(90)
    return digest(*(weight.numpy() for weight in model.policy.state_dict().values()))


print(json.dumps({f.__name__: f() for f in (single, vector, sb3, training)}))
"""


@pytest.fixture(scope="module")
def runs():
    """What two fresh processes played and learned."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    ]
    results = []
    for process in processes:
        out, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
        results.append(json.loads(out.splitlines()[-1]))
    return results


@pytest.mark.parametrize("form", ["single", "vector", "sb3", "training"])
def test_seed_means_the_same_in_two_processes(runs, form):
    first, second = runs
    assert first[form] == second[form]


def test_order_is_shuffled_by_the_seed(runs):
    order = runs[0]["single"][0]
    assert len({tuple(played) for played in order}) == 4
    assert order != sorted(order)
