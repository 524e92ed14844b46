"""The examples of docs run, with tiny budgets; those of an extra that is absent are skipped."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from matplotlib.image import imread
from stable_baselines3 import SAC

from eeg_emotion_env import SimulatedDataWarning

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
SMALL = {"n_subjects": 3, "n_trials": 3, "duration_scale": 0.05}


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *arguments, folder):
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(*modules, extra):
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    reason = f"{', '.join(absent)} (extra {extra}) not installed"
    return pytest.mark.skipif(bool(absent), reason=reason)


@pytest.fixture
def small_data(monkeypatch):
    """Let examples in this process play few short trials."""
    for name in ("make", "make_vec"):
        make = getattr(gymnasium, name)
        monkeypatch.setattr(gymnasium, name, partial(make, dataset_options=SMALL))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_each_example_gives_its_command(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert f"python docs/examples/{path.name}" in text


# --- a stranger's script


@pytest.mark.filterwarnings(f"ignore::{SimulatedDataWarning.__module__}.SimulatedDataWarning")
def test_stranger_trains_and_plots(tmp_path, monkeypatch):
    learn, steps = SAC.learn, []

    def learn_a_little(model, total_steps):
        steps.append(total_steps)
        return learn(model, 105)

    monkeypatch.setattr(SAC, "learn", learn_a_little)
    monkeypatch.chdir(tmp_path)
    script = load("stranger")
    assert steps[0] >= 1_000
    assert script.test.unwrapped._step == script.test.unwrapped._n_steps
    picture = imread(tmp_path / "trajectory.png")
    assert picture.std() > 0.1
    assert not set(script.train.unwrapped.keys) & set(script.test.unwrapped.keys)


def test_stranger_needs_15_lines_gymnasium_and_sb3_alone():
    text = (EXAMPLES / "stranger.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 15
    names = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
    assert sorted(names) == ["gymnasium", "matplotlib", "stable_baselines3"]


def test_readme_shows_the_stranger():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert (EXAMPLES / "stranger.py").read_text(encoding="utf-8") in blocks


# --- one file


@pytest.mark.usefixtures("small_data")
def test_single_file_sac_learns_the_same_for_the_same_seed(capsys):
    example = load("cleanrl_sac")
    args = example.Args(
        test_subjects=(3,), n_envs=4, total_steps=400, learning_starts=100, batch_size=32
    )
    first, second = example.main(args), example.main(args)
    assert first == second
    assert -1 <= first <= 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("step    200  episodic CCC")
    assert lines[-1] == f"held-out CCC {first:+.3f} (subjects 3)"


def test_single_file_sac_finds_the_best_action():
    example = load("cleanrl_sac")
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    sac = example.SAC(example.Args(width=32, gamma=0.0, learning_rate=3e-3), 1, 1)
    for _ in range(500):
        obs, action = torch.tensor(rng.uniform(-1, 1, (2, 128, 1)).astype(np.float32))
        reward = -10 * (action - obs / 2).square().squeeze(-1)
        sac.update([obs, obs, action, reward, torch.ones(128)])
    wanted = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
    assert np.abs(sac.actor.act(wanted, explore=False) - wanted / 2).mean() < 0.12


def test_buffer_of_the_single_file_overwrites_the_oldest():
    buffer = load("cleanrl_sac").Buffer(4, 1, 1)
    for value in range(3):
        rows = np.full((2, 1), value)
        buffer.add(rows, rows, rows, rows[:, 0], rows[:, 0])
    assert set(buffer.sample(50, np.random.default_rng(0))[3].tolist()) == {1.0, 2.0}


# --- extras


@needs("minari", "jax", extra="minari")
def test_data_are_collected_and_learned_from_offline(tmp_path):
    budget = ("--train-steps", 110, "--episodes", 2)
    told = run("minari_export", "--root", tmp_path / "data", *budget, folder=tmp_path)
    assert told.startswith("4 episodes, ")
    told = run("offline_rl", "--root", tmp_path / "data", "--updates", 20, folder=tmp_path)
    assert re.fullmatch(r"held-out CCC [+-]0\.\d{3} \(subjects 5, 6\)\n", told)


@needs("minari", extra="minari")
def test_offline_rl_is_better_than_its_data():
    """Where actions are random, cloning predicts their mean, and the critic knows better."""
    example = load("offline_rl")
    torch.manual_seed(0)
    obs = torch.rand(2_000, 1) * 2 - 1
    action = torch.rand(2_000, 1) * 2 - 1
    reward = -(action - obs / 2).square().squeeze(-1)
    data = (obs, action, reward, obs, torch.ones(2_000))

    def error(alpha):
        networks = example.train(data, example.Args(updates=400, alpha=alpha, seed=0))
        with torch.no_grad():
            return (networks.act(obs) - obs / 2).abs().mean().item()

    assert error(2.5) < 0.6 * error(0.0)


@needs("torchrl", extra="torchrl")
def test_torchrl_plays_and_updates(tmp_path):
    budget = ("--total-steps", 40, "--frames", 20, "--batch-size", 16)
    told = run("torchrl_rollout", *budget, folder=tmp_path)
    assert "step     40  mean reward" in told


@needs("ray", extra="rllib")
def test_rllib_trains(tmp_path):
    told = run("rllib_ppo", "--iterations", 1, "--batch-size", 100, folder=tmp_path)
    assert "iteration 1  mean return -" in told
