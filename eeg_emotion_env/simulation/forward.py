"""From sources to electrodes: MNE's four-shell spherical head, and near-field artefacts."""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.montage import (
    HEAD_CENTRE_M,
    HEAD_RADIUS_M,
    SEED_CHANNELS,
    directions,
    montage,
)

CORTEX_DEPTH = 0.72
"""Distance of cortical dipoles from the centre, as a fraction of the head's radius."""


def dipole_gains(
    channels: tuple[str, ...], positions: NDArray[np.float64], moments: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Potential of dipoles at the electrodes, in a spherical head of brain, CSF, skull and scalp.

    Parameters
    ----------
    channels : tuple of str
        Names of electrodes.
    positions : ndarray, shape (n_dipoles, 3)
        Places relative to the centre of the head, in head radii (below 0.9: inside the skull).
    moments : ndarray, shape (n_dipoles, 3)
        Directions; only their direction counts.

    Returns
    -------
    ndarray, shape (n_channels, n_dipoles), float64
        Gains, scaled for each dipole to 1 at the electrode of the full 62-channel cap that sees
        it best: an amplitude of 1 µV then means 1 µV there.
    """
    import mne

    cap = list(dict.fromkeys((*SEED_CHANNELS, *channels)))
    info = mne.create_info(cap, 200.0, "eeg", verbose="error").set_montage(montage(cap))
    sphere = mne.make_sphere_model(HEAD_CENTRE_M, HEAD_RADIUS_M, verbose="error")
    n_dipoles = len(positions)
    dipoles = mne.Dipole(
        times=np.zeros(n_dipoles),
        pos=np.array(HEAD_CENTRE_M) + HEAD_RADIUS_M * positions,
        amplitude=np.ones(n_dipoles),
        ori=moments / np.linalg.norm(moments, axis=1, keepdims=True),
        gof=np.full(n_dipoles, 100.0),
        verbose="error",
    )
    forward, _ = mne.make_forward_dipole(dipoles, sphere, info, verbose="error")
    gains = np.asarray(forward["sol"]["data"], dtype=np.float64)
    gains /= np.abs(gains).max(axis=0)
    return gains[[cap.index(channel) for channel in channels]]


def surface_gains(
    channels: tuple[str, ...], sites: NDArray[np.float64], reach_m: float
) -> NDArray[np.float64]:
    """Near field of eyes and muscles: falls off exponentially with distance on the scalp.

    Parameters
    ----------
    channels : tuple of str
        Names of electrodes.
    sites : ndarray, shape (n_sites, 3)
        Directions of the sources from the centre of the head.
    reach_m : float
        Distance at which the amplitude has fallen to 1/e, metres.

    Returns
    -------
    ndarray, shape (n_channels, n_sites), float64
        Gains, 1 at the site itself.
    """
    cosines = directions(channels) @ (sites / np.linalg.norm(sites, axis=1, keepdims=True)).T
    distance = HEAD_RADIUS_M * np.arccos(np.clip(cosines, -1.0, 1.0))
    return np.asarray(np.exp(-distance / reach_m))


def jittered(
    rng: np.random.Generator, sites: NDArray[np.float64], degrees: float
) -> NDArray[np.float64]:
    """Turn unit vectors by random angles of about `degrees`."""
    turned = sites + np.deg2rad(degrees) * rng.standard_normal(sites.shape)
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True))
