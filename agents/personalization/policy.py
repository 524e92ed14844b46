"""Adaptation of the actor: its final layer, or all of it."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.sac.policies import Actor
from torch import nn

from agents.agent import Agent
from agents.personalization.adaptation import Adaptation
from agents.policies import LeakyActor
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.playback import Episode

FloatArray = NDArray[np.float32]
Array = NDArray[np.floating]

LEARNING_RATE = 3e-4
"""Of the fine-tuning of a policy: a third of that of the training."""

UPDATES_A_PLAY = 10
"""Updates of the policy before the calibration is played anew with it."""


class LastLayer(Adaptation):
    """The actor's final linear layer, by ridge regression towards its old weights.

    The hidden layers, the gain of a leaky actor and what it saw of its own predictions are held;
    through these the action is a filtered linear function of the final layer, squashed. One
    Gauss-Newton step solves for the change.

    Parameters
    ----------
    agent : Agent
        Trained on other people.
    strength : float or None
        Seconds of calibration that the old weights weigh as much as.
    """

    name, default = "last-layer", 10_000.0

    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        actor = _sac_actor(self.agent)
        observations, actions = replayed(self.agent, calibration)
        targets = _target_actions(self.agent, calibration)
        features = [_filtered(actor, observed) for observed in observations]
        played = np.concatenate(actions)
        slope = (1.0 - played**2)[..., None] * np.concatenate(features)
        missing = np.concatenate(targets) - played
        steps = [strength / calibration[0].step_s for strength in strengths]
        return [self._changed(_ridge(slope, missing, n)) for n in steps]

    def _changed(self, change: Array) -> Agent:
        agent = _copied(self.agent)
        layer = cast(nn.Linear, _sac_actor(agent).mu)
        with torch.no_grad():
            layer.weight.add_(torch.from_numpy(change[:, :-1].astype(np.float32)))
            layer.bias.add_(torch.from_numpy(change[:, -1].astype(np.float32)))
        return agent


def _ridge(slope: Array, missing: Array, n_prior: float) -> Array:
    """Change of weights, shape (n_dims, n_features), from slopes (n_steps, n_dims, n_features)."""
    change = np.zeros(slope.shape[1:])
    for dim in range(slope.shape[1]):
        known = ~np.isnan(missing[:, dim])
        rows = slope[known, dim]
        if not len(rows):
            continue
        penalty = max(n_prior, 1e-3) * np.mean(rows**2) + 1e-12
        normal = rows.T @ rows + penalty * np.eye(rows.shape[1])
        change[dim] = np.linalg.solve(normal, rows.T @ missing[known, dim])
    return change


@torch.no_grad()
def _filtered(actor: Actor, observations: FloatArray) -> Array:
    """How the action before squashing depends on the final layer, (n_steps, n_dims, width + 1)."""
    seen = torch.from_numpy(observations)
    hidden = actor.latent_pi(actor.extract_features(seen, actor.features_extractor))
    inputs = np.pad(hidden.numpy().astype(np.float64), ((0, 0), (0, 1)), constant_values=1.0)
    n_dims = cast(nn.Linear, actor.mu).out_features
    if not isinstance(actor, LeakyActor):
        return np.repeat(inputs[:, None], n_dims, axis=1)
    gain = torch.sigmoid(actor.gain(hidden)).numpy().astype(np.float64)[..., None]
    state: Array = np.zeros((n_dims, inputs.shape[1]))
    states = []
    for now, row in zip(gain, inputs, strict=True):
        state = state + now * (row - state)
        states.append(state)
    return np.stack(states)


class PolicyFineTuning(Adaptation):
    """A few gradient updates of the whole actor on the calibration.

    The squared error of the actions is followed along trajectories of the current policy itself.
    It is the default reward; its gradient is known, so no critic has to estimate it. Nothing is
    random.

    Parameters
    ----------
    agent : Agent
        Trained on other people.
    strength : float or None
        Number of updates, whole; few of them, and a small learning rate, keep the policy near the
        old one.
    """

    name, default = "policy", 5.0

    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        _sac_actor(self.agent)  # says so if there is none
        wanted = [round(strength) for strength in strengths]
        states = dict(self._states(calibration, set(wanted)))
        return [_copied(self.agent, states[updates]) for updates in wanted]

    def _states(
        self, calibration: Sequence[Episode], wanted: set[int]
    ) -> Iterator[tuple[int, dict[str, torch.Tensor]]]:
        agent = _copied(self.agent)
        actor = _sac_actor(agent)
        optimizer = torch.optim.Adam(actor.parameters(), lr=LEARNING_RATE)
        targets = torch.from_numpy(np.concatenate(_target_actions(agent, calibration)))
        known = ~targets.isnan()
        for update in range(max(wanted) + 1):
            if update in wanted:
                yield update, {k: v.clone() for k, v in actor.state_dict().items()}
            if update % UPDATES_A_PLAY == 0:
                seen = torch.from_numpy(np.concatenate(replayed(agent, calibration)[0]))
            actions = torch.tanh(actor.get_action_dist_params(seen)[0])
            error = (actions - targets)[known] * agent.config.action_range
            optimizer.zero_grad()
            error.square().mean().backward()
            optimizer.step()


def _sac_actor(agent: Agent) -> Actor:
    actor = getattr(agent.policy, "actor", None)
    if not isinstance(actor, Actor):
        raise ConfigError(
            f"this method adapts actors of SAC, not {type(agent.policy).__name__}; use "
            "method='affine', which adapts any agent"
        )
    return actor


def _copied(agent: Agent, actor: dict[str, torch.Tensor] | None = None) -> Agent:
    """Return the agent with a policy of its own, and the actor's weights if they are given."""
    policy = copy.deepcopy(agent.policy)
    copied = replace(agent, policy=policy)
    if actor is not None:
        _sac_actor(copied).load_state_dict(actor)
    policy.set_training_mode(False)
    return copied


def _target_actions(agent: Agent, episodes: Sequence[Episode]) -> list[FloatArray]:
    """Labels as actions, limited to [-1, 1]; NaN where not annotated."""
    center, half = np.asarray(agent.scale.center), np.asarray(agent.scale.half_range)
    return [np.clip((e.labels - center) / half, -1, 1).astype(np.float32) for e in episodes]


def replayed(
    agent: Agent, episodes: Sequence[Episode]
) -> tuple[list[FloatArray], list[FloatArray]]:
    """What the actor sees when it plays, and its actions: (n_steps, size) and (n_steps, n_dims)."""
    layout, scale = agent.layout, agent.scale
    center, half = np.asarray(scale.center), np.asarray(scale.half_range)
    predictions = agent.predict(episodes)
    observations = []
    for episode, made in zip(episodes, predictions, strict=True):
        rows = layout.rows(episode)[:-1]
        before = np.vstack([np.zeros_like(made[:1]), made[:-1]]).astype(np.float64)
        count = np.maximum(np.arange(len(made)), 1)[:, None]
        mean = before.cumsum(axis=0) / count
        square = (before**2).cumsum(axis=0) / count
        rows[:, layout.previous], rows[:, layout.mean] = before, mean
        rows[:, layout.spread] = np.sqrt(np.maximum(square - mean**2, 0.0))
        observations.append(scale.observation(rows, layout))
    return observations, [((p - center) / half).astype(np.float32) for p in predictions]
