"""What the VQ-VAE reconstructs: a fixed mixing of the bands of normalised features."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.errors import EncoderConfigError

FloatArray = NDArray[np.float32]

RIDGE = 0.05
"""Added to the variances before whitening, so that what bands share entirely is not blown up."""


def target_mixing(
    target: str, features: Sequence[FloatArray], band_hz: Sequence[float] = ()
) -> FloatArray:
    """Return the matrix that turns features into the reconstruction target.

    Parameters
    ----------
    target : str
        ``"features"``, ``"whitened"`` or ``"aperiodic-removed"``.
    features : sequence of ndarray, each (n_steps, n_channels, n_bands)
        Normalised features of the training part.
    band_hz : sequence of float
        Centres of the bands, Hz; for ``"aperiodic-removed"``.

    Returns
    -------
    ndarray, shape (n_bands, n_bands), float32
        The target is ``features @ mixing``.

    Raises
    ------
    EncoderConfigError
        If ``"aperiodic-removed"`` has not the centre of each of at least three bands.
    """
    n_bands = features[0].shape[2]
    if target == "features":
        return np.eye(n_bands, dtype=np.float32)
    if target == "aperiodic-removed":
        if len(band_hz) != n_bands or n_bands < 3:
            raise EncoderConfigError(
                f"target 'aperiodic-removed' needs band_hz, the centres of at least three bands; "
                f"{len(band_hz)} are given for {n_bands} bands"
            )
        return _without_line(np.log(np.asarray(band_hz, dtype=np.float64)))
    rows = np.concatenate([f.reshape(-1, n_bands) for f in features]).astype(np.float64)
    variances, directions = np.linalg.eigh(np.cov(rows, rowvar=False).reshape(n_bands, n_bands))
    scaled = directions / np.sqrt(np.maximum(variances, 0) + RIDGE)
    whitening: FloatArray = (scaled @ directions.T).astype(np.float32)
    return whitening


def _without_line(log_hz: NDArray[np.float64]) -> FloatArray:
    """Return the projection that removes offset and slope over log frequency."""
    line = np.stack([np.ones_like(log_hz), log_hz], axis=1)
    return (np.eye(len(log_hz)) - line @ np.linalg.pinv(line)).astype(np.float32)
