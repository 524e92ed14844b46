"""Any mixture of bad days: never an exception, never silently wrong, and good again afterwards."""

import copy
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.live import Chunk, Event, LiveChain, Step
from agents.live.records import EVENTS
from eeg_emotion_env.montage import SEED_CHANNELS
from tests.agents.live.conftest import SFREQ, Scripted, in_chunks, made_eeg, offline
from tests.agents.live.test_bad_days import run

EEG = made_eeg(60, seed=5)


@dataclass
class Amplifier:
    """A sender to which things happen: `happen` adds chunks to its stream."""

    size: int
    chunks: list = field(default_factory=list)
    place: int = 0
    clock: float = 50.0
    arrival: float = 50.0

    def _samples(self, n):
        rows = np.arange(self.place, self.place + n) % len(EEG)
        self.place += n
        return EEG[rows].copy()

    def send(self, seconds, change=None, jitter=0.0, rate=1.0, begins=None, untimed=False):
        """Send samples, perhaps changed, unevenly stamped, or by a clock that runs fast."""
        left = max(1, round(seconds * SFREQ))
        rng = np.random.default_rng(left)
        while left:
            n = min(self.size, left)
            samples = self._samples(n)
            if change is not None:
                samples = change(samples)
            times = self.clock + np.arange(n) / SFREQ * rate
            self.clock += n / SFREQ * rate
            self.arrival += n / SFREQ
            times = np.sort(times + rng.uniform(-jitter, jitter, n))
            if untimed:
                times[:] = np.nan
            self.chunks.append(Chunk(samples, times, self.arrival, begins))
            begins, left = None, left - n

    def lose(self, seconds):
        n = round(seconds * SFREQ)
        self.place += n
        self.clock += n / SFREQ
        self.arrival += n / SFREQ

    def again(self):
        self.chunks += self.chunks[-1:]

    def swap(self):
        self.chunks[-2:] = self.chunks[:-3:-1]

    def silence(self):
        self.chunks.append(Chunk(np.empty((0, 62)), np.empty(0), self.arrival))


def spoil(channels, value):
    def change(samples):
        samples[:, list(channels)] = value
        return samples

    return change


WHOLE = (
    lambda samples: samples * 1e300,
    lambda samples: samples * 1e-6,
    lambda samples: samples * 1e3,
    lambda samples: np.clip(40 * samples, -300, 300),
)


seconds = st.sampled_from([0.02, 0.4, 1.0, 3.3])
channels = st.sets(st.integers(0, 61), min_size=1, max_size=62)
values = st.sampled_from([0.0, 4e5, np.nan, np.inf, -np.inf, 1e300])
happening = st.one_of(
    st.tuples(st.just("send"), st.fixed_dictionaries({"seconds": seconds})),
    st.tuples(
        st.just("send"),
        st.fixed_dictionaries(
            {"seconds": seconds, "change": st.builds(spoil, channels, values)},
        ),
    ),
    st.tuples(
        st.just("send"),
        st.fixed_dictionaries(
            {
                "seconds": seconds,
                "change": st.sampled_from(WHOLE),
            }
        ),
    ),
    st.tuples(
        st.just("send"),
        st.fixed_dictionaries(
            {
                "seconds": seconds,
                "jitter": st.sampled_from([0.0, 0.004, 0.03]),
                "rate": st.sampled_from([0.99, 1.0, 1.01]),
                "begins": st.sampled_from([None, "trial"]),
                "untimed": st.booleans(),
            }
        ),
    ),
    st.tuples(st.just("lose"), st.sampled_from([0.005, 0.05, 0.7, 2.5, 8.0])),
    st.tuples(st.just("jump"), st.sampled_from([-7200.0, -0.3, 0.02, 3.0, 1e6])),
    st.tuples(st.sampled_from(["again", "swap", "silence"]), st.none()),
    st.tuples(st.just("pause"), st.sampled_from([0.1, 2.0, 9.0])),
)


def play(chain, script, size):
    """Let things happen to an amplifier; give what a chain says of its stream."""
    amplifier, parts = Amplifier(size), []
    for kind, how in script:
        if kind == "send":
            amplifier.send(**how)
        elif kind == "jump":
            amplifier.clock += how
        elif kind == "lose":
            amplifier.lose(how)
        elif kind == "pause":
            before = len(amplifier.chunks)
            amplifier.send(how)
            passed = amplifier.chunks[before:]
            parts += feed(chain, amplifier.chunks[:before])
            n = sum(len(chunk.timestamps) for chunk in passed)
            parts += chain.pass_over(n, passed[-1].received, None)
            amplifier.chunks.clear()
        elif kind != "swap" or len(amplifier.chunks) >= 2:
            getattr(amplifier, kind)()
    parts += feed(chain, amplifier.chunks)
    amplifier.chunks.clear()
    return amplifier, parts


def feed(chain, chunks):
    return [part for chunk in chunks if len(chunk.timestamps) for part in chain.take(chunk)]


class Quiet(tuple):
    """Keeps a failing example readable."""

    def __repr__(self):
        return "model"


@pytest.fixture(scope="module")
def quiet(model):
    return Quiet([model])


