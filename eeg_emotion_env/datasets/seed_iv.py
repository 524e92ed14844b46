"""SEED-IV: 15 subjects watch 72 film clips of four emotions in three sessions, 62-channel EEG."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from eeg_emotion_env.datasets.sjtu_files import SEED, DataFolder, find_folders
from eeg_emotion_env.datasets.sjtu_files import SEED_IV as RELEASE
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels import DIMENSIONS, ClassLabels
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.tables.seed import SFREQ
from eeg_emotion_env.tables.seed_iv import CLASS_AFFECT, CLIP_CLASSES, CLIP_SECONDS
from eeg_emotion_env.trial import TrialKey, stimulus_name

N_TRIALS = RELEASE.n_trials
LABEL_LINE = re.compile(r"session\s*(\d)\s*_?label\s*=\s*\[([^\]]*)\]", re.IGNORECASE)

CARD = DatasetCard(
    name=RELEASE.name,
    env_id="EEGEmotion-SEED-IV-v0",
    title="SEED-IV (SJTU Emotion EEG Dataset, four emotions)",
    licence="SEED licence agreement of the BCMI laboratory (academic use, on application). Not "
    "redistributed here.",
    citation="Zheng, Liu, Lu, Lu, Cichocki: EmotionMeter: a multimodal framework for recognizing "
    "human emotions. IEEE Transactions on Cybernetics 49(3):1110-1122, 2019",
    access="Apply at https://bcmi.sjtu.edu.cn/home/seed/seed-iv.html",
    label_kind="constant-class",
    label_names=DIMENSIONS,
    label_meaning="One class a clip, held constant: happy (0.7, 0.7), fear (-0.7, 0.7), sad "
    "(-0.7, -0.7), neutral (0, 0) in valence and arousal, the diagonals and the centre of "
    "Russell's circumplex (1980). SEED-IV rates neither: the map is a modelling choice of ours. An "
    "annotation CSV replaces it.",
    sfreq=SFREQ,
    step_s=1.0,
    channels=SEED_CHANNELS,
    bands=BAND_NAMES,
    n_subjects=15,
    n_sessions=3,
    n_trials=N_TRIALS,
    stimuli_known=True,
    expected_tree="eeg_raw_data/{1,2,3}/<subject>_<YYYYMMDD>.mat   (62, 200·s + 1), µV\n"
    "eeg_feature_smooth/{1,2,3}/<subject>_<YYYYMMDD>.mat   (62, windows, 5)\n"
    "ReadMe.txt   (optional: the labels)\n"
    "annotations.csv   (optional: stimulus,time_s,valence,arousal[,subject,session])",
    quirks=(
        "the session is the folder (1, 2, 3 or session1 to session3); files that lie in one "
        "folder are told apart by the release's dates, and refused if the date is another",
        "each session shows other clips: stimulus is clip01 to clip72 over the sessions",
        "there is no label file: the classes are those of the release, or of ReadMe.txt",
        "raw trials have one sample more than whole seconds: the last one is dropped",
        "stored features have windows of 4 s and are smoothed over the trial: causal=False",
        "clips last 48 s (12 windows) or more; lengths are published for session 1 alone",
        "stored psd features are powers: their natural logarithm is taken, of 1e-4 at least",
        "no unit is documented: values are taken as microvolts",
    ),
)


@dataclass(frozen=True)
class SEEDIVOptions:
    """Options of the data set.

    Attributes
    ----------
    features : str
        ``"raw"`` computes log band power from ``eeg_raw_data``; ``"de_LDS"``,
        ``"de_movingAve"``, ``"psd_LDS"`` and ``"psd_movingAve"`` read ``eeg_feature_smooth``;
        ``"auto"`` takes raw EEG if it is there, else ``de_LDS``.
    labels : str
        ``"class"`` for the clip's class, the path of an annotation CSV, or ``"auto"``: the file
        ``annotations.csv`` beside the recordings if there is one, else the class.
    step_s : float
        Seconds a step. Stored features are averaged to it, and never finer than their windows.
    unit : str
        Unit of raw EEG: ``"uV"``, ``"mV"`` or ``"V"``.
    window_s : float
        Seconds a window of stored features.
    """

    features: str = "auto"
    labels: str = "auto"
    step_s: float = 1.0
    unit: str = "uV"
    window_s: float = 4.0

    def __post_init__(self) -> None:
        check_features(self.features)
        check_unit(self.unit)
        check_step(self.step_s, 1 / SFREQ, "one sample")


class SEEDIV(SJTUDataset):
    """SEED-IV in any of the folder layouts in use; raw EEG or stored features."""

    card = CARD
    Options = SEEDIVOptions
    release = RELEASE

    def folders(self, root: Path) -> list[DataFolder]:
        """List the folders of recordings."""
        return _folders(root)

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over the folder that the options ask for."""
        folder, kind = choose_folder(_folders(root), root, options.features)
        classes, doubts = _classes(folder)
        found = survey_folder(
            FolderPlan(
                folder=folder,
                kind=kind,
                labels=find_annotations(folder, options.labels)
                or ClassLabels(classes, CLASS_AFFECT),
                n_trials=lambda session: N_TRIALS,
                stimulus=lambda session, trial: stimulus_name(_clip(session, trial)),
                seconds=_seconds,
                step_s=options.step_s,
                unit=options.unit,
                window_s=options.window_s,
            )
        )
        for doubt in doubts:
            found.warn(doubt)
        for file in folder.files:
            if not file.session:
                found.add_problem(
                    f"{file.path}: the date is none of the release's, so it does not tell the "
                    "session; put the file into a folder 1, 2 or 3"
                )
            elif file.session > len(CLIP_CLASSES):
                found.add_problem(
                    f"{file.path}: session {file.session} does not exist in SEED-IV; the session "
                    "is the folder: put the file into 1, 2 or 3"
                )
            known = RELEASE.dates.get(file.subject, ())
            if file.date in known and known.index(file.date) + 1 != file.session:
                found.add_problem(
                    f"{file.path}: by its date this is session {known.index(file.date) + 1}, not "
                    f"{file.session}; move it to its folder"
                )
        return found

    def expected_seconds(self, key: TrialKey) -> float | None:
        """Return the length of the clip, known for session 1."""
        known = _seconds(key.session).get(key.trial)
        return None if known is None else float(known)


