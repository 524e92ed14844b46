"""Answers of the server that a client cannot see by themselves."""

import asyncio
from types import SimpleNamespace

from bokeh.server.views.ws import WSHandler

from agents.live.page.handlers import Socket


def test_each_message_of_a_browser_waits_for_its_turn(monkeypatch):
    turns, taken = iter([False, False, True]), []

    async def take(self, fragment):
        taken.append(fragment)

    monkeypatch.setattr(WSHandler, "on_message", take)
    monkeypatch.setattr("agents.live.page.handlers.LOOKS_S", 0.0)
    browser = Socket.__new__(Socket)
    browser.application = SimpleNamespace(budget=SimpleNamespace(allows=lambda: next(turns)))
    asyncio.run(browser.on_message("a"))
    assert taken == ["a"]
    assert not list(turns)
