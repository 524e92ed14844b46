"""One open page: its document, and what brings it up to date four times a second."""

import itertools
import math
from collections import deque
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.events import ButtonClick, ValueSubmit
from bokeh.models import ColumnDataSource, InlineStyleSheet, Range1d
from bokeh.models.widgets import Button, Div, RadioButtonGroup, TextInput

from agents.live.page import figures, panels
from agents.live.page.budget import Budget
from agents.live.page.figures import BLUE, GREEN, GREY, PURPLE, VERMILLION
from agents.live.page.info import Controls, PageInfo
from agents.live.page.tracks import Tracks, columns_of, trail
from agents.live.records import MARKED, Event, Step
from agents.live.state import LiveState
from eeg_emotion_env.rendering import prototype_colour

TICK_MS = 250

HIGH = 36
"""Height of buttons, pixels."""

KEPT_S, WINDOWS_MIN = 900.0, (1, 5, 15)
"""Seconds of the past that a page holds, and minutes of them that it shows."""

MOST_ROWS = 1800
"""Rows of a plot at most, however short the steps."""

LONGEST_NOTE = 200
"""Letters of a note."""

TRAIL_STEPS, LATENCY_STEPS, MAP_EVENTS = 60, 300, 200

NOTABLE = {"note": PURPLE, "gap": VERMILLION, "clock": VERMILLION, "dropped": VERMILLION}
"""Colours of events that matter; others are grey."""

FOLDER = Path(__file__).parent


