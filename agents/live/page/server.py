"""The page's server: Bokeh in a thread of its own."""

import asyncio
import gc
import logging
import socket
import sys
import threading
import time
from typing import Any

from bokeh.document import Document
from bokeh.server.server import BaseServer
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from agents.live.page.budget import Budget
from agents.live.page.document import TICK_MS, PageView
from agents.live.page.handlers import routes
from agents.live.page.info import Controls, PageInfo
from agents.live.page.listening import listening
from agents.live.page.security import Gate
from agents.live.page.site import Site
from agents.live.state import LiveState
from eeg_emotion_env.errors import ConfigError

PING_S = 10
"""A browser that does not answer a ping within this time is let go of."""

UNUSED_MS, LOOKS_MS = 5000, 1000
"""Time after which a page that nobody looks at is forgotten, and between two looks for such."""

IDLE_S = 60.0
"""Time after which a connection that asks for nothing is closed."""

MOST_BYTES, READ_BYTES = 65536, 4096
"""Length of what a browser may send at once, and of what is read of it at once."""

START_S = 30.0

SWITCH_S = 5e-5
"""Time after which Python lets another thread go on while there is a page. The usual 5 ms would be
lost by the run each time that it comes back from arithmetic while the page is at work."""


class PageServer:
    """Serves the page of a run until it is closed; use it as a context.

    It reads `LiveState` and never waits for the run, nor the run for it.

    Parameters
    ----------
    info : PageInfo
        What is shown.
    state : LiveState
        What is shown.
    controls : Controls
        What the buttons do: the run.
    host : str
        Address to listen on.
    port : int
        Port; 0 takes a free one.

    Raises
    ------
    ConfigError
        If it cannot listen there.
    """

    def __init__(
        self,
        info: PageInfo,
        state: LiveState,
        controls: Controls,
        host: str = "127.0.0.1",
        port: int = 5006,
    ) -> None:
        self._info, self._state, self._controls = info, state, controls
        self._budget = Budget()
        self._socket = listening(host, port, self._budget)
        self.host, self.port = host, self._socket.getsockname()[1]
        self.gate = Gate(host)
        self._ready, self._failure = threading.Event(), None  # type: threading.Event, Any
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None
        self._site: Site | None = None
        self._thread = threading.Thread(target=self._serve, name="eegdancer-page", daemon=True)

    @property
    def url(self) -> str:
        """Address with the token."""
        return self._url(self.gate.token)

    def ticket_url(self) -> str:
        """Return an address that works once."""
        return self._url(self.gate.ticket())

    def _url(self, secret: str) -> str:
        name = _own_address() if self.host in ("", "0.0.0.0", "::") else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/?token={secret}"

    @property
    def n_pages(self) -> int:
        """Pages that are open."""
        return self._site.n_pages if self._site is not None else 0

    def __enter__(self) -> "PageServer":
        self._spare_the_run()
        self._thread.start()
        if not self._ready.wait(START_S) or self._failure is not None:
            raise ConfigError(f"the page could not be served: {self._failure or 'no answer'}")
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        sys.setswitchinterval(self._switch_s)
        if self._froze:
            gc.unfreeze()

    def _spare_the_run(self) -> None:
        """Keep the page from holding the interpreter for long at a time.

        Bokeh collects garbage whenever a page is closed. With a model in memory that takes a third
        of a second, in which nothing else goes on; what is there already need not be looked at.
        """
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(min(SWITCH_S, self._switch_s))
        self._froze = gc.get_freeze_count() == 0
        if self._froze:
            gc.collect()
            gc.freeze()

    def close(self) -> None:
        """Show open pages the end, and stop."""
        if self._loop is None or not self._thread.is_alive():
            return
        if self.n_pages:
            time.sleep(2 * TICK_MS / 1e3)
        assert self._done is not None
        self._budget.end()
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(timeout=5.0)

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:  # whatever happens to the page, the run goes on
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        self._site = self._made_site()
        http = HTTPServer(
            self._site,
            max_body_size=MOST_BYTES,
            chunk_size=READ_BYTES,
            idle_connection_timeout=IDLE_S,
        )
        http.add_socket(self._socket)
        server = BaseServer(IOLoop.current(), self._site, http)
        server.start()
        self._ready.set()
        await self._done.wait()
        server.stop()
        await http.close_all_connections()

    def _made_site(self) -> Site:
        # closed browsers are nothing to warn of
        logging.getLogger("bokeh").setLevel(logging.ERROR)
        return Site(
            self.gate,
            f"eegdancer-{self.port}",
            self._fill,
            self._budget,
            extra_patterns=routes(self._state, self._info, self._budget),
            use_index=False,
            # the gate compares origins; it must not depend on the name that is used
            extra_websocket_origins=["*"],
            # Bokeh would put them into the page, the cookie too
            include_headers=[],
            include_cookies=[],
            check_unused_sessions_milliseconds=min(LOOKS_MS, UNUSED_MS),
            unused_session_lifetime_milliseconds=UNUSED_MS,
            websocket_max_message_size_bytes=MOST_BYTES,
            websocket_ping_interval=PING_S,
            websocket_ping_timeout=PING_S,
            # addresses hold the token
            log_function=_say_nothing,
        )

    def _fill(self, document: Document) -> None:
        PageView(document, self._info, self._state, self._controls, self._budget)


def _say_nothing(handler: Any) -> None:
    """Log no request."""


def _own_address() -> str:
    """Return the address that other machines know this one by, or its name without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of documentation; a datagram socket sends nothing
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
