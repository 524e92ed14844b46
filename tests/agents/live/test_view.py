"""The terminal's view, the state behind it, the reference beside a model."""

import math
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from agents.live import Event, LiveState, Reference, Step, TerminalView, load_reference
from agents.live.view import PAST, WIDTH, scale, trace_of, widths
from encoders import CheckpointError


@pytest.mark.parametrize(
    ("value", "place"), [(-1, 0), (0, WIDTH // 2), (1, WIDTH - 1), (7, WIDTH - 1)]
)
def test_a_value_has_its_place_on_the_scale(value, place):
    assert scale(value).index("●") == place


def test_where_there_is_no_value_nothing_is_drawn():
    assert "●" not in scale(math.nan)
    assert trace_of([0.0, math.nan, 1.0]) == "▁ █"
    assert trace_of([math.nan]) == ""


def test_the_view_shows_values_marks_counters_and_events():
    state = LiveState(("valence", "arousal"))
    console = Console(width=140, record=True, file=StringIO())
    view = TerminalView(state, "model on stream", console)
    console.print(view.render())
    assert "waiting for samples" in console.export_text()
    state.event(Event("model", math.nan, "a remark"))
    state.event(Event("started", 53221.6, "62 channels"))
    state.step(Step(0, 0, 53222.6, "ok", (0.5, -0.25)))
    state.step(Step(1, 0, 53223.6, "withheld", (), ("unit",), ("CZ",), latency_ms=7))
    state.event(Event("gap", 53223.1, "5 samples lost", 5))
    console.print(view.render())
    shown = console.export_text()
    for text in ("valence", "withheld unit", "lost samples 5", "bad channels CZ", "latency 7 ms"):
        assert text in shown
    assert "start  model: a remark" in shown
    assert "1.5 s  gap: 5 samples lost" in shown  # since the first sample


@pytest.mark.parametrize("width", [40, 60, 80, 100, 130, 200])
@pytest.mark.parametrize("intervals", [False, True])
def test_marker_and_newest_values_are_seen_at_any_width(width, intervals):
    names = ("valence", "arousal")
    state = LiveState(names)
    console = Console(width=width, record=True, file=StringIO())
    view = TerminalView(state, "model on stream", console)
    n = 100
    for number in range(n):
        top = 0.9 if number == n - 1 else 0.0  # the newest is the only tall bar
        ends = {"low": (-0.2, 0.0), "high": (0.95, 1.0)} if intervals else {}
        marks = ("too-much-lost", "too-many-bad-channels", "unlike-training")
        state.step(Step(number, 0, number + 1.0, "marked", (top, top), marks, **ends))
    console.print(view.render())
    lines = console.export_text().splitlines()
    shown = [line.rstrip() for line in lines if line.startswith(names)]
    assert len(shown) == 2
    for line in shown:
        assert line.endswith("▁█")
        assert "…" not in line
        assert len(line) <= width
        assert line.count("█") == 1
        if width >= 60:
            drawn = next(word for word in line.split() if "●" in word)
            assert drawn == scale(0.9, line_ends(intervals, line), len(drawn))
        if width == 200:
            assert line.count("▁") == PAST - 1


def line_ends(intervals, line):
    if not intervals:
        return None
    return (-0.2, 0.95) if line.startswith("valence") else (0.0, 1.0)


def test_a_long_name_or_no_room_is_no_error():
    assert widths(0) == (0, 0)
    assert widths(-30) == (0, 0)
    assert widths(1000) == (WIDTH, PAST)
    for free in range(200):
        of_scale, of_past = widths(free)
        assert of_scale + of_past <= free
        assert of_scale % 2 == 1 or not of_scale


def test_the_state_keeps_a_bounded_past(monkeypatch):
    monkeypatch.setattr("agents.live.state.KEPT_STEPS", 5)
    state = LiveState(("valence",))
    for number in range(12):
        state.step(Step(number, 0, float(number), "ok", (0.0,)))
    assert [step.number for step in state.since()[0]] == list(range(7, 12))
    assert state.snapshot()["counts"]["steps"] == 12


def test_a_reference_tells_other_patterns_and_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 30))
    rows = rng.normal(size=(500, 4)) @ mixing + 0.1 * rng.normal(size=(500, 30))
    usual = rows.reshape(500, 6, 5)
    Reference.fit([usual[:250], usual[250:400]]).save(tmp_path, "mine")
    kept = load_reference(tmp_path, "mine")
    assert np.mean([kept.unusual(frame) for frame in usual[400:]]) < 0.1
    other = rng.normal(size=(100, 6, 5)) * usual.std()
    assert np.mean([kept.unusual(frame) for frame in other]) > 0.9
    assert load_reference(tmp_path / "elsewhere", "mine") is None
    (tmp_path / "reference" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError):
        load_reference(tmp_path, "mine")