class PageView:
    """Fills a document, and keeps it up to date.

    Each visit takes what is new since the last one, at most what the page holds.

    Parameters
    ----------
    document : Document
        Of one open page.
    info : PageInfo
        What does not change.
    state : LiveState
        What is shown.
    controls : Controls
        What the buttons do.
    budget : Budget
        Shared by all pages.
    """

    def __init__(
        self,
        document: Document,
        info: PageInfo,
        state: LiveState,
        controls: Controls,
        budget: Budget,
    ) -> None:
        self._info, self._state, self._controls, self._budget = info, state, controls, budget
        self._seen = (-1, -1)
        self._rows = min(MOST_ROWS, math.ceil(KEPT_S / info.step_s))
        self._tracks = Tracks(info.label_names, info.step_s)
        self._late: deque[Step] = deque(maxlen=max(TRAIL_STEPS, LATENCY_STEPS))
        self._events: deque[tuple[int, Event]] = deque(maxlen=panels.SHOWN_EVENTS)
        self._silent, self._end = False, None  # type: bool, Event | None
        self._sources()
        self._widgets()
        with document.models.freeze():  # count the models once, not once a root
            for root in self._roots():
                document.add_root(root)
        document.title = f"eegdancer: {info.title}"
        document.template = template()
        document.template_variables.update(
            heading=info.title, labels=range(len(info.label_names)), planar=self._planar,
            coded=info.maps is not None, placed=bool(info.placed), log=info.log, trail=TRAIL_STEPS,
        )  # fmt: skip
        self.tick()
        document.add_periodic_callback(self.tick, TICK_MS)

    @property
    def _planar(self) -> bool:
        return len(self._info.label_names) == 2

    def _sources(self) -> None:
        self.steps = ColumnDataSource({name: [] for name in columns_of(self._info.label_names)})
        self.marks = ColumnDataSource({name: [] for name in ("t", "colour", "kind", "detail")})
        self.codes = ColumnDataSource({name: [] for name in ("left", "right", "colour", "number")})
        self.way = ColumnDataSource(trail([]))
        self.here = ColumnDataSource(_place(None))
        self.scalp = ColumnDataSource(self._channel_columns(None))
        self.time = Range1d(start=0, end=60)

    def _widgets(self) -> None:
        sheet = InlineStyleSheet(css=(FOLDER / "panels.css").read_text(encoding="utf-8"))
        names = ["status", "counters", "events", "prototype", "channels"]
        names += [f"value_{place}" for place in range(len(self._info.label_names))]
        self.texts = {
            name: Div(name=name, disable_math=True, stylesheets=[sheet], sizing_mode="stretch_both")
            for name in names
        }
        self.pause = Button(
            name="pause", label="Pause", width=120, height=HIGH, stylesheets=[sheet]
        )
        self.note = TextInput(
            name="note",
            placeholder="what happens now",
            max_length=LONGEST_NOTE,
            height=HIGH,
            stylesheets=[sheet],
        )
        self.mark = Button(name="mark", label="Mark", width=80, height=HIGH, stylesheets=[sheet])
        self.window = RadioButtonGroup(
            name="window", labels=[f"{m} min" for m in WINDOWS_MIN], active=1, stylesheets=[sheet]
        )
        self.pause.on_event(ButtonClick, self._pressed)
        self.mark.on_event(ButtonClick, self._noted)
        self.note.on_event(ValueSubmit, self._noted)

    def _roots(self) -> list[Any]:
        names = self._info.label_names
        plots = []
        for place in range(len(names)):
            last = place == len(names) - 1
            plot = figures.track(self.steps, self.marks, place, self.time, last)
            plot.name = f"track_{place}"
            plots.append(plot)
        if self._planar:
            plots.append(figures.plane(self.way, self.here, (names[0], names[1])))
            plots[-1].name = "plane"
        if self._info.maps is not None:
            plots.append(figures.strip(self.codes, self.time))
            plots[-1].name = "strip"
        if self._info.placed:
            plots.append(figures.scalp(self.scalp))
            plots[-1].name = "scalp"
        return [*plots, *self.texts.values(), self.pause, self.note, self.mark, self.window]

    def _pressed(self) -> None:
        """Do what the button says, so that two people who press it at once do the same."""
        if self.pause.label == "Pause":
            self._controls.pause()
        else:
            self._controls.resume()
        self._set_buttons()

    def _noted(self, event: Any) -> None:
        text = event.value if isinstance(event, ValueSubmit) else self.note.value
        self._controls.note(text.strip()[:LONGEST_NOTE] or "marked on the page")
        self.note.value = ""

    def tick(self) -> None:
        """Bring what is new, if there is time for it."""
        if not self._budget.allows():
            return
        steps, events = self._state.since(*self._seen)
        self._seen = (
            steps[-1].number if steps else self._seen[0],
            events[-1][0] if events else self._seen[1],
        )
        self._late.extend(steps)
        self._events.extend(events)
        self._take_events(events)
        if steps:
            self._take_steps(steps[-self._rows :])
        self._write(bool(events))
        self._set_buttons()

    def _take_steps(self, steps: list[Step]) -> None:
        began, info = self._state.began, self._info
        last, minutes = steps[-1], WINDOWS_MIN[min(self.window.active or 0, len(WINDOWS_MIN) - 1)]
        self.steps.stream(self._tracks.take(steps, began), rollover=self._rows)
        if info.maps is not None:
            self.codes.stream(_codes(steps, began, info.step_s), rollover=self._rows)
        late = list(self._late)[-TRAIL_STEPS:]
        if self._planar:
            self.way.data, self.here.data = trail(late), _place(last)
        if info.placed:
            _update(self.scalp, self._channel_columns(last))
        end = max(last.time - began, 60.0)
        self.time.update(start=max(0.0, end - 60.0 * minutes), end=end)

    def _take_events(self, events: list[tuple[int, Event]]) -> None:
        began, timed = self._state.began, []
        for _, event in events:
            self._silent = (self._silent or event.kind == "stalled") and event.kind != "resumed"
            if event.kind in ("ended", "failed"):
                self._end = event
            if math.isfinite(event.time - began):
                timed.append(event)
        if timed:
            rows: dict[str, Any] = {
                "t": [event.time - began for event in timed],
                "colour": [NOTABLE.get(event.kind, GREY) for event in timed],
                "kind": [event.kind for event in timed],
                "detail": [event.detail for event in timed],
            }
            self.marks.stream(rows, rollover=MAP_EVENTS)

    def _write(self, with_events: bool) -> None:
        """Write the panels of text; those that have not changed are not sent."""
        info, state = self._info, self._state
        last, snapshot = self._late[-1] if self._late else None, state.snapshot()
        texts = {
            "status": panels.status(last, self._controls.paused, self._silent, self._end),
            "counters": panels.counters(
                snapshot["counts"],
                [step.latency_ms for step in list(self._late)[-LATENCY_STEPS:]],
                last.time - state.began if last else math.nan,
            ),
            "channels": panels.channels(len(info.channels), info.missing, last),
            "prototype": panels.prototype(
                last.prototype if last else -1, state.prototypes(), info.maps
            ),
        }
        if with_events:
            texts["events"] = panels.events(self._events, state.began)
        for place, name in enumerate(info.label_names):
            texts[f"value_{place}"] = panels.value(name, place, last)
        for name, text in texts.items():
            if self.texts[name].text != text:
                self.texts[name].text = text

    def _set_buttons(self) -> None:
        over = self._state.over
        label = "Continue" if self._controls.paused and not over else "Pause"
        if self.pause.label != label:
            self.pause.label = label
        for widget in (self.pause, self.mark, self.note):
            if widget.disabled != over:
                widget.disabled = over

    def _channel_columns(self, last: Step | None) -> dict[str, Any]:
        bad = dict(itertools.zip_longest(last.bad_channels, last.bad_reasons)) if last else {}
        gone = set(self._info.missing)
        out: dict[str, Any] = {
            key: []
            for key in (
                *("x", "y", "name", "reason", "colour", "marker", "size"),
                *("label", "align", "offset"),
            )
        }
        for name, (x, y) in self._info.placed.items():
            reason = "not in the stream" if name in gone else bad.get(name, "ok")
            wrong = name in bad
            look = (VERMILLION, "x", 13) if wrong else (GREY, "circle", 4)
            if not wrong and name not in gone:
                look = (GREEN, "circle", 9)
            # names towards the middle, where there is room
            side = ("right", -8) if x > 0 else ("left", 8)
            values = (x, y, name, reason, *look, name if wrong else "", *side)
            for column, one in zip(out.values(), values, strict=True):
                column.append(one)
        return out


