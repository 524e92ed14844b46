"""Training sequences as padded batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from encoders.montage import Montage

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Padded sequences: features (B, T, C, F), labels (B, T, D), valid (B, T)."""

    features: Tensor
    labels: Tensor
    valid: Tensor


class Sequences:
    """Features and labels of trials, in batches of whole trials.

    Parameters
    ----------
    features : sequence of ndarray, each (n_steps, n_channels, n_bands)
        Normalised features.
    labels : sequence of ndarray, each (n_steps, n_dims)
        Targets of the guidance.
    batch_size : int
        Sequences a batch.
    montages : sequence of Montage or None
        Of each sequence, for models with sites.
    channel_dropout : float
        Share of channels that training batches miss before they are brought to the sites.
    """

    def __init__(
        self,
        features: Sequence[FloatArray],
        labels: Sequence[FloatArray],
        batch_size: int,
        montages: Sequence[Montage] | None = None,
        channel_dropout: float = 0.0,
    ) -> None:
        self._raw = [np.array(f, dtype=np.float32) for f in features]
        self._montages, self._channel_dropout = montages, channel_dropout
        whole = (
            self._raw
            if montages is None
            else [m(f) for m, f in zip(montages, self._raw, strict=True)]
        )
        self._features = [torch.from_numpy(f) for f in whole]
        self._labels = [torch.from_numpy(np.array(y, dtype=np.float32)) for y in labels]
        self._batch_size = batch_size

    @property
    def inputs(self) -> list[FloatArray]:
        """Input of the model for each sequence, with all channels."""
        return [f.numpy() for f in self._features]

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield batches in random order, or in the given order without a generator."""
        order = np.arange(len(self._features))
        if rng is not None:
            rng.shuffle(order)
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            lengths = torch.tensor([len(self._features[i]) for i in chosen])
            yield Batch(
                pad_sequence([self._seen(i, rng) for i in chosen], batch_first=True),
                pad_sequence(
                    [self._labels[i] for i in chosen], batch_first=True, padding_value=torch.nan
                ),
                torch.arange(int(lengths.max()))[None] < lengths[:, None],
            )

    def _seen(self, index: int, rng: np.random.Generator | None) -> Tensor:
        """Return a sequence; in training and on sites, as if some electrodes were missing."""
        if rng is None or self._montages is None or not self._channel_dropout:
            return self._features[index]
        raw = self._raw[index]
        dropped = np.asarray(rng.random(raw.shape[1]) < self._channel_dropout)
        return torch.from_numpy(
            self._montages[index](np.where(dropped[:, None], np.float32(np.nan), raw))
        )
