"""Scalp maps of prototypes."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from agents.live.page.maps import PIXELS, PrototypeMaps, flat, prototype_maps
from eeg_emotion_env.montage import directions


def test_the_head_is_laid_flat():
    places = flat(directions(["CZ", "FPZ", "T8", "OZ", "FZ"]))
    np.testing.assert_allclose(places, [[0, 0], [0, 1], [1, 0], [0, -1], [0, 0.5]], atol=1e-12)


def picture(maps, number):
    return imread(io.BytesIO(maps.png(number)), format="png")


def test_a_map_is_warm_where_values_are_high(maps):
    places = flat(directions(["FZ", "OZ", "C3", "C4", "CZ", "FPZ"]))
    values = np.zeros((1, 6, 2))
    values[0, :, 0] = [1, -1, 0, 0, 0, 1]  # first band: front high, back low
    image = picture(PrototypeMaps(values, places, ("a", "b"), "SD"), 0)
    assert image.shape == (PIXELS, 2 * PIXELS, 4)
    front, back = image[PIXELS // 5, PIXELS // 2], image[-PIXELS // 5, PIXELS // 2]
    assert front[0] > front[2]
    assert back[2] > back[0]
    assert image[0, 0, 3] == 0  # clear outside the head
    middle = image[PIXELS // 2, PIXELS + PIXELS // 2]
    assert middle[:3].min() > 0.9  # second band: nothing


def test_each_is_drawn_once(maps):
    assert maps.png(1) is maps.png(1)
    assert maps.png(1) != maps.png(2)


@pytest.mark.parametrize("which", ["model", "sited"])
def test_a_model_s_codebook_becomes_maps(which, request):
    model = request.getfixturevalue(which)
    maps = prototype_maps(model)
    assert len(maps) == model.encoder.config.codebook_size
    assert maps.bands == model.features.bands
    assert len(maps.places) == (model.encoder.config.n_sites or 62)
    assert picture(maps, 0).shape[1] == PIXELS * len(maps.bands)


def test_without_places_there_are_no_maps(model):
    kept = model.encoder.description
    try:
        model.encoder.description = {**kept, "channels": ["a", "b"]}
        assert prototype_maps(model) is None
    finally:
        model.encoder.description = kept
