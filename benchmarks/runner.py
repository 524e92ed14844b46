"""Runs every (fold, entry, seed) as one job: resumable, in parallel, with labels kept back."""

import hashlib
import inspect
import json
import os
import tempfile
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
from joblib import Parallel, delayed, parallel_config

from benchmarks.entries import ENTRIES, Entry, resolve_entry
from benchmarks.predictions import TrialPrediction
from eeg_emotion_env.errors import ConfigError, EEGEmotionError
from eeg_emotion_env.labels import delay_steps, resolve_delay, shift_labels
from eeg_emotion_env.labels import delayed as delay_predictions
from eeg_emotion_env.splits import Fold, Split
from eeg_emotion_env.trial import Trial

PACKAGES = ("encoders", "eeg_emotion_env", "agents", "benchmarks/entries")
"""Code that decides results: a change in it makes earlier jobs run again."""

LIBRARIES = ("numpy", "scikit-learn", "stable-baselines3", "torch", "vector-quantize-pytorch")
"""Libraries that decide results, in the same way."""


DELAY = "label_delay_s"
"""Name of the annotators' delay in the file of a job."""


class JobFailed(EEGEmotionError):
    """Raised at the end of a run in which a job failed; the others' results are kept."""


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
        content = json.dumps({**asdict(self), "code": code_fingerprint(self.entry)}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.entry}, fold {self.fold.number}, seed {self.seed}"


@dataclass(frozen=True)
class JobResult:
    """Outcome of a job: predictions of the test trials by position, or an error line.

    Attributes
    ----------
    job : Job
        The job.
    predictions : dict of int to ndarray
        Prediction for each test position.
    seconds : float
        Time the job took; 0 if it was taken from an earlier run.
    label_delay_s : float
        Annotators' delay that was reckoned with.
    error : str
        One line; empty on success.
    log : str
        The whole trace of an error.
    """

    job: Job
    predictions: dict[int, np.ndarray]
    seconds: float
    label_delay_s: float = 0.0
    error: str = ""
    log: str = ""


@cache
def code_fingerprint(entry: str) -> str:
    """SHA-256 of the sources in `PACKAGES` and of the entry's classes, and of library versions."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for kind in resolve_entry(entry).__mro__[:-1]:
        source = inspect.getsourcefile(kind)
        digest.update(Path(source).read_bytes() if source else b"")
    digest.update(repr([(name, version(name)) for name in LIBRARIES]).encode())
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


def data_fingerprint(trials: Sequence[Trial], split: Split) -> str:
    """SHA-256 of the trials' features, labels and identities and of the split."""
    digest = hashlib.sha256(split.fingerprint.encode())
    for trial in trials:
        arrays = {"features": trial.features, "labels": trial.labels, "truth": None}
        meaning = [value for name, value in vars(trial).items() if name not in arrays]
        digest.update(repr(meaning).encode())
        for array in (trial.features, trial.labels):
            digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def make_jobs(
    trials: Sequence[Trial],
    split: Split,
    entries: Sequence[str],
    seeds: Sequence[int],
    quick: bool = False,
    label_delay_s: float | str = 0.0,
) -> list[Job]:
    """List the jobs of a run; entries without randomness run once.

    Parameters
    ----------
    trials : sequence of Trial
        All trials, in the order of the split.
    split : Split
        Folds.
    entries : sequence of str
        Names or import paths; empty for all of `ENTRIES` that can run on these trials.
    seeds : sequence of int
        Seeds of entries that are random.
    quick : bool
        Whether training is cut short.
    label_delay_s : float or str
        Annotators' delay, seconds, or ``"auto"``.

    Returns
    -------
    list of Job
        By entry, fold and seed.

    Raises
    ------
    ConfigError
        If an entry is unknown or cannot run on these trials.
    """
    data = data_fingerprint(trials, split)
    jobs = []
    names = [resolve_entry(name).name for name in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"entries must have different names; {', '.join(twice)} comes twice")
    for name in entries or ENTRIES:
        kind = resolve_entry(name)
        lack = kind.lack(trials)
        if lack and entries:
            raise ConfigError(f"entry {name} needs {lack}; leave it out of --entries")
        if lack:
            continue
        used = seeds if kind.stochastic else seeds[:1]
        jobs += [
            Job(fold, name, seed, quick, data, label_delay_s)
            for fold in split.folds
            for seed in used
        ]
    return jobs


