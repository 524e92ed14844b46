"""Channel orders, and positions on the sphere."""

import numpy as np
import pytest

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.montage import (
    HEAD_CENTRE_M,
    HEAD_RADIUS_M,
    MAHNOB_CHANNELS,
    SEED_CHANNELS,
    directions,
    montage,
)

POSITION = dict(zip(SEED_CHANNELS, directions(SEED_CHANNELS), strict=True))


def test_orders():
    assert len(set(SEED_CHANNELS)) == len(SEED_CHANNELS) == 62
    assert [SEED_CHANNELS.index(name) for name in ("FP1", "FZ", "T7", "CB1", "CB2")] == [
        *(0, 9, 23, 57, 61)
    ]
    assert len(set(MAHNOB_CHANNELS)) == len(MAHNOB_CHANNELS) == 32
    assert set(MAHNOB_CHANNELS) <= set(SEED_CHANNELS)


def test_positions_are_distinct_unit_vectors():
    points = np.array(list(POSITION.values()))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.eye(62)
    assert distances.min() > 0.1


@pytest.mark.parametrize("name", [name for name in SEED_CHANNELS if name[-1] in "1357"])
def test_right_mirrors_left(name):
    mirrored = POSITION[name[:-1] + str(int(name[-1]) + 1)]
    np.testing.assert_allclose(POSITION[name] * [-1, 1, 1], mirrored, atol=1e-12)
    assert POSITION[name][0] < 0


def test_anatomy():
    np.testing.assert_allclose(POSITION["CZ"], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(POSITION["T7"], [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(POSITION["FPZ"], [0, 1, 0], atol=1e-12)
    assert POSITION["F3"][1] > POSITION["C3"][1] > POSITION["P3"][1]
    # The cerebellar electrodes: below PO7/PO8, lateral of O1/O2.
    assert POSITION["CB1"][2] < POSITION["PO7"][2] - 0.2
    assert POSITION["CB1"][0] < POSITION["O1"][0]


def test_mne_montage():
    positions = montage().get_positions()
    assert list(positions["ch_pos"]) == list(SEED_CHANNELS)
    points = np.array(list(positions["ch_pos"].values())) - HEAD_CENTRE_M
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), HEAD_RADIUS_M)
    np.testing.assert_allclose(np.linalg.norm(positions["nasion"] - HEAD_CENTRE_M), HEAD_RADIUS_M)


def test_unknown_channel_is_named():
    with pytest.raises(ConfigError, match=r"channel must be one of .* not 'FPX'"):
        directions(["fpx"])
