"""How long predictions took: of the last steps, without those that a pause held up."""

import math
from collections import deque
from collections.abc import Iterable

from agents.live.records import WITHHELD, Event, Step
from agents.live.runner import QUEUE_S

LATENCY_STEPS = 300
"""Steps that percentiles are of."""

AFTER_PAUSE_S = QUEUE_S + 1.0
"""Seconds of stream after a pause whose samples may have waited for its end: what the queue holds,
and a chunk of a file that it has no place for."""


class Latencies:
    """Latencies of the last steps, milliseconds.

    What a pause held up says nothing about the run: steps that a file's samples waited for, those
    that stand for what was passed over, and others without a prediction but of a calibration.
    """

    def __init__(self) -> None:
        self._kept: deque[float] = deque(maxlen=LATENCY_STEPS)
        self._pauses: deque[tuple[float, float]] = deque(maxlen=100)

    def take(self, steps: Iterable[Step], events: Iterable[Event]) -> None:
        """Take what is new.

        Parameters
        ----------
        steps : iterable of Step
            In order.
        events : iterable of Event
            All that were told before the last of the steps.
        """
        for event in events:
            if event.kind == "paused":
                self._pauses.append((event.time, math.inf))
            elif event.kind == "continued" and self._pauses:
                began, _ = self._pauses.pop()
                self._pauses.append((began, event.time + AFTER_PAUSE_S))
        self._kept.extend(step.latency_ms for step in steps if self._counts(step))

    def _counts(self, step: Step) -> bool:
        if step.status == WITHHELD or "paused" in step.marks:
            return False
        return not any(began < step.time <= end for began, end in self._pauses)

    @property
    def values(self) -> list[float]:
        """Those that count, the newest last."""
        return list(self._kept)
