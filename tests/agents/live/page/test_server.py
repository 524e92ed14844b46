"""The server: who is refused, what is served, and that slow browsers do not hold the run."""

import asyncio
import http.client
import logging
import re
import socket
import sys
import time
from contextlib import suppress

import numpy as np
import pytest
from bokeh.util.token import generate_jwt_token

from agents.live import Event, LiveState
from agents.live.page import PageInfo, serve_page
from agents.live.page.budget import CREDIT_S, SHARE
from agents.live.page.handlers import HEADERS, POLICY
from eeg_emotion_env.errors import ConfigError
from tests.agents.live.page.conftest import NAMES, Buttons, a_step

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def unhurried():
    """Let tests ask as fast as they like."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.live.page.server.TICK_MS", 10)
        patch.setattr("agents.live.page.door.EVERY_S", 0.0)
        patch.setattr("agents.live.page.budget.SHARE", 10.0)
        patch.setattr("gc.collect", lambda: 0)
        yield


@pytest.fixture(scope="module")
def server(maps, unhurried):
    state = LiveState(NAMES)
    state.event(Event("started", 0.0, "4 channels"))
    state.step(a_step(0))
    channels = ("FZ", "CZ", "PZ", "aux")
    info = PageInfo("model on stream", NAMES, 1.0, channels, ("PZ",), maps)
    with serve_page(info, state, Buttons(), port=0) as one:
        yield one


def ask(server, path="/", method="GET", host=None, cookie=True, **headers):
    """Return status, headers and content of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    if cookie:
        headers["Cookie"] = cookie_of(server)
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{server.port}", **names})
    answer = connection.getresponse()
    content = b"" if answer.status == 101 else answer.read()
    connection.close()
    return answer.status, answer.headers, content.decode("latin-1")


def cookie_of(server, value=None):
    return f"eegdancer-{server.port}={value or server.gate.token}"


def origin_of(server):
    return f"http://127.0.0.1:{server.port}"


EVERYTHING = (
    "/", "/ws", "/steps.csv", "/prototype/1.png", "/static/js/bokeh.min.js", "/favicon.ico",
    "/autoload.js?bokeh-autoload-element=a", "/metadata", "/nothing",
)  # fmt: skip


@pytest.mark.parametrize("path", EVERYTHING)
def test_nothing_is_served_without_the_token(server, path):
    for headers in ({}, {"Cookie": cookie_of(server, "wrong")}):
        status, _, content = ask(server, path, cookie=False, **headers)
        assert status == 403
        assert "token" in content or path == "/ws"


@pytest.mark.parametrize("path", EVERYTHING)
def test_nothing_is_served_under_a_name_that_is_not_ours(server, path):
    assert ask(server, path, host="evil.example")[0] == 403
    path = f"/?token={server.gate.token}"
    assert ask(server, path, host=f"evil.example:{server.port}", cookie=False)[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "HEAD"])
def test_no_other_method_is_a_way_in(server, method):
    assert ask(server, f"/?token={server.gate.token}", method, cookie=False)[0] == 403


def test_a_wrong_token_is_refused(server):
    for text in ("", "wrong", server.gate.token[:-1]):
        assert ask(server, f"/?token={text}", cookie=False)[0] == 403
        assert ask(server, f"/?token={text}")[0] == 403  # even with the cookie


def test_the_token_gives_a_cookie_for_this_page_alone(server):
    status, headers, content = ask(server, f"/?token={server.gate.token}", cookie=False)
    assert status == 200
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(cookie_of(server))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert server.gate.token not in content
    assert 'location.replace("/")' in content


def test_the_address_for_a_desktop_works_once(server):
    path = server.ticket_url().partition(str(server.port))[2]
    assert server.gate.token not in path
    assert [ask(server, path, cookie=False)[0] for _ in range(2)] == [200, 403]


