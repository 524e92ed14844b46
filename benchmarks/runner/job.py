"""One (fold, entry, seed) as a job: what it gets to see, and what comes out.

This module is part of every job's fingerprint: a change here makes earlier jobs run again. How jobs
are started, stored and reported stands in the modules beside it, which are not.
"""

import hashlib
import json
import os
import socket
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.entries import Entry, resolve_entry
from benchmarks.runner.fingerprints import code_fingerprint
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.labels import delay_steps, delayed, resolve_delay, shift_labels
from eeg_emotion_env.splits import Fold
from eeg_emotion_env.trial import FloatArray, Trial


@dataclass(frozen=True)
class Job:
    """One entry with one seed on one fold.

    Attributes
    ----------
    fold : Fold
        Training and test trials.
    entry : str
        Name or import path, as `resolve_entry` takes it.
    seed : int
        Seed of the entry.
    quick : bool
        Whether training is cut short.
    data : str
        Fingerprint of trials and split.
    label_delay_s : float or str
        Annotators' delay, or ``"auto"`` for an estimate from the training trials.
    """

    fold: Fold
    entry: str
    seed: int
    quick: bool
    data: str
    label_delay_s: float | str = 0.0

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides the result."""
        decisive = {"code": code_fingerprint(self.entry)}
        if resolve_entry(self.entry).content():
            decisive["content"] = resolve_entry(self.entry).content()
        content = json.dumps({**asdict(self), **decisive}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.entry}, fold {self.fold.number}, seed {self.seed}"


@dataclass(frozen=True)
class Execution:
    """When, where and how long a job ran.

    Attributes
    ----------
    started : str
        Time of the start, ISO 8601, UTC.
    seconds : float
        Wall time.
    host : str
        Name of the machine.
    pid : int
        Process on that machine.
    """

    started: str
    seconds: float
    host: str
    pid: int


@dataclass(frozen=True)
class JobResult:
    """Outcome of a job: predictions of the test trials by position, or an error line.

    Attributes
    ----------
    job : Job
        The job.
    predictions : dict of int to ndarray
        Prediction for each test position.
    execution : Execution or None
        When and where it ran; None if the process that ran it was lost.
    label_delay_s : float
        Annotators' delay that was reckoned with.
    error : str
        One line; empty on success.
    log : str
        The whole trace of an error.
    kept : bool
        Whether it comes from an earlier run.
    """

    job: Job
    predictions: dict[int, FloatArray]
    execution: Execution | None
    label_delay_s: float = 0.0
    error: str = ""
    log: str = ""
    kept: bool = False

    @classmethod
    def failed(cls, job: Job, error: BaseException, execution: Execution | None) -> "JobResult":
        """Make the result of a job that raised.

        Parameters
        ----------
        job : Job
            The job.
        error : BaseException
            What was raised.
        execution : Execution or None
            When and where it ran.

        Returns
        -------
        JobResult
            With one line and the whole trace.
        """
        line = " ".join(f"{type(error).__name__}: {error}".split())
        log = "".join(traceback.format_exception(error))
        return cls(job, {}, execution, error=line, log=log)


def run_job(job: Job, trials: Sequence[Trial]) -> JobResult:
    """Fit the entry on the fold's training trials and predict its test trials.

    The entry gets labelled training trials and test trials with hidden labels, nothing else: what
    generated a simulated trial is told to oracles alone, and its true affect to nobody.

    Parameters
    ----------
    job : Job
        The job.
    trials : sequence of Trial
        All trials, in the order of the split.

    Returns
    -------
    JobResult
        Predictions, or what the entry raised.
    """
    import torch

    # One thread each: workers that share cores slow each other down many times over, and sums
    # that are split among threads differ in their last bit.
    torch.set_num_threads(1)
    started, start = datetime.now(UTC).isoformat(timespec="milliseconds"), time.perf_counter()

    def execution() -> Execution:
        seconds = round(time.perf_counter() - start, 3)
        return Execution(started, seconds, socket.gethostname(), os.getpid())

    try:
        with threadpool_limits(1):
            predictions, delay_s = _predictions(job, trials)
    # whatever an entry raises must not lose the other jobs; it is reported, and logged in full
    except Exception as error:
        return JobResult.failed(job, error, execution())
    return JobResult(job, predictions, execution(), delay_s)


def _predictions(job: Job, trials: Sequence[Trial]) -> tuple[dict[int, FloatArray], float]:
    """Return predictions by position, and the annotators' delay in seconds."""
    entry = resolve_entry(job.entry)(seed=_derived_seed(job), quick=job.quick)
    train = [trials[i].replace(truth=None, simulation=None) for i in job.fold.train]
    # Oracles know the delay, and predict the labels as they are.
    delay_s = 0.0 if entry.oracle else resolve_delay(job.label_delay_s, train)
    entry.fit([shift_labels(trial, delay_s) for trial in train])
    return {i: _predicted(entry, trials[i], delay_s) for i in job.fold.test}, delay_s


def _predicted(entry: Entry, trial: Trial, delay_s: float) -> FloatArray:
    """Predict the labels of a test trial: the affect, as late as annotators are."""
    values = _checked(entry.predict(_shown(trial, entry)), trial)
    return delayed(values, delay_steps(delay_s, trial.step_s))


def _shown(trial: Trial, entry: Entry) -> Trial:
    """Return a test trial as the entry may see it."""
    hidden = trial.without_labels()
    return hidden.replace(simulation=trial.simulation) if entry.oracle else hidden


def _derived_seed(job: Job) -> int:
    """Give each fold its own seed, so that folds do not share one draw."""
    return int(np.random.SeedSequence([job.seed, job.fold.number]).generate_state(1)[0] % 2**31)


def _checked(values: FloatArray, trial: Trial) -> FloatArray:
    array = np.asarray(values, dtype=np.float32)
    if array.shape != trial.labels.shape or not np.isfinite(array).all():
        raise ConfigError(
            f"predictions for {trial.key} must be finite and {trial.labels.shape}, not "
            f"{array.shape}"
        )
    return array
