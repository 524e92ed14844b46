"""What goes wrong with streams: each time it is said, and predictions are marked or withheld."""

import time

import numpy as np
import pytest

from agents.live import Chunk, Event, LiveChain, LiveRun, LiveState, Step
from agents.live.records import EVENTS
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.montage import SEED_CHANNELS
from tests.agents.live.conftest import SFREQ, Scripted, in_chunks, made_eeg, offline


class Kept:
    """Keeps what a run tells."""

    def __init__(self, slow_s=0.0, fails=False):
        self.steps, self.events, self._slow_s, self._fails = [], [], slow_s, fails

    def step(self, step: Step) -> None:
        if self._fails:
            raise OSError(28, "No space left on device")
        time.sleep(self._slow_s)
        self.steps.append(step)

    def event(self, event: Event) -> None:
        assert event.kind in EVENTS
        self.events.append(event)

    def close(self) -> None:
        pass

    def kinds(self):
        return [event.kind for event in self.events]

    def statuses(self):
        return [step.status for step in self.steps]

    def predicted(self):
        return np.array([step.prediction for step in self.steps if step.prediction])


def run(model, source, *further, **options):
    kept = Kept()
    calibration_s = options.pop("calibration_s", 0.0)
    chain = LiveChain(model, source.info, calibration_s)
    # scripted chunks come all at once: nothing is to be dropped unless a test is about that
    options.setdefault("queue_s", 1e6)
    summary = LiveRun(source, chain, [kept, *further], **options).run()
    return kept, summary


def without(eeg, start_s, stop_s, size=40):
    """Chunks of EEG whose samples between two times were lost."""
    keep = np.ones(len(eeg), bool)
    keep[round(start_s * SFREQ) : round(stop_s * SFREQ)] = False
    times = (np.arange(len(eeg)) / SFREQ)[keep]
    return in_chunks(eeg[keep], size, times=times)


def test_a_gap_withholds_its_seconds_and_keeps_the_time(model):
    eeg = made_eeg(12)
    kept, summary = run(model, Scripted(without(eeg, 4.3, 6.6)))
    assert kept.kinds().count("gap") == 1
    (gap,) = [event for event in kept.events if event.kind == "gap"]
    assert gap.count == 460
    assert summary.n_lost == 460
    assert kept.statuses() == ["ok"] * 4 + ["withheld"] * 3 + ["ok"] * 5
    assert {"too-much-lost", "lost", "gap"} & set(kept.steps[5].marks)
    np.testing.assert_allclose([s.time for s in kept.steps], np.arange(1, 13), atol=1e-6)
    np.testing.assert_allclose(kept.predicted()[:4], offline(model, [eeg])[0][:4], atol=1e-4)


def test_a_few_lost_samples_are_filled_in_and_marked(model):
    eeg = made_eeg(8)
    kept, _ = run(model, Scripted(without(eeg, 4.5, 4.525)))
    assert kept.statuses() == ["ok"] * 4 + ["marked"] + ["ok"] * 3
    assert kept.steps[4].n_lost == 5
    np.testing.assert_allclose(kept.predicted(), offline(model, [eeg])[0], atol=0.05)


def test_after_a_long_gap_the_model_begins_anew(model):
    eeg = made_eeg(20)
    kept, _ = run(model, Scripted(without(eeg, 4, 14)))
    assert [step.segment for step in kept.steps] == [0] * 4 + [1] * 6
    assert "begins anew" in next(e.detail for e in kept.events if e.kind == "gap")
    whole = offline(model, [eeg[:800], eeg[2800:]])
    np.testing.assert_allclose(kept.predicted(), np.concatenate(whole), atol=1e-4)


