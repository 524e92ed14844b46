"""Masked dynamic model: a causal Transformer over latents that predicts hidden and later codes."""

from typing import cast

import torch
from torch import Tensor, nn

from encoders.config import EncoderConfig
from encoders.layers import CausalAttentionBlock, label_head
from encoders.quantizers import KINDS
from encoders.vqvae import Quantized, discrete_continuous


class MaskedDynamics(nn.Module):
    """Transformer with causal sliding-window attention over prototypes and residuals.

    Parameters
    ----------
    config : EncoderConfig
        Shape.
    horizons : tuple of int
        Steps ahead whose codes are forecast in pretraining.
    """

    def __init__(self, config: EncoderConfig, horizons: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        width = config.dynamics_width
        self.horizons = horizons
        self.codebook_size = config.codebook_size
        self.bidirectional = config.bidirectional
        self.embed = nn.Linear(2 * config.code_dim, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = nn.ModuleList(
            CausalAttentionBlock(
                width, config.dynamics_heads, config.window, config.dropout, config.bidirectional
            )
            for _ in range(config.dynamics_layers)
        )
        self.norm = nn.LayerNorm(width)
        # first head: the code of the step itself (hidden when masked); then one a horizon
        levels = KINDS[config.quantizer].n_levels
        self.code_heads = nn.ModuleList(
            nn.Linear(width, levels * config.codebook_size if levels else config.code_dim)
            for _ in (0, *horizons)
        )
        self.guidance = label_head(width, config.n_label_dims)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, latents: Quantized, masked: Tensor | None = None, valid: Tensor | None = None
    ) -> Tensor:
        """Return states (batch, time, dynamics_width).

        Parameters
        ----------
        latents : Quantized
            Output of the VQ-VAE.
        masked : Tensor of bool or None, shape (batch, time)
            True where the step is hidden from the model.
        valid : Tensor of bool or None, shape (batch, time)
            False at padded steps.
        """
        x = self.embed(discrete_continuous(latents))
        if masked is not None:
            x = torch.where(masked[..., None], self.mask_token, x)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, valid)
        return self.norm(x)

    def initial_state(self) -> list[Tensor]:
        """Return the empty caches of the attention blocks."""
        return [cast(CausalAttentionBlock, block).initial_state() for block in self.blocks]

    def step(self, latents: Quantized, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Process one step, shape (1, 1, …)."""
        x = self.embed(discrete_continuous(latents))
        caches = []
        for block, cache in zip(self.blocks, state, strict=True):
            x, updated = cast(CausalAttentionBlock, block).step(x, cache)
            caches.append(updated)
        return self.norm(x), caches


def span_mask(
    valid: Tensor, ratio: float, span: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw spans that hide about `ratio` of the steps.

    Parameters
    ----------
    valid : Tensor of bool, shape (batch, time)
        Steps that may be hidden.
    ratio : float
        Share of steps to hide.
    span : tuple of int
        Shortest and longest span.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    Tensor of bool, shape (batch, time)
        True where hidden.
    """
    batch, time = valid.shape
    mean_span = (span[0] + span[1]) / 2
    # spans overlap: a step stays visible with probability (1 - start rate) ** mean span
    start_rate = 1 - (1 - ratio) ** (1 / mean_span)
    starts = torch.rand(batch, time, generator=generator) < start_rate
    lengths = torch.randint(span[0], span[1] + 1, (batch, time), generator=generator)
    hidden = torch.zeros(batch, time, dtype=torch.bool)
    for offset in range(min(span[1], time)):
        begun = starts & (lengths > offset)
        hidden[:, offset:] |= begun[:, : time - offset]
    return hidden & valid
