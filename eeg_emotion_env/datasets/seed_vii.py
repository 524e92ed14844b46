"""SEED-VII: 20 subjects watch 80 clips of seven emotions and recall their intensity."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey, Variant, named_trials
from eeg_emotion_env.datasets.files import (
    beside,
    is_marked_simulated,
    plain_name,
    read_manifest,
    walk,
)
from eeg_emotion_env.datasets.matreaders import MatEEG, MatFeatures
from eeg_emotion_env.datasets.recording import (
    Reader,
    Recording,
    check_step_fits,
    check_unit,
    has_shape,
    wrong_shape,
)
from eeg_emotion_env.datasets.simulated import feature_config, truth_of
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.labels import LabelSource, WindowLabels, read_annotations
from eeg_emotion_env.matfile import list_variables, load_variables
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.tables.seed import SFREQ
from eeg_emotion_env.tables.seed_vii import (
    CLIP_EMOTIONS,
    CLIPS_A_SESSION,
    N_SESSIONS,
    VALENCE_SIGNS,
)
from eeg_emotion_env.trial import TrialKey, stimulus_name

NAME = "seed-vii"
WINDOW_S = 4.0
N_CLIPS = len(CLIP_EMOTIONS)
FILE_NAME = re.compile(r"(?:sub(?:ject)?[ _-]?)?0*(\d+)\.mat", re.IGNORECASE)
FAMILIES = ("de", "psd", "de_LDS")
SCALES = (1.0, 10.0, 100.0)
"""Ranges that the stored intensity may have: 0 to one of these."""

CARD = DatasetCard(
    name=NAME,
    env_id="EEGEmotion-SEED-VII-v0",
    title="SEED-VII (SJTU Emotion EEG Dataset, seven emotions, recalled intensity)",
    licence="SEED licence agreement of the BCMI laboratory (academic use, on application). Not "
    "redistributed here.",
    citation="Jiang, Liu, Zheng, Lu: SEED-VII: a multimodal dataset of six basic emotions with "
    "continuous labels for emotion recognition. IEEE TAC 16(2):969-985, 2025",
    access="Apply at https://bcmi.sjtu.edu.cn/home/seed/seed-vii.html",
    label_kind="recalled-intensity",
    label_names=("valence",),
    label_meaning="Intensity of the clip's own target emotion, recalled at the end of the session "
    "while the clips were seen again (also at higher speed), one value for 4 s. Valence is that "
    "intensity with the sign of the emotion: +1 happy and surprise, -1 disgust, sad, anger and "
    "fear, 0 neutral. The sign is a declared choice of ours (surprise_sign, labels='intensity'); "
    "the labels do not come from the viewing during which the EEG was recorded.",
    sfreq=SFREQ,
    step_s=WINDOW_S,
    channels=SEED_CHANNELS,
    bands=tuple(BANDS),
    n_subjects=20,
    n_sessions=N_SESSIONS,
    n_trials=CLIPS_A_SESSION,
    stimuli_known=True,
    expected_tree="EEG_preprocessed/<subject>.mat   keys 1 to 80, (62, n), µV, 200 Hz\n"
    "EEG_features/<subject>.mat   keys de_<k>, psd_<k>, de_LDS_<k>, (windows, 5, 62)\n"
    "continuous_labels/<subject>.mat   keys 1 to 80, (1, windows)\n"
    "emotion_label_and_stimuli_order.xlsx   (optional)",
    quirks=(
        "stored features are (windows, bands, channels): another order than SEED's",
        "keys are plain numbers, sorted as such; clip k belongs to session (k - 1) // 20 + 1",
        "windows are 4 s; EEG beyond the last whole window is dropped",
        "de and psd features are not smoothed (causal); de_LDS is smoothed over the trial "
        "(causal=False)",
        "the range of the stored intensity is not documented: 0 to 1, 10 or 100 is told from the "
        "largest value of all subjects, with a warning where it is not 1",
        "continuous raw recordings (.cnt) are not read",
    ),
)


@dataclass(frozen=True)
class SEEDVIIOptions:
    """Options of the data set.

    Attributes
    ----------
    features : str
        ``"raw"`` computes log band power from ``EEG_preprocessed``; ``"de"``, ``"psd"`` and
        ``"de_LDS"`` read ``EEG_features``; ``"auto"`` takes raw EEG if it is there, else ``de``.
    labels : str
        ``"auto"`` for valence (intensity with the sign of the emotion), ``"intensity"`` for the
        stored value, or the path of an annotation CSV.
    surprise_sign : int
        Sign of surprise: 1, 0 or -1.
    step_s : float
        Seconds a step: a multiple of 4 s, or (raw EEG only) a whole fraction of it.
    unit : str
        Unit of raw EEG: ``"uV"``, ``"mV"`` or ``"V"``.
    """

    features: str = "auto"
    labels: str = "auto"
    surprise_sign: int = VALENCE_SIGNS["surprise"]
    step_s: float = WINDOW_S
    unit: str = "uV"

    def __post_init__(self) -> None:
        check_choice("features", self.features, ("auto", "raw", *FAMILIES))
        check_unit(self.unit)
        if self.surprise_sign not in (-1, 0, 1):
            raise ConfigError(f"surprise_sign must be 1, 0 or -1, not {self.surprise_sign}")
        check_step_fits(self.step_s, WINDOW_S)


class SEEDVII(Dataset):
    """SEED-VII: preprocessed EEG or stored features, with recalled intensity."""

    card = CARD
    Options = SEEDVIIOptions
    stand_in_scale = 0.5

    def recognises(self, root: Path) -> bool:
        """Say whether folders of labels, EEG or features with SEED-VII's names lie below."""
        folders = _folders(root)
        return "labels" in folders and len(folders) > 1

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over EEG or features, and the labels."""
        folders, found = _folders(root), Survey()
        kind = options.features
        if kind == "auto":
            kind = "raw" if "raw" in folders else "de"
        what = "raw" if kind == "raw" else "features"
        if what not in folders:
            raise DataError(
                f"{root}: no folder {'EEG_preprocessed' if what == 'raw' else 'EEG_features'} for "
                f"features={options.features!r}; expected {CARD.expected_tree}".replace("\n", " | ")
            )
        if kind != "raw" and options.step_s < WINDOW_S:
            raise ConfigError(
                f"stored features have windows of {WINDOW_S:g} s: step_s is too short"
            )
        files = _subject_files(folders[what], found)
        emotions = _emotions(root, folders[what])
        labels = _labels(folders, files, options, emotions, found)
        manifest = read_manifest(folders[what], folders[what].parent, root)
        truth, simulation = truth_of(manifest, ("valence",))
        for subject, path in files.items():
            try:
                variables = _variables(path, kind)
                for problem in _problems(path, subject, variables, kind, labels):
                    found.add_problem(problem)
                marked = bool(manifest) or is_marked_simulated(path)
            except DataError as error:
                found.add_problem(error)
                continue
            for session, keys in _sessions(subject, variables).items():
                named = {key: variables[clip][0] for clip, key in keys.items()}
                found.recordings.append(
                    Recording(
                        keys=tuple(named),
                        reader=_reader(path, kind, named, options),
                        labels=labels,
                        truth=truth,
                        simulation=simulation,
                        origin=f"{path}: session {session}",
                        source="simulated" if marked else "recorded",
                    )
                )
        return found

    def variants(self, root: Path) -> list[Variant]:
        """List raw EEG and each family of stored features."""
        folders = _folders(root)
        kinds = [("raw", "raw")] if "raw" in folders else []
        if "features" in folders:
            kinds += [("features", family) for family in FAMILIES]
        return [
            Variant(
                f"{folders[what].name} ({kind})", root, replace(SEEDVIIOptions(), features=kind)
            )
            for what, kind in kinds
        ]


_PLACES = {
    "raw": ("eegpreprocessed", "preprocessedeeg"),
    "features": ("eegfeatures", "eegfeature"),
    "labels": ("continuouslabels", "continuouslabel"),
}


def _folders(root: Path) -> dict[str, Path]:
    """Find the folders of EEG, features and labels by their names."""
    found: dict[str, Path] = {}
    # The root may be one of the folders itself: the others lie beside it.
    start = (
        root.parent if _place(root.resolve()) and root.resolve() != root.resolve().parent else root
    )
    for folder, files in walk(start, 1 if start != root else 4):
        place = _place(folder)
        if place and any(FILE_NAME.fullmatch(path.name) for path in files):
            found.setdefault(place, folder)
    return found


def _place(folder: Path) -> str | None:
    name = plain_name(folder.name)
    return next((place for place, names in _PLACES.items() if name in names), None)


def _subject_files(folder: Path, found: Survey) -> dict[int, Path]:
    files: dict[int, Path] = {}
    for path in next(iter(walk(folder, 0)))[1]:
        match = FILE_NAME.fullmatch(path.name)
        if match and int(match[1]) in files:
            found.add_problem(
                f"{path}: the same subject as {files[int(match[1])].name}; keep one of them"
            )
        elif match:
            files[int(match[1])] = path
    return dict(sorted(files.items()))


def _variables(path: Path, kind: str) -> dict[int, tuple[str, tuple[int, ...]]]:
    """Name and shape of each clip's variable, by clip."""
    pattern = re.compile(r"0*(\d+)" if kind == "raw" else rf"{kind}_?0*(\d+)", re.IGNORECASE)
    found: dict[int, tuple[str, tuple[int, ...]]] = {}
    for name, shape in list_variables(path).items():
        match = pattern.fullmatch(name)
        if not match:
            continue
        if int(match[1]) in found:
            raise DataError(
                f"{path}: {name} and {found[int(match[1])][0]} are the same clip; restore the file"
            )
        found[int(match[1])] = name, shape
    if not found:
        named = "1 to 80" if kind == "raw" else f"{kind}_<clip>"
        raise DataError(f"{path}: no variables {named}; restore the file from the release")
    return dict(sorted(found.items()))


