"""Runs every (fold, entry, seed) as one job: resumable, in parallel, with labels kept back."""

from benchmarks.runner.fingerprints import code_fingerprint, data_fingerprint
from benchmarks.runner.job import Execution, Job, JobResult, run_job
from benchmarks.runner.plan import make_jobs
from benchmarks.runner.run import JobFailed, finish_jobs, predictions_of, require_all, run_jobs
from benchmarks.runner.schedulers import opened
from benchmarks.runner.store import locked

__all__ = [
    "Execution",
    "Job",
    "JobFailed",
    "JobResult",
    "code_fingerprint",
    "data_fingerprint",
    "finish_jobs",
    "locked",
    "make_jobs",
    "opened",
    "predictions_of",
    "require_all",
    "run_job",
    "run_jobs",
]
