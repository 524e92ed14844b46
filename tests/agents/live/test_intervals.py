"""Ends of intervals on a stream: those of whole trials, in the log, in the view."""

from dataclasses import replace

import numpy as np
import pytest

from agents.intervals import PredictionIntervals
from agents.live import CSVLog, Event, LiveChain, Step, read_steps
from agents.live.records import as_row
from agents.live.view import WIDTH, scale
from tests.agents.live.conftest import Scripted, in_chunks, made_eeg, offline
from tests.agents.test_intervals import made_people


@pytest.fixture(scope="module")
def intervals():
    return PredictionIntervals.fit(*made_people(np.random.default_rng(0), 6))


def steps_of(chain, eeg):
    parts = [part for chunk in in_chunks(eeg) for part in chain.take(chunk)]
    return [part for part in parts if isinstance(part, Step)]


def test_ends_of_a_stream_are_those_of_whole_trials(model, intervals):
    eeg = made_eeg(6)
    chain = LiveChain(replace(model, intervals=intervals), Scripted([]).info)
    steps = steps_of(chain, eeg)
    low, high = intervals.ends(offline(model, [eeg])[0])
    np.testing.assert_allclose([step.low for step in steps], low, atol=1e-4)
    np.testing.assert_allclose([step.high for step in steps], high, atol=1e-4)
    assert not any("intervals" in event.detail for event in chain.opening())


def test_where_there_is_no_prediction_there_are_no_ends(model, intervals):
    eeg = made_eeg(4)
    eeg[200:400] = np.nan
    chain = LiveChain(replace(model, intervals=intervals), Scripted([]).info)
    steps = steps_of(chain, eeg)
    assert [bool(step.low) for step in steps] == [True, False, True, True]


def test_a_model_without_intervals_works_and_says_so(model):
    chain = LiveChain(model, Scripted([]).info)
    said = [event.detail for event in chain.opening() if isinstance(event, Event)]
    assert any("holds no intervals" in detail for detail in said)
    assert steps_of(chain, made_eeg(2))[0].low == ()


def test_the_log_holds_the_ends(tmp_path):
    names = ("valence", "arousal")
    log = CSVLog(tmp_path, names)
    log.step(Step(0, 0, 1.0, "ok", (0.5, -0.25), low=(0.25, -0.5), high=(0.75, 0.0)))
    log.step(Step(1, 0, 2.0, "withheld"))
    log.close()
    rows = read_steps(tmp_path)
    assert rows["arousal_low"].tolist()[:1] == [-0.5]
    assert rows["valence_high"].tolist()[:1] == [0.75]
    assert rows[["valence_low", "arousal_high"]].iloc[1].isna().all()
    assert list(as_row(Step(0, 0, 1.0, "ok"), names))[4:10] == [
        *(f"{name}_{part}" for part in ("pred", "low", "high") for name in names)
    ]


def test_the_view_draws_the_interval():
    drawn = scale(0.0, (-0.5, 1.0))
    assert drawn.index("━") == WIDTH // 4
    assert drawn.rindex("━") == WIDTH - 1
    assert drawn.index("●") == WIDTH // 2
