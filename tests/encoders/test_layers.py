"""Attention over a window: dense, in blocks and step by step are one function."""

import numpy as np
import pytest
import torch

from encoders import layers
from encoders.layers import CausalAttentionBlock, banded_attention


@pytest.mark.parametrize("n_steps", [1, 7, 8, 9, 40])
def test_blocks_equal_the_dense_window(n_steps):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, n_steps, 6).unbind()
    steps = torch.arange(n_steps)
    distance = steps[:, None] - steps[None]
    visible = (distance >= 0) & (distance < 8)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=visible)
    torch.testing.assert_close(banded_attention(q, k, v, 8), expected, atol=1e-6, rtol=1e-5)


def test_long_sequences_take_the_blocks(monkeypatch):
    torch.manual_seed(0)
    block, x = CausalAttentionBlock(8, 2, 5, 0.0).eval(), torch.randn(2, 33, 8)
    dense = block(x)
    monkeypatch.setattr(layers, "LONG", 10)
    torch.testing.assert_close(block(x), dense, atol=1e-6, rtol=1e-5)


def test_bidirectional_attention_sees_ahead_but_no_padding():
    torch.manual_seed(0)
    block, x = CausalAttentionBlock(8, 2, 5, 0.0, bidirectional=True).eval(), torch.randn(1, 12, 8)
    valid = torch.arange(12)[None] < 8
    changed = x.clone()
    changed[:, 6] += torch.randn(8)
    assert not np.allclose(*(block(y, valid)[0, 3].detach() for y in (x, changed)))
    padded = x.clone()
    padded[:, 8:] = torch.randn(4, 8)
    torch.testing.assert_close(block(padded, valid)[:, :8], block(x, valid)[:, :8])
    torch.testing.assert_close(block(x, valid)[:, :8], block(x[:, :8]), atol=1e-6, rtol=1e-5)
