"""Pretraining: VQ-VAE first, then the masked dynamics on its frozen codes; then both are frozen."""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from encoders.config import EncoderConfig, PretrainingConfig, StageConfig
from encoders.diagnostics import codebook_usage
from encoders.dynamics import MaskedDynamics, span_mask
from encoders.errors import EncoderConfigError
from encoders.frozen import FrozenEncoder
from encoders.groups import hold_out
from encoders.vqvae import CausalVQVAE, Quantized

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Progress:
    """State of the pretraining after an epoch.

    Attributes
    ----------
    stage : str
        ``"vqvae"`` or ``"dynamics"``.
    epoch, epochs : int
        Epochs done in this stage, and the most there can be.
    loss, validation : float
        Training loss and validation loss of the epoch.
    best : float
        Best validation loss so far.
    """

    stage: str
    epoch: int
    epochs: int
    loss: float
    validation: float
    best: float


@dataclass(frozen=True)
class Batch:
    """Padded sequences: features (B, T, C, F), labels (B, T, D), valid (B, T)."""

    features: Tensor
    labels: Tensor
    valid: Tensor


class Sequences:
    """Training sequences as padded batches; labels are standardised by the training part."""

    def __init__(
        self, features: Sequence[FloatArray], labels: Sequence[FloatArray], batch_size: int
    ) -> None:
        self._features = [torch.from_numpy(np.array(f, dtype=np.float32)) for f in features]
        self._labels = [torch.from_numpy(np.array(y, dtype=np.float32)) for y in labels]
        self._batch_size = batch_size

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield batches in random order, or in the given order without a generator."""
        order = np.arange(len(self._features))
        if rng is not None:
            rng.shuffle(order)
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            lengths = torch.tensor([len(self._features[i]) for i in chosen])
            yield Batch(
                pad_sequence([self._features[i] for i in chosen], batch_first=True),
                pad_sequence(
                    [self._labels[i] for i in chosen], batch_first=True, padding_value=torch.nan
                ),
                torch.arange(int(lengths.max()))[None] < lengths[:, None],
            )


def pretrain(
    features: Sequence[FloatArray],
    groups: Sequence[Hashable],
    labels: Sequence[FloatArray] | None = None,
    config: EncoderConfig | None = None,
    pretraining: PretrainingConfig | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    description: dict[str, Any] | None = None,
) -> FrozenEncoder:
    """Pretrain an encoder on training sequences and freeze it.

    Parameters
    ----------
    features : sequence of ndarray, each (n_steps, n_channels, n_bands), float32
        Normalised features of training trials. Held-out subjects must not be among them.
    groups : sequence of hashable
        Group (subject) of each sequence; whole groups are kept out for early stopping.
    labels : sequence of ndarray or None, each (n_steps, n_dims), float32
        Labels of the same trials for emotion guidance; None is purely unsupervised.
    config : EncoderConfig or None
        Shape; None takes defaults for the features' shape.
    pretraining : PretrainingConfig or None
        Settings; None takes defaults.
    on_epoch : callable or None
        Called with `Progress` after each epoch.
    description : dict or None
        JSON-able notes that are saved with the model.

    Returns
    -------
    FrozenEncoder
        The pretrained encoder.

    Raises
    ------
    EncoderConfigError
        If there are fewer than two groups or the shapes do not fit.
    """
    settings = pretraining or PretrainingConfig()
    guided = labels is not None and settings.guidance > 0
    shape = _shape(features, labels if guided else None, config)
    targets = labels if guided and labels is not None else [f[:, 0, :0] for f in features]
    kept_out = hold_out(groups, settings.validation_share, settings.seed)
    train = [i for i, group in enumerate(groups) if group not in kept_out]
    validation = [i for i, group in enumerate(groups) if group in kept_out]
    mean, std = _label_scale([targets[i] for i in train])
    parts = [
        Sequences(
            [features[i] for i in part],
            [(targets[i] - mean) / std for i in part],
            settings.batch_size,
        )
        for part in (train, validation)
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        vqvae, dynamics = _run_stages(shape, settings, parts[0], parts[1], guided, on_epoch)
    encoder = FrozenEncoder(
        vqvae,
        dynamics,
        {
            **(description or {}),
            "guided": guided,
            "validation_groups": sorted(map(str, kept_out)),
            "pretraining": asdict(settings),
            "n_sequences": len(features),
            "n_steps": int(sum(len(f) for f in features)),
        },
    )
    encoder.description["codebook"] = codebook_usage(
        [encoder.codes(features[i]) for i in train], shape.codebook_size
    )
    return encoder


def _run_stages(
    shape: EncoderConfig,
    settings: PretrainingConfig,
    train: Sequences,
    validation: Sequences,
    guided: bool,
    on_epoch: Callable[[Progress], None] | None,
) -> tuple[CausalVQVAE, MaskedDynamics]:
    vqvae = CausalVQVAE(shape, settings.commitment_weight, _dead_code_threshold(shape, train))
    _initialise_codebook(vqvae, train)
    stage = VQVAEStage(vqvae, settings, guided)
    _fit(stage, settings.vqvae, train, validation, settings.seed, on_epoch)
    vqvae.eval().requires_grad_(False)
    dynamics = MaskedDynamics(shape, settings.horizons)
    second = DynamicsStage(vqvae, dynamics, settings, guided)
    _fit(second, settings.dynamics, train, validation, settings.seed + 1, on_epoch)
    return vqvae, dynamics


class VQVAEStage(nn.Module):
    """Loss of the first stage: reconstruction, commitment and label guidance."""

    name = "vqvae"

    def __init__(self, vqvae: CausalVQVAE, settings: PretrainingConfig, guided: bool) -> None:
        super().__init__()
        self.model = vqvae
        self.weight = settings.guidance if guided else 0.0

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return training loss and selection criterion of a batch."""
        latents = self.model(batch.features, batch.valid)
        error = (self.model.decode(latents.quantized) - batch.features).square().mean(dim=(2, 3))
        reconstruction = error[batch.valid].mean()
        loss = reconstruction
        if self.weight:
            guidance = label_loss(self.model.guidance(latents.quantized), batch.labels)
            loss = loss + self.weight * guidance
        return loss + latents.commitment, loss


