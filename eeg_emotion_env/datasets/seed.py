"""SEED: 15 subjects watch 15 film clips in three sessions, 62-channel EEG."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from eeg_emotion_env.datasets.base import CheckReport, Dataset, DatasetCard, Recording
from eeg_emotion_env.datasets.seed_files import (
    FAMILIES,
    DataFolder,
    data_folders,
    holds_recordings,
    missing_files,
)
from eeg_emotion_env.datasets.seed_read import (
    BAND_NAMES,
    DATASET,
    Source,
    keys_of,
    open_source,
    read_recording,
    read_trial,
    structure_problems,
    window_s,
)
from eeg_emotion_env.datasets.simulated import simulated_recordings
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.labels import DIMENSIONS, LabelTracks
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.seed_tables import SFREQ
from eeg_emotion_env.trial import TrialKey

CARD = DatasetCard(
    name=DATASET,
    env_id="EEGEmotion-SEED-v0",
    title="SEED (SJTU Emotion EEG Dataset)",
    licence="SEED licence agreement of the BCMI laboratory (academic use, on application). Not "
    "redistributed here.",
    citation="Zheng, Lu: Investigating critical frequency bands and channels for EEG-based emotion "
    "recognition with deep neural networks. IEEE TAMD 7(3):162-175, 2015",
    access="Apply at https://bcmi.sjtu.edu.cn/home/seed/",
    label_kind="constant-class",
    label_names=DIMENSIONS,
    label_meaning="One class a clip, held constant: valence is the class (1 positive, 0 neutral, "
    "-1 negative); arousal is 0.5 for positive and negative and -0.5 for neutral clips, a "
    "modelling choice of ours, since SEED does not rate arousal. An annotation CSV replaces both.",
    sfreq=SFREQ,
    step_s=1.0,
    channels=SEED_CHANNELS,
    bands=BAND_NAMES,
    n_subjects=15,
    n_sessions=3,
    n_trials=15,
    stimuli_known=True,
    expected_tree="Preprocessed_EEG/<subject>_<YYYYMMDD>.mat, label.mat   (62, 200·s + 1), µV\n"
    "ExtractedFeatures*/<subject>_<YYYYMMDD>.mat, label.mat   (62, windows, 5)\n"
    "annotations.csv   (optional: stimulus,time_s,valence,arousal[,subject,session])",
    quirks=(
        "sessions are numbered by ascending date within a subject, or by folders named 1, 2, 3",
        "raw trials have one sample more than whole seconds: the last one is dropped",
        "stored *_LDS features are smoothed over the whole trial, and how *_movingAve features are "
        "aligned is not documented: both are marked causal=False",
        "stored features have windows of 1 s or 4 s: told from their number, not the folder's name",
        "all sessions show the same clips in the same order: trial k is stimulus clip<k>",
        "no unit is documented: values are taken as microvolts",
    ),
    encoder="simulated-62x5",
)


@dataclass(frozen=True)
class SEEDOptions:
    """Options of the data set.

    Attributes
    ----------
    features : str
        ``"raw"`` computes log band power from ``Preprocessed_EEG``; ``"de_LDS"``,
        ``"de_movingAve"``, ``"psd_LDS"`` and ``"psd_movingAve"`` read ``ExtractedFeatures``;
        ``"auto"`` takes raw EEG if it is there, else ``de_LDS``.
    labels : str
        ``"class"`` for the clip's class, the path of an annotation CSV, or ``"auto"``: the file
        ``annotations.csv`` beside the recordings if there is one, else the class.
    step_s : float
        Seconds a step. Stored features are averaged to it, and never finer than their windows.
    """

    features: str = "auto"
    labels: str = "auto"
    step_s: float = 1.0

    def __post_init__(self) -> None:
        check_choice("features", self.features, ("auto", "raw", *FAMILIES))
        samples = self.step_s * SFREQ
        if samples < 1 or abs(samples - round(samples)) > 1e-6:
            raise ConfigError(f"step_s must be a multiple of {1 / SFREQ} s, not {self.step_s}")


class SEED(Dataset):
    """SEED in any of the folder layouts in use; raw EEG or stored features."""

    card = CARD
    Options = SEEDOptions

    def recognises(self, root: Path) -> bool:
        """Say whether files with SEED's names lie within three levels."""
        return holds_recordings(root)

    def recordings(self, root: Path, options: Any) -> list[Recording]:
        """List one recording a file, sorted by subject and session."""
        source = _choose(root, options)
        recordings = []
        for file in source.folder.files:
            for problem in structure_problems(file, source):
                raise DataError(problem)
            read = partial(read_recording, file, source)
            recordings.append(Recording(keys_of(file, source), read, origin=str(file.path)))
        for problem in _uncovered(source):
            raise DataError(problem)
        return recordings

    def simulated(self, options: Any) -> list[Recording]:
        """List four simulated subjects in one session of 15 short clips."""
        return simulated_recordings(
            dataset=CARD.name,
            channels=CARD.channels,
            bands=CARD.bands,
            label_names=CARD.label_names,
            step_s=options.step_s,
        )

    def check(self, root: Path) -> CheckReport:
        """Read every file of every folder and report what is there, missing or broken."""
        report = CheckReport(CARD.name, root)
        try:
            folders = data_folders(root)
        except DataError as error:
            report.problems.append(str(error))
            return report
        report.problems += missing_files(folders)
        for folder in folders:
            _check_folder(folder, report)
        return report


