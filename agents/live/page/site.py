"""Bokeh's application behind a gate that every request passes."""

from typing import Any

from bokeh.resources import Resources
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.autoload_js_handler import AutoloadJsHandler
from bokeh.server.views.doc_handler import DocHandler
from bokeh.server.views.metadata_handler import MetadataHandler
from bokeh.server.views.static_handler import StaticHandler
from tornado.httputil import HTTPServerRequest
from tornado.web import ErrorHandler

from agents.live.page.handlers import Entrance, Page, Refusal
from agents.live.page.security import Gate


class Site(BokehTornado):
    """Bokeh's application behind a gate.

    Parameters
    ----------
    gate : Gate
        Who may come in.
    cookie : str
        Name of the cookie.
    **more
        As for `BokehTornado`.
    """

    def __init__(self, gate: Gate, cookie: str, **more: Any) -> None:
        self._gate, self._cookie = gate, cookie
        super().__init__(**more)

    def get_handler_delegate(
        self, request: HTTPServerRequest, target_class: Any, *args: Any, **more: Any
    ) -> Any:
        """Decide about a request: every one, static files and websockets too, comes through."""
        reason = self._refuses(request)
        if reason is None and target_class in (AutoloadJsHandler, MetadataHandler):
            return super().get_handler_delegate(request, ErrorHandler, {"status_code": 404})
        if reason is None:
            chosen = Page if target_class is DocHandler else target_class
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
