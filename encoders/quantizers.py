"""Quantisers of vector-quantize-pytorch behind one small protocol.

Training goes through the library (moving averages, k-means start, revival of dead prototypes). A
frozen codebook is looked up here, by plain tensor operations: the same for a trial, for one step
and for an exported graph, and without the library's hidden updates.
"""

import math
from typing import Any, Protocol, cast

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ, ResidualVQ, VectorQuantize

from encoders.config import EncoderConfig, grid


class Quantizer(Protocol):
    """What the VQ-VAE asks of a quantiser.

    Attributes
    ----------
    n_levels : int
        Codes for each step: 0 where nothing is quantised, 2 for a residual quantiser.
    """

    n_levels: int

    def fit(self, z: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise in training: (quantized, codes, loss), with gradients and codebook updates."""
        ...

    def lookup(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise with the codebook as it is: quantized (…, code_dim), codes (…, n_levels)."""
        ...

    def prototypes(self) -> Tensor:
        """Return the prototypes of the first level, shape (codebook_size, code_dim)."""
        ...

    def settle(self, z: Tensor, seed: int) -> None:
        """Put the codebook where the vectors `z` (n, code_dim) of a finished encoder are."""
        ...


class VQ(VectorQuantize):
    """One codebook with moving averages, k-means start and revival of dead prototypes."""

    n_levels = 1

    def __init__(self, config: EncoderConfig, commitment: float, dead_code: float) -> None:
        super().__init__(dim=config.code_dim, **_codebook(config, commitment, dead_code))

    def fit(self, z: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise in training."""
        quantized, codes, loss = self(z, mask=valid)
        return quantized, codes[..., None], loss.sum()

    def lookup(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise with the codebook as it is."""
        codes = nearest(z, self.prototypes())
        return self.prototypes()[codes], codes[..., None]

    def prototypes(self) -> Tensor:
        """Return the codebook, shape (codebook_size, code_dim)."""
        return cast(Tensor, self._codebook.embed)[0]

    def settle(self, z: Tensor, seed: int) -> None:
        """Put the codebook at the k-means of `z`."""
        _put(self._codebook, z, seed)


class TwoLevelVQ(ResidualVQ):
    """Prototypes, and a second codebook for what they leave."""

    n_levels = 2

    def __init__(self, config: EncoderConfig, commitment: float, dead_code: float) -> None:
        super().__init__(
            dim=config.code_dim,
            num_quantizers=self.n_levels,
            **_codebook(config, commitment, dead_code),
        )

    def fit(self, z: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise in training."""
        quantized, codes, losses = self(z, mask=valid)
        return quantized, codes, losses.sum()

    def lookup(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise with the codebooks as they are."""
        quantized, codes = torch.zeros_like(z), []
        for layer in self.layers:
            book = layer._codebook.embed[0]
            chosen = nearest(z - quantized, book)
            quantized = quantized + book[chosen]
            codes.append(chosen)
        return quantized, torch.stack(codes, dim=-1)

    def prototypes(self) -> Tensor:
        """Return the first codebook, shape (codebook_size, code_dim)."""
        return cast(Tensor, self.layers[0]._codebook.embed)[0]

    def settle(self, z: Tensor, seed: int) -> None:
        """Put each codebook at the k-means of what those before it leave."""
        for layer in self.layers:
            _put(layer._codebook, z, seed)
            book = layer._codebook.embed[0]
            z = z - book[nearest(z, book)]


class FiniteScalar(FSQ):
    """Finite scalar quantisation (Mentzer et al. 2024): a grid instead of a codebook."""

    n_levels = 1

    def __init__(self, config: EncoderConfig, commitment: float, dead_code: float) -> None:
        super().__init__(levels=list(grid(config.codebook_size)), dim=config.code_dim)

    def fit(self, z: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise in training: the grid has no loss of its own and learns nothing."""
        quantized, codes = self(z)
        return quantized, codes.long()[..., None], z.new_zeros(())

    def lookup(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise: round on the grid."""
        quantized, codes = self(z)
        return quantized, codes.long()[..., None]

    def prototypes(self) -> Tensor:
        """Return all points of the grid, shape (codebook_size, code_dim)."""
        return cast(Tensor, self.indices_to_codes(torch.arange(self.codebook_size)))

    def settle(self, z: Tensor, seed: int) -> None:
        """Do nothing: the grid is fixed."""


class NoQuantizer(nn.Module):
    """Ablation: the code is its own continuous value."""

    n_levels = 0

    def __init__(self, config: EncoderConfig, commitment: float, dead_code: float) -> None:
        super().__init__()

    def fit(self, z: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the input."""
        return *self.lookup(z), z.new_zeros(())

    def lookup(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the input."""
        return z, torch.zeros(*z.shape[:-1], 0, dtype=torch.int64, device=z.device)

    def prototypes(self) -> Tensor:
        """Return an empty codebook."""
        return torch.zeros(0, 0)

    def settle(self, z: Tensor, seed: int) -> None:
        """Do nothing."""


KINDS: dict[str, type[VQ | TwoLevelVQ | FiniteScalar | NoQuantizer]] = {
    "vq": VQ,
    "residual-vq": TwoLevelVQ,
    "fsq": FiniteScalar,
    "none": NoQuantizer,
}


def _put(codebook: Any, z: Tensor, seed: int) -> None:
    """Move a codebook of the library to the k-means of `z`, if there are enough vectors."""
    if len(z) < codebook.codebook_size:
        return
    # scikit-learn takes 32 bits
    kmeans = KMeans(codebook.codebook_size, n_init=4, random_state=seed % 2**32)
    means = kmeans.fit(z.double().numpy())
    counts = np.bincount(means.labels_, minlength=codebook.codebook_size)
    book = torch.from_numpy(means.cluster_centers_).to(codebook.embed)
    codebook.embed.copy_(book[None])
    codebook.cluster_size.copy_(torch.from_numpy(counts)[None])
    codebook.embed_avg.copy_((book * torch.from_numpy(counts).to(book)[:, None])[None])


def nearest(z: Tensor, book: Tensor) -> Tensor:
    """Return the index of the nearest row of `book` (K, D) for each vector of `z` (…, D)."""
    return squared_distances(z, book).argmin(dim=-1)


def squared_distances(z: Tensor, book: Tensor) -> Tensor:
    """Return squared distances up to a term of `z` alone, shape (…, K)."""
    return book.square().sum(dim=-1) - 2 * z @ book.T


def soft_assignment(z: Tensor, book: Tensor) -> Tensor:
    """Return how much each vector belongs to each prototype, shape (…, K), rows sum to 1.

    The temperature is the codebook's own: the mean squared distance of a prototype to its nearest
    neighbour.
    """
    squares = squared_distances(book, book) + book.square().sum(dim=-1, keepdim=True)
    others = squares + torch.diag(torch.full((len(book),), math.inf))
    scale = others.min(dim=1).values.mean().clamp_min(1e-6)
    return torch.softmax(-squared_distances(z, book) / scale, dim=-1)


def _codebook(config: EncoderConfig, commitment: float, dead_code: float) -> dict[str, float]:
    return {
        "codebook_size": config.codebook_size,
        "decay": config.codebook_decay,
        "kmeans_init": True,
        "kmeans_iters": 20,
        "threshold_ema_dead_code": dead_code,
        "commitment_weight": commitment,
    }
