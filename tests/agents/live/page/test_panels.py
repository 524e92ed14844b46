"""Text of the page: what it says, and that words from outside stay words."""

import math

import pytest

from agents.live import Event
from agents.live.page import panels
from tests.agents.live.page.conftest import a_step

SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (61.9, "1:01"), (3725, "1:02:05"), (-5, "-0:05"), (math.nan, "–")],
)
def test_time_is_minutes_and_seconds(seconds, text):
    assert panels.clock(seconds) == text


def test_the_status_names_what_matters_most():
    step, ended = a_step(0, status="marked", marks=("lost", "clock")), Event("ended", 1, "is over")
    assert "marked lost clock" in panels.status(step, False, False, None)
    assert "waiting" in panels.status(None, False, False, None)
    assert "no samples" in panels.status(step, False, True, None)
    assert "paused" in panels.status(step, True, True, None)
    assert "is over" in panels.status(step, True, True, ended)
    assert "failed: gone" in panels.status(step, False, False, Event("failed", 1, "gone"))


def test_a_value_has_its_sign_and_its_interval():
    text = panels.value("valence", 1, a_step(0, low=(0, -0.5), high=(1, 0.125)))
    assert "−0.25" in text
    assert "−0.50 … +0.12" in text
    assert "where 8 of 10 labels of new people lie" in text
    assert "–" in panels.value("valence", 0, a_step(0, (), "withheld"))
    assert "–" in panels.value("valence", 0, None)
    assert ">+0.00<" in panels.value("valence", 0, a_step(0, (-0.001, 0.0)))


def test_counters_and_latency():
    text = panels.counters({"steps": 1234, "ok": 1230, "marked": 4}, [1.0] * 99 + [50.0], 75.0)
    shown = ('"steps">1 234<', '"marked">4<', '"dropped">0<', ">50 ms<", ">1 / 1 ms<", ">1:15<")
    for part in shown:
        assert part in text
    assert "latency" not in panels.counters({}, [], math.nan)


def test_events_stand_newest_first():
    text = panels.events([(0, Event("note", 62.0, "a")), (1, Event("gap", 63.0, "b"))], 2.0)
    assert text.index(">b<") < text.index(">a<")
    assert ">1:00<" in text


def test_a_prototype_has_its_share_and_its_maps(maps):
    text = panels.prototype(2, {2: 1, 0: 3}, maps)
    assert "25 % of the time" in text
    assert "<b>0</b> (75 %)" in text
    assert 'href="prototype/2.png"' in text
    assert all(band in text for band in maps.bands)
    assert "svg" not in panels.prototype(2, {2: 1}, None)
    assert "–" in panels.prototype(-1, {}, maps)


def test_bad_and_missing_channels_have_a_reason():
    step = a_step(0, bad_channels=("CZ",), bad_reasons=("flat",))
    text = panels.channels(4, ("PZ",), step)
    assert "<b>CZ</b> flat" in text
    assert "<b>PZ</b> not in the stream" in text
    assert ">2<" in text
    assert "all good" in panels.channels(4, (), a_step(0))
    many = a_step(0, bad_channels=tuple(f"c{n}" for n in range(30)))
    assert "and 22 more" in panels.channels(40, (), many)


def test_words_from_outside_stay_words():
    step = a_step(0, status="marked", marks=(SCRIPT,), bad_channels=(SCRIPT,))
    made = (
        panels.status(step, False, False, None)
        + panels.value(SCRIPT, 0, step)
        + panels.events([(0, Event("note", 1.0, SCRIPT))], 0.0)
        + panels.channels(1, (SCRIPT,), step)
    )
    assert "<script" not in made
    assert "&lt;script&gt;" in made
