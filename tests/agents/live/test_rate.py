"""A stream that says a wrong rate is noticed, and none is suspected that is right."""

import numpy as np
import pytest

from agents.live import Event, LiveChain, Step
from agents.live.rate import ARRIVAL, DOUBTFUL, RIGHT, STAMPS, WRONG, RateWatch
from agents.live.timeline import Timeline
from tests.agents.live.conftest import Scripted, in_chunks, made_eeg, offline

SFREQ = 250.0


def arrivals(rng, true, chunk_s, late_s, seconds, held_s=0.0):
    """Count of samples and time of each chunk; nothing comes before `held_s`, then all at once."""
    n = max(1, round(chunk_s * true))
    times = np.arange(1, int(seconds * true / n) + 1) * n / true
    late = np.maximum(times + rng.uniform(0, late_s, len(times)), held_s)
    return n, np.maximum.accumulate(late)


def levels(watch, n, times):
    found = []
    for time in times:
        watch.take(n, time)
        found.append(watch.level)
    return np.array(found)


@pytest.mark.parametrize("clock", [STAMPS, ARRIVAL])
@pytest.mark.parametrize("chunk_s", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("late_s", [0.0, 0.1, 0.5])
def test_a_right_rate_is_never_suspected(clock, chunk_s, late_s):
    rng = np.random.default_rng(0)
    # 20 s had waited before we began to listen
    held_s = 20.0 if clock is ARRIVAL else 0.0
    n, times = arrivals(rng, SFREQ, chunk_s, late_s, 150, held_s)
    assert levels(RateWatch(SFREQ, clock), n, times).max() == RIGHT


@pytest.mark.parametrize("stall_s", [0.3, 2.0, 20.0])
def test_a_stall_and_its_burst_are_no_other_rate(stall_s):
    rng = np.random.default_rng(1)
    n, times = arrivals(rng, SFREQ, 0.05, 0.05, 150)
    stalled = (times > 60) & (times < 60 + stall_s)
    times[stalled] = np.sort(60 + stall_s + rng.uniform(0, 0.2, stalled.sum()))
    assert levels(RateWatch(SFREQ, ARRIVAL), n, np.maximum.accumulate(times)).max() == RIGHT


@pytest.mark.parametrize(("clock", "within_s"), [(STAMPS, 5.1), (ARRIVAL, 9.0)])
@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize(("chunk_s", "late_s"), [(0.05, 0.0), (0.1, 0.1), (0.5, 0.5)])
def test_a_factor_of_two_is_wrong_within_seconds(clock, within_s, factor, chunk_s, late_s):
    n, times = arrivals(np.random.default_rng(2), factor * SFREQ, chunk_s, late_s, 30)
    found = levels(RateWatch(SFREQ, clock), n, times)
    assert times[np.argmax(found == WRONG)] <= within_s
    assert (found[times > within_s] == WRONG).all()


@pytest.mark.parametrize(
    ("factor", "level"), [(1.005, RIGHT), (1.02, DOUBTFUL), (0.98, DOUBTFUL), (1.07, WRONG)]
)
def test_small_deviations_take_longer(factor, level):
    n, times = arrivals(np.random.default_rng(3), factor * SFREQ, 0.05, 0.02, 40)
    found = levels(RateWatch(SFREQ, STAMPS), n, times)
    assert found.max() == found[-1] == level


def test_memory_is_bounded_and_later_looks_see_the_latest():
    n, times = arrivals(np.random.default_rng(4), SFREQ, 0.1, 0.05, 300)
    watch = RateWatch(SFREQ, STAMPS)
    assert levels(watch, n, times).max() == RIGHT
    assert levels(watch, n, times[-1] + np.arange(1, 100) * 0.2)[-1] == WRONG
    assert len(watch._points) == 2048


def run(model, true, nominal, seconds, size=25, stamps=1.0, received=1.0):
    """Run a chain on a stream that says `nominal`; its two clocks may run differently."""
    eeg = made_eeg(seconds, sfreq=true)
    times = np.arange(len(eeg)) / true
    chunks = in_chunks(eeg, size, true, times * stamps, times * received)
    chain = LiveChain(model, Scripted([], sfreq=nominal).info)
    return chain, [part for chunk in chunks for part in chain.take(chunk)]


def steps_of(parts):
    return [part for part in parts if isinstance(part, Step)]


def rates(parts):
    return [part.detail for part in parts if isinstance(part, Event) and part.kind == "rate"]


@pytest.mark.parametrize(("true", "nominal"), [(250, 500), (500, 250), (512, 256)])
@pytest.mark.parametrize("counted", [False, True])
def test_a_stream_that_says_half_or_twice_its_rate_is_withheld(model, true, nominal, counted):
    # some senders count stamps at the rate that they say: only the arrival of chunks tells
    _, parts = run(model, true, nominal, 12, stamps=true / nominal if counted else 1.0)
    steps = steps_of(parts)
    early = [step for step in steps if step.status == "ok"]
    seconds = len(early) * nominal / true
    assert seconds <= (6 if counted else 3)
    for step in steps[len(early) :]:
        assert (step.status, step.prediction) == ("withheld", ())
        assert "rate" in step.marks
    assert rates(parts) == [
        f"samples come at {true} Hz, not at {nominal} Hz: predictions are withheld"
    ]


def test_a_deviation_of_two_percent_is_marked_and_predicted(model):
    _, parts = run(model, 255, 250, 20)
    last = steps_of(parts)[-1]
    assert (last.status, last.marks) == ("marked", ("rate",))
    assert last.prediction
    assert "samples come at 255 Hz, not at 250 Hz: predictions are marked" in rates(parts)


def test_predictions_resume_when_the_rate_is_right(model):
    chain, parts = run(model, 250, 500, 10)
    assert steps_of(parts)[-1].status == "withheld"
    eeg = made_eeg(60, sfreq=500)
    times = 10 + np.arange(len(eeg)) / 500
    parts = [part for c in in_chunks(eeg, 25, 500, times) for part in chain.take(c)]
    last = steps_of(parts)[-20:]
    assert {mark for step in last for mark in step.marks} <= {"unlike-training"}
    assert all(step.prediction for step in last)
    assert rates(parts)[-1] == "samples come at 500 Hz again, as the stream says"


def test_a_new_part_does_not_clear_a_wrong_rate_without_a_look():
    timeline = Timeline(250.0)
    for chunk in in_chunks(made_eeg(6, sfreq=500.0, n_channels=2), 25, 500.0):
        list(timeline.take(chunk))
    assert timeline.rate_level == WRONG
    later = in_chunks(made_eeg(0.1, sfreq=500.0, n_channels=2), 25, 500.0, 60 + np.arange(50) / 500)
    list(timeline.take(later[0]))
    assert timeline.rate_level == DOUBTFUL


@pytest.mark.parametrize("size_s", [0.05, 0.2, 0.5])
def test_chunks_of_any_size_that_are_stamped_as_they_come_change_nothing(model, size_s):
    eeg, size = made_eeg(30), round(size_s * 200)
    arrival = np.arange(len(eeg)) / 200 + 0.2 * size_s
    chunks = in_chunks(eeg, size, received=arrival)
    rng = np.random.default_rng(0)
    late = rng.uniform(0, 0.4 * size_s, len(chunks))
    chain = LiveChain(model, Scripted([]).info)
    parts = []
    for chunk, by in zip(chunks, late, strict=True):
        moved = type(chunk)(chunk.samples, chunk.timestamps + by / 4, chunk.received + by)
        parts += list(chain.take(moved))
    assert not [step for step in steps_of(parts) if "rate" in step.marks]
    assert not rates(parts)
    if size_s < 0.5:
        np.testing.assert_allclose(
            [step.prediction for step in steps_of(parts)], offline(model, [eeg])[0], atol=1e-4
        )