def _problems(
    path: Path,
    subject: int,
    variables: dict[int, tuple[str, tuple[int, ...]]],
    kind: str,
    labels: LabelSource,
) -> list[str]:
    """Say what is wrong with names, shapes and lengths."""
    problems = []
    missing = sorted(set(range(1, N_CLIPS + 1)) - set(variables))
    if missing:
        problems.append(
            f"{path}: {named_trials(missing)} missing (of {N_CLIPS}); restore the file from the "
            "release"
        )
    n_channels, n_bands = len(SEED_CHANNELS), len(BANDS)
    wanted = (n_channels, None) if kind == "raw" else (None, n_bands, n_channels)
    for clip, (name, shape) in variables.items():
        if not has_shape(shape, wanted):
            problems.append(f"{path}: {name} {wrong_shape(shape, wanted)}")
        elif not 1 <= clip <= N_CLIPS:
            problems.append(f"{path}: {name} is none of the {N_CLIPS} clips; restore the file")
        elif isinstance(labels, WindowLabels) and (key := _key(subject, clip)) in labels.tracks:
            windows = shape[1] / (SFREQ * WINDOW_S) if kind == "raw" else shape[0]
            n_labels = len(labels.tracks[key])
            if abs(windows - n_labels) > 1.0:
                problems.append(
                    f"{path}: {name} has {windows:g} windows of 4 s but {n_labels} labels; restore "
                    "EEG and labels from the release"
                )
    return problems