@pytest.mark.parametrize("spread_s", [0.003, 0.02])
@pytest.mark.parametrize("size", [8, 40])
def test_jitter_changes_no_prediction(model, spread_s, size):
    eeg = made_eeg(15)
    even = np.arange(len(eeg)) / SFREQ
    jitter = np.random.default_rng(0).uniform(-spread_s, spread_s, len(eeg))
    times = np.sort(even + jitter)
    kept, summary = run(model, Scripted(in_chunks(eeg, size, times=times, received=even)))
    assert summary.n_lost == 0
    assert ("jitter" in kept.kinds()) == (spread_s == 0.02)
    np.testing.assert_allclose(kept.predicted(), offline(model, [eeg])[0], atol=1e-4)
    np.testing.assert_allclose([s.time for s in kept.steps], np.arange(1, 16), atol=spread_s + 0.01)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, -0.5, 20.0])
def test_a_jump_of_the_clock_loses_nothing_and_is_marked(model, jump):
    eeg = made_eeg(10)
    arrival = np.arange(len(eeg)) / SFREQ
    times = arrival + np.where(arrival >= 5.5, jump, 0.0)
    kept, summary = run(model, Scripted(in_chunks(eeg, times=times, received=arrival)))
    assert kept.kinds().count("clock") == 1
    assert summary.n_lost == 0
    assert kept.statuses() == ["ok"] * 5 + ["marked"] + ["ok"] * 4
    assert kept.steps[5].marks == ("clock",)
    np.testing.assert_allclose(kept.predicted(), offline(model, [eeg])[0], atol=1e-4)


def test_a_clock_that_runs_fast_is_followed(model):
    eeg = made_eeg(120, n_channels=62)
    times = np.arange(len(eeg)) / SFREQ * 1.002
    kept, summary = run(model, Scripted(in_chunks(eeg, times=times)))
    assert summary.n_lost == 0
    assert "gap" not in kept.kinds()
    told = [e.detail for e in kept.events if e.kind == "rate"]
    assert "at 199.6" in told[-1]
    ends = np.arange(1, 121) * 1.002
    np.testing.assert_allclose([s.time for s in kept.steps], ends, atol=0.03)


def test_timestamps_that_are_not_numbers_are_counted_on(model):
    eeg = made_eeg(6)
    times = np.arange(len(eeg)) / SFREQ
    arrival, times = times.copy(), np.where((times > 3) & (times < 3.5), np.nan, times)
    kept, _ = run(model, Scripted(in_chunks(eeg, times=times, received=arrival)))
    assert "clock" in kept.kinds()
    np.testing.assert_allclose(kept.predicted(), offline(model, [eeg])[0], atol=1e-4)


def test_a_stream_without_timestamps_is_said_now_and_then_and_marked(model):
    eeg = made_eeg(12)
    times = np.arange(len(eeg)) / SFREQ
    untimed = np.full(len(eeg), np.nan)
    kept, _ = run(model, Scripted(in_chunks(eeg, times=untimed, received=times)))
    assert 1 <= kept.kinds().count("clock") <= 2
    assert {step.marks for step in kept.steps} == {("clock",)}
    np.testing.assert_allclose(kept.predicted(), offline(model, [eeg])[0], atol=1e-4)


def test_after_the_clock_jumped_back_what_was_said_is_said_again(model):
    eeg = made_eeg(70)
    eeg[400:600, 3] = eeg[13000:13200, 3] = 0.0  # more than a minute apart
    arrival = np.arange(len(eeg)) / SFREQ
    times = 1e5 + arrival - np.where(arrival > 30, 3600.0, 0.0)
    kept, _ = run(model, Scripted(in_chunks(eeg, times=times, received=arrival)))
    assert kept.kinds().count("bad-channels") == 4


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("flat", lambda x: np.zeros_like(x)),
        ("saturated", lambda x: np.clip(40 * x, -300, 300)),
        ("noisy", lambda x: 5000 * x / x.std()),
        ("dropped", lambda x: np.full_like(x, np.nan)),
    ],
)
def test_bad_channels_are_not_used_and_named(model, kind, change):
    eeg = made_eeg(9)
    spoilt = eeg.copy()
    spoilt[600:1200, 7] = change(eeg[600:1200, 7])
    kept, _ = run(model, Scripted(in_chunks(spoilt)))
    assert kept.statuses() == ["ok"] * 3 + ["marked"] * 3 + ["ok"] * 3
    for step in kept.steps[3:6]:
        assert kind in step.marks
        assert step.bad_channels == (SEED_CHANNELS[7],)
    told = [event.detail for event in kept.events if event.kind == "bad-channels"]
    assert told == [f"not used: {SEED_CHANNELS[7]}", "all channels are used again"]


