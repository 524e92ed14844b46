"""`transformer`: causal sliding-window self-attention on the features, without any pretraining."""

from torch import Tensor, nn

from benchmarks.entries.supervised import Supervised
from eeg_emotion_env.trial import Trial
from encoders.layers import CausalAttentionBlock

WIDTH = 64
HEADS = 4
LAYERS = 2
WINDOW = 64
"""Steps that attention reaches back."""


class Transformer(Supervised):
    """Causal attention with squared error; the blocks are those of the masked dynamics."""

    name = "transformer"
    summary = "supervised causal transformer, squared error"

    def make_network(self, trial: Trial, dropout: float) -> nn.Module:
        """Make the network."""
        return Network(trial.features[0].size, trial.n_dims, dropout)


class TransformerCalibrated(Transformer):
    """The same, calibrated."""

    name = "transformer-calibrated"
    summary = "transformer, spread and mean matched on validation subjects"
    objective = "calibrated"


class TransformerCCC(Transformer):
    """The same with a CCC loss."""

    name = "transformer-ccc"
    summary = "transformer trained on 1 - CCC"
    objective = "ccc"


class Network(nn.Module):
    """Linear embedding, causal attention blocks, linear head."""

    def __init__(self, n_features: int, n_dims: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Linear(n_features, WIDTH)
        self.blocks = nn.ModuleList(
            CausalAttentionBlock(WIDTH, HEADS, WINDOW, dropout) for _ in range(LAYERS)
        )
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, n_dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, channels, bands) to (batch, time, dims), each step from its past."""
        hidden = self.dropout(self.embed(x.flatten(2)))
        for block in self.blocks:
            hidden = block(hidden)
        output: Tensor = self.head(self.dropout(self.norm(hidden)))
        return output