def _key(subject: int, clip: int) -> TrialKey:
    session, place = divmod(clip - 1, CLIPS_A_SESSION)
    return TrialKey(NAME, subject, session + 1, place + 1, stimulus_name(clip))


def _sessions(subject: int, variables: dict[int, Any]) -> dict[int, dict[int, TrialKey]]:
    sessions: dict[int, dict[int, TrialKey]] = {}
    for clip in variables:
        key = _key(subject, clip)
        sessions.setdefault(key.session, {})[clip] = key
    return sessions


def _reader(path: Path, kind: str, named: dict[TrialKey, str], options: SEEDVIIOptions) -> Reader:
    if kind == "raw":
        return MatEEG(
            config=feature_config(options.step_s),
            channels=SEED_CHANNELS,
            path=path,
            variables=named,
            sfreq=SFREQ,
            n_stored=len(SEED_CHANNELS),
            unit=options.unit,
        )
    return MatFeatures(
        path=path,
        variables=named,
        axes="wbc",
        channels=SEED_CHANNELS,
        bands=tuple(BANDS),
        window_s=WINDOW_S,
        width=round(options.step_s / WINDOW_S),
        is_power=False,
        causal=kind != "de_LDS",
    )


def _labels(
    folders: dict[str, Path],
    files: dict[int, Path],
    options: SEEDVIIOptions,
    emotions: tuple[str, ...],
    found: Survey,
) -> LabelSource:
    if options.labels not in ("auto", "intensity"):
        return read_annotations(Path(options.labels).expanduser())
    if "labels" not in folders:
        raise DataError(
            f"{next(iter(files.values())).parent.parent}: the folder continuous_labels is missing; "
            "copy it there from the release, or give an annotation CSV (labels=…)"
        )
    intensity = _intensities(folders["labels"], files, found)
    signs = {**VALENCE_SIGNS, "surprise": options.surprise_sign}
    tracks: dict[TrialKey, NDArray[np.floating[Any]]] = {}
    for (subject, clip), values in intensity.items():
        sign = 1 if options.labels == "intensity" else signs[emotions[clip - 1]]
        # Adding zero turns the -0.0 of a neutral clip into 0.0.
        tracks[_key(subject, clip)] = sign * values[:, None] + 0.0
    name = "intensity" if options.labels == "intensity" else "valence"
    marked = any(
        is_marked_simulated(path) for path in _subject_files(folders["labels"], found).values()
    )
    kind = "simulated" if marked else "recalled-intensity"
    return WindowLabels(tracks, WINDOW_S, (name,), kind)


