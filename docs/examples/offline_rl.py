"""Offline RL: TD3+BC (Fujimoto and Gu, 2021) on the data set of `minari_export.py`.

    python docs/examples/offline_rl.py --root runs/minari

Nothing is played in training. In the end, the CCC on subjects that the data do not hold is printed;
``--alpha 0`` clones the behaviour in the data, for comparison.
"""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minari
import numpy as np
import torch
import tyro
from torch import Tensor, nn

Batch = tuple[Tensor, ...]

NOISE, NOISE_LIMIT = 0.2, 0.5
"""Spread and limit of the noise on the target policy."""

TAU, LEARNING_RATE = 0.005, 3e-4
"""Share of new weights in the targets after each actor update; of actor and critics."""


@dataclass
class Args:
    """Settings."""

    root: Path = Path("runs/minari")  # folder of local Minari data sets
    dataset_id: str = "eeg-emotion/simulated-mixed-v0"  # name of the data set
    updates: int = 4_000  # gradient steps of the critics; the actor takes half as many
    alpha: float = 2.5  # weight of the value against the distance to the data; 0 clones behaviour
    gamma: float = 0.9  # discount
    batch_size: int = 256  # transitions an update
    seed: int = 0  # of weights and batches


def transitions(dataset: minari.MinariDataset) -> Batch:
    """Return observations, actions, rewards, next observations and ends of all episodes."""
    parts = [
        (e.observations[:-1], e.actions, e.rewards, e.observations[1:], e.terminations)
        for e in dataset.iterate_episodes()
    ]
    whole = (np.concatenate(part) for part in zip(*parts, strict=True))
    return tuple(torch.as_tensor(part, dtype=torch.float32) for part in whole)


def mlp(n_in: int, n_out: int) -> nn.Sequential:
    """Two hidden layers of 64."""
    layers = (nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, n_out))
    return nn.Sequential(*layers)


class Networks(nn.Module):
    """Actor and two critics on observations of zero mean and unit spread."""

    def __init__(self, observations: Tensor, n_act: int) -> None:
        super().__init__()
        self.mean, self.std = observations.mean(0), observations.std(0) + 1e-3
        n_obs = observations.shape[1]
        self.actor = nn.Sequential(mlp(n_obs, n_act), nn.Tanh())
        self.critics = nn.ModuleList(mlp(n_obs + n_act, 1) for _ in range(2))

    def act(self, obs: Tensor) -> Tensor:
        """Predict, (batch, n_act)."""
        action: Tensor = self.actor((obs - self.mean) / self.std)
        return action

    def values(self, obs: Tensor, action: Tensor) -> Tensor:
        """Value the actions twice, (2, batch)."""
        both = torch.cat([(obs - self.mean) / self.std, action], dim=-1)
        return torch.stack([critic(both).squeeze(-1) for critic in self.critics])


def train(data: Batch, args: Args) -> Networks:
    """Fit actor and critics to the transitions."""
    torch.manual_seed(args.seed)
    networks = Networks(data[0], data[1].shape[1])
    targets = copy.deepcopy(networks).requires_grad_(False)
    for_actor = torch.optim.Adam(networks.actor.parameters(), LEARNING_RATE)
    for_critics = torch.optim.Adam(networks.critics.parameters(), LEARNING_RATE)
    for update in range(args.updates):
        rows = torch.randint(len(data[0]), (args.batch_size,))
        obs, action, reward, following, ended = (part[rows] for part in data)
        with torch.no_grad():
            noise = (torch.randn_like(action) * NOISE).clamp(-NOISE_LIMIT, NOISE_LIMIT)
            smooth = (targets.act(following) + noise).clamp(-1, 1)
            value = targets.values(following, smooth).amin(0)
            target = reward + args.gamma * (1 - ended) * value
        descend(for_critics, (networks.values(obs, action) - target).square().mean())
        if update % 2:
            continue
        guess = networks.act(obs)
        value = networks.values(obs, guess)[0]
        weight = args.alpha / value.abs().mean().detach()  # makes alpha independent of the reward
        descend(for_actor, (guess - action).square().mean() - weight * value.mean())
        with torch.no_grad():
            for old, new in zip(targets.parameters(), networks.parameters(), strict=True):
                old.lerp_(new, TAU)
    return networks


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one gradient step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def evaluate(env: Any, networks: Networks) -> float:
    """Return the mean CCC over all episodes of an environment."""
    found = []
    for key in env.unwrapped.keys:
        choice = {"subject": key.subject, "session": key.session, "trial": key.trial}
        (obs, info), done = env.reset(options=choice), False
        while not done:
            with torch.no_grad():
                action = networks.act(torch.from_numpy(obs)[None])[0].numpy()
            obs, _, done, _, info = env.step(action)
        found.append(info["episode_metrics"]["ccc"])
    return float(np.nanmean(found))


def main(args: Args) -> float:
    """Train on the data, score on other subjects, return the score."""
    torch.set_num_threads(1)
    os.environ["MINARI_DATASETS_PATH"] = str(args.root.resolve())
    dataset = minari.load_dataset(args.dataset_id)
    networks = train(transitions(dataset), args)
    env = dataset.recover_environment(eval_env=True)
    score = evaluate(env, networks)
    names = ", ".join(dict.fromkeys(str(key.subject) for key in env.unwrapped.keys))
    print(f"held-out CCC {score:+.3f} (subjects {names})")
    return score


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
