"""Reading SEED and SEED-IV: from a folder of session files to recordings."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from eeg_emotion_env.datasets.base import Dataset, Survey, Variant, named_trials
from eeg_emotion_env.datasets.files import require_readable
from eeg_emotion_env.datasets.matreaders import MatEEG, MatFeatures
from eeg_emotion_env.datasets.recording import Reader, Recording, has_shape, wrong_shape
from eeg_emotion_env.datasets.simulated import feature_config, truth_of
from eeg_emotion_env.datasets.sjtu_files import (
    FAMILIES,
    DataFolder,
    Release,
    SessionFile,
    holds_recordings,
)
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.labels import Annotations, LabelSource, read_annotations
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.tables.seed import SFREQ
from eeg_emotion_env.trial import TrialKey

BAND_NAMES = tuple(BANDS)
N_SESSIONS = 3
FEATURES = ("auto", "raw", *FAMILIES)


@dataclass(frozen=True, eq=False)
class FolderPlan:
    """How the files of a folder are to be read.

    Attributes
    ----------
    folder : DataFolder
        The files.
    kind : str
        ``"raw"`` or one of `FAMILIES`.
    labels : LabelSource
        Where labels come from.
    n_trials : callable
        Trials of a session, by its number.
    stimulus : callable
        Stimulus of a session and trial.
    seconds : callable
        Length of a session's trials in seconds, as far as it is known.
    step_s : float
        Seconds a step asked for.
    unit : str
        Unit of raw EEG.
    window_s : float or None
        Seconds a window of stored features; None tells it from their number.
    measured : bool
        Whether `seconds` are those of the raw EEG itself, not those of the release.
    """

    folder: DataFolder
    kind: str
    labels: LabelSource
    n_trials: Callable[[int], int]
    stimulus: Callable[[int, int], str]
    seconds: Callable[[int], Mapping[int, int]]
    step_s: float
    unit: str
    window_s: float | None
    measured: bool = False

    def keys(self, file: SessionFile) -> dict[TrialKey, str]:
        """List trials and variables of a file."""
        name = self.folder.release.name
        return {
            TrialKey(
                name, file.subject, file.session, trial, self.stimulus(file.session, trial)
            ): variable
            for trial, variable in file.trials(self.kind).items()
        }


def choose_folder(folders: list[DataFolder], root: Path, features: str) -> tuple[DataFolder, str]:
    """Choose the folder and the kind of features that an option asks for.

    Parameters
    ----------
    folders : list of DataFolder
        Folders of one release, at least one.
    root : Path
        The root that the user gave, for messages.
    features : str
        One of `FEATURES`; ``"auto"`` takes raw EEG if it is there, else ``de_LDS``.

    Returns
    -------
    folder : DataFolder
        Of several folders with features, the one with most windows, which are the finest.
    kind : str
        ``"raw"`` or one of `FAMILIES`.
    """
    raw = [folder for folder in folders if folder.kind == "raw"]
    stored = [folder for folder in folders if folder.kind != "raw"]
    kind = features if features != "auto" else ("raw" if raw else "de_LDS")
    wanted = raw if kind == "raw" else stored
    if kind == "raw":
        for problem in ambiguous(raw, root):
            raise DataError(problem)
    if not wanted:
        what = "raw EEG" if kind == "raw" else "stored features"
        raise DataError(
            f"{root}: no folder with {what} for features={features!r}; give the root that holds "
            "it, or features='auto'"
        )
    return (wanted[0] if kind == "raw" else max(wanted, key=_n_windows)), kind


def ambiguous(folders: list[DataFolder], root: Path) -> Iterator[str]:
    """Say that raw EEG lies in two folders, if it does: one of them would be lost."""
    raw = [folder for folder in folders if folder.kind == "raw"]
    if len(raw) > 1:
        yield (
            f"{root}: raw EEG lies in {raw[0].path} and in {raw[1].path}; give one of them, or put "
            "sessions into folders 1, 2 and 3 of one folder"
        )


def _n_windows(folder: DataFolder) -> int:
    """Windows of the first sound file of a folder."""
    for file in folder.files:
        try:
            shapes = [file.variables[name] for k in FAMILIES for name in file.trials(k).values()]
        except DataError:
            continue
        return sum(shape[1] for shape in shapes if len(shape) == 3)
    return 0


def find_annotations(folder: DataFolder, labels: str) -> Annotations | None:
    """Read the annotation file that an option names, or the one beside the recordings.

    Parameters
    ----------
    folder : DataFolder
        The recordings.
    labels : str
        ``"auto"`` (``annotations.csv`` beside the recordings, if there is one), ``"class"``
        (none), or a path.
    """
    path = folder.beside("annotations.csv") if labels == "auto" else None
    if labels not in ("auto", "class"):
        path = home_expanded(labels)
    if path is None:
        return None
    kind = "simulated" if folder.manifest else "continuous-external"
    return read_annotations(path, kind)


def survey_folder(plan: FolderPlan) -> Survey:
    """Look over the files of a folder: names, shapes, labels."""
    found = Survey()
    folder = plan.folder
    for note in folder.notes:
        found.warn(note)
    odd: list[str] = []
    truth, simulation = truth_of(folder.manifest)
    for file in folder.files:
        try:
            require_readable(file.path)
            named = plan.keys(file)
            for problem in structure_problems(file, plan):
                found.add_problem(problem)
            reader = _reader(file, plan, named)
            odd += odd_lengths(file, plan, reader)
        except DataError as error:
            found.add_problem(error)
            continue
        found.recordings.append(
            Recording(
                keys=tuple(named),
                reader=reader,
                labels=plan.labels,
                truth=truth,
                simulation=simulation,
                origin=str(file.path),
                source="simulated" if file.is_simulated or folder.manifest else "recorded",
            )
        )
    if odd:
        more = f" (and {len(odd) - 1} more files)" if len(odd) > 1 else ""
        found.warn(odd[0] + more)
    return found


def structure_problems(file: SessionFile, plan: FolderPlan) -> Iterator[str]:
    """Say what is wrong with the variables of a file, by their names and shapes alone."""
    trials, n_trials = file.trials(plan.kind), plan.n_trials(file.session)
    if not trials:
        pattern = "<prefix>_eeg<trial>" if plan.kind == "raw" else f"{plan.kind}<trial>"
        yield f"{file.path}: no variables {pattern}; restore the file from the release"
        return
    missing = sorted(set(range(1, n_trials + 1)) - set(trials))
    if missing:
        yield (
            f"{file.path}: {named_trials(missing)} missing (of {n_trials}); restore the file from "
            "the release"
        )
    for trial, name in trials.items():
        if not 1 <= trial <= n_trials:
            yield (
                f"{file.path}: {name} has no label (a session has {n_trials} trials); restore "
                "the file or its labels from the release"
            )
        shape, n_channels = file.variables[name], len(SEED_CHANNELS)
        wanted = (n_channels, None) if plan.kind == "raw" else (n_channels, None, len(BAND_NAMES))
        if not has_shape(shape, wanted):
            yield f"{file.path}: {name} {wrong_shape(shape, wanted)}"


def _reader(file: SessionFile, plan: FolderPlan, named: dict[TrialKey, str]) -> Reader:
    if plan.kind == "raw":
        return MatEEG(
            config=feature_config(plan.step_s),
            channels=SEED_CHANNELS,
            path=file.path,
            variables=named,
            sfreq=SFREQ,
            n_stored=len(SEED_CHANNELS),
            unit=plan.unit,
        )
    window_s = plan.window_s or stored_window_s(file, plan)
    ratio = plan.step_s / window_s
    if ratio > 1 and abs(ratio - round(ratio)) > 1e-6:
        raise ConfigError(
            f"step_s must be a multiple of the {window_s:g} s windows of the stored features, not "
            f"{plan.step_s:g}"
        )
    return MatFeatures(
        path=file.path,
        variables=named,
        axes="cwb",
        channels=SEED_CHANNELS,
        bands=BAND_NAMES,
        window_s=window_s,
        width=max(1, round(plan.step_s / window_s)),
        is_power=plan.kind.startswith("psd"),
        causal=False,
    )


def stored_window_s(file: SessionFile, plan: FolderPlan) -> float:
    """Seconds a window of stored features, from their number and the lengths of the clips.

    Where the clips are not those of the release, the folder's name decides if it says 1s or 4s.

    Raises
    ------
    DataError
        If neither tells.
    """
    windows = {
        trial: file.variables[name][1]
        for trial, name in file.trials(plan.kind).items()
        if len(file.variables[name]) == 3
    }
    known = plan.seconds(file.session)
    seconds = sum(known.get(trial, 0) for trial in windows)
    counted = sum(n for trial, n in windows.items() if trial in known)
    ratio = seconds / counted if counted else 0.0
    for window_s in (1.0, 4.0):
        if 0.8 <= ratio / window_s <= 1.25:
            return window_s
    named = [s for s in (1.0, 4.0) if f"{s:g}s" in plan.folder.path.name.lower()]
    if named and not plan.measured:
        return named[0]
    told = f"in {seconds} s of clips are neither 1 s nor 4 s long" if seconds else "are unknown"
    raise DataError(
        f"{file.path}: {sum(windows.values())} windows {plan.kind} {told}; restore the file "
        "from the release, or say how long they are (window_s=…)"
    )


def odd_lengths(file: SessionFile, plan: FolderPlan, reader: Reader) -> Iterator[str]:
    """Say which trials of a recorded file are not as long as their clips."""
    if plan.folder.manifest:
        return
    known, trials = plan.seconds(file.session), file.trials(plan.kind)
    step = reader.window_s if isinstance(reader, MatFeatures) else 1 / SFREQ
    lengths = {
        trial: file.variables[name][1] * step
        for trial, name in trials.items()
        if trial in known and len(file.variables[name]) > 1
    }
    odd = [t for t, seconds in lengths.items() if abs(seconds - known[t]) > max(1.0, step)]
    if odd:
        yield (
            f"{file.path}: {named_trials(odd)} not as long as the clips of the release (trial "
            f"{odd[0]}: {lengths[odd[0]]:g} s of {known[odd[0]]}); check the file"
        )


def check_features(features: str) -> None:
    """Raise `ConfigError` unless `features` is one of `FEATURES`."""
    check_choice("features", features, FEATURES)


class SJTUDataset(Dataset):
    """What SEED and SEED-IV share: folders of session files, raw EEG or stored features."""

    release: ClassVar[Release]

    @abstractmethod
    def folders(self, root: Path) -> list[DataFolder]:
        """List the folders of recordings, or raise `DataError` if there are none."""

    def recognises(self, root: Path) -> bool:
        """Say whether files with the names and the content of the release lie below."""
        return holds_recordings(root, self.release)

    def variants(self, root: Path) -> list[Variant]:
        """List raw EEG and each family of stored features, folder by folder."""
        variants = []
        for folder in self.folders(root):
            kinds: tuple[str, ...] = ("raw",)
            if folder.kind != "raw":
                kinds = tuple(kind for kind in FAMILIES if _holds(folder, kind)) or FAMILIES[:1]
            variants += [
                Variant(f"{folder.path.name} ({kind})", folder.path, self.Options(features=kind))
                for kind in kinds
            ]
        return variants

    def missing(self, root: Path) -> list[str]:
        """Name sessions that should be there, and folders of which only one can be read."""
        folders = self.folders(root)
        lines = (line for folder in folders for line in missing_sessions(folder))
        return list(dict.fromkeys((*ambiguous(folders, root), *lines)))


def _holds(folder: DataFolder, kind: str) -> bool:
    for file in folder.files:
        with suppress(DataError):
            if file.trials(kind):
                return True
    return False


def missing_sessions(folder: DataFolder) -> Iterator[str]:
    """Name the files that should be there: by a simulation's manifest, else by known dates."""
    if folder.manifest:
        base = folder.manifest["path"].parent
        for name in folder.manifest["files"]:
            if not (base / name).exists():
                yield f"{base / name}: missing (listed in simulation.json); simulate again"
        return
    # A few people came more often than the release says.
    expected = min(max(file.session for file in folder.files), N_SESSIONS)
    for subject in dict.fromkeys(file.subject for file in folder.files):
        files = [file for file in folder.files if file.subject == subject]
        if not all(file.session for file in files):
            continue
        lacking = sorted(set(range(1, expected + 1)) - {file.session for file in files})
        known = folder.release.dates.get(subject, ())
        ours = {file.date for file in files} <= set(known) and len(known) >= expected
        for session in lacking:
            date = known[session - 1] if ours else "<date>"
            yield (
                f"{folder.path}/{subject}_{date}.mat: missing (subject {subject} has "
                f"{len(files)} of {expected} sessions); restore it from the release"
            )