def _folders(root: Path) -> list[DataFolder]:
    folders = find_folders(root, RELEASE)
    if folders:
        return folders
    if find_folders(root, SEED):
        raise DataError(f"{root}: holds SEED, not SEED-IV; use the data set seed")
    raise DataError(
        f"{root}: no recordings named <session>/<subject>_<YYYYMMDD>.mat; give the folder that "
        "holds eeg_raw_data or eeg_feature_smooth"
    )


def _clip(session: int, trial: int) -> int:
    """Number a clip over all sessions."""
    return (session - 1) * N_TRIALS + trial


def _seconds(session: int) -> Mapping[int, int]:
    return dict(enumerate(CLIP_SECONDS.get(session, ()), start=1))


def _classes(folder: DataFolder) -> tuple[dict[str, int], list[str]]:
    """Return the class of each stimulus, by ``ReadMe.txt`` or the release, and what is odd."""
    sessions, doubts = dict(CLIP_CLASSES), []
    path = folder.beside("ReadMe.txt")
    # Without the release's read-me, or with one of other content, its labels are well known.
    text = path.read_text(encoding="utf-8", errors="replace") if path else ""
    for number, values in LABEL_LINE.findall(text):
        session, classes = int(number), [v for v in re.split(r"[,\s;]+", values) if v]
        if len(classes) != N_TRIALS or not set(classes) <= {"0", "1", "2", "3"}:
            raise DataError(
                f"{path}: session{session}_label must hold {N_TRIALS} classes 0 to 3; restore the "
                "file from the release, or remove it"
            )
        stated = tuple(map(int, classes))
        if stated != CLIP_CLASSES.get(session):
            doubts.append(
                f"{path}: the labels of session {session} are not those of the release; they are "
                "used as they are: check where the file comes from"
            )
        sessions[session] = stated
    stimuli = {
        stimulus_name(_clip(session, trial)): value
        for session, values in sessions.items()
        for trial, value in enumerate(values, start=1)
    }
    return stimuli, doubts
