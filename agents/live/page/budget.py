"""A bound on the work of all pages together."""

import threading
import time
from collections.abc import Callable

SHARE = 0.15
"""Share of one core that pages may take from the run."""

CREDIT_S = 0.25
"""Seconds of work that may be saved up: about one page that is opened."""

REST_S = 0.01
"""Seconds of work for which `wait` waits, so that each kind of work has a turn after it."""


class Budget:
    """Says whether the page's thread may work now.

    What counts is the processor time of the thread: drawing, packing, sending and refusing alike.
    Pages that find it spent wait for their next turn, and then bring all that is new; requests
    wait, and the whole thread with them.

    Parameters
    ----------
    wall, used : callable
        Clocks, seconds: of the world, and of the thread that calls.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self._wall, self._used = wall, used
        self._last: tuple[float, float] | None = None
        self._credit = CREDIT_S
        self._ends = threading.Event()

    def allows(self) -> bool:
        """Say whether there is time left; call it from the page's thread alone."""
        now = self._wall(), self._used()
        if self._last is not None:
            passed, spent = (a - b for a, b in zip(now, self._last, strict=True))
            # a debt is bounded as well: a page that was costly once is not shut out for minutes
            self._credit = max(-CREDIT_S, min(CREDIT_S, self._credit + SHARE * passed - spent))
        self._last = now
        return self._credit > 0

    def wait(self) -> None:
        """Hold up the page's thread until there is time left."""
        if not self.allows():
            self._ends.wait((REST_S - self._credit) / SHARE)

    def end(self) -> None:
        """Let nothing wait any more: the page is about to close. From any thread."""
        self._ends.set()
