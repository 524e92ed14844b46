"""Which latencies count."""

import math
import threading

from agents.live import Event, LiveChain, LiveRun, LiveState
from agents.live.page.latency import LATENCY_STEPS, Latencies
from tests.agents.live.page.conftest import Endless, a_step


def test_the_last_steps_count():
    latencies = Latencies()
    latencies.take([a_step(n, latency_ms=n) for n in range(LATENCY_STEPS + 5)], [])
    assert latencies.values == [float(n) for n in range(5, LATENCY_STEPS + 5)]


def test_what_a_pause_held_up_does_not_count():
    latencies = Latencies()
    latencies.take([a_step(n, latency_ms=3.0) for n in range(4)], [Event("paused", 4.0, "")])
    events = [Event("continued", 6.0, ""), Event("note", 7.0, "")]
    held = [a_step(n, latency_ms=900.0) for n in range(4, 12)]
    latencies.take([*held, a_step(12, latency_ms=5.0)], events)
    assert latencies.values == [3.0] * 4 + [5.0]


def test_steps_without_a_prediction_do_not_count():
    latencies = Latencies()
    latencies.take([a_step(0, (), "withheld", latency_ms=2000.0)], [])
    latencies.take([a_step(1, status="marked", marks=("paused",), latency_ms=90.0)], [])
    latencies.take([a_step(2, (), "calibrating", latency_ms=4.0)], [])
    assert latencies.values == [4.0]


def test_a_page_that_did_not_see_the_pause_begin():
    latencies = Latencies()
    latencies.take([a_step(0, latency_ms=3.0)], [Event("continued", 0.0, "")])
    latencies.take([a_step(1, latency_ms=3.0)], [Event("paused", math.nan, "")])
    assert latencies.values == [3.0, 3.0]


class Pauser:
    """An output that pauses the run after some steps, for a while."""

    def __init__(self, after, seconds):
        self._after, self._seconds, self.run = after, seconds, None

    def step(self, step):
        if step.number == self._after:
            self.run.pause()
            threading.Timer(self._seconds, self.run.resume).start()

    def event(self, event):
        pass

    def close(self):
        pass


def test_a_recording_that_was_paused(model):
    source, state, pauser = Endless(pace_s=0.0), LiveState(model.label_names), Pauser(10, 0.5)
    run = LiveRun(source, LiveChain(model, source.info), [state, pauser], duration_s=40)
    pauser.run = run
    run.run()
    steps, events = state.since()
    latencies = Latencies()
    latencies.take(steps, [event for _, event in events])
    assert max(step.latency_ms for step in steps) > 450  # these waited for its end
    assert len(latencies.values) >= 30
    assert max(latencies.values) < 450