class DynamicsStage(nn.Module):
    """Loss of the second stage: hidden codes, later codes and label guidance."""

    name = "dynamics"

    def __init__(
        self,
        vqvae: CausalVQVAE,
        dynamics: MaskedDynamics,
        settings: PretrainingConfig,
        guided: bool,
    ) -> None:
        super().__init__()
        # in a list, so that train() leaves the finished first stage alone
        self._frozen = [vqvae]
        self.model = dynamics
        self.settings = settings
        self.weight = settings.guidance if guided else 0.0

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return training loss and selection criterion of a batch."""
        with torch.no_grad():
            latents = self._frozen[0](batch.features, batch.valid)
        hidden = span_mask(batch.valid, self.settings.mask_ratio, self.settings.span, generator)
        states = self.model(latents, hidden)
        loss = self._code_loss(states, latents, batch.valid, hidden)
        if self.weight:
            guidance = label_loss(self.model.guidance(states), batch.labels)
            return loss + self.weight * guidance, guidance
        return loss, loss

    def _code_loss(
        self, states: Tensor, latents: Quantized, valid: Tensor, hidden: Tensor
    ) -> Tensor:
        """Loss of the hidden codes and of the later ones, relative to knowing nothing."""
        heads, losses = self.model.code_heads, []
        for head, horizon in zip(heads, (0, *self.model.horizons), strict=True):
            wanted = (hidden if horizon == 0 else valid)[:, horizon:]
            if wanted.shape[1]:
                guesses = head(states[:, : states.shape[1] - horizon])
                losses.append(self._prediction_loss(guesses, latents, wanted, horizon))
        return torch.stack(losses).mean()

    def _prediction_loss(
        self, guesses: Tensor, latents: Quantized, wanted: Tensor, horizon: int
    ) -> Tensor:
        if self._frozen[0].config.quantizer == "none":
            targets = latents.continuous[:, horizon:][wanted]
            error = (guesses[wanted] - targets).square().mean()
            return error / targets.var().clamp_min(1e-6) if len(targets) else guesses.sum() * 0.0
        codes = latents.codes[:, horizon:].masked_fill(~wanted, -1)
        # relative to guessing uniformly, so that the weight of the guidance does not depend on K
        return _cross_entropy(guesses, codes) / math.log(self.model.codebook_size)


def label_loss(predicted: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error over annotated steps; zero where nothing is annotated."""
    annotated = ~torch.isnan(labels)
    if not annotated.any():
        return predicted.sum() * 0.0
    return (predicted[annotated] - labels[annotated]).square().mean()


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    flat = targets.reshape(-1)
    if not (flat >= 0).any():
        return logits.sum() * 0.0
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), flat, ignore_index=-1)


