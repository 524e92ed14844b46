"""A view of a live run in the terminal."""

import math
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agents.live.records import Event, Step
from agents.live.state import LiveState

REFRESH_PER_S = 4
WIDTH = 41
"""Characters of the scale from -1 to 1."""

COLOURS = {"ok": "green", "marked": "yellow", "withheld": "red", "calibrating": "cyan"}
_BARS = "▁▂▃▄▅▆▇█"


class TerminalView:
    """Shows predictions, their last minute, marks, channels and counters; never slows the run.

    It is drawn by a thread of its own from `LiveState`.

    Parameters
    ----------
    state : LiveState
        What is shown.
    title : str
        Model and stream.
    console : Console or None
        Where; None is standard output.
    """

    def __init__(self, state: LiveState, title: str, console: Console | None = None) -> None:
        self._state, self._title = state, title
        self._live = Live(
            get_renderable=self.render, refresh_per_second=REFRESH_PER_S, console=console
        )

    def __enter__(self) -> "TerminalView":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def render(self) -> Group:
        """Draw the state as it is now."""
        steps, events = self._state.since()
        now = self._state.snapshot()
        counts = now["counts"]
        return Group(
            Text(self._title + (" · paused" if now["paused"] else ""), style="bold"),
            self._values(steps),
            Text(_counters(counts, steps[-1] if steps else None)),
            *(Text(_line(event), style="dim") for _, event in events[-5:]),
        )

    def _values(self, steps: list[Step]) -> Table:
        table = Table.grid(padding=(0, 2))
        last = steps[-1] if steps else None
        for place, name in enumerate(self._state.label_names):
            value = last.prediction[place] if last and last.prediction else math.nan
            ends = (last.low[place], last.high[place]) if last and last.low else None
            past = [s.prediction[place] if s.prediction else math.nan for s in steps[-60:]]
            told = f"{_number(value)}{_range(ends)}"
            table.add_row(name, told, scale(value, ends), trace_of(past))
        if last is not None:
            marks = f"{last.status} {' '.join(last.marks)}"
            table.add_row("", Text(marks, style=COLOURS[last.status]))
        return table


def scale(value: float, ends: tuple[float, float] | None = None) -> str:
    """Draw a value in [-1, 1] on a line, its interval thick; a bare line where there is none."""
    line = ["─"] * WIDTH
    line[WIDTH // 2] = "┼"
    if ends is not None:
        first, last = (_place(end) for end in ends)
        line[first : last + 1] = "━" * (last + 1 - first)
    if math.isfinite(value):
        line[_place(value)] = "●"
    return "".join(line)


def _place(value: float) -> int:
    return round((max(-1.0, min(1.0, value)) + 1) / 2 * (WIDTH - 1))


def trace_of(values: list[float]) -> str:
    """Draw values as bars between the least and the greatest; a gap where there is none."""
    known = [v for v in values if math.isfinite(v)]
    if not known:
        return ""
    low, span = min(known), max(max(known) - min(known), 1e-6)
    return "".join(
        _BARS[min(7, int((v - low) / span * 8))] if math.isfinite(v) else " " for v in values
    )


def _number(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "  –  "


def _range(ends: tuple[float, float] | None) -> str:
    return f" ({ends[0]:+.2f} to {ends[1]:+.2f})" if ends is not None else ""


def _counters(counts: dict[str, int], last: Step | None) -> str:
    names = ("steps", "marked", "withheld", "lost samples", "dropped")
    text = " · ".join(f"{name} {counts.get(name, 0)}" for name in names)
    if last is None:
        return f"{text} · waiting for samples"
    bad = f" · bad channels {', '.join(last.bad_channels)}" if last.bad_channels else ""
    return f"{text} · latency {last.latency_ms:.0f} ms{bad}"


def _line(event: Event) -> str:
    when = f"{event.time:.1f} s" if math.isfinite(event.time) else "start"
    return f"{when}  {event.kind}: {event.detail}"
