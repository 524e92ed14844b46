"""Jobs on a Dask cluster that is already there (extra: dask; see docs/clusters.md)."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner.job import Job, JobResult
from benchmarks.runner.worker import run_same_code
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import Trial

if TYPE_CHECKING:
    from distributed import Client, Future

REACH_S = 10.0
"""Seconds to wait for an answer of the scheduler."""

WORKERS_S = 60.0
"""Seconds to wait for the first worker."""

_one_job = threading.Lock()
"""Held by the job that runs: random generators and thread settings belong to the process."""


@dataclass(frozen=True)
class DaskCluster:
    """Workers of a Dask scheduler, each with one thread.

    Attributes
    ----------
    client : distributed.Client
        Connection to the scheduler.
    n_workers : int
        Workers at the start; others may join and leave.
    """

    client: "Client"
    n_workers: int

    def run(
        self, jobs: Sequence[Job], trials: Sequence[Trial], folder: Path
    ) -> Iterator[JobResult]:
        """Run jobs.

        Parameters
        ----------
        jobs : sequence of Job
            What to run.
        trials : sequence of Trial
            All trials, in the order of the split; sent to each worker once.
        folder : Path
            Not used: workers need not share a file system with the runner.

        Yields
        ------
        JobResult
            Each as soon as it is there.
        """
        from distributed import as_completed

        (shared,) = self.client.scatter([list(trials)], broadcast=True)
        futures: list[Future] = [
            self.client.submit(_run_sent, job, job.fingerprint, shared, pure=False) for job in jobs
        ]
        running = {future.key: job for future, job in zip(futures, jobs, strict=True)}
        try:
            for future in as_completed(futures, loop=self.client.loop):
                yield _result(future, running.pop(future.key))
        finally:
            self.client.cancel([future for future in futures if future.key in running])


@contextmanager
def connected(address: str) -> Iterator[DaskCluster]:
    """Connect to a scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://host:8786``.

    Yields
    ------
    DaskCluster
        With at least one worker.

    Raises
    ------
    ConfigError
        If distributed is not installed, the scheduler does not answer, or its workers are absent
        or have more than one thread.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            f"--scheduler {address} needs distributed: pip install 'eeg-emotion-env[dask]'"
        ) from None
    try:
        client = Client(address, timeout=REACH_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}); start one with "
            "`dask scheduler` and give the address that it prints"
        ) from error
    with client:
        yield DaskCluster(client, _count_workers(client, address))


def _count_workers(client: "Client", address: str) -> int:
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        raise ConfigError(
            f"the scheduler at {address} has no workers; start some with "
            f"`dask worker {address} --nthreads 1`"
        ) from None
    threads = client.nthreads()
    many = [worker for worker, count in threads.items() if count != 1]
    if many:
        raise ConfigError(
            f"workers must have one thread each, but {len(many)} of {len(threads)} have more "
            f"({many[0]}: {threads[many[0]]}); start them with --nthreads 1"
        )
    return len(threads)


def _result(future: "Future", job: Job) -> JobResult:
    try:
        result: JobResult = future.result()
    # the worker was lost, or its result could not be sent: reported like an error of the job
    except Exception as error:
        return JobResult.failed(job, error, None)
    return result


def _run_sent(job: Job, fingerprint: str, trials: list[Trial]) -> JobResult:
    """Run a job in a worker process, one at a time even where a worker with threads has joined."""
    with _one_job:
        return run_same_code(job, fingerprint, trials)