def _fit(
    stage: VQVAEStage | DynamicsStage,
    limits: StageConfig,
    train: Sequences,
    validation: Sequences,
    seed: int,
    on_epoch: Callable[[Progress], None] | None,
) -> None:
    """Train a stage, stop early, and leave the model at its best validation loss."""
    trained = [p for p in stage.model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=limits.learning_rate, weight_decay=limits.weight_decay
    )
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    best, best_epoch, best_state = float("inf"), 0, stage.model.state_dict()
    for epoch in range(1, limits.epochs + 1):
        stage.train()
        loss = _train_epoch(stage, train, optimiser, trained, rng, generator)
        score = _validate(stage, validation, seed)
        if score < best:
            best, best_epoch = score, epoch
            best_state = {k: v.clone() for k, v in stage.model.state_dict().items()}
        if on_epoch is not None:
            on_epoch(Progress(stage.name, epoch, limits.epochs, loss, score, best))
        if epoch - best_epoch >= limits.patience:
            break
    stage.model.load_state_dict(best_state)
    stage.eval()


def _train_epoch(
    stage: VQVAEStage | DynamicsStage,
    train: Sequences,
    optimiser: torch.optim.Optimizer,
    trained: list[nn.Parameter],
    rng: np.random.Generator,
    generator: torch.Generator,
) -> float:
    losses = []
    for batch in train.batches(rng):
        loss, _ = stage(batch, generator)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


@torch.no_grad()
def _validate(stage: VQVAEStage | DynamicsStage, validation: Sequences, seed: int) -> float:
    stage.eval()
    # the same masks in every epoch, so that epochs can be compared
    generator = torch.Generator().manual_seed(seed)
    scores = [
        (float(stage(batch, generator)[1]), int(batch.valid.sum()))
        for batch in validation.batches()
    ]
    return float(np.average([s for s, _ in scores], weights=[n for _, n in scores]))


def _shape(
    features: Sequence[FloatArray],
    labels: Sequence[FloatArray] | None,
    config: EncoderConfig | None,
) -> EncoderConfig:
    if not features:
        raise EncoderConfigError("pretraining needs at least two sequences of features, not none")
    _, n_channels, n_bands = features[0].shape
    n_dims = labels[0].shape[1] if labels else 0
    base = asdict(config) if config else {}
    shape = EncoderConfig(
        **{**base, "n_channels": n_channels, "n_bands": n_bands, "n_label_dims": n_dims}
    )
    if any(f.shape[1:] != (n_channels, n_bands) for f in features):
        raise EncoderConfigError("all sequences must have the same channels and bands")
    return shape


def _label_scale(labels: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    rows = np.concatenate(list(labels))
    if rows.shape[1] == 0:
        return np.zeros(0, np.float32), np.ones(0, np.float32)
    std = np.nanstd(rows, axis=0)
    return np.nanmean(rows, axis=0).astype(np.float32), np.maximum(std, 1e-6).astype(np.float32)


def _dead_code_threshold(shape: EncoderConfig, train: Sequences) -> float:
    """Tenth of an even share of a batch's tokens: the threshold is a count of tokens."""
    tokens = np.mean([int(batch.valid.sum()) for batch in train.batches()])
    return float(0.1 * tokens / shape.codebook_size)


@torch.no_grad()
def _initialise_codebook(vqvae: CausalVQVAE, train: Sequences) -> None:
    """Run k-means on the untrained encoder's outputs for one random batch."""
    vqvae.train()
    batch = next(train.batches(np.random.default_rng(0)))
    vqvae(batch.features, batch.valid)
