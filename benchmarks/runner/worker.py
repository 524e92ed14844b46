"""What a worker process does with a job."""

from collections.abc import Sequence

from benchmarks.runner.job import Job, JobResult, run_job
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import Trial


def run_same_code(job: Job, fingerprint: str, trials: Sequence[Trial]) -> JobResult:
    """Run a job if code and libraries here are those that its fingerprint was made with.

    Parameters
    ----------
    job : Job
        The job.
    fingerprint : str
        Its fingerprint in the process that wants the result.
    trials : sequence of Trial
        All trials, in the order of the split.

    Returns
    -------
    JobResult
        A failure if this process would give the result of another job.
    """
    if job.fingerprint != fingerprint:
        error = ConfigError(
            "this worker's code or libraries are not those of the runner: install the same "
            "versions on both, start the workers anew, then run the same command"
        )
        return JobResult.failed(job, error, None)
    return run_job(job, trials)
