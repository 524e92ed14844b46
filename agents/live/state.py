"""What a live run shows: a bounded memory of late steps and events that anyone may read."""

import math
import threading
from collections import Counter, deque
from itertools import takewhile
from typing import Any

from agents.live.records import Event, Step, as_row

KEPT_STEPS, KEPT_EVENTS = 3600, 1000
"""Late steps and events that are kept at hand; the log holds all."""


class LiveState:
    """Late steps, events and counters of a run; safe to read from other threads.

    A terminal view or a page reads `snapshot` as often as it likes; `since` gives what is new.

    Parameters
    ----------
    label_names : tuple of str
        Dimensions of a prediction.
    """

    def __init__(self, label_names: tuple[str, ...]) -> None:
        self.label_names = label_names
        self._lock = threading.Lock()
        self._steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self._events: deque[tuple[int, Event]] = deque(maxlen=KEPT_EVENTS)
        self._counts: Counter[str] = Counter()
        self._prototypes: Counter[int] = Counter()
        self._n_events = 0
        self._paused = False
        self._began, self._over = math.nan, False

    def step(self, step: Step) -> None:
        """Take a step."""
        with self._lock:
            self._steps.append(step)
            if math.isnan(self._began):
                self._began = step.time
            if step.prototype >= 0:
                self._prototypes[step.prototype] += 1
            self._counts[step.status] += 1
            self._counts["steps"] += 1

    def event(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._events.append((self._n_events, event))
            self._n_events += 1
            if event.kind == "started":
                self._began = event.time
            self._paused = (self._paused or event.kind == "paused") and event.kind != "continued"
            if event.kind in ("gap", "dropped"):
                self._counts["lost samples" if event.kind == "gap" else "dropped"] += event.count

    def close(self) -> None:
        """Keep everything: a run that has ended can still be looked at."""
        self._over = True

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self._over

    @property
    def began(self) -> float:
        """Timestamp of the first sample, seconds; NaN before it."""
        return self._began

    def prototypes(self) -> dict[int, int]:
        """Return how many steps each prototype was the nearest in, since the start."""
        with self._lock:
            return dict(self._prototypes)

    def since(self, step: int = -1, event: int = -1) -> tuple[list[Step], list[tuple[int, Event]]]:
        """Return steps and events after the given numbers, as far as they are kept."""
        with self._lock:
            # from the newest backwards: the run waits for the lock, however many read
            steps = list(takewhile(lambda one: one.number > step, reversed(self._steps)))
            events = list(takewhile(lambda one: one[0] > event, reversed(self._events)))
        return steps[::-1], events[::-1]

    def snapshot(self) -> dict[str, Any]:
        """Return the last step, counters, the last events and whether it pauses, JSON-able."""
        with self._lock:
            last = self._steps[-1] if self._steps else None
            return {
                "step": as_row(last, self.label_names) if last else None,
                "counts": dict(self._counts),
                "paused": self._paused,
                "events": [
                    {"number": n, "kind": e.kind, "time_s": e.time, "detail": e.detail}
                    for n, e in list(self._events)[-20:]
                ],
            }
