"""Who may see the page: a token, a cookie, the name that the page was asked for by, the origin."""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine that no other machine can reach."""

TOKEN_BYTES = 24
MAX_TICKETS = 8
"""Tickets that may wait to be used."""


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a host."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def host_of(header: str) -> str:
    """Return the name in a ``Host`` header, lower case, without the port; empty if there is none.

    The port is left out: a forwarded port is another one than ours.
    """
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


@dataclass(frozen=True)
class Gate:
    """Decides about each request.

    Parameters
    ----------
    host : str
        Address or name that the server listens on.
    token : str
        Secret that opens the page; random by default.
    """

    host: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    _tickets: list[str] = field(default_factory=list, repr=False)

    def ticket(self) -> str:
        """Return a secret that opens the page once.

        It is for command lines of browsers, which other people on this machine can read.
        """
        self._tickets.append(secrets.token_urlsafe(TOKEN_BYTES))
        del self._tickets[:-MAX_TICKETS]
        return self._tickets[-1]

    def knows(self, secret: str) -> bool:
        """Compare with the token, in a time that tells nothing."""
        return hmac.compare_digest(secret.encode(), self.token.encode())

    def opens(self, secret: str) -> bool:
        """Take the token, or a ticket, which is spent by it."""
        used = [one for one in self._tickets if hmac.compare_digest(secret.encode(), one.encode())]
        for one in used:
            self._tickets.remove(one)
        return self.knows(secret) or bool(used)

    def admits_host(self, header: str) -> bool:
        """Say whether a request was made to this machine by a name that is its own.

        A page elsewhere can point a name of its own at this machine (DNS rebinding) and would then
        be asked for by that name. An address cannot be rebound.
        """
        name = host_of(header)
        if is_loopback(self.host):
            return name in LOOPBACK | {self.host.lower()}
        return _address(name) is not None or name in {self.host.lower(), *LOOPBACK, *_own_names()}

    def refuses(
        self, host: str, origin: str | None, cookie: str | None, websocket: bool
    ) -> str | None:
        """Return why a request is refused, or None.

        Parameters
        ----------
        host : str
            Header ``Host``.
        origin : str or None
            Header ``Origin``; browsers send it with websockets.
        cookie : str or None
            Value of the page's cookie.
        websocket : bool
            Whether it asks for a websocket.
        """
        return self.refuses_place(host, origin, websocket) or self._refuses_cookie(cookie)

    def refuses_place(self, host: str, origin: str | None, websocket: bool) -> str | None:
        """Return why the place that a request comes from is refused, or None."""
        if not self.admits_host(host):
            return "this page is not served under that name; use the address that was printed"
        if origin is None and not websocket:
            return None
        if origin is None or _netloc(origin) != host.lower():
            return "requests from other pages are refused"
        return None

    def _refuses_cookie(self, cookie: str | None) -> str | None:
        if cookie is None or not self.knows(cookie):
            return "open the whole address that was printed: it holds the token"
        return None


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, f"{name}.local"}
