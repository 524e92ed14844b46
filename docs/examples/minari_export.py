"""Collect a Minari data set: half random predictions, half those of a SAC that explores.

    python docs/examples/minari_export.py --root runs/minari

Needs the extra ``minari``. The data set remembers two environments: that of its subjects and that
of subjects it does not hold (``eval_env``), on which `offline_rl.py` scores.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import tyro
from stable_baselines3 import SAC

Policy = Callable[[np.ndarray], np.ndarray]


@dataclass
class Args:
    """Settings."""

    root: Path = Path("runs/minari")
    """folder of local Minari data sets"""
    dataset_id: str = "eeg-emotion/simulated-mixed-v0"
    """name of the data set"""
    env_id: str = "eeg_emotion_env:EEGEmotion-Simulated-v0"
    """environment"""
    test_subjects: tuple[int, ...] = (5, 6)
    """subjects that are not collected"""
    train_steps: int = 2_000
    """environment steps of the SAC"""
    episodes: int = 40
    """episodes of each policy"""
    seed: int = 0
    """of policies and order of trials"""


def collect(env: Any, policy: Policy, episodes: int, seed: int) -> None:
    """Play episodes; the wrapper keeps what happens."""
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        done = False
        while not done:
            observation, _, done, _, _ = env.step(policy(observation))


def main(args: Args) -> minari.MinariDataset:
    """Train, collect, write; return the data set."""
    os.environ["MINARI_DATASETS_PATH"] = str(args.root.resolve())
    everyone = dict.fromkeys(key.subject for key in gym.make(args.env_id).unwrapped.keys)
    subjects = [subject for subject in everyone if subject not in args.test_subjects]
    env = gym.make(args.env_id, subjects=subjects)
    held_out = gym.make(args.env_id, subjects=list(args.test_subjects))
    env.action_space.seed(args.seed)
    sac = SAC("MlpPolicy", env, gamma=0.0, seed=args.seed).learn(args.train_steps)
    # Arrow, as eeg-emotion-env needs pyarrow anyhow; the other format needs h5py
    collector = minari.DataCollector(env, data_format="arrow")
    collect(collector, lambda observation: env.action_space.sample(), args.episodes, args.seed)
    collect(collector, lambda observation: sac.predict(observation)[0], args.episodes, args.seed)
    dataset = collector.create_dataset(
        dataset_id=args.dataset_id,
        eval_env=held_out,
        algorithm_name="random and SAC",
        description="EEG emotion trajectories; rewards score predictions of valence and arousal",
        author="eeg-emotion-env",
    )
    print(f"{dataset.total_episodes} episodes, {dataset.total_steps} steps in {args.root}")
    return dataset


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
