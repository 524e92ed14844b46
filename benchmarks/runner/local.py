"""Jobs on this machine: in this process, or in worker processes of their own."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import joblib
from joblib.externals.loky import ProcessPoolExecutor

from benchmarks.runner.job import Job, JobResult, run_job
from benchmarks.runner.worker import run_same_code
from eeg_emotion_env.trial import Trial

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of workers: libraries that read it when they are loaded start no further threads."""

IDLE_S = 60.0
"""Seconds after which a worker without a job ends, as it must if the runner is no more."""


@dataclass(frozen=True)
class LocalProcesses:
    """Processes of this machine, each with one thread.

    Attributes
    ----------
    n_workers : int
        Processes; with one, jobs run in this process.
    """

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
            All trials, in the order of the split.
        folder : Path
            Folder for a file that lives as long as the run.

        Yields
        ------
        JobResult
            Each as soon as it is there.
        """
        if self.n_workers == 1 or len(jobs) <= 1:
            yield from (run_job(job, trials) for job in jobs)
            return
        # written once: trials sent with each job would be pickled as often as there are jobs
        path = folder / "trials.part"
        joblib.dump(list(trials), path)
        try:
            yield from _in_processes(jobs, path, self.n_workers)
        finally:
            path.unlink()


def _in_processes(jobs: Sequence[Job], path: Path, n_workers: int) -> Iterator[JobResult]:
    """Run jobs in a pool; those that ran when a process died are tried again, each by itself."""
    waiting = deque(jobs)
    suspects: list[Job] = []
    while waiting:
        running: dict[Future[JobResult], Job] = {}
        try:
            with _pool(n_workers) as pool:
                while waiting or running:
                    # no more than can run: what is in the pool when it breaks has been running
                    while waiting and len(running) < n_workers:
                        future = _submit(pool, waiting[0], path)
                        running[future] = waiting.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        result = _result(future, running[future])
                        del running[future]
                        yield result
        except BrokenProcessPool:
            suspects += running.values()
    for job in suspects:
        yield _alone(job, path)


def _alone(job: Job, path: Path) -> JobResult:
    with _pool(1) as pool:
        try:
            return _result(_submit(pool, job, path), job)
        except BrokenProcessPool as error:
            return JobResult.failed(job, error, None)


@contextmanager
def _pool(n_workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(n_workers, timeout=IDLE_S, env=ONE_THREAD)
    try:
        yield pool
    finally:
        # when the run is stopped, unfinished jobs are not waited for
        pool.shutdown(kill_workers=True)


def _submit(pool: ProcessPoolExecutor, job: Job, path: Path) -> Future[JobResult]:
    future: Future[JobResult] = pool.submit(_run_stored, job, job.fingerprint, path)
    return future


def _result(future: Future[JobResult], job: Job) -> JobResult:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    # such as a result that cannot be sent: reported like an error of the job
    except Exception as error:
        return JobResult.failed(job, error, None)


def _run_stored(job: Job, fingerprint: str, path: Path) -> JobResult:
    """Run a job in a worker process, which reads the trials once."""
    return run_same_code(job, fingerprint, _stored_trials(path))


@cache
def _stored_trials(path: Path) -> list[Trial]:
    trials: list[Trial] = joblib.load(path)
    return trials
