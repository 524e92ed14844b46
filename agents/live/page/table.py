"""The steps that are kept, with their events, as a table to save."""

import csv
import io
import math
from collections import deque
from collections.abc import Iterable, Sequence

from agents.live.records import Event, Step, as_cells, as_row


def as_csv(
    steps: Sequence[Step],
    events: Sequence[tuple[int, Event]],
    label_names: tuple[str, ...],
    step_s: float,
) -> str:
    """Write steps as CSV; the last column holds the events up to each since the one before.

    Parameters
    ----------
    steps : sequence of Step
        In order.
    events : sequence of (int, Event)
        In order; those before the first step that is kept, and after the last, stand in rows of
        their own, without a step.
    label_names : tuple of str
        Dimensions of a prediction.
    step_s : float
        Length of a step, seconds.
    """
    buffer = io.StringIO()
    columns = list(as_row(Step(0, 0, 0.0, "withheld"), label_names))
    writer = csv.DictWriter(buffer, [*columns, "events"], lineterminator="\n")
    writer.writeheader()
    waiting = deque(event for _, event in events)
    if steps and steps[0].number > 0:
        writer.writerows(_alone(event) for event in _until(steps[0].time - step_s, waiting))
    for step in steps:
        told = _text(_until(step.time, waiting))
        writer.writerow(_cells({**as_row(step, label_names), "events": told}))
    writer.writerows(_alone(event) for event in waiting)
    return buffer.getvalue()


def _until(time: float, waiting: deque[Event]) -> list[Event]:
    """Take the events up to a time; those without a time are of the start."""
    taken = []
    while waiting and not waiting[0].time > time:
        taken.append(waiting.popleft())
    return taken


def _alone(event: Event) -> dict[str, object]:
    return _cells({"time_s": event.time, "events": _text([event])})


def _text(events: Iterable[Event]) -> str:
    return "; ".join(f"{event.kind}: {event.detail}" for event in events)


def _cells(row: dict[str, object]) -> dict[str, object]:
    """Leave numbers that are not known blank, and let no text be a formula."""
    known = {
        name: "" if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }
    return as_cells(known)
