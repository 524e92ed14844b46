"""What an entry can reach beside the trials that it is given: changed, and watched.

Patches are made in the process of one audited job, which ends with it.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.audit.planting import (
    LABEL_FACTOR,
    handing_over,
    is_handing_over,
    noise_signal,
    with_labels,
    with_noise,
)
from eeg_emotion_env.datasets.recording import Recording, Signal
from eeg_emotion_env.trial import Trial, TrialKey

# A name of the module itself: its functions look each other up there.
simulation: Any = importlib.import_module("eeg_emotion_env.simulation.recording")

Identity = tuple[str, int, int]
"""Subject, session and trial."""

DEVICES = ("/dev", "/proc")
"""Folders in which no files lie, but for those in `MEMORY`."""

MEMORY = "/dev/shm"
"""Files there outlive the process like any others."""

MOVES = ("os.rename", "os.link", "os.symlink")
"""Events of a file that gets a second name; `shutil.move` and `Path.replace` are among them."""

MOST_NOTES = 20


@dataclass(frozen=True)
class Plant:
    """What is changed in a world.

    Attributes
    ----------
    held : frozenset of Identity
        Trials that are held out of training.
    what : str
        What of them an entry finds changed when it gets at them by itself: ``"labels"``,
        ``"eeg"`` or nothing.
    """

    held: frozenset[Identity] = frozenset()
    what: str = ""


def identity(key: TrialKey) -> Identity:
    """Return what tells trials apart."""
    return str(key.subject), key.session, key.trial


@dataclass
class Watch:
    """Notes what the entry reads and writes by itself.

    Attributes
    ----------
    folders : tuple of str
        Folders and files of the recordings, as real paths.
    scratch : str
        Folder that the job may write to, as a real path.
    opened : list of str
        Held-out trials and recording files that were opened.
    written : list of str
        Files outside the scratch folder that were opened for writing.
    """

    folders: tuple[str, ...] = ()
    scratch: str = ""
    opened: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    active: bool = False

    def install(self) -> None:
        """Look at every file that Python opens from now on; this cannot be taken back."""
        sys.addaudithook(self.hear)

    def note_trial(self, key: TrialKey) -> None:
        """Note that a held-out trial was opened."""
        _add(self.opened, f"the held-out trial {key}")

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event of the interpreter (`sys.audit`), if it is one of files."""
        if not self.active or is_handing_over():
            return
        if event == "open":
            self._hear_open(*arguments)
        elif event in MOVES:
            self._hear_written(arguments[1])
        elif event == "sqlite3.connect":
            self._hear_written(arguments[0])

    def _hear_open(self, name: Any, mode: str | None, flags: int | None) -> None:
        if _is_writing(mode, flags):
            self._hear_written(name)
        elif isinstance(name, str | bytes):
            path = os.path.realpath(os.fsdecode(name))
            if any(_is_below(path, folder) for folder in self.folders):
                _add(self.opened, path)

    def _hear_written(self, name: Any) -> None:
        # Numbers are of files that are open already; sqlite3 has names for its memory.
        if not isinstance(name, str | bytes | os.PathLike) or name == ":memory:":
            return
        path = os.path.realpath(os.fsdecode(name))
        if not _holds_no_results(path) and not _is_below(path, self.scratch):
            _add(self.written, path)


@contextmanager
def world(plant: Plant, watch: Watch) -> Iterator[None]:
    """Change what an entry finds when it opens a data set, or the simulator, by itself."""
    with ExitStack() as stack:
        replaced = {
            (Recording, "trial"): _changed_trials(plant, watch),
            (simulation, "true_affect"): _changed_affect(plant),
            (simulation, "trial_eeg"): _changed_eeg(plant),
        }
        for (owner, name), value in replaced.items():
            stack.enter_context(_replaced(owner, name, value))
        watch.active = True
        stack.callback(setattr, watch, "active", False)
        yield


def _changed_trials(plant: Plant, watch: Watch) -> Callable[..., Trial]:
    original = Recording.trial

    def trial(self: Recording, key: TrialKey, *args: Any, **options: Any) -> Trial:
        if identity(key) not in plant.held:
            return original(self, key, *args, **options)
        # Not twice: the simulator, which may be behind it, is changed too.
        with handing_over():
            made = original(self, key, *args, **options)
        watch.note_trial(key)
        if plant.what == "eeg":
            return with_noise(made)
        return with_labels(made) if plant.what == "labels" else made

    return trial


def _changed_affect(plant: Plant) -> Callable[..., NDArray[np.float64]]:
    """Make the simulator's labels and truth of held-out trials other ones."""
    original = simulation.true_affect

    def true_affect(config: Any, subject: int, session: int, trial: int) -> NDArray[np.float64]:
        affect = original(config, subject, session, trial)
        if plant.what != "labels" or _is_open((str(subject), session, trial), plant):
            return affect
        return LABEL_FACTOR * affect

    return true_affect


def _changed_eeg(plant: Plant) -> Callable[..., NDArray[np.float32]]:
    """Make the simulator's EEG of held-out trials noise; it never follows planted labels."""
    original, affect_of = simulation.trial_eeg, simulation.true_affect

    def trial_eeg(
        config: Any, affect: NDArray[np.float64], subject: int, session: int, trial: int
    ) -> NDArray[np.float32]:
        ids = subject, session, trial
        eeg = original(config, affect_of(config, *ids), *ids)
        if plant.what != "eeg" or _is_open((str(subject), session, trial), plant):
            return eeg
        signal = noise_signal(Signal(eeg, config.sfreq, config.channels), 0.0, 0)
        return np.asarray(signal.eeg, dtype=np.float32)

    return trial_eeg


def _is_open(trial: Identity, plant: Plant) -> bool:
    return trial not in plant.held or is_handing_over()


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _is_writing(mode: str | None, flags: int | None) -> bool:
    if mode is not None:
        return any(letter in mode for letter in "wax+")
    return bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))


def _holds_no_results(path: str) -> bool:
    """Say whether what is written there is compiled code or goes to a device."""
    device = any(_is_below(path, folder) for folder in DEVICES)
    return "__pycache__" in Path(path).parts or (device and not _is_below(path, MEMORY))


def _is_below(path: str, folder: str) -> bool:
    return bool(folder) and (path == folder or Path(folder) in Path(path).parents)


def _add(notes: list[str], note: str) -> None:
    if note not in notes and len(notes) < MOST_NOTES:
        notes.append(note)
