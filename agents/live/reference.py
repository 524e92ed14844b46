"""What the input of a model looked like in training, and how unlike it a stream is."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.checkpoint import CONFIG_NAME, load_checkpoint, save_checkpoint
from encoders.errors import CheckpointError

KIND = "training reference"
FOLDER = "reference"

COMPONENTS = 16
"""Principal components that describe a step; the rest is taken together."""

MOST_STEPS = 20_000
"""Training steps that are looked at: bounds memory."""

QUANTILE = 0.99
"""Share of the training steps whose distances are usual."""

MEMORY_STEPS = 30.0
"""Time constant over which steps are counted."""

WARN_ABOVE, CALM_BELOW = 0.5, 0.25
"""Share of unusual late steps that raises the warning, and below which it is taken back."""

LEAST_STEPS = 10
"""Steps that must have been seen before anything is said."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Principal components of the model's input in training, with limits of two distances.

    Attributes
    ----------
    mean : ndarray, shape (n_inputs,)
        Mean of a step.
    components : ndarray, shape (n_components, n_inputs)
        Orthonormal.
    variances : ndarray, shape (n_components,)
        Variance along each.
    limits : ndarray, shape (2,)
        Quantile `QUANTILE` of the distance along the components and of that across them.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    variances: NDArray[np.float64]
    limits: NDArray[np.float64]

    @classmethod
    def fit(cls, inputs: Iterable[NDArray[np.floating]]) -> "Reference":
        """Describe training trials.

        Parameters
        ----------
        inputs : iterable of ndarray, each (n_steps, n_sites or n_channels, n_bands)
            Model input of each training trial (see `encoders.montage.Montage`).
        """
        rows = _rows(inputs)
        mean = rows.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
        n = min(COMPONENTS, rows.shape[1] - 1)
        components, variances = vectors[:, ::-1][:, :n].T, np.maximum(values[::-1][:n], 1e-9)
        made = cls(mean, components, variances, np.full(2, np.inf))
        return cls(mean, components, variances, np.quantile(made.distances(rows), QUANTILE, axis=0))

    def distances(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distances of steps along and across the components, shape (n_steps, 2)."""
        off = rows - self.mean
        along = off @ self.components.T
        across = np.maximum(np.square(off).sum(axis=1) - np.square(along).sum(axis=1), 0.0)
        return np.stack([(np.square(along) / self.variances).sum(axis=1), across], axis=1)

    def unusual(self, frame: NDArray[np.floating]) -> bool:
        """Say whether a step lies outside what was usual in training."""
        row = np.asarray(frame, np.float64).reshape(1, -1)
        return bool((self.distances(row) > self.limits).any())

    def save(self, model: str | os.PathLike[str], encoder: str) -> None:
        """Write it into the folder of a model.

        Parameters
        ----------
        model : path-like
            Folder of the model.
        encoder : str
            Fingerprint of the encoder whose input it describes.
        """
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in vars(self).items()
        }
        save_checkpoint(
            Path(model) / FOLDER, KIND, {"quantile": QUANTILE, "encoder": encoder}, tensors
        )


def _rows(inputs: Iterable[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return steps as rows, evenly thinned out where there are more than `MOST_STEPS`."""
    flat = [np.asarray(part, np.float32).reshape(len(part), -1) for part in inputs]
    stride = -(-sum(map(len, flat)) // MOST_STEPS)
    return np.concatenate(flat)[::stride].astype(np.float64)


def load_reference(model: str | os.PathLike[str], encoder: str) -> Reference | None:
    """Load the reference from the folder of a model; None if it has none.

    Parameters
    ----------
    model : path-like
        Folder of the model.
    encoder : str
        Fingerprint of its encoder.

    Raises
    ------
    CheckpointError
        If it is damaged, or of another encoder.
    """
    folder = Path(model) / FOLDER
    if not (folder / CONFIG_NAME).is_file():
        return None
    saved, tensors = load_checkpoint(folder, KIND)
    if saved.get("encoder") != encoder:
        raise CheckpointError(
            f"{folder}: the reference does not say that it is of the encoder beside it; remove "
            "that folder to do without, or train again"
        )
    try:
        return Reference(**{name: tensor.numpy() for name, tensor in tensors.items()})
    except TypeError as error:
        raise CheckpointError(f"{folder}: unusable reference; train the model again") from error


class ShiftWatch:
    """Counts unusual steps of a stream with a short memory.

    Parameters
    ----------
    reference : Reference
        What was usual in training.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference, self._seen = reference, 0
        self.share, self.warns = 0.0, False

    def step(self, frame: NDArray[np.floating]) -> bool:
        """Take the model's input of a step; say whether the warning has just begun or ended."""
        self._seen += 1
        weight = max(1 / self._seen, 1 / MEMORY_STEPS)
        self.share += weight * (self._reference.unusual(frame) - self.share)
        before = self.warns
        if self._seen >= LEAST_STEPS:
            self.warns = self.share > (CALM_BELOW if self.warns else WARN_ABOVE)
        return self.warns != before
