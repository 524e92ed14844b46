"""`mlp`: a supervised network that sees one step at a time, after causal smoothing."""

import torch
from torch import Tensor, nn

from benchmarks.entries.supervised import Supervised
from eeg_emotion_env.trial import Trial

WIDTH = 64
MEMORIES = (0.0, 0.6, 0.9)
"""Exponential moving averages of the features that are seen side by side."""


class MLP(Supervised):
    """Two hidden layers on three exponential moving averages of the features."""

    name = "mlp"
    summary = "supervised two-layer network on causally smoothed features, squared error"

    def make_network(self, trial: Trial, dropout: float) -> nn.Module:
        """Make the network."""
        return Network(trial.features[0].size, trial.n_dims, dropout)


class MLPCalibrated(MLP):
    """The same, calibrated."""

    name = "mlp-calibrated"
    summary = "mlp, spread and mean matched on validation subjects"
    objective = "calibrated"


class MLPCCC(MLP):
    """The same with a CCC loss."""

    name = "mlp-ccc"
    summary = "mlp trained on 1 - CCC"
    objective = "ccc"


class Network(nn.Module):
    """Layers that act on each step alone; the past enters through moving averages."""

    def __init__(self, n_features: int, n_dims: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(len(MEMORIES) * n_features, WIDTH),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(WIDTH, WIDTH),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(WIDTH, n_dims),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, channels, bands) to (batch, time, dims)."""
        flat = x.flatten(2)
        averages = torch.cat([_smoothed(flat, memory) for memory in MEMORIES], dim=-1)
        output: Tensor = self.layers(averages)
        return output


def _smoothed(x: Tensor, memory: float) -> Tensor:
    """Exponential moving average along the second axis."""
    if memory == 0.0:
        return x
    state, states = x[:, 0], []
    for step in range(x.shape[1]):
        state = memory * state + (1 - memory) * x[:, step]
        states.append(state)
    return torch.stack(states, dim=1)
