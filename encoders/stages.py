"""Losses of the two pretraining stages."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.config import PretrainingConfig
from encoders.dynamics import MaskedDynamics, span_mask
from encoders.sequences import Batch
from encoders.vqvae import CausalVQVAE, Quantized


class VQVAEStage(nn.Module):
    """Loss of the first stage: reconstruction, commitment and label guidance.

    Parameters
    ----------
    vqvae : CausalVQVAE
        The model.
    settings : PretrainingConfig
        Weights of the losses.
    guided : bool
        Whether there are labels.
    mixing : Tensor, shape (n_bands, n_bands)
        Turns features into the reconstruction target.
    """

    name = "vqvae"

    def __init__(
        self, vqvae: CausalVQVAE, settings: PretrainingConfig, guided: bool, mixing: Tensor
    ) -> None:
        super().__init__()
        self.model = vqvae
        self.weight = settings.guidance if guided else 0.0
        # the plain target needs no product
        self._mixing = None if settings.target == "features" else mixing
        self.counts = torch.zeros(vqvae.config.codebook_size, dtype=torch.int64)

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return training loss and selection criterion of a batch."""
        latents = self.model(batch.features, batch.valid)
        self._count(latents.codes[batch.valid])
        target = batch.features if self._mixing is None else batch.features @ self._mixing
        error = (self.model.decode(latents.quantized) - target).square().mean(dim=(2, 3))
        reconstruction = error[batch.valid].mean()
        loss = reconstruction
        if self.weight:
            guidance = label_loss(self.model.guidance(latents.quantized), batch.labels)
            loss = loss + self.weight * guidance
        return loss + latents.commitment, loss

    def perplexity(self) -> float:
        """Return the perplexity of the codes since the last call; NaN without any."""
        share = self.counts[self.counts > 0] / self.counts.sum()
        self.counts = torch.zeros_like(self.counts)
        return float(torch.exp(-(share * share.log()).sum())) if len(share) else math.nan

    def _count(self, codes: Tensor) -> None:
        if self.training and codes.shape[-1]:
            self.counts += torch.bincount(codes[:, 0], minlength=len(self.counts))


class DynamicsStage(nn.Module):
    """Loss of the second stage: hidden codes, later codes, label guidance, a teacher's states.

    Parameters
    ----------
    vqvae : CausalVQVAE
        The finished first stage.
    dynamics : MaskedDynamics
        The model.
    settings : PretrainingConfig
        Masks and weights of the losses.
    guided : bool
        Whether there are labels.
    teacher : MaskedDynamics or None
        Finished bidirectional dynamics whose states are to be matched.
    """

    def __init__(
        self,
        vqvae: CausalVQVAE,
        dynamics: MaskedDynamics,
        settings: PretrainingConfig,
        guided: bool,
        teacher: MaskedDynamics | None = None,
    ) -> None:
        super().__init__()
        # in lists, so that train() leaves what is finished alone
        self._frozen, self._teacher = [vqvae], [teacher] if teacher else []
        self.model = dynamics
        self.settings = settings
        self.weight = settings.guidance if guided else 0.0
        bidirectional = dynamics.bidirectional and settings.teacher > 0
        self.name = "teacher" if bidirectional else "dynamics"

    def forward(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return training loss and selection criterion of a batch."""
        with torch.no_grad():
            latents = self._frozen[0](batch.features, batch.valid)
        hidden = span_mask(batch.valid, self.settings.mask_ratio, self.settings.span, generator)
        states = self.model(latents, hidden, batch.valid)
        loss = self._code_loss(states, latents, batch.valid, hidden)
        loss = loss + self._distance_to_teacher(states, latents, batch.valid)
        if self.weight:
            guidance = label_loss(self.model.guidance(states), batch.labels)
            annotated = not bool(torch.isnan(batch.labels).all())
            # what is not annotated says nothing of the guidance
            return loss + self.weight * guidance, guidance if annotated else loss
        return loss, loss

    def perplexity(self) -> float:
        """Return NaN: this stage leaves the codebook alone."""
        return math.nan

    def _distance_to_teacher(self, states: Tensor, latents: Quantized, valid: Tensor) -> Tensor:
        if not self._teacher:
            return states.new_zeros(())
        with torch.no_grad():
            wanted = self._teacher[0](latents, None, valid)
        return self.settings.teacher * (states - wanted)[valid].square().mean()

    def _code_loss(
        self, states: Tensor, latents: Quantized, valid: Tensor, hidden: Tensor
    ) -> Tensor:
        """Loss of the hidden codes and of the later ones, relative to knowing nothing."""
        # who sees the later codes is not asked to forecast them
        horizons = () if self.model.bidirectional else self.model.horizons
        losses = []
        for head, horizon in zip(self.model.code_heads, (0, *horizons), strict=False):
            wanted = (hidden if horizon == 0 else valid)[:, horizon:]
            if wanted.shape[1]:
                guesses = head(states[:, : states.shape[1] - horizon])
                losses.append(self._prediction_loss(guesses, latents, wanted, horizon))
        return torch.stack(losses).mean()

    def _prediction_loss(
        self, guesses: Tensor, latents: Quantized, wanted: Tensor, horizon: int
    ) -> Tensor:
        n_levels = latents.codes.shape[-1]
        if not n_levels:
            targets = latents.continuous[:, horizon:][wanted]
            error = (guesses[wanted] - targets).square().mean()
            return error / targets.var().clamp_min(1e-6) if len(targets) else guesses.sum() * 0.0
        codes = latents.codes[:, horizon:].masked_fill(~wanted[..., None], -1)
        logits = guesses.unflatten(-1, (n_levels, -1))
        # relative to guessing uniformly, so that the weight of the guidance does not depend on K
        return _cross_entropy(logits, codes) / math.log(self.model.codebook_size)


Stage = VQVAEStage | DynamicsStage


def label_loss(predicted: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error over annotated steps; zero where nothing is annotated."""
    annotated = ~torch.isnan(labels)
    if not annotated.any():
        return predicted.sum() * 0.0
    return (predicted[annotated] - labels[annotated]).square().mean()


def label_scale(labels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each label dimension, float32, NaN left out."""
    rows = np.concatenate(labels)
    if rows.shape[1] == 0:
        return np.zeros(0, np.float32), np.ones(0, np.float32)
    std = np.nanstd(rows, axis=0)
    return np.nanmean(rows, axis=0).astype(np.float32), np.maximum(std, 1e-6).astype(np.float32)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    flat = targets.reshape(-1)
    if not (flat >= 0).any():
        return logits.sum() * 0.0
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), flat, ignore_index=-1)
