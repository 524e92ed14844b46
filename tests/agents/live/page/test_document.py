"""What an open page holds, and how it follows the run."""

from types import SimpleNamespace

import pytest
from bokeh.document import Document
from bokeh.events import ButtonClick, ValueSubmit
from bokeh.models import HoverTool

from agents.live import Event
from agents.live.page import PageInfo
from agents.live.page.budget import Budget
from agents.live.page.document import LONGEST_NOTE, MOST_MARKS, PageView
from tests.agents.live.page.conftest import a_step


@pytest.fixture
def view(info, state, buttons):
    return PageView(Document(), info, state, buttons, Budget(used=lambda: 0.0))


def press(widget):
    widget.document.callbacks.trigger_event(ButtonClick(widget))


def test_it_follows_the_run(view, state):
    assert "waiting" in view.widgets.texts["status"].text
    state.event(Event("started", 0.0, "4 channels"))
    for number in range(5):
        state.step(a_step(number, prototype=number % 2, latency_ms=7.0))
    view.tick()
    assert view.steps.data["t"][-1] == 5.0
    assert len(view.codes.data["number"]) == 5
    assert view.here.data["x"] == [0.5]
    assert "+0.50" in view.widgets.texts["value_0"].text
    assert "−0.25" in view.widgets.texts["value_1"].text
    assert '"steps">5<' in view.widgets.texts["counters"].text
    assert "7 ms" in view.widgets.texts["counters"].text
    assert "40 % of the time" not in view.widgets.texts["prototype"].text
    assert "60 % of the time" in view.widgets.texts["prototype"].text
    assert "4 channels" in view.widgets.texts["events"].text


def test_a_visit_brings_only_what_is_new(view, state):
    state.step(a_step(0))
    view.tick()
    before = len(view.steps.data["t"])
    view.tick()
    assert len(view.steps.data["t"]) == before
    state.step(a_step(1))
    view.tick()
    assert len(view.steps.data["t"]) == before + 1


def test_what_a_page_holds_is_bounded(view, state):
    for number in range(3000):
        state.step(a_step(number, prototype=1))
        state.event(Event("note", float(number), "n"))
        if number % 700 == 0:
            view.tick()
    view.tick()
    assert len(view.steps.data["t"]) <= 900
    assert len(view.codes.data["number"]) <= 900
    assert len(view.marks.data["t"]) <= MOST_MARKS
    assert view.steps.data["t"][-1] == 2999.0


def test_a_new_page_shows_the_past(info, state, buttons):
    for number in range(100):
        state.step(a_step(number))
    view = PageView(Document(), info, state, buttons, Budget())
    assert len(view.steps.data["t"]) > 100
    assert view.time.end == 300.0


def test_without_time_left_it_waits_for_its_next_turn(info, state, buttons):
    spent = SimpleNamespace(allows=lambda: False)
    view = PageView(Document(), info, state, buttons, spent)
    state.step(a_step(0))
    view.tick()
    assert not view.steps.data["t"]
    spent.allows = lambda: True
    view.tick()
    assert view.steps.data["t"]


def test_buttons_pause_and_continue(view, buttons):
    press(view.widgets.pause)
    assert buttons.paused
    assert view.widgets.pause.label == "Continue"
    view.tick()
    assert "paused" in view.widgets.texts["status"].text
    press(view.widgets.pause)
    assert not buttons.paused
    assert view.widgets.pause.label == "Pause"


def test_two_who_press_pause_at_once_both_pause(info, state, buttons):
    one, two = (PageView(Document(), info, state, buttons, Budget()) for _ in range(2))
    press(one.widgets.pause)
    press(two.widgets.pause)
    assert buttons.paused


def test_marks(view, buttons):
    view.widgets.note.value = "  door  "
    press(view.widgets.mark)
    assert view.widgets.note.value == ""
    press(view.widgets.mark)
    view.widgets.note.document.callbacks.trigger_event(ValueSubmit(view.widgets.note, "by key"))
    assert buttons.notes == ["door", "marked on the page", "by key"]
    view.widgets.note.value = "x" * 10_000
    press(view.widgets.mark)
    assert len(buttons.notes[-1]) == LONGEST_NOTE


def test_bad_channels_are_seen_on_the_scalp(view, state):
    state.step(a_step(0, bad_channels=("CZ",), bad_reasons=("flat",), status="marked"))
    view.tick()
    rows = dict(zip(view.scalp.data["name"], view.scalp.data["reason"], strict=True))
    assert rows == {"FZ": "ok", "CZ": "flat", "PZ": "not in the stream"}
    assert view.scalp.data["label"] == ["", "CZ", ""]
    assert "<b>CZ</b> flat" in view.widgets.texts["channels"].text


def test_silence_and_the_end_are_said(view, state):
    state.step(a_step(0))
    state.event(Event("stalled", 1.0, "nothing for 1 s"))
    view.tick()
    assert "no samples" in view.widgets.texts["status"].text
    state.event(Event("resumed", 1.0, "after 2 s"))
    view.tick()
    assert "no samples" not in view.widgets.texts["status"].text
    state.event(Event("ended", 1.0, "the stream ended"))
    state.close()
    view.tick()
    assert "the stream ended" in view.widgets.texts["status"].text
    assert view.widgets.pause.disabled
    assert view.widgets.mark.disabled


@pytest.mark.parametrize("names", [("intensity",), ("valence", "arousal", "dominance")])
def test_other_dimensions_have_no_plane(names, buttons):
    from agents.live import LiveState

    state = LiveState(names)
    view = PageView(Document(), PageInfo("t", names, 1.0), state, buttons, Budget())
    state.step(a_step(0, (0.1,) * len(names)))
    view.tick()
    roots = {root.name for root in view.steps.document.roots}
    assert f"track_{len(names) - 1}" in roots
    assert not {"plane", "strip", "scalp"} & roots


def test_what_is_under_the_mouse_is_named(view):
    tips = {
        label: text
        for tool in view.steps.document.select({"type": HoverTool})
        for label, text in tool.tooltips
    }
    assert not any("@" in label for label in tips)  # labels are shown as they are
    assert tips["event"] == "@kind: @detail"
    assert tips["channel"] == "@name: @reason"


def test_the_time_that_is_chosen_is_shown(view, state):
    view.tick()
    assert (view.time.start, view.time.end) == (0.0, 300.0)  # from the start on
    for number in range(400):
        state.step(a_step(number))
    view.tick()
    assert (view.time.start, view.time.end) == (99.0, 399.0)  # seconds since the first step's end
    view.widgets.window.active = 0
    view.tick()  # no step has come
    assert (view.time.start, view.time.end) == (339.0, 399.0)
