"""Pretraining: VQ-VAE first, then the masked dynamics on its frozen codes; then both are frozen."""

import hashlib
import os
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.config import EncoderConfig, PretrainingConfig, StageConfig
from encoders.diagnostics import codebook_usage
from encoders.dynamics import MaskedDynamics
from encoders.errors import CodebookWarning, EncoderConfigError
from encoders.fitting import Fitting
from encoders.frozen import FrozenEncoder
from encoders.groups import hold_out
from encoders.montage import Montage
from encoders.resume import ResumeFile
from encoders.sequences import Sequences
from encoders.stages import DynamicsStage, Stage, VQVAEStage, label_scale
from encoders.targets import target_mixing
from encoders.vqvae import CausalVQVAE

FloatArray = NDArray[np.float32]

COLLAPSED = 0.1
"""A codebook is said to collapse below this share of its size in perplexity."""

SETTLED = 5
"""Epochs before the alarm may ring."""


@dataclass(frozen=True)
class Progress:
    """State of the pretraining after an epoch.

    Attributes
    ----------
    stage : str
        ``"vqvae"``, ``"teacher"`` or ``"dynamics"``.
    epoch, epochs : int
        Epochs done in this stage, and the most there can be.
    loss, validation : float
        Training loss and validation loss of the epoch.
    best : float
        Best validation loss so far.
    perplexity : float
        Of the prototypes in the epoch's training steps; NaN after the first stage and without
        prototypes.
    """

    stage: str
    epoch: int
    epochs: int
    loss: float
    validation: float
    best: float
    perplexity: float


OnEpoch = Callable[[Progress], None] | None


def pretrain(
    features: Sequence[FloatArray],
    groups: Sequence[Hashable],
    labels: Sequence[FloatArray] | None = None,
    config: EncoderConfig | None = None,
    pretraining: PretrainingConfig | None = None,
    on_epoch: OnEpoch = None,
    description: dict[str, Any] | None = None,
    positions: Sequence[NDArray[np.floating]] | None = None,
    resume: str | os.PathLike[str] | None = None,
) -> FrozenEncoder:
    """Pretrain an encoder on training sequences and freeze it.

    Parameters
    ----------
    features : sequence of ndarray, each (n_steps, n_channels, n_bands), float32
        Normalised features of training trials. Held-out subjects must not be among them. With
        sites (`EncoderConfig.n_sites`) each may have other channels.
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
    positions : sequence of ndarray or None, each (n_channels, 3)
        Electrodes of each sequence; needed with sites. The first one's become the encoder's own
        (see `FrozenEncoder.on`).
    resume : path-like or None
        File that keeps the state after each epoch. If it is there, pretraining goes on from it and
        gives the same encoder as without a break; it is removed at the end.

    Returns
    -------
    FrozenEncoder
        The pretrained encoder.

    Raises
    ------
    EncoderConfigError
        If there are fewer than two groups or the shapes do not fit.
    CheckpointError
        If the file to resume from is damaged or of another pretraining.

    Warns
    -----
    CodebookWarning
        If the codebook collapses.
    """
    settings = pretraining or PretrainingConfig()
    guided = (
        labels is not None
        and settings.guidance > 0
        and any(not np.isnan(track).all() for track in labels)
    )
    _require_finite(features, config)
    shape = _shape(features, labels if guided else None, config)
    montages = _montages(features, shape, positions)
    targets = labels if guided and labels is not None else [f[:, 0, :0] for f in features]
    kept_out = hold_out(groups, settings.validation_share, settings.seed)
    train = [i for i, group in enumerate(groups) if group not in kept_out]
    validation = [i for i, group in enumerate(groups) if group in kept_out]
    mean, std = label_scale([targets[i] for i in train])
    parts = [
        Sequences(
            [features[i] for i in part],
            [(targets[i] - mean) / std for i in part],
            settings.batch_size,
            montages and [montages[i] for i in part],
            shape.input_dropout,
        )
        for part in (train, validation)
    ]
    file = ResumeFile(
        resume, _fingerprint(shape, settings, list(features), list(targets), groups, positions)
    )
    run = _Run(shape, settings, parts[0], parts[1], guided, on_epoch, file)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        vqvae, dynamics = run.stages()
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
        montages[0] if montages else None,
    )
    if shape.quantizer != "none":
        codes = [encoder.codes_of_inputs(inputs) for inputs in parts[0].inputs]
        encoder.description["codebook"] = codebook_usage(codes, shape.codebook_size)
    file.delete()
    return encoder


