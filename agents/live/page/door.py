"""Who may open one more page: pages are costly to make, so they are made one at a time."""

import math
import time
from collections.abc import Callable

from agents.live.page.budget import Budget

MOST_PAGES = 20
"""Pages that may be open at once."""

EVERY_S = 1.0
"""Time from one new page to the next."""

FULL_S = 10
"""Time after which it is worth to ask again where all pages are taken."""


class Door:
    """Lets new pages in, one at a time.

    Parameters
    ----------
    budget : Budget
        Of all pages.
    n_pages : callable
        Gives the number of pages that are open.
    wall : callable
        Clock, seconds.
    """

    def __init__(
        self,
        budget: Budget,
        n_pages: Callable[[], int],
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._n_pages, self._wall = budget, n_pages, wall
        self._last = -math.inf

    def refuses(self) -> tuple[str, int] | None:
        """Let a page in and return None, or say why not and after how many seconds to ask again."""
        if self._n_pages() >= MOST_PAGES:
            return f"{MOST_PAGES} pages are open; close one.", FULL_S
        now = self._wall()
        if now - self._last < EVERY_S or not self._budget.allows():
            return "The page opens in a moment.", 1
        self._last = now
        return None
