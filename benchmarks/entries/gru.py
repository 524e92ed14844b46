"""`gru`: a supervised recurrent network on the same features, the model to beat."""

import torch
from torch import Tensor, nn

from benchmarks.entries.supervised import Supervised
from eeg_emotion_env.trial import Trial

WIDTH = 64


class GRU(Supervised):
    """Gated recurrent units with squared error."""

    name = "gru"
    summary = "supervised recurrent network, squared error, stopped early inside the fold"

    def make_network(self, trial: Trial, dropout: float) -> nn.Module:
        """Make the network."""
        return Network(trial.features[0].size, trial.n_dims, dropout)


class GRUCalibrated(GRU):
    """The same, calibrated."""

    name = "gru-calibrated"
    summary = "gru, spread and mean matched on validation subjects"
    objective = "calibrated"


class GRUCCC(GRU):
    """The same with a CCC loss."""

    name = "gru-ccc"
    summary = "gru trained on 1 - CCC"
    objective = "ccc"


class Network(nn.Module):
    """Linear layer, GRU, linear layer."""

    def __init__(self, n_features: int, n_dims: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Linear(n_features, WIDTH)
        self.recurrent = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, n_dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, channels, bands) to (batch, time, dims), each step from its past."""
        hidden, _ = self.recurrent(self.dropout(torch.tanh(self.embed(x.flatten(2)))))
        output: Tensor = self.head(self.dropout(hidden))
        return output
