"""One open page: its document, and what brings it up to date four times a second."""

import math
from collections import deque
from typing import Any

from bokeh.document import Document
from bokeh.events import ButtonClick, ValueSubmit
from bokeh.models import ColumnDataSource, Range1d

from agents.live.page import columns, figures, panels
from agents.live.page.budget import Budget
from agents.live.page.info import Controls, PageInfo
from agents.live.page.latency import Latencies
from agents.live.page.template import template
from agents.live.page.tracks import Tracks, columns_of, trail
from agents.live.page.widgets import LONGEST_NOTE, WINDOWS_MIN, Widgets
from agents.live.records import Event, Step
from agents.live.state import KEPT_STEPS, LiveState

TICK_MS = 250
KEPT_S = 60.0 * max(WINDOWS_MIN)
"""Seconds of the past that a page holds."""

MOST_ROWS, MOST_MARKS = 1800, 200
"""Rows of a plot at most, however short the steps, and lines at events."""

TRAIL_STEPS = 60


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
        self._late: deque[Step] = deque(maxlen=TRAIL_STEPS)
        self._latencies = Latencies()
        self._events: deque[tuple[int, Event]] = deque(maxlen=panels.SHOWN_EVENTS)
        self._silent, self._end = False, None  # type: bool, Event | None
        self._sources()
        self.widgets = self._made_widgets()
        with document.models.freeze():  # count the models once, not once a root
            for name, plot in self._plots().items():
                plot.name = name
                document.add_root(plot)
            for widget in self.widgets.all:
                document.add_root(widget)
        document.title = f"eegdancer: {info.title}"
        document.template = template()
        document.template_variables.update(
            heading=info.title, labels=range(len(info.label_names)), planar=self._planar,
            coded=info.maps is not None, placed=bool(info.placed), log=info.log, trail=TRAIL_STEPS,
            kept=KEPT_STEPS, interval=panels.INTERVAL,
        )  # fmt: skip
        self.tick()
        document.add_periodic_callback(self.tick, TICK_MS)

    @property
    def _planar(self) -> bool:
        return len(self._info.label_names) == 2

    def _sources(self) -> None:
        self.steps = ColumnDataSource({name: [] for name in columns_of(self._info.label_names)})
        self.marks = ColumnDataSource(columns.marks([], 0.0))
        self.codes = ColumnDataSource(columns.codes([], 0.0, 1.0))
        self.way = ColumnDataSource(trail([]))
        self.here = ColumnDataSource(columns.place(None))
        self.scalp = ColumnDataSource(columns.scalp(self._info, None))
        self.time = Range1d(start=0, end=1)

    def _made_widgets(self) -> Widgets:
        widgets = Widgets(len(self._info.label_names))
        widgets.pause.on_event(ButtonClick, self._pressed)
        widgets.mark.on_event(ButtonClick, self._noted)
        widgets.note.on_event(ValueSubmit, self._noted)
        return widgets

    def _plots(self) -> dict[str, Any]:
        """Return the plots by their names in the page."""
        names, info = self._info.label_names, self._info
        plots = {
            f"track_{place}": figures.track(
                self.steps, self.marks, place, self.time, last=place == len(names) - 1
            )
            for place in range(len(names))
        }
        if self._planar:
            plots["plane"] = figures.plane(self.way, self.here, (names[0], names[1]))
        if info.maps is not None:
            plots["strip"] = figures.strip(self.codes, self.time)
        if info.placed:
            plots["scalp"] = figures.scalp(self.scalp)
        return plots

    def _pressed(self) -> None:
        """Do what the button says, so that two people who press it at once do the same."""
        if self.widgets.pause.label == "Pause":
            self._controls.pause()
        else:
            self._controls.resume()
        self.widgets.set(self._controls.paused, self._state.over)

    def _noted(self, event: Any) -> None:
        text = event.value if isinstance(event, ValueSubmit) else self.widgets.note.value
        self._controls.note(text.strip()[:LONGEST_NOTE] or "marked on the page")
        self.widgets.note.value = ""

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
        told = [event for _, event in events]
        self._latencies.take(steps, told)
        self._take_events(told)
        if steps:
            self._take_steps(steps[-self._rows :])
        self._show_window()
        self._write(bool(events))
        self.widgets.set(self._controls.paused, self._state.over)

    def _take_steps(self, steps: list[Step]) -> None:
        began, info, last = self._state.began, self._info, steps[-1]
        self.steps.stream(self._tracks.take(steps, began), rollover=self._rows)
        if info.maps is not None:
            self.codes.stream(columns.codes(steps, began, info.step_s), rollover=self._rows)
        if self._planar:
            self.way.data = trail(self._late)
            self.here.data = columns.place(last)
        channels = columns.scalp(info, last)
        if self.scalp.data["reason"] != channels["reason"]:
            self.scalp.data = channels

    def _show_window(self) -> None:
        """Show the time that is chosen, from the start on, and also where no steps come."""
        window = self.widgets.window_s
        end = max(self._late[-1].time - self._state.began if self._late else 0.0, window)
        self.time.update(start=end - window, end=end)

    def _take_events(self, events: list[Event]) -> None:
        for event in events:
            self._silent = (self._silent or event.kind == "stalled") and event.kind != "resumed"
            if event.kind in ("ended", "failed"):
                self._end = event
        rows = columns.marks(events, self._state.began)
        if rows["t"]:
            self.marks.stream(rows, rollover=MOST_MARKS)

    def _write(self, with_events: bool) -> None:
        """Write the panels of text; those that have not changed are not sent."""
        info, state = self._info, self._state
        last, snapshot = self._late[-1] if self._late else None, state.snapshot()
        texts = {
            "status": panels.status(last, self._controls.paused, self._silent, self._end),
            "counters": panels.counters(
                snapshot["counts"],
                self._latencies.values,
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
        self.widgets.write(texts)