def test_with_the_cookie_the_page_is_served(server):
    status, headers, content = ask(server)
    assert status == 200
    assert "model on stream" in content
    # scripts cannot read it from the page, and everything comes from here
    assert server.gate.token not in content
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', content)
    for name, text in HEADERS.items():
        assert headers[name].startswith(text)
    assert f"ws://127.0.0.1:{server.port} " in headers[POLICY]
    assert ask(server, "/autoload.js?bokeh-autoload-element=a")[0] == 404
    assert ask(server, "/static/js/bokeh.min.js")[0] == 200


def test_scripts_are_our_own_whatever_the_environment_says(server, monkeypatch):
    monkeypatch.setenv("BOKEH_RESOURCES", "cdn")
    assert "cdn.bokeh.org" not in ask(server)[2]


def test_table_and_maps(server, maps):
    status, headers, content = ask(server, "/steps.csv")
    assert status == 200
    assert "attachment" in headers["Content-Disposition"]
    assert content.splitlines()[1].endswith("started: 4 channels")
    assert ask(server, "/prototype/1.png")[2].startswith("\x89PNG")
    assert ask(server, f"/prototype/{len(maps)}.png")[0] == 404


def test_websockets_are_for_our_own_page(server):
    def upgrade(**headers):
        return ask(server, "/ws", **UPGRADE, **headers)[0]

    assert upgrade(Origin=origin_of(server)) == 101
    assert upgrade(Origin="http://evil.example") == 403
    assert upgrade(Origin=f"http://127.0.0.1:{server.port + 1}") == 403
    assert upgrade(Origin="null") == 403
    assert upgrade() == 403
    assert upgrade(Origin=origin_of(server), cookie=False) == 403


def test_the_token_is_in_no_log(serve, caplog):
    caplog.set_level(logging.DEBUG)
    with serve() as server:
        for path in (f"/?token={server.gate.token}", "/", "/nothing"):
            ask(server, path)
        ask(server, f"/x?token={server.gate.token}", cookie=False)
        assert server.gate.token not in caplog.text
        assert server.gate.token not in repr(server.__dict__)


def test_a_taken_port_is_said_in_a_line(server, info, state, buttons):
    with pytest.raises(ConfigError, match=f"port {server.port} on 127.0.0.1 .*--port") as error:
        serve_page(info, state, buttons, port=server.port)
    assert len(str(error.value).splitlines()) == 1


def test_impossible_places_are_said_in_a_line(info, state, buttons):
    with pytest.raises(ConfigError, match="--port must be"):
        serve_page(info, state, buttons, port=70000)
    with pytest.raises(ConfigError, match=r"203\.0\.113\.5 cannot be used"):
        serve_page(info, state, buttons, host="203.0.113.5", port=0)


