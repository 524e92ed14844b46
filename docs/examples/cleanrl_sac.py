"""Soft actor-critic in one file, on the native vector environment; torch and Gymnasium alone.

    python docs/examples/cleanrl_sac.py --total-steps 20000 --seed 1

Training prints the CCC of episodes as they end; at the end, it prints that of subjects who were
never trained on. ``--help`` lists all settings.
"""

import copy
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tyro
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

LOG_STD = (-5.0, 2.0)
"""Range of the logarithm of the policy's standard deviation."""


@dataclass
class Args:
    """Settings."""

    env_id: str = "eeg_emotion_env:EEGEmotion-Simulated-v0"
    """environment"""
    reward: str = "squared-error"
    """name of a reward of eeg_emotion_env.rewards"""
    test_subjects: tuple[int, ...] = (5, 6)
    """subjects to score in the end; all others are trained on"""
    n_envs: int = 16
    """environments in parallel"""
    total_steps: int = 20_000
    """environment steps, counted over all environments"""
    learning_starts: int = 1_000
    """random steps before the first update"""
    batch_size: int = 256
    """transitions an update"""
    buffer_size: int = 100_000
    """transitions kept"""
    gamma: float = 0.9
    """discount"""
    tau: float = 0.005
    """share of the new weights in the target critics after each update"""
    learning_rate: float = 1e-3
    """of actor, critics and entropy coefficient"""
    width: int = 64
    """units of each of two hidden layers"""
    seed: int = 0
    """of weights, order of trials and exploration"""


def mlp(n_in: int, n_out: int, width: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        *(nn.Linear(n_in, width), nn.ReLU()),
        *(nn.Linear(width, width), nn.ReLU()),
        nn.Linear(width, n_out),
    )


class Actor(nn.Module):
    """Normal distribution over predictions, squashed into [-1, 1]."""

    def __init__(self, n_obs: int, n_act: int, width: int) -> None:
        super().__init__()
        self.net = mlp(n_obs, 2 * n_act, width)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation before squashing, each (batch, n_act)."""
        mean, log_std = self.net(obs).chunk(2, dim=-1)
        return mean, log_std.clamp(*LOG_STD).exp()

    def sample(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Draw actions, (batch, n_act), and their log-probabilities, (batch,)."""
        normal = torch.distributions.Normal(*self(obs))
        raw = normal.rsample()
        # log of the slope of tanh, in the form that does not underflow
        slope = 2 * (np.log(2.0) - raw - softplus(-2 * raw))
        return raw.tanh(), (normal.log_prob(raw) - slope).sum(-1)

    @torch.no_grad()
    def act(self, obs: np.ndarray, explore: bool) -> np.ndarray:
        """Return actions for observations (batch, n_obs)."""
        inputs = torch.as_tensor(obs)
        return (self.sample(inputs)[0] if explore else self(inputs)[0].tanh()).numpy()


class Critics(nn.Module):
    """Two estimates of the return, (2, batch)."""

    def __init__(self, n_obs: int, n_act: int, width: int) -> None:
        super().__init__()
        self.nets = nn.ModuleList(mlp(n_obs + n_act, 1, width) for _ in range(2))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        """Value the actions."""
        both = torch.cat([obs, action], dim=-1)
        return torch.stack([net(both).squeeze(-1) for net in self.nets])


class Buffer:
    """Ring of transitions."""

    def __init__(self, size: int, n_obs: int, n_act: int) -> None:
        shapes = ((n_obs,), (n_obs,), (n_act,), (), ())  # observation, next, action, reward, end
        self.arrays = [np.zeros((size, *shape), np.float32) for shape in shapes]
        self.size, self.added = size, 0

    def add(self, *parts: np.ndarray) -> None:
        """Keep one transition of each environment."""
        rows = (self.added + np.arange(len(parts[0]))) % self.size
        for array, part in zip(self.arrays, parts, strict=True):
            array[rows] = part
        self.added += len(rows)

    def sample(self, n: int, rng: np.random.Generator) -> list[Tensor]:
        """Draw n transitions."""
        rows = rng.integers(min(self.added, self.size), size=n)
        return [torch.as_tensor(array[rows]) for array in self.arrays]