@settings(max_examples=60)
@given(
    st.lists(happening, min_size=1, max_size=8),
    st.sampled_from([7, 40, 333]),
    st.sampled_from(["begins", "gap"]),
)
@example([("send", {"seconds": 1.0, "rate": 1.01})] * 6, 40, "begins")
def test_any_mixture_is_survived_said_and_forgotten(quiet, script, size, restart):
    model = quiet[0]
    chain = LiveChain(model, Scripted([]).info)
    amplifier, parts = play(chain, script, size)
    check(parts)

    normalizer = copy.deepcopy(chain._normalizer)
    if restart == "gap":
        amplifier.lose(20)
    amplifier.send(6, begins="again" if restart == "begins" else None)
    steps = [part for part in feed(chain, amplifier.chunks) if isinstance(part, Step)]
    fresh = LiveChain(model, Scripted([]).info)
    fresh._normalizer = normalizer
    expected = [part for part in feed(fresh, amplifier.chunks) if isinstance(part, Step)]
    assert [step.prediction for step in steps] == [step.prediction for step in expected]
    assert {step.status for step in steps[1:]} <= {"ok", "marked"}
    assert len(steps) == 6


def check(parts):
    """Nothing is silently wrong: numbers, times, predictions, words."""
    steps = [part for part in parts if isinstance(part, Step)]
    assert [step.number for step in steps] == list(range(len(steps)))
    for one, later in pairwise(steps):
        assert later.time > one.time or "clock" in later.marks or later.segment > one.segment
    for step in steps:
        assert np.isfinite(step.time)
        assert np.isfinite(step.prediction).all()
        assert np.abs(step.prediction).max(initial=0) <= 1
        assert bool(step.prediction) == (step.status in ("ok", "marked"))
        assert (step.status == "ok") == (not step.marks)
    for event in parts:
        if isinstance(event, Event):
            assert event.kind in EVENTS
            assert "\n" not in event.detail


def told(parts, kind):
    return [part for part in parts if isinstance(part, Event) and part.kind == kind]


def steps_of(parts):
    return [part for part in parts if isinstance(part, Step)]


@pytest.fixture
def chain(model):
    return LiveChain(model, Scripted([]).info)


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_after_minutes_without_any_channel_it_recovers(model, chain, value):
    first, last = ("send", {"seconds": 5}), ("send", {"seconds": 10, "begins": "later"})
    dead = ("send", {"seconds": 180, "change": spoil(range(62), value)})
    parts = play(chain, [first, dead, last], 40)[1]
    statuses = [step.status for step in steps_of(parts)]
    assert statuses == ["ok"] * 5 + ["withheld"] * 180 + ["ok"] * 10
    assert len(told(parts, "bad-channels")) == 2
    # the normaliser has learnt nothing from them: it is as if they had not been
    without = play(LiveChain(model, Scripted([]).info), [first, last], 40)[1]
    expected = [step.prediction for step in steps_of(without)[-10:]]
    np.testing.assert_allclose(
        [step.prediction for step in steps_of(parts)[-10:]], expected, atol=1e-6
    )


@pytest.mark.parametrize("rate", [0.99, 1.01])
def test_a_clock_that_is_off_by_one_percent_loses_nothing(model, chain, rate):
    _, parts = play(chain, [("send", {"seconds": 60, "rate": rate})], 40)
    assert chain.timeline.n_lost == 0
    assert {step.status for step in steps_of(parts)} == {"ok"}
    assert told(parts, "rate")
    np.testing.assert_allclose(
        [step.prediction for step in steps_of(parts)], offline(model, [EEG])[0], atol=1e-4
    )
    assert steps_of(parts)[-1].time == pytest.approx(50 + 60 * rate, abs=0.05)


@pytest.mark.parametrize("what", ["again", "swap"])
def test_chunks_that_come_twice_or_in_the_wrong_order_are_marked(chain, what):
    script = [("send", {"seconds": 3.5}), (what, None), ("send", {"seconds": 4.5})]
    _, parts = play(chain, script, 40)
    marked = [step.number for step in steps_of(parts) if step.status != "ok"]
    assert marked
    assert set(marked) <= {2, 3, 4}
    assert told(parts, "clock")
    check(parts)


def test_empty_chunks_change_nothing(model):
    eeg = made_eeg(6)
    chunks = in_chunks(eeg)
    nothing = Chunk(np.empty((0, 62)), np.empty(0), 1.0)
    among = [each for chunk in chunks for each in (nothing, chunk, nothing)]
    kept, summary = run(model, Scripted(among))
    assert kept.statuses() == ["ok"] * 6
    assert (summary.n_lost, kept.kinds().count("stalled")) == (0, 0)
    np.testing.assert_allclose(kept.predicted(), offline(model, [eeg])[0], atol=1e-4)


def test_a_loss_that_a_jump_of_the_clock_hides_begins_the_model_anew(chain):
    script = [("send", {"seconds": 4}), ("lose", 20), ("jump", -3600.0), ("send", {"seconds": 3})]
    _, parts = play(chain, script, 40)
    assert [step.segment for step in steps_of(parts)] == [0] * 4 + [1] * 3
    assert told(parts, "clock")
    assert "begins anew" in told(parts, "gap")[0].detail


@pytest.mark.parametrize("names", [(), SEED_CHANNELS[:4]])
def test_channels_that_come_and_go_are_said_without_a_flood(model, chain, names):
    flat = spoil([SEED_CHANNELS.index(name) for name in names], 0.0)
    script = [("send", {"seconds": 1, "change": flat}), ("send", {"seconds": 1})] * 20
    _, parts = play(chain, script, 40)
    assert len(told(parts, "bad-channels")) == (2 if names else 0)
    assert len(steps_of(parts)) == 40
    check(parts)
