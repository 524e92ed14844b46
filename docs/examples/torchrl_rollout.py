"""The environment in TorchRL: specs checked, a rollout, and updates of SAC on a replay buffer.

    python docs/examples/torchrl_rollout.py

Needs the extra ``torchrl``.
"""

from dataclasses import dataclass

import torch
import tyro
from tensordict import TensorDict
from tensordict.nn import InteractionType, NormalParamExtractor, TensorDictModule
from torch import nn
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.envs import GymEnv, check_env_specs
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import MLP, ProbabilisticActor, TanhNormal, ValueOperator
from torchrl.objectives import SACLoss, SoftUpdate

import eeg_emotion_env  # noqa: F401 (registers the ids)


@dataclass
class Args:
    """Settings."""

    env_id: str = "EEGEmotion-Simulated-v0"
    """environment"""
    total_steps: int = 2_000
    """environment steps"""
    frames: int = 100
    """environment steps between updates, and updates after them"""
    batch_size: int = 128
    """transitions an update"""
    seed: int = 0
    """of weights, order of trials and exploration"""


def make_actor(env: GymEnv) -> ProbabilisticActor:
    """Squashed normal distribution over predictions."""
    n_act = env.action_spec.shape[-1]
    net = nn.Sequential(MLP(out_features=2 * n_act, num_cells=[64, 64]), NormalParamExtractor())
    actor = ProbabilisticActor(
        TensorDictModule(net, in_keys=["observation"], out_keys=["loc", "scale"]),
        spec=env.action_spec,
        in_keys=["loc", "scale"],
        distribution_class=TanhNormal,
        default_interaction_type=InteractionType.RANDOM,
        return_log_prob=False,
    )
    actor(env.reset())  # sizes of lazy layers
    return actor


def main(args: Args) -> TensorDict:
    """Check, train, and return a rollout of the trained policy."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    env = GymEnv(args.env_id)
    env.set_seed(args.seed)
    check_env_specs(env)
    actor = make_actor(env)
    critic = ValueOperator(
        MLP(out_features=1, num_cells=[64, 64]), in_keys=["observation", "action"]
    )
    critic(actor(env.reset()))
    loss = SACLoss(actor, critic, num_qvalue_nets=2)
    loss.make_value_estimator(gamma=0.9)
    targets, optimizer = SoftUpdate(loss, tau=0.005), torch.optim.Adam(loss.parameters(), 1e-3)
    buffer = TensorDictReplayBuffer(
        storage=LazyTensorStorage(args.total_steps), batch_size=args.batch_size
    )
    for step in range(0, args.total_steps, args.frames):
        with torch.no_grad():
            played = env.rollout(args.frames, actor, break_when_any_done=False)
        buffer.extend(played)
        for _ in range(args.frames):
            losses = loss(buffer.sample())
            total = losses["loss_actor"] + losses["loss_qvalue"] + losses["loss_alpha"]
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            targets.step()
        reward = played["next", "reward"].mean().item()
        print(f"step {step + args.frames:6d}  mean reward {reward:+.3f}")
    with torch.no_grad(), set_exploration_type(ExplorationType.DETERMINISTIC):
        return env.rollout(1_000, actor)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
