"""The gate: token, tickets, names of this machine, origins."""

import socket

import pytest

from agents.live.page.security import MAX_TICKETS, Gate, host_of, is_loopback


def test_the_token_is_random_long_and_not_shown():
    gate = Gate("127.0.0.1")
    assert gate.token != Gate("127.0.0.1").token
    assert len(gate.token) >= 32
    assert gate.token not in repr(gate)
    assert gate.opens(gate.token)
    assert not any(gate.opens(text) for text in ("", gate.token[:-1], gate.token + "x", "ä"))


def test_a_ticket_opens_once():
    gate = Gate("127.0.0.1")
    ticket = gate.ticket()
    assert not gate.knows(ticket)
    assert [gate.opens(ticket), gate.opens(ticket)] == [True, False]


def test_tickets_do_not_pile_up():
    gate = Gate("127.0.0.1")
    tickets = [gate.ticket() for _ in range(MAX_TICKETS + 1)]
    assert not gate.opens(tickets[0])
    assert gate.opens(tickets[-1])


@pytest.mark.parametrize(
    ("header", "name"),
    [("LocalHost:5006", "localhost"), ("[::1]:5006", "::1"), ("a.b.", "a.b"), ("[", ""), ("", "")],
)
def test_the_name_in_a_header(header, name):
    assert host_of(header) == name


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.1.1", "::1"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "lab.example.org"])
def test_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("bound", "header", "admitted"),
    [
        ("127.0.0.1", "127.0.0.1:5006", True),
        ("127.0.0.1", "localhost:8888", True),  # a forwarded port
        ("127.0.0.1", "[::1]:5006", True),
        ("127.0.0.1", "evil.example:5006", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "192.168.1.5:5006", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.5:5006", True),  # an address cannot be rebound
        ("0.0.0.0", f"{socket.gethostname()}:5006", True),
        ("0.0.0.0", "evil.example:5006", False),
        ("lab.example.org", "LAB.example.org:5006", True),
    ],
)
def test_names_that_are_ours(bound, header, admitted):
    assert Gate(bound).admits_host(header) is admitted


@pytest.mark.parametrize(
    ("origin", "websocket", "refused"),
    [
        ("http://127.0.0.1:5006", True, False),
        (None, False, False),
        (None, True, True),
        ("null", True, True),
        ("http://127.0.0.1:8888", True, True),  # another program on this machine
        ("http://evil.example", False, True),
        ("http://[", False, True),  # no address at all
    ],
)
def test_origins(origin, websocket, refused):
    gate = Gate("127.0.0.1")
    reason = gate.refuses("127.0.0.1:5006", origin, gate.token, websocket)
    assert (reason is not None) is refused


def test_the_cookie_is_needed():
    gate = Gate("127.0.0.1")
    for cookie in (None, "", "wrong", gate.ticket()):
        assert "token" in gate.refuses("localhost", None, cookie, False)
