"""How far a run is: a bar with the time left, and every failure as soon as it happens."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from benchmarks.runner.job import Job, JobResult


class TimeLeft:
    """Estimates the time left from the mean duration of each entry's jobs.

    Parameters
    ----------
    jobs : sequence of Job
        All jobs of the run.
    n_workers : int
        Jobs that run at a time.
    clock : callable
        Seconds that pass.
    """

    def __init__(
        self, jobs: Sequence[Job], n_workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._waiting = Counter(job.entry for job in jobs)
        self._n_workers, self._clock = n_workers, clock
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._last = clock()

    def add(self, result: JobResult) -> None:
        """Take a result into account.

        Parameters
        ----------
        result : JobResult
            Of this run or an earlier one.
        """
        self._waiting[result.job.entry] -= 1
        if result.execution and not result.error:
            self._seconds[result.job.entry].append(result.execution.seconds)
        self._last = self._clock()

    def seconds(self) -> float | None:
        """Return seconds left, or None while no job has told how long one takes.

        Returns
        -------
        float or None
            Work that is left over workers; an entry without a finished job is reckoned with the
            mean of all jobs.
        """
        known = [seconds for values in self._seconds.values() for seconds in values]
        if not known:
            return None
        work = sum(
            count * _mean(self._seconds.get(entry) or known)
            for entry, count in self._waiting.items()
        )
        return max(0.0, work / self._n_workers - (self._clock() - self._last))


class _LeftColumn(ProgressColumn):
    def __init__(self, left: TimeLeft) -> None:
        super().__init__()
        self._left = left

    def render(self, task: Task) -> Text:
        return Text(_about(self._left.seconds()) if not task.finished else "")


@contextmanager
def job_progress(
    jobs: Sequence[Job], n_workers: int, console: Console
) -> Iterator[Callable[[JobResult], None]]:
    """Show how far a run is: a bar on a terminal, a line a job elsewhere.

    Parameters
    ----------
    jobs : sequence of Job
        All jobs of the run.
    n_workers : int
        Jobs that run at a time.
    console : Console
        Where to show it.

    Yields
    ------
    callable
        To be called with each result.
    """
    left = TimeLeft(jobs, n_workers)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        _LeftColumn(left),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"{n_workers} workers", total=len(jobs), text="")
        counts: Counter[str] = Counter()

        def show(result: JobResult) -> None:
            left.add(result)
            state = "failed" if result.error else "kept" if result.kept else "done"
            counts[state] += 1
            text = f"{result.job}: {_outcome(result)}"
            bar.update(task, advance=1, text="" if result.error else text)
            if result.error or not (result.kept or console.is_terminal):
                number = f"{counts.total()}/{len(jobs)}"
                _say(console, f"{number} {text}; {_about(left.seconds())}")

        yield show
        if counts["kept"]:
            _say(console, f"{counts['kept']} of {len(jobs)} jobs kept from earlier runs")


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _outcome(result: JobResult) -> str:
    if result.error:
        return f"FAILED: {result.error}"
    seconds = result.execution.seconds if result.execution else 0.0
    return "kept" if result.kept else _duration(seconds)


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f"about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    """Set seconds in the unit that people would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
