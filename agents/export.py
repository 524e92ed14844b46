"""Export of an agent's actor: one graph from observations to predictions."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.sac.policies import Actor
from torch import Tensor, nn

from agents.agent import Agent
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.observation import ObservationLayout
from encoders.export import ExportedGraph, write_graph

FloatArray = NDArray[np.float32]

EXPORTED = ("sac", "tqc")
"""Algorithms whose actors can be exported: those that squash a Gaussian."""


class ActorGraph(nn.Module):
    """The deterministic actor of an agent, its label scale included, as a function of tensors.

    Parameters
    ----------
    agent : Agent
        The agent.
    """

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        if agent.config.algorithm not in EXPORTED:
            raise ConfigError(
                f"agents of {agent.config.algorithm} cannot be exported; train one of "
                f"{', '.join(EXPORTED)}"
            )
        if agent.view is not None:
            raise ConfigError(
                f"agents whose action is {agent.config.action!r} cannot be exported; train one "
                "with action 'absolute'"
            )
        agent.policy.set_training_mode(False)
        self.actor, self.layout = cast(Actor, agent.policy.actor), agent.layout
        self.center: Tensor
        self.half_range: Tensor
        self.register_buffer("center", torch.tensor(agent.scale.center))
        self.register_buffer("half_range", torch.tensor(agent.scale.half_range))

    def forward(self, observations: Tensor) -> tuple[Tensor]:
        """Map (1, size) to (1, n_dims)."""
        layout = self.layout
        scaled = [observations[:, layout.latent]]
        for part in (layout.previous, layout.mean):
            scaled.append(((observations[:, part] - self.center) / self.half_range).clamp(-1, 1))
        scaled.append((observations[:, layout.spread] / self.half_range).clamp(0, 1))
        scaled.append(observations[:, layout.elapsed.start :])
        mean, _, _ = self.actor.get_action_dist_params(torch.cat(scaled, dim=1))
        return ((self.center + self.half_range * torch.tanh(mean)).clamp(-1, 1),)


def export_actor(agent: Agent, path: str | os.PathLike[str]) -> Path:
    """Write the actor of an agent as a graph that runs without this package.

    Parameters
    ----------
    agent : Agent
        A trained agent.
    path : path-like
        ``.onnx`` (extra ``export``) or ``.pt2`` file to write.

    Returns
    -------
    Path
        The file: observation (1, size) in, prediction (1, n_dims) out.
    """
    file = Path(path)
    example = torch.zeros(1, agent.layout.size)
    notes = {
        "layout": asdict(agent.layout),
        "label_names": list(agent.label_names),
        "fingerprint": str(agent.description.get("fingerprint", "unsaved")),
    }
    write_graph(ActorGraph(agent), (example,), file, notes)
    return file


class ExportedActor:
    """An actor from an exported file.

    Parameters
    ----------
    path : path-like
        File written by `export_actor`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._graph = ExportedGraph(path)
        self.layout = ObservationLayout(**self._graph.notes["layout"])
        self.label_names = tuple(self._graph.notes["label_names"])

    def act(self, observations: FloatArray) -> FloatArray:
        """Predict one step, shape (1, size) to (1, n_dims)."""
        return self._graph(observations)[0]

    def step(self, observations: FloatArray, state: Any = None) -> tuple[FloatArray, Any]:
        """Predict one step as `Agent.step`; an exported actor has no state."""
        return self.act(observations), None
