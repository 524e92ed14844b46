"""Causal building blocks that give the same numbers for a whole sequence and step by step."""

import torch
from torch import Tensor, nn
from torch.nn import functional

LONG = 1024
"""Steps beyond which attention over a window is done in blocks."""

HIDDEN = -1e9
"""Score of what attention must not see."""


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
    bidirectional : bool
        Attend as far ahead as back; such a block has no `step`.
    """

    def __init__(
        self, width: int, heads: int, window: int, dropout: float, bidirectional: bool = False
    ) -> None:
        super().__init__()
        self.heads, self.window, self.bidirectional = heads, window, bidirectional
        self.head_width = width // heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm_feedforward = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)
        # ages of what a stream remembers, oldest first: rotary positions matter by difference alone
        ages = torch.arange(-window + 1, 1)
        self.rotation: Tensor
        self.register_buffer("rotation", rotation(ages, self.head_width), persistent=False)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Map (batch, time, width) to the same shape; position t sees t - window + 1 … t.

        Parameters
        ----------
        x : Tensor, shape (batch, time, width)
            Input.
        valid : Tensor of bool or None, shape (batch, time)
            False at padded steps; of use to the bidirectional form alone, since padding is last.
        """
        q, k, v = self._heads(x)
        angles = rotation(torch.arange(x.shape[1], device=x.device), self.head_width)
        q, k = rotate(q, angles), rotate(k, angles)
        if x.shape[1] > LONG and not self.bidirectional:
            return self._finish(x, banded_attention(q, k, v, self.window))
        steps = torch.arange(x.shape[1], device=x.device)
        distance = steps[:, None] - steps[None, :]
        visible = distance < self.window
        visible &= (distance > -self.window) if self.bidirectional else (distance >= 0)
        if self.bidirectional and valid is not None:
            visible = (visible & valid[:, None, :])[:, None] | (distance == 0)
        return self._finish(x, functional.scaled_dot_product_attention(q, k, v, attn_mask=visible))

    def initial_state(self) -> Tensor:
        """Return empty caches: keys, values, and whether a place is taken.

        Returns
        -------
        Tensor, shape (1, heads, window, 2 * head_width + 1)
            Zeros; the newest step is to come last. Its size never changes.
        """
        return self.output.weight.new_zeros(1, self.heads, self.window, 2 * self.head_width + 1)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Process one step, shape (1, 1, width), with the caches of earlier steps."""
        q, k, v = self._heads(x)
        cache = torch.cat([state[:, :, 1:], torch.cat([k, v, torch.ones_like(k[..., :1])], -1)], 2)
        k, v, taken = cache.split([self.head_width, self.head_width, 1], dim=-1)
        # the newest position is the origin, so that the query needs no rotation
        scores = q @ rotate(k, self.rotation).transpose(-1, -2) * self.head_width**-0.5
        attended = torch.softmax(scores + HIDDEN * (1 - taken.transpose(-1, -2)), dim=-1) @ v
        return self._finish(x, attended), cache

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        qkv = self.qkv(self.norm_attention(x))
        q, k, v = qkv.unflatten(-1, (3, self.heads, self.head_width)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.dropout(self.output(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.feedforward(self.norm_feedforward(x)))


def banded_attention(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """Attend over a causal window in blocks: time and memory grow linearly with the sequence.

    Parameters
    ----------
    q, k, v : Tensor, shape (batch, heads, time, head_width)
        Queries, keys, values; positions are already in them.
    window : int
        Steps attended to, the current one included.

    Returns
    -------
    Tensor, shape (batch, heads, time, head_width)
        Attended values.
    """
    batch, time = q.shape[0], q.shape[2]
    n_blocks = -(-time // window)
    rest = n_blocks * window - time

    def blocks(x: Tensor, before: int) -> Tensor:
        padded = functional.pad(x, (0, 0, before, rest))
        windows = padded.unfold(2, window + before, window)
        return windows.permute(0, 2, 1, 4, 3).flatten(0, 1)

    age = torch.arange(window, device=q.device)[:, None] + window
    distance = age - torch.arange(2 * window, device=q.device)[None]
    visible = ((distance >= 0) & (distance < window))[None].repeat(n_blocks, 1, 1)
    visible[0, :, :window] = False
    attended = functional.scaled_dot_product_attention(
        blocks(q, 0),
        blocks(k, window),
        blocks(v, window),
        attn_mask=visible.repeat(batch, 1, 1)[:, None],
    )
    joined = attended.unflatten(0, (batch, n_blocks)).permute(0, 2, 1, 3, 4).flatten(2, 3)
    return joined[:, :, :time]


def rotation(positions: Tensor, head_width: int) -> Tensor:
    """Return cosines and sines of rotary positions, shape (2, time, head_width // 2), float32."""
    half = head_width // 2
    # float64 angles keep far positions of an hours-long recording exact
    frequency = 10000.0 ** (
        -torch.arange(half, device=positions.device, dtype=torch.float64) / half
    )
    angle = positions.to(torch.float64)[:, None] * frequency
    return torch.stack([angle.cos(), angle.sin()]).to(torch.float32)


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Apply rotary positions (Su et al. 2021) to (batch, heads, time, head_width)."""
    cos, sin = angles[0].to(x.dtype), angles[1].to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def label_head(width: int, n_label_dims: int) -> nn.Module:
    """Make the linear head of label guidance, or a placeholder where there are no labels."""
    return nn.Linear(width, n_label_dims) if n_label_dims else nn.Identity()