def _intensities(
    folder: Path, files: dict[int, Path], found: Survey
) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Read all label files: intensity in [0, 1] by subject and clip."""
    tracks: dict[tuple[int, int], NDArray[np.float64]] = {}
    label_files = _subject_files(folder, found)
    for subject in sorted(set(files) - set(label_files)):
        found.add_problem(
            f"{folder}/{subject}.mat: missing, though there is EEG of the subject; restore it from "
            "the release"
        )
    for subject, path in label_files.items():
        if subject not in files:
            continue
        try:
            tracks |= {(subject, clip): v for clip, v in _track_file(path).items()}
        except DataError as error:
            found.add_problem(error)
    largest = max((float(values.max()) for values in tracks.values()), default=0.0)
    if largest > SCALES[-1]:
        found.add_problem(
            f"{folder}: intensities reach {largest:g}, expected 0 to 1 (or 10, or 100); restore "
            "the label files from the release"
        )
        return {}
    scale = next(scale for scale in SCALES if largest <= scale)
    if scale != 1.0:
        found.warn(f"{folder}: intensities reach {largest:g}: divided by {scale:g}")
    return {key: values / scale for key, values in tracks.items()}


def _track_file(path: Path) -> dict[int, NDArray[np.float64]]:
    variables = _variables(path, "raw")
    missing = sorted(set(range(1, N_CLIPS + 1)) - set(variables))
    if missing:
        raise DataError(
            f"{path}: {named_trials(missing)} missing (of {N_CLIPS}); restore the file from the "
            "release"
        )
    values = load_variables(path, [name for name, _ in variables.values()])
    tracks = {}
    for clip, (name, shape) in variables.items():
        if len(shape) != 2 or 1 not in shape or 0 in shape:
            raise DataError(f"{path}: {name} is {shape}, expected (1, n); restore the file")
        track = np.asarray(values[name], dtype=np.float64).ravel()
        if not np.isfinite(track).all() or (track < 0).any():
            raise DataError(
                f"{path}: {name} holds NaN, infinite or negative intensities; restore the file"
            )
        tracks[clip] = track
    return tracks


def _emotions(root: Path, folder: Path) -> tuple[str, ...]:
    """Target emotion of each clip: from the release's table if it is there, else as published."""
    path = beside("emotion_label_and_stimuli_order.xlsx", folder.parent, root, folder)
    return CLIP_EMOTIONS if path is None else read_stimulus_order(path)


def read_stimulus_order(path: Path) -> tuple[str, ...]:
    """Read ``emotion_label_and_stimuli_order.xlsx``: rows of emotions, 20 clips each.

    Parameters
    ----------
    path : Path
        The file: four pairs of rows, "Video index" and emotions, in columns B to U.

    Returns
    -------
    tuple of str
        Emotion of clips 1 to 80, lower case.

    Raises
    ------
    DataError
        If it cannot be read, or does not hold 80 known emotions.
    """
    import pandas as pd

    try:
        table = pd.read_excel(path, header=None)
    except Exception as error:  # openpyxl raises whatever its zip and XML readers raise
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: cannot be read as a table ({reason}); restore the file from the release, or "
            "remove it"
        ) from error
    emotions: list[str] = []
    for _, row in table.iterrows():
        names = [_emotion(str(cell)) for cell in row if isinstance(cell, str)]
        known = [name for name in names if name]
        if len(known) >= CLIPS_A_SESSION:
            emotions += known
    if len(emotions) != N_CLIPS:
        raise DataError(
            f"{path}: names {len(emotions)} clips of known emotions, expected {N_CLIPS}; restore "
            "the file from the release, or remove it"
        )
    return tuple(emotions)


def _emotion(text: str) -> str | None:
    """Return the known emotion that a cell names (``Happy``, ``sadness``, ``angry``…)."""
    word = plain_name(text)
    roots = {"happ": "happy", "neutral": "neutral", "disgust": "disgust", "sad": "sad"}
    roots |= {"ang": "anger", "fear": "fear", "surpri": "surprise"}
    return next((name for start, name in roots.items() if word.startswith(start)), None)
