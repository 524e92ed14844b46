"""`tcn`: a causal temporal convolution network, multi-anchor and space-aware.

In the spirit of MASA-TCN (Ding et al., JBHI 2024; arXiv 2308.16207), written from its description:
convolutions over the electrodes that keep bands apart, several kernel lengths (anchors) side by
side in the first temporal layer, then dilated causal convolutions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.entries.supervised import Supervised
from eeg_emotion_env.trial import Trial

WIDTH = 48
N_SPATIAL = 8
ANCHORS = (3, 5, 15)
"""Kernel lengths of the first temporal layer, steps."""

DILATIONS = (1, 2, 4)


class TCN(Supervised):
    """Causal, multi-anchor, space-aware temporal convolutions with squared error."""

    name = "tcn"
    summary = "supervised causal convolutions, multi-anchor and space-aware, squared error"

    def make_network(self, trial: Trial, dropout: float) -> nn.Module:
        """Make the network."""
        return Network(len(trial.channels), len(trial.bands), trial.n_dims, dropout)


class TCNCalibrated(TCN):
    """The same, calibrated."""

    name = "tcn-calibrated"
    summary = "tcn, spread and mean matched on validation subjects"
    objective = "calibrated"


class TCNCCC(TCN):
    """The same with a CCC loss."""

    name = "tcn-ccc"
    summary = "tcn trained on 1 - CCC"
    objective = "ccc"


class Network(nn.Module):
    """Spatial filters within each band, anchors over time, dilated causal residual blocks."""

    def __init__(self, n_channels: int, n_bands: int, n_dims: int, dropout: float) -> None:
        super().__init__()
        self.spatial = nn.Linear(n_channels, N_SPATIAL)
        self.anchors = nn.ModuleList(
            CausalConv(n_bands * N_SPATIAL, WIDTH, kernel, 1) for kernel in ANCHORS
        )
        self.fuse = nn.Linear(len(ANCHORS) * WIDTH, WIDTH)
        self.blocks = nn.ModuleList(CausalConv(WIDTH, WIDTH, 3, d) for d in DILATIONS)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in DILATIONS)
        self.head = nn.Linear(WIDTH, n_dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, channels, bands) to (batch, time, dims), each step from its past."""
        spatial = functional.elu(self.spatial(x.transpose(2, 3))).flatten(2)
        anchored = torch.cat([anchor(self.dropout(spatial)) for anchor in self.anchors], dim=-1)
        hidden = self.fuse(functional.elu(anchored))
        for norm, block in zip(self.norms, self.blocks, strict=True):
            hidden = hidden + self.dropout(functional.elu(block(norm(hidden))))
        output: Tensor = self.head(hidden)
        return output


class CausalConv(nn.Module):
    """Convolution over time that is padded on the left alone; (batch, time, width) in and out."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.context = (kernel_size - 1) * dilation
        self.conv = nn.Conv1d(n_in, n_out, kernel_size, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve along the second axis."""
        padded = functional.pad(x.transpose(1, 2), (self.context, 0))
        output: Tensor = self.conv(padded)
        return output.transpose(1, 2)