class SAC:
    """Networks, optimisers and one update."""

    def __init__(self, args: Args, n_obs: int, n_act: int) -> None:
        self.args, self.target_entropy = args, -float(n_act)
        self.actor = Actor(n_obs, n_act, args.width)
        self.critics = Critics(n_obs, n_act, args.width)
        self.targets = copy.deepcopy(self.critics).requires_grad_(False)
        self.log_alpha = torch.tensor(np.log(0.1), dtype=torch.float32, requires_grad=True)
        self.optimizers = [
            torch.optim.Adam(parameters, args.learning_rate)
            for parameters in (
                self.actor.parameters(),
                self.critics.parameters(),
                [self.log_alpha],
            )
        ]

    def update(self, batch: list[Tensor]) -> None:
        """Take one gradient step with each optimiser."""
        obs, following, action, reward, ended = batch
        for_actor, for_critics, for_alpha = self.optimizers
        alpha = self.log_alpha.exp().detach()
        with torch.no_grad():
            next_action, next_log_prob = self.actor.sample(following)
            value = self.targets(following, next_action).amin(0) - alpha * next_log_prob
            target = reward + self.args.gamma * (1 - ended) * value
        minimise(for_critics, mse_loss(self.critics(obs, action), target.expand(2, -1)))
        sampled, log_prob = self.actor.sample(obs)
        minimise(for_actor, (alpha * log_prob - self.critics(obs, sampled).amin(0)).mean())
        surplus = (log_prob.detach() + self.target_entropy).mean()
        minimise(for_alpha, -self.log_alpha * surplus)
        with torch.no_grad():
            for old, new in zip(self.targets.parameters(), self.critics.parameters(), strict=True):
                old.lerp_(new, self.args.tau)


def minimise(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step down the gradient."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def make(args: Args, subjects: tuple[int, ...]) -> Any:
    """Make the native vector form; where an episode ends, the next begins in the same step."""
    return gym.make_vec(
        args.env_id,
        args.n_envs,
        source="simulated" if "Simulated" in args.env_id else None,
        reward=args.reward,
        subjects=subjects,
        autoreset_mode="SameStep",
    )


def train(args: Args, envs: Any) -> SAC:
    """Alternate steps of all environments and updates; print the CCC of episodes that ended."""
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    n_obs, n_act = envs.single_observation_space.shape[0], envs.single_action_space.shape[0]
    sac, buffer = SAC(args, n_obs, n_act), Buffer(args.buffer_size, n_obs, n_act)
    recent: list[float] = []
    obs, _ = envs.reset(seed=args.seed)
    for step in range(args.n_envs, args.total_steps + 1, args.n_envs):
        if step <= args.learning_starts:
            action = rng.uniform(-1, 1, (args.n_envs, n_act)).astype(np.float32)
        else:
            action = sac.actor.act(obs, explore=True)
        following, reward, ended, _, infos = envs.step(action)
        # where an episode ended, `following` belongs to the next one: its value is not used
        buffer.add(obs, following, action, reward, ended)
        obs = following
        if step > args.learning_starts:
            sac.update(buffer.sample(args.batch_size, rng))
        if ended.any():
            metrics = infos["final_info"]["episode_metrics"]
            recent += [metrics[i]["ccc"] for i in np.flatnonzero(ended)]
        if recent and step % (50 * args.n_envs) == 0:
            print(f"step {step:6d}  episodic CCC {np.nanmean(recent):+.3f}")
            recent.clear()
    return sac


def evaluate(actor: Actor, envs: Any, n_episodes: int) -> float:
    """Return the mean CCC of all episodes, each counted once, without exploration."""
    found: dict[tuple[Any, ...], float] = {}
    obs, _ = envs.reset(seed=0)
    while len(found) < n_episodes:
        obs, _, ended, _, infos = envs.step(actor.act(obs, explore=False))
        for i in np.flatnonzero(ended):
            final = infos["final_info"]
            key = tuple(final[name][i] for name in ("subject", "session", "trial"))
            found[key] = final["episode_metrics"][i]["ccc"]
    return float(np.nanmean(list(found.values())))


def main(args: Args) -> float:
    """Train, score on the subjects kept out, and return the score."""
    torch.set_num_threads(1)  # such small nets gain nothing from more
    everyone = gym.make(args.env_id).unwrapped.keys
    subjects = tuple(dict.fromkeys(key.subject for key in everyone))
    tested = {str(subject) for subject in args.test_subjects}
    sac = train(args, make(args, tuple(s for s in subjects if str(s) not in tested)))
    n_episodes = sum(str(key.subject) in tested for key in everyone)
    score = evaluate(sac.actor, make(args, args.test_subjects), n_episodes)
    print(f"held-out CCC {score:+.3f} (subjects {', '.join(map(str, args.test_subjects))})")
    return score


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
