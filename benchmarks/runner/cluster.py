"""Jobs on a Dask cluster that is already there (extra: dask; see docs/clusters.md)."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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

ROUNDS = 3
"""How often jobs are sent that are lost with workers: their own, or those that hold the trials."""

PAUSE_S = 2.0
"""Seconds until the scheduler knows which workers have died, and nannies have started others."""

POLL_S = 0.05
"""Seconds between looks at which jobs have ended."""

STALL_S = 10.0
"""Seconds between looks at whether any worker has a job; twice none means that they are lost."""

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
        waiting: list[Job] = list(jobs)
        suspects: list[Job] = []
        for _ in range(ROUNDS):
            lost: list[Job] = []
            for job, future in self._settled(waiting, trials):
                if future.cancelled():
                    lost.append(job)
                elif _killed(future):
                    suspects.append(job)
                else:
                    yield _result(future, job)
            waiting = lost
        # by itself, a job can neither be harmed by another nor harm one
        for job in suspects + waiting:
            yield self._alone(job, trials)

    def _alone(self, job: Job, trials: Sequence[Trial]) -> JobResult:
        for _ in range(ROUNDS):
            ((_, future),) = self._settled([job], trials)
            # cancelled because trials were lost, or given to a worker that was dying: perhaps with
            # the worker that the last job killed
            if not (future.cancelled() or _killed(future)):
                break
            time.sleep(PAUSE_S)
            with suppress(TimeoutError):
                self.client.wait_for_workers(1, timeout=WORKERS_S)
        return _result(future, job)

    def _settled(
        self, jobs: Sequence[Job], trials: Sequence[Trial]
    ) -> Iterator[tuple[Job, "Future"]]:
        """Send trials and jobs, and give each job back when it has ended or was lost."""
        if not jobs:
            return
        try:
            (shared,) = self.client.scatter([list(trials)], broadcast=True)
        except OSError as error:
            raise ConfigError(
                f"the cluster has gone ({type(error).__name__}); finished jobs are kept: start "
                "another, and the same command goes on from there"
            ) from error
        futures: list[Future] = [
            self.client.submit(_run_sent, job, job.fingerprint, shared, pure=False) for job in jobs
        ]
        running = {future.key: (job, future) for future, job in zip(futures, jobs, strict=True)}
        checked, idle = time.monotonic(), False
        try:
            while running:
                ended = [key for key, (_, future) in running.items() if future.done()]
                for key in ended:
                    yield running.pop(key)
                time.sleep(0 if ended else POLL_S)
                if time.monotonic() - checked > STALL_S:
                    was_idle, idle = idle, self._is_idle({str(key) for key in running})
                    checked = time.monotonic()
                    if idle and was_idle:
                        # trials that were lost with a worker: the scheduler waits for them for ever
                        self.client.cancel([future for _, future in running.values()])
        finally:
            self.client.cancel([future for _, future in running.values()])

    def _is_idle(self, keys: set[str]) -> bool:
        """Say whether there are workers and none has any of these jobs."""
        held = self.client.processing()
        return bool(held) and not any(keys & set(map(str, given)) for given in held.values())


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
            f"--scheduler {address} needs distributed: pip install distributed (extra 'dask')"
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
    if future.cancelled() or _killed(future):
        error = RuntimeError("the worker that ran it died: killed, or out of memory; see its log")
        return JobResult.failed(job, error, None)
    try:
        result: JobResult = future.result()
    # such as a result that cannot be sent: an error of the job
    except Exception as error:
        return JobResult.failed(job, error, None)
    return result


def _killed(future: "Future") -> bool:
    """Say whether the workers that a job was given to died, which need not be its fault."""
    from distributed.scheduler import KilledWorker

    return future.status == "error" and isinstance(future.exception(), KilledWorker)


def _run_sent(job: Job, fingerprint: str, trials: list[Trial]) -> JobResult:
    """Run a job in a worker process, one at a time even where a worker with threads has joined."""
    with _one_job:
        return run_same_code(job, fingerprint, trials)
