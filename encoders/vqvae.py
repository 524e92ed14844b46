"""Causal spatiotemporal VQ-VAE: features of a step become an emotional prototype and a residual."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from encoders.config import EncoderConfig
from encoders.layers import CausalConvBlock, label_head
from encoders.quantizers import KINDS, soft_assignment


@dataclass(frozen=True)
class Quantized:
    """Outcome of one pass through the VQ-VAE's encoder.

    Attributes
    ----------
    continuous : Tensor, shape (batch, time, code_dim)
        Before quantisation.
    quantized : Tensor, shape (batch, time, code_dim)
        Prototype of each step.
    codes : Tensor, shape (batch, time, n_levels), int64
        Index of the prototype, and of the codebooks after the first.
    commitment : Tensor, scalar
        Commitment loss.
    """

    continuous: Tensor
    quantized: Tensor
    codes: Tensor
    commitment: Tensor


class SpatialMixing(nn.Module):
    """Spatial filters for each band, then mixing over filters and bands; instantaneous in time."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        scale = config.n_channels**-0.5
        shape = (config.n_bands, config.n_channels, config.n_spatial)
        self.filters = nn.Parameter(torch.randn(shape) * scale)
        self.mix = nn.Linear(config.n_bands * config.n_spatial, config.width)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, time, channels, bands) to (batch, time, width)."""
        filtered = torch.einsum("btcf,fcs->btfs", features, self.filters)
        return self.mix(filtered.flatten(2))


class CausalVQVAE(nn.Module):
    """Encoder, vector quantiser and decoder; no output looks at a later step.

    The decoder reconstructs what pretraining sets as target (`PretrainingConfig.target`), never raw
    amplitude.

    Parameters
    ----------
    config : EncoderConfig
        Shape.
    commitment_weight : float
        Weight of the commitment loss inside `Quantized.commitment`.
    dead_code_threshold : float
        Prototypes with fewer expected uses a batch are replaced by inputs of the batch.
    """

    def __init__(
        self,
        config: EncoderConfig,
        commitment_weight: float = 0.25,
        dead_code_threshold: float = 2.0,
    ) -> None:
        super().__init__()
        self.config = config
        self.spatial = SpatialMixing(config)
        self.temporal = nn.ModuleList(
            CausalConvBlock(config.width, config.kernel_size, dilation, config.dropout)
            for dilation in config.dilations
        )
        self.to_code = nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, config.code_dim)
        )
        self.quantizer = KINDS[config.quantizer](config, commitment_weight, dead_code_threshold)
        self.decoder = nn.Sequential(
            nn.Linear(config.code_dim, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.n_channels * config.n_bands),
        )
        self.guidance = label_head(config.code_dim, config.n_label_dims)
        self.input_dropout = nn.Dropout1d(config.input_dropout)

    def forward(self, features: Tensor, valid: Tensor | None = None) -> Quantized:
        """Encode and quantise whole sequences.

        Parameters
        ----------
        features : Tensor, shape (batch, time, channels, bands)
            Normalised features.
        valid : Tensor of bool or None, shape (batch, time)
            False at padded steps, which then touch neither codebook nor loss.
        """
        x = self.spatial(self._hide_channels(features))
        for block in self.temporal:
            x = block(x)
        continuous = self.to_code(x)
        return self._quantized(continuous, valid)

    def decode(self, quantized: Tensor) -> Tensor:
        """Reconstruct the target, shape (batch, time, channels, bands), from prototypes."""
        return self.decoder(quantized).unflatten(-1, (self.config.n_channels, self.config.n_bands))

    def initial_state(self) -> list[Tensor]:
        """Return the empty buffers of the temporal blocks."""
        return [cast(CausalConvBlock, block).initial_state() for block in self.temporal]

    def step(self, frame: Tensor, state: list[Tensor]) -> tuple[Quantized, list[Tensor]]:
        """Process one step, shape (1, 1, channels, bands)."""
        x = self.spatial(frame)
        buffers = []
        for block, buffer in zip(self.temporal, state, strict=True):
            x, updated = cast(CausalConvBlock, block).step(x, buffer)
            buffers.append(updated)
        return self._quantized(self.to_code(x)), buffers

    def latent(self, quantized: Quantized) -> Tensor:
        """Join prototype, residual and, if asked for, soft assignment: (batch, time, …)."""
        parts = [discrete_continuous(quantized)]
        if self.config.soft_assignment:
            parts.append(soft_assignment(quantized.continuous, self.quantizer.prototypes()))
        return torch.cat(parts, dim=-1)

    def _quantized(self, continuous: Tensor, valid: Tensor | None = None) -> Quantized:
        if self.training:
            return Quantized(continuous, *self.quantizer.fit(continuous, valid))
        return Quantized(continuous, *self.quantizer.lookup(continuous), continuous.new_zeros(()))

    def _hide_channels(self, features: Tensor) -> Tensor:
        """Drop whole channels of a sequence in training, as bad electrodes would be."""
        # on sites, electrodes are hidden before they are brought there (`Sequences`)
        if not self.training or self.config.input_dropout == 0 or self.config.n_sites:
            return features
        batch, time, channels, bands = features.shape
        flat = features.permute(0, 2, 1, 3).reshape(batch, channels, time * bands)
        return self.input_dropout(flat).reshape(batch, channels, time, bands).permute(0, 2, 1, 3)


def discrete_continuous(latents: Quantized) -> Tensor:
    """Join prototype and residual, shape (batch, time, 2 * code_dim)."""
    quantized = latents.quantized
    return torch.cat([quantized, latents.continuous - quantized], dim=-1)