def test_without_bokeh_the_extra_is_named(info, state, buttons, monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh.server.server", None)
    with pytest.raises(ConfigError, match="pip install bokeh"):
        serve_page(info, state, buttons, port=0)


def test_it_listens_on_loopback_alone(server):
    assert server.host == "127.0.0.1"
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.2", server.port)) != 0


def test_closing_frees_the_port(serve):
    with serve() as server:
        assert ask(server)[0] == 200
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def opened(server) -> socket.socket:
    """Open a page as a browser does, and read nothing more."""
    token = re.search(r'"token":"([^"]+)"', ask(server)[2])[1]
    lines = {
        **UPGRADE, "Host": f"127.0.0.1:{server.port}", "Origin": origin_of(server),
        "Cookie": cookie_of(server), "Sec-WebSocket-Protocol": f"bokeh, {token}",
    }  # fmt: skip
    request = "GET /ws HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    browser = socket.socket()
    browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    browser.connect(("127.0.0.1", server.port))
    browser.sendall(request.encode())
    return browser


def test_browsers_that_do_not_read_hold_up_nobody(serve, state):
    with serve() as server:
        browsers = [opened(server) for _ in range(2)]
        flood(server, state)
        for browser in browsers:
            browser.close()


def flood(server, state):
    """Write steps faster than any browser could read them."""
    took, until, number = [], time.monotonic() + 1.0, 0
    while time.monotonic() < until:
        begun = time.perf_counter()
        state.step(a_step(number, prototype=number % 4))
        state.event(Event("note", float(number), "x" * 200))
        took.append(time.perf_counter() - begun)
        number += 1
        time.sleep(1e-3)
    assert server.n_pages >= 2
    assert np.percentile(took, 95) < 5e-3
    begun = time.monotonic()
    assert str(number - 1) in ask(server, "/steps.csv")[2]
    assert time.monotonic() - begun < 2.0


def test_a_page_that_nobody_looks_at_is_forgotten(serve, monkeypatch):
    monkeypatch.setattr("agents.live.page.server.UNUSED_MS", 100)
    with serve() as server:
        ask(server)
        until = time.monotonic() + 5.0
        while server.n_pages and time.monotonic() < until:
            time.sleep(0.05)
        assert server.n_pages == 0


def test_too_many_pages_are_told_so(serve, monkeypatch):
    monkeypatch.setattr("agents.live.page.door.MOST_PAGES", 1)
    with serve() as server:
        assert "model on stream" in ask(server)[2]
        status, headers, content = ask(server)
        assert (status, headers["Retry-After"]) == (503, "10")
        assert "pages are open" in content
        assert server.n_pages == 1  # nothing was made for who was refused


def made_up(session):
    """Return a token for a websocket, as Bokeh makes them, of a page that was never asked for."""
    return generate_jwt_token(session, signed=False, expiration=300)


def shake_hands(server, token):
    """Ask for a websocket of a page, and return the status."""
    protocol = {"Sec_WebSocket_Protocol": f"bokeh, {token}"}
    return ask(server, "/ws", **UPGRADE, **protocol, Origin=origin_of(server))[0]


def test_new_pages_come_one_at_a_time(info, state, buttons, monkeypatch):
    monkeypatch.setattr("agents.live.page.door.EVERY_S", 100.0)
    with serve_page(info, state, buttons, port=0) as server:
        known = re.search(r'"token":"([^"]+)"', ask(server)[2])[1]
        for method in ("GET", "HEAD"):
            status, headers, _ = ask(server, method=method)
            assert (status, headers["Retry-After"]) == (503, "1")
        assert 'http-equiv="refresh" content="1"' in ask(server)[2]  # a browser comes again
        assert ask(server, f"/?bokeh-token={known}")[0] == 503
        # a websocket would make a page as well
        assert shake_hands(server, made_up("another")) == 503
        assert shake_hands(server, known) == 101
        assert server.n_pages == 1


def test_without_time_left_nothing_costly_is_made(serve, monkeypatch):
    monkeypatch.setattr("agents.live.page.handlers.WAITS_S", 0.1)
    with serve() as server:
        monkeypatch.setattr(server._budget, "allows", lambda: False)
        monkeypatch.setattr(server._budget, "wait", lambda: None)
        for path in ("/", "/steps.csv", "/prototype/1.png"):
            status, headers, _ = ask(server, path)
            assert (status, headers["Retry-After"]) == (503, "1")
        assert server.n_pages == 0


def test_requests_without_end_take_their_share_and_no_more(info, state, buttons, monkeypatch):
    monkeypatch.setattr("agents.live.page.budget.SHARE", SHARE)  # as it is outside this module
    with serve_page(info, state, buttons, port=0) as server:
        before = thread_s(server)
        ask_on(server, seconds=1.5)
        server._budget.end()
        assert thread_s(server) - before < CREDIT_S + 0.45


def thread_s(server) -> float:
    """Return the processor time of the page's thread."""

    async def look():
        return time.thread_time()

    return asyncio.run_coroutine_threadsafe(look(), server._loop).result(timeout=10)


def ask_on(server, seconds):
    """Send requests without waiting for answers, which are thrown away."""
    many = 400 * f"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    until, rest = time.monotonic() + seconds, b""
    with socket.create_connection(("127.0.0.1", server.port)) as browser:
        browser.settimeout(0.02)
        while time.monotonic() < until:
            rest = rest or many
            with suppress(TimeoutError):
                rest = rest[browser.send(rest) :]
            with suppress(TimeoutError):
                browser.recv(1 << 20)