def _codes(steps: list[Step], began: float, step_s: float) -> dict[str, Any]:
    known = [step for step in steps if step.prototype >= 0]
    return {
        "left": [step.time - began - step_s for step in known],
        "right": [step.time - began for step in known],
        "colour": [_hex(step.prototype) for step in known],
        "number": [step.prototype for step in known],
    }


@cache
def _hex(prototype: int) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in prototype_colour(prototype))


def _place(last: Step | None) -> dict[str, Any]:
    """Return the place in the plane, and the ends of its intervals."""
    names = ("x", "y", "left", "right", "bottom", "top", "colour")
    if last is None or not last.prediction:
        return {name: [] for name in names}
    (x, y), low, high = last.prediction, last.low or last.prediction, last.high or last.prediction
    colour = VERMILLION if last.status == MARKED else BLUE
    values = (x, y, low[0], high[0], low[1], high[1], colour)
    return {name: [one] for name, one in zip(names, values, strict=True)}


def _update(source: ColumnDataSource, columns: dict[str, Any]) -> None:
    if source.data["marker"] != columns["marker"] or source.data["reason"] != columns["reason"]:
        source.data = columns


@cache
def template() -> Any:
    """Return the page around the parts, for Bokeh to fill."""
    from bokeh.core.templates import get_env

    return get_env().from_string((FOLDER / "page.html").read_text(encoding="utf-8"))


@cache
def refusal(text: str) -> Any:
    """Return a page that only says something."""
    from bokeh.core.templates import get_env

    return get_env().from_string(
        "{% extends base %}{% block inner_body %}" + escape(text) + "{% endblock %}"
    )
