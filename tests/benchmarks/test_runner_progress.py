"""Progress: the time left by entry, failures as they happen."""

import io

import pytest
from rich.console import Console

from benchmarks.runner import Execution, Job, JobResult
from benchmarks.runner.progress import TimeLeft, job_progress
from eeg_emotion_env.splits import Fold


def jobs(**counts):
    return [
        Job(Fold(i, (0,), (1,)), name, 0, False, "") for name in counts for i in range(counts[name])
    ]


def done(job, seconds, **changes):
    return JobResult(job, {}, Execution("", seconds, "here", 1), **changes)


def test_time_left_is_reckoned_by_entry():
    now = [0.0]
    fast, *more = jobs(fast=3, slow=2, other=1)
    left = TimeLeft([fast, *more], 2, lambda: now[0])
    assert left.seconds() is None
    left.add(done(fast, 2.0))
    assert left.seconds() == pytest.approx(5 * 2.0 / 2)
    left.add(done(more[2], 40.0))
    # two fast ones, a slow one, and one that is reckoned with the mean of all
    assert left.seconds() == pytest.approx((2 * 2.0 + 40.0 + 21.0) / 2)
    now[0] = 10.0
    assert left.seconds() == pytest.approx((2 * 2.0 + 40.0 + 21.0) / 2 - 10)
    now[0] = 1000.0
    assert left.seconds() == 0


def test_failures_tell_nothing_about_the_time_left():
    first, *rest = jobs(a=3)
    left = TimeLeft([first, *rest], 1)
    left.add(done(first, 0.1, error="RuntimeError: no luck"))
    assert left.seconds() is None


@pytest.mark.parametrize("terminal", [False, True])
def test_failures_are_told_at_once_and_what_is_kept_is_counted(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    first, second, third = jobs(a=3)
    with job_progress([first, second, third], 1, console) as show:
        show(done(first, 5.0, kept=True))
        show(done(second, 300.0, error="RuntimeError: no luck"))
        assert "2/3 a, fold 1, seed 0: FAILED: RuntimeError: no luck" in console.file.getvalue()
        show(done(third, 200.0))
    text = console.file.getvalue()
    assert "1 of 3 jobs kept from earlier runs" in text
    assert "a, fold 2, seed 0: 3 min" in text
    assert "about 5 s left" in text