def _choose(root: Path, options: SEEDOptions) -> Source:
    """Choose the folder, the kind of features and the labels that the options ask for."""
    folders = data_folders(root)
    raw = [folder for folder in folders if folder.is_raw]
    stored = [folder for folder in folders if folder not in raw]
    kind = options.features
    if kind == "auto":
        kind = "raw" if raw else "de_LDS"
    wanted = raw if kind == "raw" else stored
    if not wanted:
        name = "Preprocessed_EEG" if kind == "raw" else "ExtractedFeatures"
        raise DataError(
            f"{root}: no folder {name} for features={kind!r}; give the root that holds it, or "
            "features='auto'"
        )
    if kind != "raw" and len(wanted) > 1:
        # Of two folders with features, the one with the finer windows.
        wanted.sort(key=lambda folder: window_s(folder.files[0], kind, folder.clip_seconds))
    return open_source(wanted[0], kind, options.labels, options.step_s)


def _uncovered(source: Source) -> Iterator[str]:
    labels = source.labels
    keys = [key for file in source.folder.files for key in keys_of(file, source)]
    if isinstance(labels, LabelTracks) and not any(labels.covers(key) for key in keys):
        yield (
            f"{labels.path}: annotates none of the trials; name stimuli clip01 to clip15, and "
            "subjects and sessions by number"
        )


def _check_folder(folder: DataFolder, report: CheckReport) -> None:
    """Add what one folder holds, and what is wrong with it, to the report."""
    readable = []
    for file in folder.files:
        try:
            _ = file.variables
        except DataError as error:
            report.problems.append(str(error))
        else:
            readable.append(file)
    folder = replace(folder, files=tuple(readable))
    if not readable:
        return
    found: list[TrialKey] = []
    for kind in ("raw",) if folder.is_raw else FAMILIES:
        try:
            source = open_source(folder, kind, "auto", 1.0)
        except DataError as error:
            report.problems.append(str(error))
            return
        for problem in (*_uncovered(source), *_problems(source, found)):
            if problem not in report.problems:
                report.problems.append(problem)
    found = list(dict.fromkeys(found))
    report.found += [key for key in found if key not in report.found]
    report.notes += _summary(folder, found)


def _problems(source: Source, found: list[TrialKey]) -> Iterator[str]:
    """Read all trials of a folder: yield a line for each defect, add sound ones to `found`."""
    for file in source.folder.files:
        yield from structure_problems(file, source)
        for key in keys_of(file, source):
            if key.trial > source.n_trials:
                continue
            try:
                read_trial(file, source, key)
            except DataError as error:
                yield str(error)
            else:
                found.append(key)


def _summary(folder: DataFolder, found: list[TrialKey]) -> Iterator[str]:
    """Say what kind of folder it is, and how much of the full set it holds."""
    kind = "raw EEG" if folder.is_raw else "features"
    yield f"{folder.path.name} ({kind}): {len(found)} trials in {len(folder.files)} files"
    if folder.manifest or any(file.is_simulated for file in folder.files):
        yield f"{folder.path.name}: simulated, not recorded"
    elif len(folder.files) < CARD.n_subjects * CARD.n_sessions:
        yield (
            f"{folder.path.name}: {len(folder.files)} of the full set's "
            f"{CARD.n_subjects * CARD.n_sessions} recordings are here"
        )
