"""Any montage: features of electrodes wherever they are, brought to fixed sites on the head.

The estimate at a site is that of a Gaussian process on the sphere with mean zero (simple kriging):
features are normalised, so that where no electrode is near, the estimate falls back to the mean.
It needs no learning, so an encoder that works on sites takes 62, 32 or 14 channels alike, and goes
on when some are missing.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from encoders.errors import EncoderConfigError

FloatArray = NDArray[np.float32]

CONCENTRATION = 6.0
"""Of the covariance exp(c (cos γ - 1)): it falls to a half at an angle of 28°."""

NOISE = 0.2
"""Variance of what an electrode does not share with its neighbours; its signal has variance 1."""

LOWEST_DEG = 112.5
"""Inclination of the lowest sites from the vertex, as of the lowest electrodes of 10-10."""


@cache
def sites(n_sites: int) -> NDArray[np.float64]:
    """Spread sites evenly over the part of the head where electrodes are.

    Parameters
    ----------
    n_sites : int
        Number of sites.

    Returns
    -------
    ndarray, shape (n_sites, 3), float64
        Unit vectors, x to the right, y to the front, z up: a Fibonacci spiral from the vertex.
    """
    place = np.arange(n_sites) + 0.5
    height = 1 - (1 - np.cos(np.deg2rad(LOWEST_DEG))) * place / n_sites
    angle = np.pi * (1 + 5**0.5) * place
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def to_sites(positions: NDArray[np.floating], n_sites: int) -> FloatArray:
    """Return the weights that estimate features at the sites from those at electrodes.

    Parameters
    ----------
    positions : ndarray, shape (n_channels, 3)
        Electrodes, as vectors from the centre of the head; their length does not matter.
    n_sites : int
        Number of sites.

    Returns
    -------
    ndarray, shape (n_sites, n_channels), float32
        Weights. Without electrodes the estimate is zero, the mean.

    Raises
    ------
    EncoderConfigError
        If positions are not finite vectors other than zero.
    """
    given = np.asarray(positions, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 3:
        raise EncoderConfigError(f"positions must be (n_channels, 3), not {given.shape}")
    length = np.linalg.norm(given, axis=1, keepdims=True)
    if not (np.isfinite(length).all() and (length > 0).all()):
        raise EncoderConfigError("positions must be finite vectors other than zero")
    unit = given / length
    among = _covariance(unit, unit) + NOISE * np.eye(len(unit))
    across = _covariance(sites(n_sites), unit)
    weights: FloatArray = np.linalg.solve(among, across.T).T.astype(np.float32)
    return weights


def _covariance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(CONCENTRATION * (a @ b.T - 1))


class Montage:
    """What turns the features of one recording into the input of a model.

    Parameters
    ----------
    n_channels, n_bands : int
        Shape of a step of the recording.
    n_sites : int
        Sites of the model, 0 if it works on the channels themselves.
    positions : ndarray or None, shape (n_channels, 3)
        Electrodes; needed where there are sites.
    band_weights : ndarray or None, shape (n_model_bands, n_bands)
        How the model's bands are made of the recording's; None: they are the same.
    """

    def __init__(
        self,
        n_channels: int,
        n_bands: int,
        n_sites: int = 0,
        positions: NDArray[np.floating] | None = None,
        band_weights: NDArray[np.floating] | None = None,
    ) -> None:
        if n_sites and positions is None:
            raise EncoderConfigError(
                "this encoder works on sites of the head: give the positions of the electrodes"
            )
        self.n_channels, self.n_bands, self.n_sites = n_channels, n_bands, n_sites
        self.positions = None if positions is None else np.asarray(positions, dtype=np.float64)
        if self.positions is not None and len(self.positions) != n_channels:
            raise EncoderConfigError(
                f"there are {len(self.positions)} positions for {n_channels} channels"
            )
        self.band_weights = (
            None if band_weights is None else np.asarray(band_weights, dtype=np.float32)
        )
        self._kept: dict[bytes, FloatArray] = {}

    def as_json(self) -> dict[str, list[list[float]] | None]:
        """Return positions and band weights for a configuration file."""
        arrays = {"positions": self.positions, "band_weights": self.band_weights}
        return {k: None if v is None else v.tolist() for k, v in arrays.items()}

    def __call__(self, features: NDArray[np.floating]) -> FloatArray:
        """Bring features to the model's input; channels that are NaN are taken as missing.

        Parameters
        ----------
        features : ndarray, shape (n_steps, n_channels, n_bands)
            Normalised features; NaN in a channel marks it as bad at that step.

        Returns
        -------
        ndarray, shape (n_steps, n_sites or n_channels, n_model_bands), float32
            Without sites, a missing channel is zero, its mean.
        """
        values = np.asarray(features, dtype=np.float32)
        if self.band_weights is not None:
            values = values @ self.band_weights.T
        missing: NDArray[np.bool_] = np.asarray(np.isnan(values).any(axis=2))
        if not self.n_sites:
            return np.where(missing[..., None], np.float32(0), values) if missing.any() else values
        if not missing.any():
            return np.matmul(self._weights(np.zeros(self.n_channels, dtype=bool)), values)
        out = np.empty((len(values), self.n_sites, values.shape[2]), dtype=np.float32)
        patterns, which = np.unique(missing, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            at = which.ravel() == number
            out[at] = np.matmul(self._weights(pattern), values[at][:, ~pattern])
        return out

    def _weights(self, missing: NDArray[np.bool_]) -> FloatArray:
        """Return the weights of the channels that are there; those used last are kept."""
        key = missing.tobytes()
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))
            assert self.positions is not None
            self._kept[key] = to_sites(self.positions[~missing], self.n_sites)
        return self._kept[key]


MAX_KEPT = 64
"""Sets of missing channels whose weights are kept: bounds the memory of a stream."""
