"""The socket: what comes in waits for its turn, and only so much may be open."""

import socket
from types import SimpleNamespace

import pytest

from agents.live.page.listening import MOST_CONNECTIONS, listening


@pytest.fixture
def waits():
    return []


@pytest.fixture
def server(waits):
    with listening("127.0.0.1", 0, SimpleNamespace(wait=lambda: waits.append(1))) as one:
        one.settimeout(5)
        yield one


def test_each_connection_and_each_read_waits_for_its_turn(server, waits):
    with socket.create_connection(server.getsockname()) as browser:
        connection, _ = server.accept()
        assert len(waits) == 1
        browser.sendall(b"abcdef")
        connection.settimeout(5)
        assert connection.recv_into(bytearray(3)) == 3
        assert connection.recv_into(bytearray(3)) == 3
        assert len(waits) == 3
        connection.close()


def test_one_connection_too_many_is_closed(server, monkeypatch):
    monkeypatch.setattr("agents.live.page.listening.MOST_CONNECTIONS", 2)
    browsers = [socket.create_connection(server.getsockname()) for _ in range(3)]
    taken = [server.accept()[0] for _ in range(2)]
    with pytest.raises(ConnectionAbortedError):
        server.accept()
    assert browsers[2].recv(1) == b""
    taken[0].close()
    browsers.append(socket.create_connection(server.getsockname()))
    taken.append(server.accept()[0])
    for one in (*browsers, *taken):
        one.close()


def test_there_is_room_for_all_pages():
    from agents.live.page.door import MOST_PAGES

    assert MOST_CONNECTIONS > 7 * MOST_PAGES
