"""Warm start: cloning reaches the labels, the actor stands still on time, imitation fades."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import agents.training as training
from agents import AgentConfig, train_agent
from agents.agent import Agent
from agents.models import make_model
from agents.scaling import LabelScale, ScaledVecEnv
from agents.vec_env import PlaybackVecEnv
from agents.warm_start import WarmStart, imitate
from eeg_emotion_env.playback import Episode
from tests.agents.conftest import made_episodes

SMALL = AgentConfig(
    net_arch=(32,),
    total_steps=400,
    n_envs=4,
    batch_size=32,
    learning_starts=40,
    evaluate_every=100,
    latent_noise=0.0,
)


def linear_episodes(**kwargs) -> list[Episode]:
    """Labels are a linear function of the latent, without noise."""
    rows = np.random.default_rng(1).normal(size=(6, 1)) * 0.03
    return [replace(e, labels=np.tanh(e.latents @ rows)) for e in made_episodes(**kwargs)]


def made_agent(episodes: list[Episode], config: AgentConfig):
    scale = LabelScale.fit([e.labels for e in episodes], config.action_range)
    venv = PlaybackVecEnv(episodes, config.n_envs, config.reward, config.privileged, seed=0)
    model = make_model(ScaledVecEnv(venv, scale, 1.0), config)
    agent = Agent(model.policy, venv.layout, scale, ("valence",), config)
    return agent, model


def error(agent: Agent, episodes: list[Episode]) -> float:
    differences = [p - e.labels for p, e in zip(agent.predict(episodes), episodes, strict=True)]
    return float(np.sqrt(np.mean(np.concatenate(differences) ** 2)))


@pytest.mark.parametrize("settings", [{}, {"actor": "direct"}, {"n_steps": 3}])
def test_imitation_alone_comes_close_to_labels(settings):
    episodes = linear_episodes(n_subjects=4, n_trials=4)
    agent, model = made_agent(episodes, replace(SMALL, imitation_epochs=40, **settings))
    spread = float(np.concatenate([e.labels for e in episodes]).std())
    imitate(agent, model, episodes)
    assert error(agent, episodes) < 0.15 * spread


@pytest.mark.parametrize("name", ["td3", "ppo", "crossq", "tqc"])
def test_other_algorithms_imitate_too(name):
    episodes = linear_episodes(n_subjects=3, n_trials=3)
    settings = {"net_arch": [32], "imitation_epochs": 30, "n_envs": 4, "latent_noise": 0.0}
    config = AgentConfig.tuned(name, batch_size=64, **settings)
    agent, model = made_agent(episodes, config)
    before = error(agent, episodes)
    imitate(agent, model, episodes)
    # statistics of CrossQ's batch normalisation lag behind
    assert error(agent, episodes) < (0.6 if name == "crossq" else 0.5) * before


class Spy(WarmStart):
    """Keeps weights of actor and critics, and what the imitation weighed, after each step."""

    def __init__(self, config):
        super().__init__(config)
        self.trace = []

    def _on_step(self) -> bool:
        updates = self.model._n_updates
        result = super()._on_step()
        flat = [
            torch.cat([p.detach().flatten().clone() for p in part.parameters()])
            for part in (self.model.actor, self.model.critic)
        ]
        self.trace.append((updates, *flat, self.weight))
        return result


def trace_of(monkeypatch, config: AgentConfig):
    spies = []

    def spy(settings):
        spies.append(Spy(settings))
        return spies[-1]

    monkeypatch.setattr(training, "WarmStart", spy)
    train_agent(made_episodes(), config)
    return spies[0].trace


@pytest.mark.parametrize("n_steps", [1, 3])
def test_actor_stands_still_while_critics_warm_up_and_moves_afterwards(monkeypatch, n_steps):
    config = replace(SMALL, critic_warmup_updates=30, n_steps=n_steps)
    trace = trace_of(monkeypatch, config)
    first, during = trace[0], [t for t in trace if t[0] <= 30]
    assert during[-1][0] == 30
    assert all(torch.equal(step[1], first[1]) for step in during)
    assert not torch.equal(during[-1][2], first[2])
    assert not torch.equal(trace[-1][1], first[1])


def test_batch_statistics_of_a_frozen_actor_stand_still_too(monkeypatch):
    held = []

    class Buffers(WarmStart):
        def _on_step(self) -> bool:
            if self.model._n_updates <= 30:
                held.append([buffer.clone() for buffer in self.model.actor.buffers()])
            return super()._on_step()

    monkeypatch.setattr(training, "WarmStart", Buffers)
    config = AgentConfig.tuned("crossq", critic_warmup_updates=30, n_envs=4, n_timesteps=400)
    train_agent(made_episodes(), replace(config, learning_starts=40, batch_size=32))
    assert held[0]
    assert all(torch.equal(a, b) for now in held for a, b in zip(now, held[0], strict=True))


def test_imitation_fades_to_exactly_nothing(monkeypatch):
    config = replace(SMALL, imitation_weight=0.5, imitation_anneal=0.5)
    weights = [step[3] for step in trace_of(monkeypatch, config)]
    assert weights[0] == pytest.approx(0.5 * (1 - 4 / 200))
    assert np.all(np.diff(weights) <= 0)
    assert all(weight == 0.0 for weight in weights[len(weights) // 2 :])
    assert weights[len(weights) // 2 - 2] > 0


def test_imitation_steps_alone_teach_the_actor():
    """Before learning starts nothing but imitation moves the actor."""
    config = replace(SMALL, imitation_weight=5.0, learning_starts=10_000, evaluate_from=0.9)
    plain = replace(config, imitation_weight=0.0)
    episodes = linear_episodes()
    imitated, untrained = train_agent(episodes, config), train_agent(episodes, plain)
    assert error(imitated, episodes) < 0.6 * error(untrained, episodes)


def test_whole_warm_start_is_reproducible():
    config = replace(
        SMALL, imitation_epochs=3, critic_warmup_updates=20, imitation_weight=0.3, n_steps=2
    )
    first, second = (train_agent(made_episodes(), config) for _ in range(2))
    test = made_episodes(1, 1, seed=5)
    np.testing.assert_array_equal(first.predict(test)[0], second.predict(test)[0])
