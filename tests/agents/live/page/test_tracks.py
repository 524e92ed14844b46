"""Steps as rows of a plot."""

import math

import pytest

from agents.live.page.tracks import Tracks, columns_of, trail
from tests.agents.live.page.conftest import NAMES, a_step


def test_a_row_for_each_step_after_the_band_has_opened():
    rows = Tracks(NAMES, 1.0).take([a_step(0), a_step(1, (0.6, 0.0))], began=0.0)
    assert set(rows) == set(columns_of(NAMES))
    assert rows["t"] == [1.0, 1.0, 2.0]
    assert rows["y_0"][1:] == [0.5, 0.6]
    assert math.isnan(rows["y_0"][0])


def test_the_band_is_the_interval():
    step = a_step(0, low=(0.1, -0.5), high=(0.7, 0.1))
    rows = Tracks(NAMES, 1.0).take([step], began=0.0)
    assert (rows["low_0"][-1], rows["high_0"][-1]) == (0.1, 0.7)
    assert rows["low_1"][0] == rows["high_1"][0] == pytest.approx(-0.2)


@pytest.mark.parametrize(
    "later",
    [
        [a_step(1, (), "withheld"), a_step(2)],
        [a_step(7)],  # time was lost
        [a_step(1, segment=1)],  # the model began anew
    ],
)
def test_the_line_breaks_where_nothing_was_predicted(later):
    rows = Tracks(NAMES, 1.0).take([a_step(0), *later], began=0.0)
    known = [not math.isnan(value) for value in rows["y_0"]]
    between = rows["y_0"][known.index(True) + 1 : len(known) - known[::-1].index(True) - 1]
    assert between
    assert all(math.isnan(value) for value in between)


def test_it_breaks_between_two_calls_too():
    tracks = Tracks(NAMES, 1.0)
    tracks.take([a_step(0)], 0.0)
    assert math.isnan(tracks.take([a_step(9)], 0.0)["y_0"][0])


def test_marked_and_withheld_steps_look_different():
    steps = [a_step(0), a_step(1, status="marked", marks=("lost",)), a_step(2, (), "withheld")]
    rows = Tracks(NAMES, 1.0).take(steps, began=0.0)
    assert [value for value in rows["m_0"] if not math.isnan(value)] == [0.5]
    assert [value for value in rows["held"] if not math.isnan(value)] == [-1.0]
    assert "lost" in rows["marks"]


def test_calibration_is_no_withheld_step():
    rows = Tracks(NAMES, 1.0).take([a_step(0, (), "calibrating")], began=0.0)
    assert all(math.isnan(value) for value in rows["held"])


def test_the_trail_fades_and_does_not_cross_gaps():
    steps = [a_step(n, (n / 10, 0.0), segment=int(n > 3)) for n in range(6)]
    way = trail([*steps, a_step(6, (), "withheld", segment=1)])
    assert len(way["x0"]) == 4
    assert way["alpha"] == sorted(way["alpha"])
    assert (way["x0"][0], way["x1"][-1]) == (0.0, 0.5)
    assert trail([]) == {name: [] for name in ("x0", "y0", "x1", "y1", "alpha")}
