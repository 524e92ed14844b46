"""Audited jobs: an entry fitted and asked in a process, and folders, of its own.

Whatever an entry keeps in modules, classes or files must not reach the next job, unless a check
asks for that by running jobs one after another in one process.
"""

import copy
import multiprocessing
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.audit.sideeffects import changes, snapshot
from benchmarks.audit.worlds import Plant, Watch, world
from benchmarks.entries import Entry, resolve_entry
from eeg_emotion_env.cache import CACHE_VARIABLE
from eeg_emotion_env.datasets import DATA_VARIABLE
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import FloatArray, Trial

OWN_FOLDERS = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "TMPDIR", "TEMP", "TMP")
"""Variables that name where a job may leave files."""

HASH_VARIABLE = "PYTHONHASHSEED"

MODEL_STORES = {"HF_HOME": "~/.cache/huggingface", "TORCH_HOME": "~/.cache/torch"}
"""Where downloaded weights lie; an entry may need them."""


@dataclass(frozen=True)
class Task:
    """An entry to fit, and what to ask it.

    Attributes
    ----------
    entry : str
        Name or import path.
    seed : int
        Seed of the entry.
    quick : bool
        Whether training is cut short.
    train : tuple of Trial
        Training trials.
    held : tuple of Trial
        Test trials with planted labels or EEG, which lie about in the process, as the labelled
        ones do on the leaderboard.
    questions : dict of str to tuple of Trial
        Trials that a fresh copy of the fitted entry predicts one after another.
    plant : Plant
        What is changed of what the entry may reach by itself.
    noise : int
        State of the global random generators before the job.
    is_inspected : bool
        Whether the process is compared to what it was before.
    """

    entry: str
    seed: int
    quick: bool
    train: tuple[Trial, ...]
    questions: dict[str, tuple[Trial, ...]]
    held: tuple[Trial, ...] = ()
    plant: Plant = field(default_factory=Plant)
    noise: int = 0
    is_inspected: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an entry answered, and what it did.

    Attributes
    ----------
    answers : dict of str to list of ndarray
        Predictions by question.
    failures : dict of str to str
        What was raised instead, one line each.
    opened, written : list of str
        As in `Watch`.
    changed : list of str
        What of the process is other than before, one line each, if it was inspected.
    error : str
        What was raised before any question; empty if nothing was.
    uncopied : list of str
        Why the entry cannot be copied and was asked all questions itself; empty if it can.
    """

    answers: dict[str, list[FloatArray]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    error: str = ""
    uncopied: list[str] = field(default_factory=list)


def start_method() -> str:
    """Return how processes are started: all alike, and with nothing of this one's state."""
    known = multiprocessing.get_all_start_methods()
    return "forkserver" if "forkserver" in known else "spawn"


def run_tasks(
    tasks: Sequence[Task], folders: Sequence[str], method: str, hash_seed: int | None = None
) -> list[Outcome]:
    """Run tasks one after another in one new process with new folders.

    Parameters
    ----------
    tasks : sequence of Task
        The first ones are what has happened before the last one.
    folders : sequence of str
        Folders and files of the recordings.
    method : str
        How the process is started, as `multiprocessing` names it.
    hash_seed : int or None
        Decides the order of sets of strings, if the process is a new interpreter.

    Returns
    -------
    list of Outcome
        One a task.
    """
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory(prefix="eegdancer-audit-") as scratch:
        receiver, sender = context.Pipe(duplex=False)
        arguments = (sender, list(tasks), tuple(folders), scratch)
        process = context.Process(target=_work, args=arguments)  # type: ignore[attr-defined]
        with _hash_seed(hash_seed):
            process.start()
        sender.close()
        try:
            outcomes: list[Outcome] = receiver.recv()
            return outcomes
        except EOFError:
            process.join()
            line = f"its process ended with status {process.exitcode}"
            return [Outcome(error=line) for _ in tasks]
        except BaseException:
            process.terminate()
            raise
        finally:
            receiver.close()
            process.join()


@contextmanager
def _hash_seed(seed: int | None) -> Iterator[None]:
    before = os.environ.get(HASH_VARIABLE)
    if seed is not None:
        os.environ[HASH_VARIABLE] = str(seed)
    try:
        yield
    finally:
        if before is not None:
            os.environ[HASH_VARIABLE] = before
        elif seed is not None:
            del os.environ[HASH_VARIABLE]


def _work(
    sender: Connection, tasks: Sequence[Task], folders: tuple[str, ...], scratch: str
) -> None:
    import torch

    torch.set_num_threads(1)
    watch = Watch(tuple(map(os.path.realpath, folders)), os.path.realpath(scratch))
    _move_to(scratch)
    watch.install()
    sender.send([perform(task, watch) for task in tasks])
    sender.close()


def _move_to(scratch: str) -> None:
    """Make the scratch folder the place for all files that are not asked for by a full path."""
    data = os.environ.get(DATA_VARIABLE, "")
    if data:
        os.environ[DATA_VARIABLE] = os.path.abspath(os.path.expanduser(data))
    for name, folder in MODEL_STORES.items():
        os.environ.setdefault(name, os.path.expanduser(folder))
    os.environ.update(dict.fromkeys(OWN_FOLDERS, scratch))
    os.environ[CACHE_VARIABLE] = str(Path(scratch) / "features")
    tempfile.tempdir = None
    os.chdir(scratch)


def perform(task: Task, watch: Watch) -> Outcome:
    """Fit the entry and ask it; what it raises becomes part of the outcome."""
    watch.opened, watch.written = [], []
    outcome = Outcome(opened=watch.opened, written=watch.written)
    _disturb(task.noise)
    with world(task.plant, watch):
        before = snapshot() if task.is_inspected else {}
        # Whatever an entry raises is part of the verdict.
        try:
            # Here, so that what a module reads when it is imported is changed and watched too.
            entry = resolve_entry(task.entry)(seed=task.seed, quick=task.quick)
            # As on the leaderboard: labelled test trials are in a variable of the caller.
            trials = (*task.train, *task.held)
            entry.fit(list(trials[: len(task.train)]))
        except Exception as error:
            return replace(outcome, error=_line(error))
        _ask(entry, task.questions, outcome)
        if task.is_inspected:
            outcome.changed.extend(changes(before, snapshot()))
    return outcome


def _ask(entry: Entry, questions: dict[str, tuple[Trial, ...]], outcome: Outcome) -> None:
    """Ask all questions, each of a copy of the entry of its own."""
    for name, trials in questions.items():
        try:
            fresh = copy.deepcopy(entry)
        except Exception as error:
            # Less is told apart, nothing is missed; the verdicts say so.
            fresh = entry
            outcome.uncopied.append(_line(error))
        try:
            answers = [_checked(fresh.predict(trial), trial) for trial in trials]
            outcome.answers[name] = answers
        except Exception as error:
            outcome.failures[name] = _line(error)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _checked(values: object, trial: Trial) -> FloatArray:
    array = np.asarray(values, dtype=np.float32)
    if array.shape != trial.labels.shape or not np.isfinite(array).all():
        raise ConfigError(
            f"predictions for {trial.key} must be finite and {trial.labels.shape}, not "
            f"{array.shape}"
        )
    return array


def _disturb(noise: int) -> None:
    """Set the global random generators, which no result may depend on."""
    import torch

    random.seed(noise)
    # The generator that nobody should use is the one to disturb.
    np.random.seed(noise)  # noqa: NPY002
    torch.manual_seed(noise)