def test_too_many_bad_channels_withhold(model):
    eeg = made_eeg(6)
    eeg[600:, :20] = 3.0
    kept, _ = run(model, Scripted(in_chunks(eeg)))
    assert kept.statuses() == ["ok"] * 3 + ["withheld"] * 3
    assert "too-many-bad-channels" in kept.steps[4].marks


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3])
def test_wrong_units_withhold_every_prediction(model, factor):
    kept, summary = run(model, Scripted(in_chunks(made_eeg(5) * factor)))
    assert summary.n_predicted == 0
    assert all("unit" in step.marks for step in kept.steps)


def test_a_missing_unit_is_said(model):
    kept, summary = run(model, Scripted(in_chunks(made_eeg(3)), unit=None))
    assert "taken as microvolts" in next(e.detail for e in kept.events if e.kind == "unit")
    assert summary.n_predicted == 3


def test_a_stream_that_pauses_and_comes_back(model):
    eeg = made_eeg(10)
    first, nothing = in_chunks(eeg[:1000]), np.empty((0, 62))
    silent = [Chunk(nothing, np.empty(0), 5 + 0.5 * k) for k in range(1, 9)]
    later = [Chunk(c.samples, c.timestamps + 9.2, c.received + 9.2) for c in in_chunks(eeg[1000:])]
    kept, summary = run(model, Scripted([*first, *silent, *later]))
    assert [k for k in kept.kinds() if k in ("stalled", "resumed", "gap", "ended")] == [
        "stalled",
        "resumed",
        "gap",
        "ended",
    ]
    assert summary.n_predicted == 9
    assert kept.statuses()[5:9] == ["withheld"] * 4 + []


def test_a_source_that_fails_ends_the_run_with_a_word(model):
    chunks = [*in_chunks(made_eeg(3)), RuntimeError("the dongle was pulled out")]
    kept, summary = run(model, Scripted(chunks))
    assert len(kept.steps) == 3
    assert kept.events[-1].kind == "failed"
    assert summary.failure == "RuntimeError: the dongle was pulled out"


def test_a_stream_that_comes_back_with_other_channels_ends_the_run(model):
    eeg = made_eeg(6)
    other = [Chunk(c.samples[:, :32], c.timestamps, c.received) for c in in_chunks(eeg)[15:]]
    kept, summary = run(model, Scripted([*in_chunks(eeg)[:15], *other]))
    assert len(kept.steps) == 3
    assert "came back as 32 channels, not 62" in summary.failure
    assert kept.events[-1].kind == "failed"


def test_infinite_values_cannot_reach_a_prediction(model):
    eeg = made_eeg(6)
    eeg[400:600, 5], eeg[600:800] = np.inf, 1e300
    kept, _ = run(model, Scripted(in_chunks(eeg)))
    assert kept.statuses() == ["ok", "ok", "marked", "withheld", "ok", "ok"]
    assert np.isfinite(kept.predicted()).all()


def test_a_slow_consumer_drops_the_oldest_and_says_so(model):
    chunks = in_chunks(made_eeg(60))
    # as an amplifier would, thirty times as fast
    source = Scripted([lambda chunk=chunk: time.sleep(0.2 / 30) or chunk for chunk in chunks])
    chain = LiveChain(model, source.info)
    kept = Kept(slow_s=0.06)
    summary = LiveRun(source, chain, [kept], queue_s=2.0).run()
    assert summary.n_dropped > 0
    assert sum(e.count for e in kept.events if e.kind == "dropped") == summary.n_dropped
    assert summary.n_lost == summary.n_dropped
    assert all(s.prediction == () for s in kept.steps if "too-much-lost" in s.marks)
    assert max(s.time for s in kept.steps) > 59


