"""The socket that the page listens on: all work that others can cause comes in through it."""

import os
import socket
import weakref
from typing import Any

from agents.live.page.budget import Budget
from eeg_emotion_env.errors import ConfigError

MOST_CONNECTIONS = 200
"""Connections that may be open at once; a browser has up to seven for a page."""


class PacedSocket(socket.socket):
    """A socket that takes connections and bytes only while there is time for what they cause.

    Requests may come faster than they can be refused, and frames of a websocket without the event
    loop having a turn in between. So the thread waits here, below all of it.

    Parameters
    ----------
    *place
        As for `socket.socket`.
    budget : Budget
        Of all pages.
    **more
        As for `socket.socket`.
    """

    def __init__(self, *place: Any, budget: Budget, **more: Any) -> None:
        super().__init__(*place, **more)
        self._budget = budget
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection; one too many is closed at once."""
        self._budget.wait()
        descriptor, address = self._accept()  # type: ignore[attr-defined]
        connection = PacedSocket(fileno=descriptor, budget=self._budget)
        connection.setblocking(False)
        if sum(one.fileno() >= 0 for one in self._open) >= MOST_CONNECTIONS:
            connection.close()
            raise ConnectionAbortedError("too many connections")  # the server goes on to the next
        self._open.add(connection)
        return connection, address

    def recv_into(self, *arguments: Any, **more: Any) -> int:
        """Receive, when there is time for it."""
        self._budget.wait()
        return super().recv_into(*arguments, **more)


def listening(host: str, port: int, budget: Budget) -> PacedSocket:
    """Listen.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port; 0 takes a free one.
    budget : Budget
        Of all pages.

    Raises
    ------
    ConfigError
        If it cannot listen there.
    """
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port must be from 0 (any free one) to 65535, not {port}")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        plain = socket.create_server(address[:2], family=family, backlog=128)
    except socket.gaierror as error:
        raise ConfigError(
            f"--host {host}: no such address; give one of this machine, such as 127.0.0.1"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}); take another "
            "with --port, or 0 for any that is free"
        ) from error
    paced = PacedSocket(fileno=plain.detach(), budget=budget)
    paced.setblocking(False)
    return paced
