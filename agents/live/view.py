"""A view of a live run in the terminal."""

import math
from types import TracebackType

from rich import get_console
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agents.live.records import Event, Step
from agents.live.state import LiveState

REFRESH_PER_S = 4
WIDTH, LEAST_WIDTH = 41, 7
"""Most and fewest characters of the scale from -1 to 1."""

PAST = 60
"""Most steps whose values are drawn: a minute."""

GAP = 2
"""Characters between columns."""

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
        self._console = console or get_console()
        self._live = Live(
            get_renderable=self.render, refresh_per_second=REFRESH_PER_S, console=self._console
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
            self._status(steps),
            Text(_counters(counts, steps[-1] if steps else None)),
            *(Text(_line(event, self._state.began), style="dim") for _, event in events[-5:]),
        )

    def _values(self, steps: list[Step]) -> Table:
        last = steps[-1] if steps else None
        names, told, ends = self._state.label_names, [], []
        for place in range(len(names)):
            value = last.prediction[place] if last and last.prediction else math.nan
            ends.append((last.low[place], last.high[place]) if last and last.low else None)
            told.append((value, f"{_number(value)}{_range(ends[-1])}"))
        taken = max(map(len, names)) + max(len(text) for _, text in told)
        of_scale, of_past = widths(self._console.width - taken - 3 * GAP)
        table = Table.grid(padding=(0, GAP))
        for _ in range(4):
            table.add_column(no_wrap=True)
        for place, (value, text) in enumerate(told):
            past = [s.prediction[place] if s.prediction else math.nan for s in steps[-PAST:]]
            drawn = trace_of(past)[-of_past:] if of_past else ""
            table.add_row(names[place], text, scale(value, ends[place], of_scale), drawn)
        return table

    def _status(self, steps: list[Step]) -> Text:
        if not steps:
            return Text("")
        last, indent = steps[-1], " " * (max(map(len, self._state.label_names)) + GAP)
        return Text(f"{indent}{last.status} {' '.join(last.marks)}", style=COLOURS[last.status])


def widths(free: int) -> tuple[int, int]:
    """Share what is left of a line between the scale and the late values, both at most full.

    Parameters
    ----------
    free : int
        Characters for both.

    Returns
    -------
    tuple of int
        Of the scale (odd, so that 0 has a place; 0 where there is too little) and of the values.
    """
    full = WIDTH + PAST
    of_scale = min(WIDTH, max(LEAST_WIDTH, free * WIDTH // full))
    of_scale -= 1 - of_scale % 2
    if free < of_scale + LEAST_WIDTH:
        of_scale = 0
    return of_scale, max(0, min(PAST, free - of_scale))


def scale(value: float, ends: tuple[float, float] | None = None, width: int = WIDTH) -> str:
    """Draw a value in [-1, 1] on a line, its interval thick; a bare line where there is none."""
    if not width:
        return ""
    line = ["─"] * width
    line[width // 2] = "┼"
    if ends is not None:
        first, last = (_place(end, width) for end in ends)
        line[first : last + 1] = "━" * (last + 1 - first)
    if math.isfinite(value):
        line[_place(value, width)] = "●"
    return "".join(line)


def _place(value: float, width: int) -> int:
    return round((max(-1.0, min(1.0, value)) + 1) / 2 * (width - 1))


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


def _line(event: Event, began: float) -> str:
    return f"{since_begin(event.time, began) or 'start'}  {event.kind}: {event.detail}"


def since_begin(time: float, began: float) -> str:
    """Say a time as seconds since the first sample: a stream's clock means nothing to people.

    Parameters
    ----------
    time : float
        Timestamp in the stream, seconds; NaN where there is none.
    began : float
        Timestamp of the first sample, seconds; NaN before it.

    Returns
    -------
    str
        Empty where there is no time.
    """
    since = time - began
    return f"{since:.1f} s" if math.isfinite(since) else ""
