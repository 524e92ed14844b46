"""SEED: 15 subjects watch 15 film clips in three sessions, 62-channel EEG."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eeg_emotion_env.datasets.base import DatasetCard, Survey
from eeg_emotion_env.datasets.recording import check_step, check_unit
from eeg_emotion_env.datasets.sjtu import (
    BAND_NAMES,
    FolderPlan,
    SJTUDataset,
    check_features,
    choose_folder,
    find_annotations,
    survey_folder,
)
from eeg_emotion_env.datasets.sjtu_files import SEED as RELEASE
from eeg_emotion_env.datasets.sjtu_files import (
    SEED_IV,
    DataFolder,
    find_folders,
)
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels import DIMENSIONS, Annotations, ClassLabels
from eeg_emotion_env.matfile import load_variable
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.tables.seed import CLASS_AFFECT, CLIP_CLASSES, CLIP_SECONDS, SFREQ
from eeg_emotion_env.trial import TrialKey, stimulus_name

CARD = DatasetCard(
    name=RELEASE.name,
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
        "stored psd features are powers: their natural logarithm is taken, of 1e-4 at least",
        "no unit is documented: values are taken as microvolts",
        "file names of the old release carry names, not numbers: numbered alphabetically",
        "continuous raw recordings (.cnt) are not read",
    ),
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
    unit : str
        Unit of raw EEG: ``"uV"``, ``"mV"`` or ``"V"``.
    window_s : float or None
        Seconds a window of stored features; None tells it from their number.
    """

    features: str = "auto"
    labels: str = "auto"
    step_s: float = 1.0
    unit: str = "uV"
    window_s: float | None = None

    def __post_init__(self) -> None:
        check_features(self.features)
        check_unit(self.unit)
        check_step(self.step_s, 1 / SFREQ, "one sample")


class SEED(SJTUDataset):
    """SEED in any of the folder layouts in use; raw EEG or stored features."""

    card = CARD
    Options = SEEDOptions
    release = RELEASE

    def folders(self, root: Path) -> list[DataFolder]:
        """List the folders of recordings."""
        return _folders(root)

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over the folder that the options ask for."""
        folders = _folders(root)
        folder, kind = choose_folder(folders, root, options.features)
        seconds, measured = _clip_seconds(folder, folders)
        annotations = find_annotations(folder, options.labels)
        classes = None
        if annotations is None or folder.beside("label.mat"):
            classes = _read_classes(folder)
        n_trials = len(classes) if classes else _most_trials(folder, kind)
        found = survey_folder(
            FolderPlan(
                folder=folder,
                kind=kind,
                labels=annotations or ClassLabels(classes or {}, CLASS_AFFECT),
                n_trials=lambda session: n_trials,
                stimulus=lambda session, trial: stimulus_name(trial),
                seconds=lambda session: seconds,
                step_s=options.step_s,
                unit=options.unit,
                window_s=options.window_s,
                measured=measured,
            )
        )
        if classes and not folder.manifest and len(classes) == len(CLIP_CLASSES):
            published = dict(zip(classes, CLIP_CLASSES, strict=True))
            if classes != published and not isinstance(annotations, Annotations):
                found.warn(
                    f"{folder.beside('label.mat')}: the classes are not those of the release; "
                    "they are used as they are: check where the file comes from"
                )
        return found

    def expected_seconds(self, key: TrialKey) -> float | None:
        """Return the length of the clip."""
        return float(CLIP_SECONDS[key.trial - 1]) if key.trial <= len(CLIP_SECONDS) else None


def _folders(root: Path) -> list[DataFolder]:
    folders = find_folders(root, RELEASE)
    if folders:
        return folders
    if find_folders(root, SEED_IV):
        raise DataError(f"{root}: holds SEED-IV, not SEED; use the data set seed-iv")
    raise DataError(
        f"{root}: no recordings named <subject>_<YYYYMMDD>.mat; give the folder that holds "
        "Preprocessed_EEG or ExtractedFeatures (continuous .cnt recordings are not read)"
    )


def _clip_seconds(folder: DataFolder, folders: list[DataFolder]) -> tuple[Mapping[int, int], bool]:
    """Lengths of the clips, and whether they were measured or are those of the release."""
    if folder.manifest:
        return dict(enumerate(folder.manifest["clip_seconds"], start=1)), True
    if folder.kind == "raw":
        return dict(enumerate(CLIP_SECONDS, start=1)), False
    for file in (file for other in folders if other.kind == "raw" for file in other.files):
        with suppress(DataError):
            shapes = {t: file.variables[name] for t, name in file.trials("raw").items()}
            if shapes and all(len(shape) == 2 for shape in shapes.values()):
                return {trial: int(max(shape) // SFREQ) for trial, shape in shapes.items()}, True
    return dict(enumerate(CLIP_SECONDS, start=1)), False


def _read_classes(folder: DataFolder) -> dict[str, int]:
    """Read ``label.mat``: the class of each stimulus."""
    path = folder.beside("label.mat")
    if path is None:
        raise DataError(
            f"{folder.path}: label.mat is missing; copy it there from the release, or give an "
            "annotation CSV (labels=…)"
        )
    values = np.asarray(load_variable(path, "label")).ravel()
    numeric = np.issubdtype(values.dtype, np.number)
    if not numeric or not len(values) or not np.isin(values, tuple(CLASS_AFFECT)).all():
        raise DataError(f"{path}: label must hold -1, 0 and 1; restore the file from the release")
    return {stimulus_name(trial): int(value) for trial, value in enumerate(values, start=1)}


def _most_trials(folder: DataFolder, kind: str) -> int:
    """Trials of the fullest file, where no label file tells how many there should be."""
    most = 0
    for file in folder.files:
        with suppress(DataError):
            most = max(most, *file.trials(kind), 0)
    return most