def test_a_file_waits_for_a_slow_consumer(model):
    source = Scripted(in_chunks(made_eeg(20)), live=False)
    kept = Kept(slow_s=0.005)
    summary = LiveRun(source, LiveChain(model, source.info), [kept], queue_s=1.0).run()
    assert (summary.n_dropped, summary.n_predicted) == (0, 20)


def test_an_output_that_fails_is_switched_off_and_the_run_goes_on(model):
    kept, summary = run(model, Scripted(in_chunks(made_eeg(4))), Kept(fails=True))
    assert len(kept.steps) == 4
    assert kept.kinds().count("output") == 1
    assert "No space left" in summary.failure


def test_an_output_that_wants_to_exit_is_switched_off_too(model):
    class Leaves(Kept):
        def step(self, step):
            raise SystemExit(1)  # as rich does where the terminal is gone

    kept, summary = run(model, Scripted(in_chunks(made_eeg(4))), Leaves())
    assert len(kept.steps) == 4
    assert "SystemExit" in summary.failure


def test_a_mistake_in_the_chain_is_told_before_it_is_raised(model, monkeypatch):
    source = Scripted(in_chunks(made_eeg(3)))
    chain, kept = LiveChain(model, source.info), Kept()
    monkeypatch.setattr(chain, "_frame", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        LiveRun(source, chain, [kept]).run()
    assert (kept.events[-1].kind, kept.events[-1].detail[:17]) == ("failed", "ZeroDivisionError")


@pytest.mark.parametrize("ending", ["over", "Ctrl-C", "end"])
def test_a_note_of_the_last_step_is_told_before_the_end(model, ending):
    source = Scripted(in_chunks(made_eeg(3), 200))
    live = None

    class Notes(Kept):
        def step(self, step):
            super().step(step)
            if step.number == 2:
                live.note("last words")
                if ending == "Ctrl-C":
                    raise KeyboardInterrupt

    kept = Notes()
    duration_s = 3.0 if ending == "over" else np.inf
    live = LiveRun(source, LiveChain(model, source.info), [kept], duration_s)
    live.run()
    assert kept.kinds()[-2:] == ["note", "ended"]


def test_a_stream_unlike_the_training_is_marked(model):
    eeg = made_eeg(60, seed=5)
    rng = np.random.default_rng(3)
    usual, _ = run(model, Scripted(in_chunks(eeg)))
    assert "shift" not in usual.kinds()
    bursts = eeg * np.repeat(np.exp(rng.normal(0, 1.5, (60, 62))), 200, axis=0)
    kept, _ = run(model, Scripted(in_chunks(bursts)))
    assert "shift" in kept.kinds()
    assert "unlike-training" in kept.steps[-1].marks
    assert kept.steps[-1].status == "marked"
    assert kept.steps[-1].prediction


def test_notes_are_events_at_their_time(model):
    source = Scripted([])
    chain = LiveChain(model, source.info)
    kept, state = Kept(), LiveState(model.label_names)
    live = LiveRun(source, chain, [kept, state])
    chunks = in_chunks(made_eeg(4), 200)
    source._chunks = [*chunks[:2], lambda: live.note("door\nslammed") or chunks[2], chunks[3]]
    live.run()
    (note,) = [event for event in kept.events if event.kind == "note"]
    assert note.detail == "door slammed"
    shown = state.snapshot()
    assert shown["counts"]["steps"] == 4
    assert any(event["kind"] == "note" for event in shown["events"])
    assert [s.number for s in state.since(step=1)[0]] == [2, 3]


def test_streams_that_cannot_be_used_are_refused():
    with pytest.raises(ConfigError, match="no sampling rate"):
        Scripted([], sfreq=0.0)


def test_a_rate_too_low_for_the_bands_is_refused(model):
    with pytest.raises(DataError, match="cannot resolve the bands"):
        LiveChain(model, Scripted([], sfreq=64.0).info)
