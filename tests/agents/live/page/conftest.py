"""A page without a run behind it, and a source that never ends."""

import threading
import time

import numpy as np
import pytest

from agents.live import Chunk, LiveState, Step, StreamInfo
from agents.live.page import PageInfo, serve_page
from agents.live.page.maps import PrototypeMaps
from eeg_emotion_env.montage import SEED_CHANNELS
from tests.agents.live.conftest import SFREQ, made_eeg

NAMES = ("valence", "arousal")


class Buttons:
    """Controls that remember what was pressed."""

    def __init__(self):
        self.paused, self.notes = False, []

    def pause(self):
        self.paused = True

    def resume(self):
        self.paused = False

    def note(self, text):
        self.notes.append(text)


class Endless:
    """A recording that goes on until it is closed, one second every `pace_s`."""

    def __init__(self, pace_s):
        self.info = StreamInfo("endless", SEED_CHANNELS, SFREQ, "uV", live=False)
        self._pace_s, self._over = pace_s, threading.Event()

    def chunks(self):
        eeg, n = made_eeg(20), round(SFREQ)
        for second in range(10_000):
            if self._over.wait(self._pace_s):
                return
            start = second % 20 * n
            times = second + np.arange(n) / SFREQ
            yield Chunk(eeg[start : start + n], times, time.monotonic())

    def close(self):
        self._over.set()


def a_step(number, values=(0.5, -0.25), status="ok", **more) -> Step:
    return Step(number, more.pop("segment", 0), number + 1.0, status, values, **more)


@pytest.fixture
def state():
    return LiveState(NAMES)


@pytest.fixture
def buttons():
    return Buttons()


@pytest.fixture(scope="session")
def maps():
    rng = np.random.default_rng(0)
    places = rng.uniform(-0.9, 0.9, (12, 2))
    return PrototypeMaps(rng.normal(size=(4, 12, 3)), places, ("theta", "alpha", "beta"), "SD")


@pytest.fixture
def info(maps):
    channels = ("FZ", "CZ", "PZ", "aux")
    return PageInfo("model on stream", NAMES, 1.0, channels, ("PZ",), maps)


@pytest.fixture
def serve(info, state, buttons, monkeypatch):
    """Serve a page that does not wait for browsers to see the end, nor between new pages."""
    monkeypatch.setattr("agents.live.page.server.TICK_MS", 10)
    monkeypatch.setattr("agents.live.page.door.EVERY_S", 0.0)
    monkeypatch.setattr("agents.live.page.budget.SHARE", 10.0)
    monkeypatch.setattr("gc.collect", lambda: 0)  # all that the tests have loaded is a lot
    return lambda **more: serve_page(info, state, buttons, **{"port": 0, **more})
