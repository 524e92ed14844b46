"""A pause: nothing is predicted, nothing is called lost, and it goes on as it should."""

import threading
import time

import numpy as np
import pytest

from agents.live import LiveChain, LiveRun, LiveState, TerminalView
from agents.live.sources import FileSource, Part
from tests.agents.live.conftest import SFREQ, Scripted, in_chunks, made_eeg, offline
from tests.agents.live.test_bad_days import Kept


def scripted_pause(model, eeg, from_s, to_s, **more):
    """Run a stream in which the run is paused between two times."""
    chunks = in_chunks(eeg, 40)
    kept = Kept()
    source = Scripted([], **more)
    live = LiveRun(source, LiveChain(model, source.info), [kept], queue_s=1e6)

    def at(seconds, act):
        """Act before the chunk that begins then, when all before it have been used."""
        place = round(seconds * SFREQ / 40)
        made_before = round(min(seconds, from_s))

        def give():
            while live._queue._chunks or len(kept.steps) < made_before:
                time.sleep(0.001)
            time.sleep(0.02)
            act()
            return chunks[place]

        return place, give

    script = list(chunks)
    for seconds, act in ((from_s, live.pause), (to_s, live.resume)):
        if seconds is not None:
            place, give = at(seconds, act)
            script[place] = give
    source._chunks = script
    return kept, live.run()


def test_a_short_pause_is_withheld_and_not_lost(model):
    eeg = made_eeg(12)
    kept, summary = scripted_pause(model, eeg, 4, 7)
    assert [k for k in kept.kinds() if k in ("paused", "continued", "gap", "dropped", "clock")] == [
        "paused",
        "continued",
    ]
    assert [e.count for e in kept.events if e.kind == "continued"] == [600]
    assert (summary.n_passed, summary.n_lost, summary.n_dropped) == (600, 0, 0)
    assert kept.statuses() == ["ok"] * 4 + ["withheld"] * 3 + ["ok"] * 5
    assert "paused" in kept.steps[4].marks
    np.testing.assert_allclose([s.time for s in kept.steps], np.arange(1, 13), atol=1e-6)


def test_after_a_long_pause_the_model_begins_anew(model):
    eeg = made_eeg(14)
    kept, summary = scripted_pause(model, eeg, 3, 9)
    assert (summary.n_passed, summary.n_lost) == (1200, 0)
    assert [step.segment for step in kept.steps] == [0] * 3 + [1] * 5
    whole = offline(model, [eeg[:600], eeg[1800:]])
    np.testing.assert_allclose(kept.predicted(), np.concatenate(whole), atol=1e-4)


def test_a_stream_that_ends_in_a_pause_says_what_was_passed_over(model):
    kept, summary = scripted_pause(model, made_eeg(8), 5, None)
    assert summary.n_passed == 600
    assert kept.kinds()[-3:] == ["paused", "continued", "ended"]
    assert len(kept.steps) == 5


def test_samples_that_no_one_took_in_a_pause_are_not_called_dropped(model):
    source = Scripted([])
    kept = Kept()
    live = LiveRun(source, LiveChain(model, source.info), [kept], queue_s=1.0)
    chunks = in_chunks(made_eeg(10))
    live.pause()
    # the whole stream is there before the loop looks: the queue drops nine seconds of it
    for chunk in chunks[:-1]:
        live._queue.put(chunk)
    source._chunks = [lambda: time.sleep(0.1) or live.resume() or chunks[-1]]
    summary = live.run()
    assert (summary.n_dropped, summary.n_passed) == (0, 1960)
    assert "dropped" not in kept.kinds()


class Replay:
    """A recording that is replayed in the background."""

    def __init__(self, model, eeg, speed):
        info = Scripted([], live=False).info
        self.source = FileSource(info, [Part("trial", lambda: eeg.T)], speed)
        self.kept, self.state = Kept(), LiveState(model.label_names)
        self.run = LiveRun(self.source, LiveChain(model, info), [self.kept, self.state])
        self._thread = threading.Thread(target=self._go)

    def __enter__(self):
        self._thread.start()
        return self

    def _go(self):
        self.summary = self.run.run()

    def __exit__(self, *_):
        self.run.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def wait(self, what):
        ends = time.monotonic() + 20
        while not what() and time.monotonic() < ends:
            time.sleep(0.005)
        assert what()


@pytest.mark.parametrize("speed", [20.0, np.inf])
def test_a_file_waits_and_loses_nothing(model, speed):
    eeg = made_eeg(40)
    with Replay(model, eeg, speed) as replay:
        replay.wait(lambda: len(replay.kept.steps) >= 5)
        replay.run.pause()
        replay.wait(lambda: "paused" in replay.kept.kinds())
        n = len(replay.kept.steps)
        shown = TerminalView(replay.state, "made").render()
        assert "paused" in str(shown.renderables[0])
        replay.run.note("looked away")
        replay.wait(lambda: "note" in replay.kept.kinds())
        assert replay.run.paused
        assert len(replay.kept.steps) == n
        replay.run.resume()
        assert not replay.run.paused
        replay._thread.join(20)
    assert replay.summary.n_predicted == 40
    assert (replay.summary.n_passed, replay.summary.n_lost) == (0, 0)
    assert not replay.state.snapshot()["paused"]
    np.testing.assert_allclose(replay.kept.predicted(), offline(model, [eeg])[0], atol=1e-4)


def test_a_replay_does_not_catch_up_after_a_pause(model, monkeypatch):
    monkeypatch.setattr("agents.live.sources.HELD_S", 0.3)
    with Replay(model, made_eeg(40), 10.0) as replay:
        replay.wait(lambda: len(replay.kept.steps) >= 2)
        replay.run.pause()
        time.sleep(0.8)
        n = len(replay.kept.steps)
        replay.run.resume()
        time.sleep(0.5)
        assert len(replay.kept.steps) <= n + 8  # 13 if it caught up


def test_a_paused_file_can_be_stopped(model):
    with Replay(model, made_eeg(40), 20.0) as replay:
        replay.wait(lambda: len(replay.kept.steps) >= 2)
        replay.run.pause()
        replay.wait(lambda: "paused" in replay.kept.kinds())
    assert replay.kept.kinds()[-1] == "ended"


def test_pausing_from_many_threads_breaks_nothing(model):
    with Replay(model, made_eeg(40), np.inf) as replay:

        def toggle():
            for _ in range(50):
                replay.run.pause()
                replay.run.resume()

        threads = [threading.Thread(target=toggle) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        replay._thread.join(20)
    assert replay.summary.n_predicted == 40
    kinds = [k for k in replay.kept.kinds() if k in ("paused", "continued")]
    assert kinds == ["paused", "continued"] * (len(kinds) // 2)
