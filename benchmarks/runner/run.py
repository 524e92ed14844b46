"""Runs jobs, or takes their results from an earlier run, and sets predictions beside labels."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.entries import resolve_entry
from benchmarks.predictions import TrialPrediction
from benchmarks.runner.job import Job, JobResult
from benchmarks.runner.local import LocalProcesses
from benchmarks.runner.schedulers import Scheduler
from benchmarks.runner.store import Store, locked
from eeg_emotion_env.errors import EEGEmotionError
from eeg_emotion_env.trial import FloatArray, Trial


class JobFailed(EEGEmotionError):
    """Raised at the end of a run in which a job failed; the others' results are kept."""


def finish_jobs(
    jobs: Sequence[Job],
    trials: Sequence[Trial],
    store: Path,
    scheduler: Scheduler,
    on_result: Callable[[JobResult], None] | None = None,
) -> list[JobResult]:
    """Run the jobs that no earlier run has finished; each result is kept the moment it is there.

    Parameters
    ----------
    jobs : sequence of Job
        From `make_jobs`.
    trials : sequence of Trial
        All trials, in the order of the split.
    store : Path
        Folder of finished jobs.
    scheduler : Scheduler
        What runs them.
    on_result : callable or None
        Called with each result, those of earlier runs first.

    Returns
    -------
    list of JobResult
        In the order of `jobs`, whatever the order of execution; failed ones included.

    Raises
    ------
    ConfigError
        If another run uses the folder.
    """
    store.mkdir(parents=True, exist_ok=True)
    results: dict[str, JobResult] = {}

    def collect(result: JobResult) -> None:
        results[result.job.fingerprint] = result
        if on_result is not None:
            on_result(result)

    with locked(store):
        kept = Store(store)
        waiting = []
        for job in jobs:
            result = kept.load(job)
            if result is None:
                waiting.append(job)
            else:
                collect(result)
        for result in scheduler.run(waiting, trials, store):
            kept.add(result)
            collect(result)
    return [results[job.fingerprint] for job in jobs]


def predictions_of(results: Sequence[JobResult], trials: Sequence[Trial]) -> list[TrialPrediction]:
    """Set the predictions of finished jobs beside the labels.

    Parameters
    ----------
    results : sequence of JobResult
        From `finish_jobs`; failed ones have no predictions.
    trials : sequence of Trial
        All trials, in the order of the split.

    Returns
    -------
    list of TrialPrediction
        In the order of `results` and test positions.
    """
    return [
        _prediction(result, trials[position], values)
        for result in results
        for position, values in sorted(result.predictions.items())
    ]


def run_jobs(
    jobs: Sequence[Job],
    trials: Sequence[Trial],
    store: Path,
    workers: int = 1,
    on_result: Callable[[JobResult], None] | None = None,
) -> list[TrialPrediction]:
    """Finish jobs in local processes and return what they predicted.

    Parameters
    ----------
    jobs : sequence of Job
        From `make_jobs`.
    trials : sequence of Trial
        All trials, in the order of the split.
    store : Path
        Folder of finished jobs.
    workers : int
        Processes; each uses one thread.
    on_result : callable or None
        Called after each job.

    Returns
    -------
    list of TrialPrediction
        In the order of `jobs` and test positions, whatever the order of execution.

    Raises
    ------
    JobFailed
        If any job failed; finished jobs are stored all the same.
    """
    results = finish_jobs(jobs, trials, store, LocalProcesses(workers), on_result)
    require_all(results, store)
    return predictions_of(results, trials)


def require_all(results: Sequence[JobResult], store: Path) -> None:
    """Raise if a job failed.

    Parameters
    ----------
    results : sequence of JobResult
        From `finish_jobs`.
    store : Path
        Folder of finished jobs.

    Raises
    ------
    JobFailed
        With the first error and where its trace is.
    """
    failed = [result for result in results if result.error]
    if failed:
        raise JobFailed(
            f"{len(failed)} of {len(results)} jobs failed; the first: {failed[0].job}: "
            f"{failed[0].error} (trace: {store / failed[0].job.fingerprint}.log). Finished jobs "
            "are kept: the same command goes on from there"
        )


def _prediction(result: JobResult, trial: Trial, values: FloatArray) -> TrialPrediction:
    job = result.job
    kind = resolve_entry(job.entry)
    made = TrialPrediction.of(kind.name, job.seed, job.fold.number, trial, values)
    made = replace(made, label_delay_s=result.label_delay_s)
    return made if kind.causal else replace(made, track="non-causal")
