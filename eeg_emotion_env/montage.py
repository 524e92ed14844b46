"""Channel orders of the data sets, and electrode positions of our own on a spherical head."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import check_choice

if TYPE_CHECKING:
    import mne

# fmt: off
SEED_CHANNELS: tuple[str, ...] = (
    "FP1", "FPZ", "FP2", "AF3", "AF4", "F7", "F5", "F3", "F1", "FZ", "F2", "F4", "F6", "F8",
    "FT7", "FC5", "FC3", "FC1", "FCZ", "FC2", "FC4", "FC6", "FT8",
    "T7", "C5", "C3", "C1", "CZ", "C2", "C4", "C6", "T8",
    "TP7", "CP5", "CP3", "CP1", "CPZ", "CP2", "CP4", "CP6", "TP8",
    "P7", "P5", "P3", "P1", "PZ", "P2", "P4", "P6", "P8",
    "PO7", "PO5", "PO3", "POZ", "PO4", "PO6", "PO8", "CB1", "O1", "OZ", "O2", "CB2",
)
"""The 62 channels of SEED, SEED-IV and SEED-VII in their order."""

MAHNOB_CHANNELS: tuple[str, ...] = (
    "FP1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1",
    "OZ", "PZ", "FP2", "AF4", "FZ", "F4", "F8", "FC6", "FC2", "CZ", "C4", "T8",
    "CP6", "CP2", "P4", "P8", "PO4", "O2",
)
"""The 32 channels of the Geneva order that MAHNOB-HCI uses."""
# fmt: on

HEAD_CENTRE_M = (0.0, 0.0, 0.04)
"""Centre of the spherical head in head coordinates, metres."""

HEAD_RADIUS_M = 0.095
"""Radius of the spherical head, metres."""

# Midline: degrees from the vertex, negative to the back.
_MIDLINE = {
    "NZ": 112.5,
    "FPZ": 90.0,
    "AFZ": 67.5,
    "FZ": 45.0,
    "FCZ": 22.5,
    "CZ": 0.0,
    "CPZ": -22.5,
    "PZ": -45.0,
    "POZ": -67.5,
    "OZ": -90.0,
    "IZ": -112.5,
}
# Rows of the left side from the midline outwards. The outermost electrode lies on the
# circumference at the azimuth given (degrees from the front). The right side mirrors the left.
_ROWS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("FPZ", 18.0, ("FP1",)),
    ("AFZ", 36.0, ("AF1", "AF3", "AF5", "AF7")),
    ("FZ", 54.0, ("F1", "F3", "F5", "F7")),
    ("FCZ", 72.0, ("FC1", "FC3", "FC5", "FT7")),
    ("CZ", 90.0, ("C1", "C3", "C5", "T7")),
    ("CPZ", 108.0, ("CP1", "CP3", "CP5", "TP7")),
    ("PZ", 126.0, ("P1", "P3", "P5", "P7")),
    ("POZ", 144.0, ("PO1", "PO3", "PO5", "PO7")),
    ("OZ", 162.0, ("O1",)),
)
# Electrodes below the circumference: azimuth and inclination, degrees. The cerebellar electrodes
# of the SEED cap lie under PO7 and lateral of O1; no standard montage has them.
_BELOW = {
    "AF9": (36.0, 112.5),
    "F9": (54.0, 112.5),
    "FT9": (72.0, 112.5),
    "T9": (90.0, 112.5),
    "TP9": (108.0, 112.5),
    "P9": (126.0, 112.5),
    "PO9": (144.0, 112.5),
    "O9": (162.0, 112.5),
    "CB1": (150.0, 110.0),
    "M1": (112.0, 120.0),
    "A1": (95.0, 120.0),
}
_OLD_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}


def directions(channels: Iterable[str]) -> NDArray[np.float64]:
    """Return unit vectors from the centre of the head to the electrodes.

    The 10-10 system is built on a sphere: the midline and the circumference are great circles with
    steps of 22.5° and 18°, and each row divides the arc from its midline electrode to its
    outermost one into equal parts.

    Parameters
    ----------
    channels : iterable of str
        Names of 10-10 electrodes (old names T3 to T6 too), CB1, CB2, M1, M2, A1 or A2; upper or
        lower case.

    Returns
    -------
    ndarray, shape (n_channels, 3), float64
        x to the right, y to the front, z up.

    Raises
    ------
    ConfigError
        If a name is not known.
    """
    table = _table()
    return np.array([table[check_choice("channel", name.upper(), table)] for name in channels])


def is_electrode(channel: str) -> bool:
    """Say whether `directions` knows the name."""
    return channel.upper() in _table()


def montage(channels: Iterable[str] = SEED_CHANNELS) -> "mne.channels.DigMontage":
    """Return electrode positions on the spherical head for MNE.

    Parameters
    ----------
    channels : iterable of str
        Names of electrodes, as in `directions`; the montage keeps their spelling.

    Returns
    -------
    mne.channels.DigMontage
        Positions in head coordinates, metres, with nasion and preauricular points.
    """
    from mne.channels import make_dig_montage

    names = list(channels)
    positions = np.array(HEAD_CENTRE_M) + HEAD_RADIUS_M * directions(names)
    # Fiducials lie where the sphere meets the plane z = 0 of head coordinates.
    reach = float(np.sqrt(HEAD_RADIUS_M**2 - HEAD_CENTRE_M[2] ** 2))
    return make_dig_montage(
        dict(zip(names, positions, strict=True)),
        nasion=np.array([0.0, reach, 0.0]),
        lpa=np.array([-reach, 0.0, 0.0]),
        rpa=np.array([reach, 0.0, 0.0]),
        coord_frame="head",
    )


@cache
def _table() -> dict[str, NDArray[np.float64]]:
    table = {name: _direction(0.0, angle) for name, angle in _MIDLINE.items()}
    for middle, azimuth, names in _ROWS:
        outer = _direction(azimuth, 90.0)
        for place, name in enumerate(names, start=1):
            table[name] = _along_arc(table[middle], outer, place / len(names))
    table |= {name: _direction(*angles) for name, angles in _BELOW.items()}
    mirror = np.array([-1.0, 1.0, 1.0])
    left = [name for name in table if name[-1] in "13579"]
    table |= {name[:-1] + str(int(name[-1]) + 1): table[name] * mirror for name in left}
    return table | {old: table[new] for old, new in _OLD_NAMES.items()}


def _direction(azimuth: float, inclination: float) -> NDArray[np.float64]:
    """Return the direction at degrees to the left of the front and degrees from the vertex."""
    azimuth, inclination = np.deg2rad(azimuth), np.deg2rad(inclination)
    radius = np.sin(inclination)
    return np.array([-radius * np.sin(azimuth), radius * np.cos(azimuth), np.cos(inclination)])


def _along_arc(
    start: NDArray[np.float64], end: NDArray[np.float64], fraction: float
) -> NDArray[np.float64]:
    angle = np.arccos(np.clip(start @ end, -1.0, 1.0))
    weights = np.sin((1 - fraction) * angle), np.sin(fraction * angle)
    return np.asarray((weights[0] * start + weights[1] * end) / np.sin(angle))