def run_jobs(
    jobs: Sequence[Job],
    trials: Sequence[Trial],
    store: Path,
    workers: int = 1,
    on_result: Callable[[JobResult], None] | None = None,
) -> list[TrialPrediction]:
    """Run jobs, or take their results from an earlier run, and set predictions beside labels.

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
    store.mkdir(parents=True, exist_ok=True)
    results: dict[str, JobResult] = {}
    waiting = []
    for job in jobs:
        kept = _stored(store, job)
        if kept is None:
            waiting.append(job)
        else:
            _collect(kept, results, on_result)
    for result in _execute(waiting, list(trials), workers):
        if result.error:
            (store / f"{result.job.fingerprint}.log").write_text(result.log, encoding="utf-8")
        else:
            _keep(store, result)
        _collect(result, results, on_result)
    failed = [result for result in results.values() if result.error]
    if failed:
        raise JobFailed(
            f"{len(failed)} of {len(jobs)} jobs failed; the first: {failed[0].job}: "
            f"{failed[0].error} (trace: {store / failed[0].job.fingerprint}.log). Finished jobs "
            "are kept: the same command goes on from there"
        )
    return [
        _prediction(results[job.fingerprint], trials[position], values)
        for job in jobs
        for position, values in sorted(results[job.fingerprint].predictions.items())
    ]


def run_job(job: Job, trials: Sequence[Trial]) -> JobResult:
    """Fit the entry on the fold's training trials and predict its test trials.

    The entry gets labelled training trials and test trials with hidden labels, nothing else: what
    generated a simulated trial is told to oracles alone, and its true affect to nobody.
    """
    import torch

    # one thread each: workers that share cores slow each other down many times over
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        entry = resolve_entry(job.entry)(seed=_derived_seed(job), quick=job.quick)
        train = [trials[i].replace(truth=None, simulation=None) for i in job.fold.train]
        # Oracles know the delay, and predict the labels as they are.
        delay_s = 0.0 if entry.oracle else resolve_delay(job.label_delay_s, train)
        entry.fit([shift_labels(trial, delay_s) for trial in train])
        predictions = {i: _predicted(entry, trials[i], delay_s) for i in job.fold.test}
    # whatever an entry raises must not lose the other jobs; it is reported, and logged in full
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        log = "".join(traceback.format_exception(error))
        return JobResult(job, {}, time.perf_counter() - start, error=line, log=log)
    return JobResult(job, predictions, time.perf_counter() - start, delay_s)


def _predicted(entry: Entry, trial: Trial, delay_s: float) -> np.ndarray:
    """Predict the labels of a test trial: the affect, as late as annotators are."""
    values = _checked(entry.predict(_shown(trial, entry)), trial)
    return delay_predictions(values, delay_steps(delay_s, trial.step_s))


def _shown(trial: Trial, entry: Entry) -> Trial:
    """Return a test trial as the entry may see it."""
    hidden = trial.without_labels()
    return hidden.replace(simulation=trial.simulation) if entry.oracle else hidden


def _prediction(result: JobResult, trial: Trial, values: np.ndarray) -> TrialPrediction:
    job = result.job
    kind = resolve_entry(job.entry)
    made = TrialPrediction.of(kind.name, job.seed, job.fold.number, trial, values)
    made = replace(made, label_delay_s=result.label_delay_s)
    return made if kind.causal else replace(made, track="non-causal")


def _derived_seed(job: Job) -> int:
    """Give each fold its own seed, so that folds do not share one draw."""
    return int(np.random.SeedSequence([job.seed, job.fold.number]).generate_state(1)[0] % 2**31)


def _checked(values: np.ndarray, trial: Trial) -> np.ndarray:
    array = np.asarray(values, dtype=np.float32)
    if array.shape != trial.labels.shape or not np.isfinite(array).all():
        raise ConfigError(
            f"predictions for {trial.key} must be finite and {trial.labels.shape}, not "
            f"{array.shape}"
        )
    return array


def _execute(jobs: list[Job], trials: list[Trial], workers: int) -> Iterator[JobResult]:
    if workers == 1 or len(jobs) <= 1:
        yield from (run_job(job, trials) for job in jobs)
        return
    # written once: trials sent with each job would be pickled as often as there are jobs
    with (
        tempfile.TemporaryDirectory(prefix="eegdancer-") as folder,
        parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1),
    ):
        path = Path(folder) / "trials.pkl"
        joblib.dump(trials, path)
        yield from Parallel(return_as="generator_unordered")(
            delayed(_run_stored)(job, path) for job in jobs
        )


def _run_stored(job: Job, path: Path) -> JobResult:
    """Run a job in a worker process, which reads the trials once."""
    return run_job(job, _stored_trials(path))


@cache
def _stored_trials(path: Path) -> list[Trial]:
    trials: list[Trial] = joblib.load(path)
    return trials


def _collect(
    result: JobResult,
    results: dict[str, JobResult],
    on_result: Callable[[JobResult], None] | None,
) -> None:
    results[result.job.fingerprint] = result
    if on_result is not None:
        on_result(result)


def _stored(store: Path, job: Job) -> JobResult | None:
    """Return the kept result of a job; a broken file is removed and the job runs again."""
    path = store / f"{job.fingerprint}.npz"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        delay_s = float(arrays.pop(DELAY))
        predictions = {int(name): values for name, values in arrays.items()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        path.unlink()
        return None
    if set(predictions) != set(job.fold.test):
        path.unlink()
        return None
    return JobResult(job, predictions, 0.0, delay_s)


def _keep(store: Path, result: JobResult) -> None:
    arrays = {str(position): values for position, values in result.predictions.items()}
    arrays[DELAY] = np.array(result.label_delay_s)
    with tempfile.NamedTemporaryFile(dir=store, suffix=".part", delete=False) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    os.replace(file.name, store / f"{result.job.fingerprint}.npz")
