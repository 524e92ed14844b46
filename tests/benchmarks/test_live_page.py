"""`eegdancer live --browser`: address, warnings, what ends the page, mistakes."""

import importlib
import json
import re
import socket
import sys

import pytest

from agents.live import Event, LiveState
from agents.live.runner import STOPPED
from benchmarks import options as arguments
from benchmarks.cli import main
from tests.agents.live.conftest import save_model
from tests.benchmarks.test_live_command import recording, tree  # noqa: F401

# the package gives the function by that name
command = importlib.import_module("benchmarks.commands.live")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture
def live(model, recording, monkeypatch):  # noqa: F811
    monkeypatch.setattr("gc.collect", lambda: 0)  # all that the tests have loaded is a lot

    def run(*more):
        given = ["live", "--model", str(model), "--source", str(recording), "--speed", "inf"]
        return main([*given, "--duration", "3", "--browser", "--port", "0", *more])

    return run


@pytest.fixture
def opened(monkeypatch):
    addresses = []
    monkeypatch.setattr(command.webbrowser, "open", addresses.append)
    monkeypatch.setattr(command.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return addresses


def test_the_address_is_printed_and_the_token_kept_nowhere_else(live, opened, tmp_path, capsys):
    assert live("--out", str(tmp_path / "log")) == 0
    out = capsys.readouterr().out
    (address,) = re.findall(r"page: (http://127\.0\.0\.1:\d+/\?token=\S+)", out)
    token = address.partition("=")[2]
    assert "not encrypted" not in out
    assert not opened  # there is no desktop
    for path in (tmp_path / "log").iterdir():
        assert token not in path.read_text()
    assert json.loads((tmp_path / "log" / "command.json").read_text())["options"]["browser"]


@pytest.mark.parametrize(("flag", "n"), [("--open", 1), ("--no-open", 0)])
def test_on_a_desktop_it_is_opened_by_an_address_that_works_once(
    live, opened, monkeypatch, capsys, flag, n
):
    monkeypatch.setenv("DISPLAY", ":0")
    assert live(flag) == 0
    assert len(opened) == n
    (address,) = re.findall(r"page: (\S+)", capsys.readouterr().out)
    assert address not in opened


def test_other_machines_are_let_in_only_when_asked_and_with_a_warning(live, opened, capsys):
    assert live("--host", "0.0.0.0") == 0
    assert "the page is not encrypted" in capsys.readouterr().out


def test_a_taken_port_is_one_line(live, opened, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert live("--port", str(port)) == 1
    err = capsys.readouterr().err
    assert f"port {port} on 127.0.0.1 cannot be used" in err
    assert len(err.strip().splitlines()) == 1


def test_without_the_extra_it_says_so_before_it_looks_for_a_stream(live, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bokeh.server.server", None)
    assert live("--source", "lsl:nobody") == 1
    assert "pip install bokeh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("terminal", "duration", "end", "ends"),
    [
        (True, None, "the stream ended", False),
        (True, None, STOPPED, True),
        (True, 5.0, "5 s are over", True),
        (False, None, "the stream ended", True),
    ],
)
def test_what_ends_the_page(terminal, duration, end, ends, monkeypatch, tmp_path):
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(command.sys.stdout, "isatty", lambda: terminal, raising=False)
    state = LiveState(("valence",))
    state.event(Event("ended", 1.0, end))
    options = arguments.Live(tmp_path, duration=duration)
    assert command._ends_with_the_run(options, state) is ends