@dataclass(frozen=True)
class _Run:
    """One pretraining: its parts, and how it is watched and kept."""

    shape: EncoderConfig
    settings: PretrainingConfig
    train: Sequences
    validation: Sequences
    guided: bool
    on_epoch: OnEpoch
    file: ResumeFile

    def stages(self) -> tuple[CausalVQVAE, MaskedDynamics]:
        """Run the stages one after the other."""
        settings = self.settings
        threshold = _dead_code_threshold(self.shape, self.train)
        vqvae = CausalVQVAE(self.shape, settings.commitment_weight, threshold)
        _initialise_codebook(vqvae, self.train)
        mixing = target_mixing(settings.target, self.train.inputs, settings.band_hz)
        first = VQVAEStage(vqvae, settings, self.guided, torch.from_numpy(mixing))
        self._fit(first, settings.vqvae, settings.seed)
        vqvae.eval().requires_grad_(False)
        _settle_codebook(vqvae, self.train, settings.seed)
        teacher = self._teacher(vqvae) if settings.teacher else None
        dynamics = MaskedDynamics(self.shape, settings.horizons)
        second = DynamicsStage(vqvae, dynamics, settings, self.guided, teacher)
        self._fit(second, settings.dynamics, settings.seed + 1)
        return vqvae, dynamics

    def _teacher(self, vqvae: CausalVQVAE) -> MaskedDynamics:
        settings = self.settings
        teacher = MaskedDynamics(replace(self.shape, bidirectional=True), settings.horizons)
        stage = DynamicsStage(vqvae, teacher, settings, self.guided)
        self._fit(stage, settings.dynamics, settings.seed + 2)
        return teacher.eval().requires_grad_(False)

    def _fit(self, stage: Stage, limits: StageConfig, seed: int) -> None:
        fitting = Fitting(stage, limits, self.train, self.validation, seed)
        kept = self.file.load(stage.name)
        if kept is not None:
            fitting.load_state_dict(kept)
        alarmed = False
        while not fitting.finished:
            loss, score = fitting.run_epoch()
            self.file.save(stage.name, fitting.state_dict())
            perplexity = stage.perplexity()
            if fitting.epoch >= SETTLED and not alarmed:
                alarmed = self._alarm(perplexity)
            if self.on_epoch is not None:
                epochs = (fitting.epoch, limits.epochs)
                self.on_epoch(Progress(stage.name, *epochs, loss, score, fitting.best, perplexity))
        fitting.restore_best()

    def _alarm(self, perplexity: float) -> bool:
        """Warn if the codebook collapses; NaN where there is none."""
        collapsed = perplexity < COLLAPSED * self.shape.codebook_size
        if collapsed:
            warnings.warn(
                f"the codebook collapses: the perplexity of its {self.shape.codebook_size} "
                f"prototypes is {perplexity:.1f}. Take a smaller codebook_size, or check that the "
                "features vary",
                CodebookWarning,
                stacklevel=2,
            )
        return collapsed


def _require_finite(features: Sequence[FloatArray], config: EncoderConfig | None) -> None:
    """Refuse features that are not finite; on sites NaN marks a missing channel."""
    on_sites = config is not None and config.n_sites > 0
    for number, array in enumerate(features):
        if np.isinf(array).any() or (np.isnan(array).any() and not on_sites):
            raise EncoderConfigError(
                f"features of sequence {number} hold NaN or infinity; mend them, or pretrain on "
                "sites (n_sites), where NaN marks a missing channel"
            )


def _montages(
    features: Sequence[FloatArray],
    shape: EncoderConfig,
    positions: Sequence[NDArray[np.floating]] | None,
) -> list[Montage] | None:
    """Return the montage of each sequence, one object for each that differs."""
    if not shape.n_sites:
        return None
    if positions is None or len(positions) != len(features):
        raise EncoderConfigError(
            "an encoder with sites needs the positions of the electrodes of every sequence"
        )
    known: dict[bytes, Montage] = {}
    for array, where in zip(features, positions, strict=True):
        key = np.asarray(where, dtype=np.float64).tobytes()
        if key not in known:
            known[key] = Montage(array.shape[1], shape.n_bands, shape.n_sites, where)
    return [known[np.asarray(where, dtype=np.float64).tobytes()] for where in positions]


def _fingerprint(*parts: Any) -> str:
    """Return a hash of all that a pretraining depends on."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Sequence) and not isinstance(part, str):
            for item in part:
                array = isinstance(item, np.ndarray)
                digest.update(
                    np.ascontiguousarray(item).tobytes() if array else repr(item).encode()
                )
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()


def _shape(
    features: Sequence[FloatArray],
    labels: Sequence[FloatArray] | None,
    config: EncoderConfig | None,
) -> EncoderConfig:
    if not features:
        raise EncoderConfigError("pretraining needs at least two sequences of features, not none")
    _, n_channels, n_bands = features[0].shape
    n_sites = config.n_sites if config else 0
    base = asdict(config) if config else {}
    given = {
        "n_channels": n_sites or n_channels,
        "n_bands": n_bands,
        "n_label_dims": labels[0].shape[1] if labels else 0,
    }
    if any(f.shape[2] != n_bands for f in features):
        raise EncoderConfigError("all sequences must have the same bands")
    if not n_sites and any(f.shape[1] != n_channels for f in features):
        raise EncoderConfigError(
            "all sequences must have the same channels, unless the encoder has sites (n_sites)"
        )
    return EncoderConfig(**{**base, **given})


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


@torch.no_grad()
def _settle_codebook(vqvae: CausalVQVAE, train: Sequences, seed: int) -> None:
    """Spread the prototypes over what the finished encoder gives for the training part.

    The best epoch is often an early one, when moving averages have not caught up with the encoder
    and many prototypes lie where nothing is any more.
    """
    outputs = [vqvae(torch.from_numpy(f)[None]).continuous[0] for f in train.inputs]
    vqvae.quantizer.settle(torch.cat(outputs), seed)
