"""Causal building blocks that give the same numbers for a whole sequence and step by step."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class CausalConvBlock(nn.Module):
    """Residual block: norm over channels, left-padded dilated convolution, GELU, projection.

    Parameters
    ----------
    width : int
        Channels in and out.
    kernel_size, dilation : int
        Taps, and steps between them.
    dropout : float
        Dropout before the projection.
    """

    def __init__(self, width: int, kernel_size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.context = (kernel_size - 1) * dilation
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, kernel_size, dilation=dilation)
        self.dropout = nn.Dropout(dropout)
        self.projection = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        padded = functional.pad(self.norm(x), (0, 0, self.context, 0))
        return self._residual(x, padded)

    def initial_state(self) -> Tensor:
        """Return the empty buffer of past inputs, shape (1, context, width)."""
        return self.projection.weight.new_zeros(1, self.context, self.conv.in_channels)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Process one step, shape (1, 1, width), with the buffer of past inputs."""
        window = torch.cat([state, self.norm(x)], dim=1)
        return self._residual(x, window), window[:, 1:]

    def _residual(self, x: Tensor, window: Tensor) -> Tensor:
        hidden = self.conv(window.transpose(1, 2)).transpose(1, 2)
        return x + self.projection(self.dropout(functional.gelu(hidden)))


class CausalAttentionBlock(nn.Module):
    """Pre-norm Transformer block: sliding-window causal attention with rotary positions.

    Parameters
    ----------
    width, heads : int
        Model width and attention heads.
    window : int
        Steps attended to, the current one included.
    dropout : float
        Dropout of attention and of the feed-forward layer.
    """

    def __init__(self, width: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.head_width = width // heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm_feedforward = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape; position t sees t - window + 1 … t."""
        steps = torch.arange(x.shape[1], device=x.device)
        q, k, v = self._heads(x, steps)
        distance = steps[:, None] - steps[None, :]
        visible = (distance >= 0) & (distance < self.window)
        return self._finish(x, functional.scaled_dot_product_attention(q, k, v, attn_mask=visible))

    def initial_state(self) -> Tensor:
        """Return empty caches of keys and values, shape (2, 1, heads, 0, head_width)."""
        return self.output.weight.new_zeros(2, 1, self.heads, 0, self.head_width)

    def step(self, x: Tensor, state: Tensor, position: int) -> tuple[Tensor, Tensor]:
        """Process one step, shape (1, 1, width), with the caches of earlier steps."""
        q, k, v = self._heads(x, torch.tensor([position], device=x.device))
        cache = torch.cat([state, torch.stack([k, v])], dim=3)[:, :, :, -self.window :]
        attended = functional.scaled_dot_product_attention(q, cache[0], cache[1])
        return self._finish(x, attended), cache

    def _heads(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        qkv = self.qkv(self.norm_attention(x))
        q, k, v = qkv.unflatten(-1, (3, self.heads, self.head_width)).permute(2, 0, 3, 1, 4)
        return rotate(q, positions), rotate(k, positions), v

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.dropout(self.output(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.feedforward(self.norm_feedforward(x)))


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Apply rotary position embedding (Su et al. 2021) to (batch, heads, time, head_width)."""
    half = x.shape[-1] // 2
    # float64 angles keep far positions of an hours-long stream exact
    frequency = 10000.0 ** (-torch.arange(half, device=x.device, dtype=torch.float64) / half)
    angle = positions.to(torch.float64)[:, None] * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def label_head(width: int, n_label_dims: int) -> nn.Module:
    """Make the linear head of label guidance, or a placeholder where there are no labels."""
    return nn.Linear(width, n_label_dims) if n_label_dims else nn.Identity()
