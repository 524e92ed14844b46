"""Configuration of the encoder and of its pretraining: frozen, checked, saved beside the model."""

from dataclasses import dataclass, field

from encoders.errors import EncoderConfigError

QUANTIZERS = ("vq", "none")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise EncoderConfigError(message)


@dataclass(frozen=True)
class EncoderConfig:
    """Shape of the causal VQ-VAE and of the masked dynamics model.

    Attributes
    ----------
    n_channels, n_bands : int
        Shape of one step of features.
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
        ``"vq"``, or ``"none"`` for an ablation without prototypes: the code is its own continuous
        value, and the dynamics predict it instead of a prototype's index.
    codebook_size : int
        Number of prototypes.
    codebook_decay : float
        Decay of the codebook's moving averages, in (0, 1).
    dynamics_width, dynamics_layers, dynamics_heads : int
        Size of the masked Transformer.
    window : int
        Steps that attention looks back over, the current one included.
    dropout : float
        Dropout of hidden units, in [0, 1).
    input_dropout : float
        Share of whole channels hidden from the model in training, in [0, 1).
    n_label_dims : int
        Label dimensions of the guidance heads; 0 for purely unsupervised pretraining.
    """

    n_channels: int
    n_bands: int
    n_spatial: int = 16
    width: int = 64
    kernel_size: int = 3
    dilations: tuple[int, ...] = (1, 2, 4)
    code_dim: int = 16
    quantizer: str = "vq"
    codebook_size: int = 64
    codebook_decay: float = 0.99
    dynamics_width: int = 64
    dynamics_layers: int = 2
    dynamics_heads: int = 4
    window: int = 64
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
    def n_latent(self) -> int:
        """Width of a latent: prototype, residual, state of the dynamics model."""
        return 2 * self.code_dim + self.dynamics_width

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
        Most passes over the training sequences.
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
        _require(self.epochs >= 1, "epochs must be at least 1")
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
    commitment_weight: float = 0.25
    guidance: float = 1.0
    validation_share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "span", tuple(self.span))
        object.__setattr__(self, "horizons", tuple(self.horizons))
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
