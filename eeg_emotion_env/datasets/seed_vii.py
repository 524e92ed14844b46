"""SEED-VII: 20 subjects watch 80 clips of seven emotions and recall their intensity."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey, Variant, named_trials
from eeg_emotion_env.datasets.files import (
    is_marked_simulated,
    read_manifest,
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
from eeg_emotion_env.datasets.seed_vii_files import (
    N_CLIPS,
    NAME,
    clip_key,
    clip_variables,
    find_folders,
    subject_files,
)
from eeg_emotion_env.datasets.seed_vii_labels import WINDOW_S, clip_emotions, read_labels
from eeg_emotion_env.datasets.simulated import feature_config, truth_of
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.labels import LabelSource, WindowLabels
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.tables.seed import SFREQ
from eeg_emotion_env.tables.seed_vii import (
    CLIPS_A_SESSION,
    N_SESSIONS,
    VALENCE_SIGNS,
)
from eeg_emotion_env.trial import TrialKey

FAMILIES = ("de", "psd", "de_LDS")

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
        "stored psd features are powers: their natural logarithm is taken, of 1e-4 at least",
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
    intensity_range : float or None
        Stored intensity that stands for 1; None tells it (1, 10 or 100) from the largest value.
    """

    features: str = "auto"
    labels: str = "auto"
    surprise_sign: int = VALENCE_SIGNS["surprise"]
    step_s: float = WINDOW_S
    unit: str = "uV"
    intensity_range: float | None = None

    def __post_init__(self) -> None:
        check_choice("features", self.features, ("auto", "raw", *FAMILIES))
        check_unit(self.unit)
        if self.surprise_sign not in (-1, 0, 1):
            raise ConfigError(f"surprise_sign must be 1, 0 or -1, not {self.surprise_sign}")
        check_step_fits(self.step_s, WINDOW_S)
        if self.intensity_range is not None and not self.intensity_range > 0:
            raise ConfigError(f"intensity_range must be positive, not {self.intensity_range}")


class SEEDVII(Dataset):
    """SEED-VII: preprocessed EEG or stored features, with recalled intensity."""

    card = CARD
    Options = SEEDVIIOptions
    stand_in_scale = 0.5

    def recognises(self, root: Path) -> bool:
        """Say whether folders of labels, EEG or features with SEED-VII's names lie below."""
        folders = find_folders(root)
        return "labels" in folders and len(folders) > 1

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over EEG or features, and the labels."""
        folders, found = find_folders(root), Survey()
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
        files = subject_files(folders[what], found)
        emotions = clip_emotions(root, folders[what], found)
        labels = read_labels(folders, files, options, emotions, found)
        manifest = read_manifest(folders[what], folders[what].parent, root)
        truth, simulation = truth_of(manifest, ("valence",))
        for subject, path in files.items():
            try:
                variables = clip_variables(path, kind)
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
        folders = find_folders(root)
        kinds = [("raw", "raw")] if "raw" in folders else []
        if "features" in folders:
            kinds += [("features", family) for family in FAMILIES]
        return [
            Variant(
                f"{folders[what].name} ({kind})", root, replace(SEEDVIIOptions(), features=kind)
            )
            for what, kind in kinds
        ]


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
        elif isinstance(labels, WindowLabels) and (key := clip_key(subject, clip)) in labels.tracks:
            windows = shape[1] / (SFREQ * WINDOW_S) if kind == "raw" else shape[0]
            n_labels = len(labels.tracks[key])
            if abs(windows - n_labels) > 1.0:
                problems.append(
                    f"{path}: {name} has {windows:g} windows of 4 s but {n_labels} labels; restore "
                    "EEG and labels from the release"
                )
    return problems


def _sessions(subject: int, variables: dict[int, Any]) -> dict[int, dict[int, TrialKey]]:
    sessions: dict[int, dict[int, TrialKey]] = {}
    for clip in variables:
        key = clip_key(subject, clip)
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
        is_power=kind == "psd",
        causal=kind != "de_LDS",
    )
