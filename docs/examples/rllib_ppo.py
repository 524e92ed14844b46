"""PPO of RLlib on the environment.

    python docs/examples/rllib_ppo.py

Needs the extra ``rllib``, in an environment of its own: Ray pins Gymnasium to 1.2.2.
"""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import tyro
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env


@dataclass
class Args:
    """Settings."""

    env_id: str = "eeg_emotion_env:EEGEmotion-Simulated-v0"
    """environment"""
    iterations: int = 5
    """rounds of sampling and updates"""
    batch_size: int = 1_000
    """environment steps a round"""
    seed: int = 0
    """of weights and order of trials"""


def make(config: dict[str, Any]) -> gym.Env:
    """Make the environment in a worker, where nothing has been imported yet."""
    return gym.make(**config)


def main(args: Args) -> float:
    """Train, and return the mean return of episodes in the last round."""
    register_env("eeg-emotion", make)
    config = (
        PPOConfig()
        .environment("eeg-emotion", env_config={"id": args.env_id})
        .env_runners(num_env_runners=0)
        .training(
            gamma=0.9,
            lr=1e-3,
            train_batch_size=args.batch_size,
            minibatch_size=min(128, args.batch_size),
            num_epochs=5,
        )
        .debugging(seed=args.seed)
    )
    algorithm, mean = config.build_algo(), float("nan")
    for iteration in range(1, args.iterations + 1):
        results = algorithm.train()["env_runners"]
        mean = float(results.get("episode_return_mean", np.nan))
        print(f"iteration {iteration}  mean return {mean:+.2f}")
    algorithm.stop()
    return mean


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
