"""The steps that are kept, with their events, as a table to save."""

import csv
import io
import math
from collections import deque
from collections.abc import Iterable, Sequence

from agents.live.records import Event, Step, as_row


def as_csv(
    steps: Sequence[Step], events: Sequence[tuple[int, Event]], label_names: tuple[str, ...]
) -> str:
    """Write steps as CSV; the last column holds the events up to each since the one before.

    Parameters
    ----------
    steps : sequence of Step
        In order.
    events : sequence of (int, Event)
        In order; those after the last step stand in a row of their own, without a step.
    label_names : tuple of str
        Dimensions of a prediction.
    """
    buffer = io.StringIO()
    columns = list(as_row(Step(0, 0, 0.0, "withheld"), label_names))
    writer = csv.DictWriter(buffer, [*columns, "events"], lineterminator="\n")
    writer.writeheader()
    waiting = deque(event for _, event in events)
    for step in steps:
        here = []
        # events without a time are of the start
        while waiting and not waiting[0].time > step.time:
            here.append(waiting.popleft())
        writer.writerow({**_blank_nan(as_row(step, label_names)), "events": _text(here)})
    if waiting:
        writer.writerow({"time_s": waiting[-1].time, "events": _text(waiting)})
    return buffer.getvalue()


def _text(events: Iterable[Event]) -> str:
    return "; ".join(f"{event.kind}: {event.detail}" for event in events)


def _blank_nan(row: dict[str, object]) -> dict[str, object]:
    return {
        name: "" if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }
