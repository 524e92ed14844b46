"""What the server answers besides Bokeh's own: the way in, refusals, the table, maps."""

import asyncio
import time
from html import escape
from typing import Any

from bokeh.server.views.doc_handler import DocHandler
from bokeh.server.views.ws import WSHandler
from tornado.web import HTTPError, RequestHandler

from agents.live.page.budget import Budget
from agents.live.page.info import PageInfo
from agents.live.page.maps import PrototypeMaps
from agents.live.page.table import as_csv
from agents.live.state import LiveState

POLICY = "Content-Security-Policy"
HEADERS = {
    # everything is served from here: laboratories are offline, and nothing shall leave the page
    POLICY: "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src "
    "'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'; form-action "
    "'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

ENTRANCE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>eegdancer</title>'
    '<script>location.replace("/")</script><a href="/">open the page</a></html>'
)
"""The cookie is for requests from our own pages alone, so one of these has to go on."""


WAITS_S, LOOKS_S = 3.0, 0.05
"""Time that a request waits for its turn at most, and between two looks."""


class _Safe(RequestHandler):
    def set_default_headers(self) -> None:
        for name, text in HEADERS.items():
            self.set_header(name, text)


class Refusal(_Safe):
    """Says why, to whatever is asked."""

    def initialize(self, reason: str) -> None:
        """Take the reason."""
        self._why = reason

    def prepare(self) -> None:
        """Answer at once, before any method."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{self._why}\n")


class Busy(_Safe):
    """Asks to come again; a browser does so by itself."""

    def initialize(self, reason: str, after_s: int) -> None:
        """Take the reason and the time after which to come again, seconds."""
        self._why, self._after_s = reason, after_s

    def prepare(self) -> None:
        """Answer at once, before any method."""
        self.set_status(503)
        self.set_header("Retry-After", str(self._after_s))
        again = f'<meta http-equiv="refresh" content="{self._after_s}">'
        self.finish(f"<!DOCTYPE html>{again}<title>eegdancer</title>{escape(self._why)}\n")


class _Costly(_Safe):
    """What waits for its turn, and takes it in one piece."""

    _budget: Budget

    async def prepare(self) -> None:
        """Wait."""
        until = time.monotonic() + WAITS_S
        while not self._budget.allows():
            if time.monotonic() > until:
                self.set_status(503)
                self.set_header("Retry-After", "1")
                self.finish("busy; ask again\n")
                return
            await asyncio.sleep(LOOKS_S)


class Entrance(_Safe):
    """Gives the cookie to who has brought the token, and takes the token out of the address."""

    def initialize(self, cookie: str, token: str) -> None:
        """Take the cookie's name and value."""
        self._cookie, self._token = cookie, token

    def get(self) -> None:
        """Answer."""
        self.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict", path="/")
        self.finish(ENTRANCE)


class Page(DocHandler):
    """Bokeh's document, with our headers."""

    def set_default_headers(self) -> None:
        """Set them; some browsers do not count a websocket as the same place."""
        for name, text in HEADERS.items():
            self.set_header(name, text)
        host = self.request.host  # the gate knows it
        allowed = f"{HEADERS[POLICY]}; connect-src 'self' ws://{host} wss://{host}"
        self.set_header(POLICY, allowed)


class Socket(WSHandler):
    """Bokeh's websocket; each message waits for its turn, as one read can bring many."""

    async def on_message(self, fragment: str | bytes) -> None:
        """Take a message."""
        while not self.application.budget.allows():  # type: ignore[attr-defined]
            await asyncio.sleep(LOOKS_S)
        await super().on_message(fragment)


class Table(_Costly):
    """The steps that are kept, as a file."""

    def initialize(self, state: LiveState, step_s: float, budget: Budget) -> None:
        """Take the state, the length of a step in seconds, and what bounds the work."""
        self._state, self._step_s, self._budget = state, step_s, budget

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="steps.csv"')
        self.finish(as_csv(*self._state.since(), self._state.label_names, self._step_s))


class Map(_Costly):
    """Maps of one prototype."""

    def initialize(self, maps: PrototypeMaps | None, budget: Budget) -> None:
        """Take the maps, and what bounds the work."""
        self._maps, self._budget = maps, budget

    def get(self, number: str) -> None:
        """Answer."""
        if self._maps is None or int(number) >= len(self._maps):
            raise HTTPError(404)
        self.set_header("Content-Type", "image/png")
        self.set_header("Cache-Control", "private, max-age=86400")
        self.finish(self._maps.png(int(number)))


def routes(state: LiveState, info: PageInfo, budget: Budget) -> list[Any]:
    """Return the routes of the table and of the maps."""
    table = {"state": state, "step_s": info.step_s, "budget": budget}
    return [
        (r"/steps\.csv", Table, table),
        (r"/prototype/(\d{1,6})\.png", Map, {"maps": info.maps, "budget": budget}),
    ]
