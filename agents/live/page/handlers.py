"""What the server answers besides Bokeh's own: the way in, refusals, the table, maps."""

from typing import Any

from bokeh.server.views.doc_handler import DocHandler
from tornado.web import HTTPError, RequestHandler

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


class Table(_Safe):
    """The steps that are kept, as a file."""

    def initialize(self, state: LiveState) -> None:
        """Take the state."""
        self._state = state

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="steps.csv"')
        self.finish(as_csv(*self._state.since(), self._state.label_names))


class Map(_Safe):
    """Maps of one prototype."""

    def initialize(self, maps: PrototypeMaps | None) -> None:
        """Take the maps."""
        self._maps = maps

    def get(self, number: str) -> None:
        """Answer."""
        if self._maps is None or int(number) >= len(self._maps):
            raise HTTPError(404)
        self.set_header("Content-Type", "image/png")
        self.set_header("Cache-Control", "private, max-age=86400")
        self.finish(self._maps.png(int(number)))


def routes(state: LiveState, maps: PrototypeMaps | None) -> list[Any]:
    """Return the routes of the table and of the maps."""
    return [
        (r"/steps\.csv", Table, {"state": state}),
        (r"/prototype/(\d{1,6})\.png", Map, {"maps": maps}),
    ]
