"""Causal VQ-VAE and masked dynamics on plain arrays: pretrained, frozen, then only used.

Names are imported on first use, so that ``import encoders`` does not load torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encoders.config import EncoderConfig, PretrainingConfig, StageConfig
    from encoders.diagnostics import codebook_usage
    from encoders.errors import CheckpointError, CodebookWarning, EncoderConfigError
    from encoders.frozen import EncoderState, FrozenEncoder, load_encoder, shipped_encoder
    from encoders.pretraining import Progress, pretrain

_HOMES = {
    "CheckpointError": "encoders.errors",
    "CodebookWarning": "encoders.errors",
    "EncoderConfig": "encoders.config",
    "EncoderConfigError": "encoders.errors",
    "EncoderState": "encoders.frozen",
    "FrozenEncoder": "encoders.frozen",
    "PretrainingConfig": "encoders.config",
    "Progress": "encoders.pretraining",
    "StageConfig": "encoders.config",
    "codebook_usage": "encoders.diagnostics",
    "load_encoder": "encoders.frozen",
    "pretrain": "encoders.pretraining",
    "shipped_encoder": "encoders.frozen",
    "shipped_encoders": "encoders.frozen",
}

__all__ = [
    "CheckpointError",
    "CodebookWarning",
    "EncoderConfig",
    "EncoderConfigError",
    "EncoderState",
    "FrozenEncoder",
    "PretrainingConfig",
    "Progress",
    "StageConfig",
    "codebook_usage",
    "load_encoder",
    "pretrain",
    "shipped_encoder",
    "shipped_encoders",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'encoders' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
