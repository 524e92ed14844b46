"""Configuration of the encoder and of its pretraining: frozen, checked, saved beside the model."""

from dataclasses import dataclass, field

import numpy as np

from encoders.errors import EncoderConfigError

QUANTIZERS = ("vq", "residual-vq", "fsq", "none")
TARGETS = ("features", "whitened", "aperiodic-removed")


def grid(codebook_size: int) -> tuple[int, ...]:
    """Split a codebook size into levels of finite scalar quantisation, each 3 to 8.

    Parameters
    ----------
    codebook_size : int
        Product of the levels.

    Returns
    -------
    tuple of int
        Levels, largest first; empty if there is no such split.
    """
    if 3 <= codebook_size <= 8:
        return (codebook_size,)
    for level in range(8, 2, -1):
        rest = grid(codebook_size // level) if codebook_size % level == 0 else ()
        if rest:
            return tuple(sorted((level, *rest), reverse=True))
    return ()


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise EncoderConfigError(message)


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of the causal VQ-VAE and of the masked dynamics model.

    Attributes
    ----------
    n_channels, n_bands : int
        Shape of one step of features; `n_channels` counts sites where there are any.
    n_sites : int
        0: the model has one weight for each channel of one montage. Otherwise features of any
        montage are first brought to this many sites on the head (`encoders.montage.Sites`).
    n_spatial : int
        Spatial filters for each band.
    width : int
        Hidden units of the VQ-VAE's temporal convolutions.
    kernel_size : int
        Taps of each causal convolution.
    dilations : tuple of int
        One causal convolution block each; steps between taps.
    code_dim : int
        Dimensions of a prototype.
    quantizer : str
        ``"vq"`` (one codebook), ``"residual-vq"`` (prototypes and a second codebook of the same
        size for what they leave), ``"fsq"`` (finite scalar quantisation), or ``"none"`` for an
        ablation without prototypes: the code is its own continuous value, and the dynamics predict
        it instead of a prototype's index.
    codebook_size : int
        Number of prototypes; for ``"fsq"`` a product of numbers from 3 to 8.
    soft_assignment : bool
        Whether latents also hold how much a step belongs to each prototype.
    codebook_decay : float
        Decay of the codebook's moving averages, in (0, 1).
    dynamics_width, dynamics_layers, dynamics_heads : int
        Size of the masked Transformer.
    window : int
        Steps that attention looks back over, the current one included.
    bidirectional : bool
        Let the dynamics look ahead as far as back. For offline comparison alone: such an encoder
        has no `step`, and what rests on it does not belong in a causal table.
    dropout : float
        Dropout of hidden units, in [0, 1).
    input_dropout : float
        Share of whole channels hidden from the model in training, in [0, 1).
    n_label_dims : int
        Label dimensions of the guidance heads; 0 for purely unsupervised pretraining.
    """

    n_channels: int
    n_bands: int
    n_sites: int = 0
    n_spatial: int = 16
    width: int = 64
    kernel_size: int = 3
    dilations: tuple[int, ...] = (1, 2, 4)
    code_dim: int = 16
    quantizer: str = "vq"
    codebook_size: int = 64
    codebook_decay: float = 0.99
    soft_assignment: bool = False
    dynamics_width: int = 64
    dynamics_layers: int = 2
    dynamics_heads: int = 4
    window: int = 64
    bidirectional: bool = False
    dropout: float = 0.2
    input_dropout: float = 0.1
    n_label_dims: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        for name in (
            *("n_channels", "n_bands", "n_spatial", "width", "kernel_size", "code_dim"),
            *("dynamics_layers", "dynamics_heads"),
        ):
            value = getattr(self, name)
            _require(value >= 1, f"{name} must be at least 1, not {value}")
        _require(
            self.quantizer in QUANTIZERS,
            f"quantizer must be one of {', '.join(QUANTIZERS)}, not {self.quantizer!r}",
        )
        _require(
            self.codebook_size >= 2, f"codebook_size must be at least 2, not {self.codebook_size}"
        )
        _require(self.n_sites >= 0, f"n_sites must not be negative, not {self.n_sites}")
        _require(
            self.n_sites in (0, self.n_channels),
            f"n_channels ({self.n_channels}) counts the {self.n_sites} sites where there are any",
        )
        _require(
            self.quantizer != "fsq" or bool(grid(self.codebook_size)),
            f"codebook_size {self.codebook_size} is no product of numbers from 3 to 8, as fsq "
            "needs; take 16, 64, 240 or 256",
        )
        _require(
            self.quantizer in ("vq", "residual-vq") or not self.soft_assignment,
            f"soft_assignment needs prototypes of quantizer vq or residual-vq, not "
            f"{self.quantizer}",
        )
        _require(self.window >= 2, f"window must be at least 2 steps, not {self.window}")
        _require(
            bool(self.dilations) and min(self.dilations) >= 1,
            f"dilations must be at least 1, one a block, not {self.dilations}",
        )
        _require(0 < self.codebook_decay < 1, "codebook_decay must lie in (0, 1)")
        _require(0 <= self.dropout < 1, "dropout must lie in [0, 1)")
        _require(0 <= self.input_dropout < 1, "input_dropout must lie in [0, 1)")
        _require(
            self.dynamics_width % (2 * self.dynamics_heads) == 0,
            "dynamics_width must be a multiple of twice dynamics_heads (rotary positions)",
        )
        _require(self.n_label_dims >= 0, "n_label_dims must not be negative")

    @property
    def layout(self) -> dict[str, slice]:
        """Where prototype, residual, assignment (if any) and dynamics state stand in a latent."""
        widths = {"prototype": self.code_dim, "residual": self.code_dim}
        if self.soft_assignment:
            widths["assignment"] = self.codebook_size
        widths["state"] = self.dynamics_width
        ends = np.cumsum(list(widths.values())).tolist()
        return {
            name: slice(end - width, end)
            for (name, width), end in zip(widths.items(), ends, strict=True)
        }

    @property
    def n_latent(self) -> int:
        """Width of a latent: prototype, residual, assignment, state of the dynamics model."""
        return int(self.layout["state"].stop)

    @property
    def receptive_steps(self) -> int:
        """Steps of the past that the convolutions see, the current one included."""
        return 1 + sum((self.kernel_size - 1) * dilation for dilation in self.dilations)


@dataclass(frozen=True)
class StageConfig:
    """Length and step size of one pretraining stage.

    Attributes
    ----------
    epochs : int
        Most passes over the training sequences; 0 leaves the stage untrained.
    patience : int
        Epochs without a better validation loss before the stage ends.
    learning_rate, weight_decay : float
        Of AdamW.
    """

    epochs: int = 60
    patience: int = 12
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        _require(self.epochs >= 0, "epochs must not be negative")
        _require(self.patience >= 1, "patience must be at least 1")
        _require(self.learning_rate > 0, "learning_rate must be positive")


@dataclass(frozen=True)
class PretrainingConfig:
    """How an encoder is pretrained.

    Attributes
    ----------
    vqvae, dynamics : StageConfig
        The two stages.
    batch_size : int
        Sequences a batch.
    mask_ratio : float
        Share of steps hidden from the dynamics model in training, in (0, 1).
    span : tuple of int
        Shortest and longest hidden span, steps.
    horizons : tuple of int
        Steps ahead whose codes are forecast.
    target : str
        What the VQ-VAE reconstructs: ``"features"`` (normalised log band power: each channel and
        band has about unit variance), ``"whitened"`` (bands decorrelated over the training part)
        or ``"aperiodic-removed"`` (what a straight line over log frequency leaves in each step and
        channel; needs `band_hz`).
    band_hz : tuple of float
        Centres of the bands, Hz, for ``"aperiodic-removed"``.
    teacher : float
        Weight of the distance to the states of a bidirectional teacher, pretrained first on the
        same sequences; 0 does without.
    commitment_weight : float
        Weight of the commitment loss.
    guidance : float
        Weight of the label loss in both stages; 0 is purely unsupervised. Without labels it is
        not used.
    validation_share : float
        Share of groups (subjects) kept out for early stopping, in (0, 1).
    seed : int
        Seed of weights, order, masks and of the choice of validation groups.
    """

    vqvae: StageConfig = field(default_factory=StageConfig)
    dynamics: StageConfig = field(default_factory=StageConfig)
    batch_size: int = 16
    mask_ratio: float = 0.4
    span: tuple[int, int] = (2, 4)
    horizons: tuple[int, ...] = (1, 2, 4)
    target: str = "features"
    band_hz: tuple[float, ...] = ()
    teacher: float = 0.0
    commitment_weight: float = 0.25
    guidance: float = 1.0
    validation_share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "span", tuple(self.span))
        object.__setattr__(self, "horizons", tuple(self.horizons))
        object.__setattr__(self, "band_hz", tuple(self.band_hz))
        for name in ("vqvae", "dynamics"):
            value = getattr(self, name)
            if isinstance(value, dict):
                object.__setattr__(self, name, StageConfig(**value))
        _require(self.batch_size >= 1, "batch_size must be at least 1")
        _require(0 < self.mask_ratio < 1, "mask_ratio must lie in (0, 1)")
        _require(1 <= self.span[0] <= self.span[1], "span must be (shortest, longest), from 1")
        _require(all(h >= 1 for h in self.horizons), "horizons must be at least 1 step")
        _require(0 < self.validation_share < 1, "validation_share must lie in (0, 1)")
        _require(self.guidance >= 0, "guidance must not be negative")
        _require(self.teacher >= 0, "teacher must not be negative")
        _require(
            self.target in TARGETS,
            f"target must be one of {', '.join(TARGETS)}, not {self.target!r}",
        )
        _require(all(hz > 0 for hz in self.band_hz), "band_hz must be positive")
