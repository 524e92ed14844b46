"""Bokeh's application behind a gate that every request passes."""

import asyncio
from collections.abc import Callable
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.resources import Resources
from bokeh.server.contexts import SessionContext
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.autoload_js_handler import AutoloadJsHandler
from bokeh.server.views.doc_handler import DocHandler
from bokeh.server.views.metadata_handler import MetadataHandler
from bokeh.server.views.static_handler import StaticHandler
from bokeh.server.views.ws import WSHandler
from bokeh.util.token import get_session_id
from tornado.httputil import HTTPServerRequest
from tornado.web import ErrorHandler

from agents.live.page.budget import Budget
from agents.live.page.door import Door
from agents.live.page.handlers import LOOKS_S, Busy, Entrance, Page, Refusal, Socket
from agents.live.page.security import Gate

MOST_BROWSERS = 3
"""Websockets of one page; one that comes back may be there twice for a while."""

FORGETS_S = 0.5
"""Time from one page that is forgotten to the next."""

TAKEN = ("this page is shown already", 10)


class _Pages(FunctionHandler):
    """Makes pages, and takes its time to forget them."""

    def __init__(self, fill: Callable[[Any], None], budget: Budget) -> None:
        super().__init__(fill)
        self._budget = budget

    async def on_session_destroyed(self, session_context: SessionContext) -> None:
        """Wait before the next is forgotten: Bokeh collects garbage for each, in one piece."""
        await asyncio.sleep(FORGETS_S)
        while not self._budget.allows():
            await asyncio.sleep(LOOKS_S)


class Site(BokehTornado):
    """Bokeh's application behind a gate.

    Parameters
    ----------
    gate : Gate
        Who may come in.
    cookie : str
        Name of the cookie.
    fill : callable
        Fills a document.
    budget : Budget
        Of all pages.
    **more
        As for `BokehTornado`.
    """

    def __init__(
        self,
        gate: Gate,
        cookie: str,
        fill: Callable[[Any], None],
        budget: Budget,
        **more: Any,
    ) -> None:
        self._gate, self._cookie, self.budget = gate, cookie, budget
        self._door = Door(budget, lambda: self.n_pages)
        super().__init__(applications={"/": Application(_Pages(fill, budget))}, **more)

    @property
    def n_pages(self) -> int:
        """Pages that are open."""
        return len(self.get_sessions("/"))

    def get_handler_delegate(
        self, request: HTTPServerRequest, target_class: Any, *args: Any, **more: Any
    ) -> Any:
        """Decide about a request: every one, static files and websockets too, comes through."""
        reason = self._refuses(request)
        if reason is None and target_class in (AutoloadJsHandler, MetadataHandler):
            return super().get_handler_delegate(request, ErrorHandler, {"status_code": 404})
        if reason is None and (busy := self._busy(request, target_class)) is not None:
            told = dict(zip(("reason", "after_s"), busy, strict=True))
            return super().get_handler_delegate(request, Busy, told)
        if reason is None:
            chosen = {DocHandler: Page, WSHandler: Socket}.get(target_class, target_class)
            return super().get_handler_delegate(request, chosen, *args, **more)
        if self._enters(request):
            kept = {"cookie": self._cookie, "token": self._gate.token}
            return super().get_handler_delegate(request, Entrance, kept)
        return super().get_handler_delegate(request, Refusal, {"reason": reason})

    def _refuses(self, request: HTTPServerRequest) -> str | None:
        headers, cookie = request.headers, request.cookies.get(self._cookie)
        # with a token in the address, the way in is taken, and the address is cleaned
        value = cookie.value if cookie and "token" not in request.arguments else None
        websocket = request.path == "/ws" or "Upgrade" in headers
        return self._gate.refuses(headers.get("Host", ""), headers.get("Origin"), value, websocket)

    def _busy(self, request: HTTPServerRequest, target: Any) -> tuple[str, int] | None:
        """Return why there is no room for a page or a browser now, before Bokeh makes anything."""
        if target is DocHandler:
            return self._door.refuses()
        if target is not WSHandler:
            return None
        given = [
            part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        ]
        try:
            session = get_session_id(given[1]) if len(given) == 2 else None
        except Exception:  # whatever is wrong with it: Bokeh reads it in the same way
            session = None
        if session is None:
            return None  # Bokeh refuses it
        here = [one for one in self.get_sessions("/") if one.id == session]
        if not here:  # Bokeh would make a page for it
            return self._door.refuses()
        return TAKEN if here[0].connection_count >= MOST_BROWSERS else None

    def _enters(self, request: HTTPServerRequest) -> bool:
        """Say whether a request without the cookie brings the token."""
        given, headers = request.arguments.get("token"), request.headers
        if not given or request.method != "GET" or request.path != "/":
            return False
        place = self._gate.refuses_place(headers.get("Host", ""), headers.get("Origin"), False)
        return place is None and self._gate.opens(given[-1].decode("latin-1"))

    def resources(self, absolute_url: str | bool | None = None) -> Resources:
        """Return scripts of our own, whatever the environment says: laboratories are offline."""
        return Resources(mode="server", root_url="/", path_versioner=StaticHandler.append_version)
