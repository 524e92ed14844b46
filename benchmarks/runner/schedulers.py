"""Where jobs run: processes of this machine, or a Dask cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.runner.job import Job, JobResult
from benchmarks.runner.local import LocalProcesses
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import Trial

LOCAL = "local"


class Scheduler(Protocol):
    """Runs jobs, and tells each result as soon as it is there, in any order.

    A job never makes it raise: what goes wrong with a job is in its result.
    """

    @property
    def n_workers(self) -> int:
        """Number of jobs that run at a time."""

    def run(
        self, jobs: Sequence[Job], trials: Sequence[Trial], folder: Path
    ) -> Iterator[JobResult]:
        """Run jobs on trials; `folder` is for files that live as long as the run."""


@contextmanager
def opened(scheduler: str, workers: int | None = None) -> Iterator[Scheduler]:
    """Open what ``--scheduler`` names.

    Parameters
    ----------
    scheduler : str
        ``local``, or the address of a Dask scheduler such as ``tcp://host:8786``.
    workers : int or None
        Local processes (default: one a core); a Dask cluster has workers of its own.

    Yields
    ------
    Scheduler
        Ready to run jobs.

    Raises
    ------
    ConfigError
        If there is no such scheduler, or it cannot be used.
    """
    if scheduler == LOCAL:
        from joblib import cpu_count

        yield LocalProcesses(workers or cpu_count())
        return
    if "://" not in scheduler:
        raise ConfigError(
            "--scheduler must be local or the address of a Dask scheduler such as "
            f"tcp://host:8786, not {scheduler!r}"
        )
    if workers is not None:
        raise ConfigError("--workers is for local processes; a Dask cluster has its own workers")
    from benchmarks.runner.cluster import connected

    with connected(scheduler) as cluster:
        yield cluster
