"""Scalp maps of prototypes: what the decoder makes of each entry of the codebook."""

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.image import imsave
from numpy.typing import NDArray

from eeg_emotion_env.montage import directions, is_electrode
from encoders import FrozenEncoder
from encoders.montage import sites

if TYPE_CHECKING:
    from agents.live.model import LiveModel

FloatArray = NDArray[np.float64]

PIXELS = 72
"""Width of one map."""

REACH = 1.12
"""Radius that is drawn, where 1 is the circumference of the head (FPz, T7, Oz, T8)."""

LEAST = 4
"""Positions that make a map."""

COLOURS = "RdBu_r"
SMOOTHING = 1e-3


def flat(positions: NDArray[np.floating]) -> FloatArray:
    """Lay directions on a plane: the vertex in the middle, the circumference at radius 1.

    Parameters
    ----------
    positions : ndarray, shape (n, 3)
        Vectors from the centre of the head; x right, y front, z up.

    Returns
    -------
    ndarray, shape (n, 2), float64
        x right, y front; the distance from the middle is the angle from the vertex.
    """
    given = np.asarray(positions, dtype=np.float64)
    unit = given / np.linalg.norm(given, axis=1, keepdims=True)
    angle = np.arccos(np.clip(unit[:, 2], -1, 1)) / (np.pi / 2)
    across = np.hypot(unit[:, 0], unit[:, 1])
    return unit[:, :2] * (angle / np.where(across > 0, across, 1))[:, None]


class PrototypeMaps:
    """Pictures of prototypes, each drawn once.

    Parameters
    ----------
    values : ndarray, shape (n_prototypes, n_places, n_bands)
        What each prototype stands for.
    places : ndarray, shape (n_places, 2)
        Where, as `flat` lays them.
    bands : sequence of str
        Names of the bands.
    unit : str
        Unit of the values.
    """

    def __init__(
        self, values: NDArray[np.floating], places: FloatArray, bands: tuple[str, ...], unit: str
    ) -> None:
        self.places, self.bands, self.unit = places, bands, unit
        self.limit = max(float(np.percentile(np.abs(values), 99)), 0.1)
        self._values = np.asarray(values, dtype=np.float64)
        self._drawn: dict[int, bytes] = {}
        line = np.linspace(-REACH, REACH, PIXELS)
        self._x, self._y = np.meshgrid(line, -line)
        self._weights = _weights(places, self._x, self._y)

    def __len__(self) -> int:
        return len(self._values)

    def png(self, number: int) -> bytes:
        """Return the maps of a prototype side by side, one a band; PNG, clear outside the head.

        Parameters
        ----------
        number : int
            Entry of the codebook.
        """
        if number not in self._drawn:
            self._drawn[number] = self._draw(self._values[number])
        return self._drawn[number]

    def _draw(self, values: FloatArray) -> bytes:
        maps = (self._weights @ values).reshape(PIXELS, PIXELS, -1)
        colours = colormaps[COLOURS](maps / self.limit / 2 + 0.5)
        edge = (REACH - np.hypot(self._x, self._y)) / (2 * REACH / PIXELS) + 0.5
        colours[..., 3] = np.clip(edge, 0, 1)[..., None]
        buffer = io.BytesIO()
        imsave(buffer, np.concatenate(list(np.moveaxis(colours, 2, 0)), axis=1), format="png")
        return buffer.getvalue()


def _weights(places: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return what each place adds to each pixel, shape (n_pixels, n_places): once for all maps."""
    from scipy.interpolate import RBFInterpolator

    smooth = RBFInterpolator(places, np.eye(len(places)), smoothing=SMOOTHING)
    weights: FloatArray = smooth(np.stack([x.ravel(), y.ravel()], axis=1))
    return weights


def prototype_maps(model: "LiveModel") -> PrototypeMaps | None:
    """Decode the codebook of a model; None without a codebook or places on the head."""
    encoder = model.encoder
    if encoder.config.quantizer == "none":
        return None
    places, kept = _places(encoder)
    if len(kept) < LEAST:
        return None
    with torch.inference_mode():
        decoded = encoder.vqvae.decode(torch.from_numpy(encoder.prototypes())).numpy()
    settings = encoder.description.get("pretraining", {})
    bands, unit = model.features.bands, "SD of this session"
    if (target := settings.get("target", "features")) != "features":
        unit = f"{target} features"
    elif model.normalization == "none":
        unit = "log band power"
    return PrototypeMaps(decoded[:, kept], places, bands, unit)


def _places(encoder: FrozenEncoder) -> tuple[FloatArray, list[int]]:
    """Return where the model's input lies, and which of its rows have a place."""
    n_sites = encoder.config.n_sites
    if n_sites:
        return flat(sites(n_sites)), list(range(n_sites))
    names = encoder.description.get("channels", ())
    kept = [row for row, name in enumerate(names) if is_electrode(name)]
    if not kept:
        return np.empty((0, 2)), []
    return flat(directions([names[row] for row in kept])), kept
