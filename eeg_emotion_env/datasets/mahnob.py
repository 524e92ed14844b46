"""MAHNOB-HCI: the public release of EEG features with continuous valence (4 Hz)."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey
from eeg_emotion_env.datasets.files import find_files, is_marked_simulated, read_manifest
from eeg_emotion_env.datasets.recording import Reader, Recording, check_step, finite, wrong_shape
from eeg_emotion_env.datasets.simulated import truth_of
from eeg_emotion_env.errors import DataError, check_choice
from eeg_emotion_env.features import block_mean
from eeg_emotion_env.labels import LabelSource, WindowLabels, read_annotations
from eeg_emotion_env.matfile import list_variables, load_variable
from eeg_emotion_env.montage import MAHNOB_CHANNELS
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.tables.mahnob import BANDS, LABEL_SCALES, RATE
from eeg_emotion_env.trial import FloatArray, TrialKey

LABEL_FILE = re.compile(r"la(bl|be)e?l?_contin\w*_mahnob\.mat$", re.IGNORECASE)
FEATURE_FILE = re.compile(r"p(\d+)-features-resamp4hz-trial-(\d+)\.mat$", re.IGNORECASE)
FEATURES = "eeg_band_feats_full"

CARD = DatasetCard(
    name="mahnob",
    env_id="EEGEmotion-MAHNOB-v0",
    title="MAHNOB-HCI continuous valence (public feature release)",
    licence="MAHNOB-HCI end-user licence agreement (academic); feature release under GPL-3.0. "
    "Not redistributed here.",
    citation="Soleymani, Asghari-Esfeden, Fu, Pantic: Analysis of EEG signals and facial "
    "expressions for continuous emotion detection. IEEE TAC 7(1):17-28, 2016",
    access="Clone github.com/soheilrayatdoost/ContinuousEmotionDetection and give its folder; "
    "raw recordings: https://mahnob-db.eu/hci-tagging/",
    label_kind="continuous-external",
    label_names=("valence",),
    label_meaning="Valence that annotators saw in the participants' faces, not felt valence; "
    "there is no continuous arousal. The stored track `labels` is used (within [-0.33, 0.45]); "
    "`target` in the feature files is exactly twice as large: RMSE differs by a factor of two. "
    "The original study found much of the EEG's information to come from facial muscles.",
    sfreq=RATE,
    step_s=1.0,
    channels=MAHNOB_CHANNELS,
    bands=BANDS,
    n_subjects=24,
    n_sessions=1,
    n_trials=20,
    stimuli_known=False,
    expected_tree="data/lable_continous_Mahnob.mat\n"
    "data/Features/P<subject>-features-resamp4hz-trial-<trial>.mat",
    quirks=(
        "128 feature columns are 4 bands × 32 channels, band-major; channel order and band names "
        "are inferred, not documented",
        "video ids are not in the release: stimulus is None, splits by stimulus are impossible",
        "trial numbers are even and give the order of recording; subjects have 1 to 19 trials",
        "both 4 Hz tracks are resampled by trailing means to `step_s`",
        "the 4 Hz feature windows are about 1 s long; whether they end with or are centred on "
        "their sample is not documented",
    ),
)


@dataclass(frozen=True)
class MAHNOBOptions:
    """Options of the data set.

    Attributes
    ----------
    step_s : float
        Seconds a step: a multiple of 0.25 s.
    label_scale : str
        ``"labels"`` (the stored annotation) or ``"target"`` (twice as large).
    labels : str
        ``"auto"`` for the release's annotation, or the path of an annotation CSV.
    """

    step_s: float = 1.0
    label_scale: str = "labels"
    labels: str = "auto"

    def __post_init__(self) -> None:
        check_choice("label_scale", self.label_scale, LABEL_SCALES)
        check_step(self.step_s, 1 / RATE, "the released rate")


class MAHNOB(Dataset):
    """The released features (128 columns at 4 Hz) with the valence annotation."""

    card = CARD
    Options = MAHNOBOptions

    def recognises(self, root: Path) -> bool:
        """Say whether a label file of the release lies below."""
        return bool(find_files(root, LABEL_FILE.search))

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over label file and feature files; one recording a subject."""
        found = Survey()
        label_file, files, tracks = _contents(root, found)
        annotations = None
        if options.labels != "auto":
            annotations = read_annotations(home_expanded(options.labels))
        manifest = read_manifest(label_file.parent, label_file.parent.parent, root)
        truth, simulation = truth_of(manifest, CARD.label_names)
        marked = bool(manifest) or is_marked_simulated(label_file)
        labels = annotations or _labels(tracks, options, marked)
        by_subject: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for pair in sorted(set(files) & set(tracks)):
            by_subject[pair[0]].append(pair)
            for problem in _problems(files[pair], tracks[pair], options):
                found.add_problem(problem)
        for pairs in by_subject.values():
            paths = {_key(pair): files[pair] for pair in pairs}
            found.recordings.append(
                Recording(
                    keys=tuple(paths),
                    reader=MAHNOBReader(paths, round(options.step_s * RATE)),
                    labels=labels,
                    truth=truth,
                    simulation=simulation,
                    origin=f"{files[pairs[0]].parent}: subject {pairs[0][0]}",
                    source="simulated" if marked else "recorded",
                )
            )
        found.notes.append("labels are on the scale of `labels` (`target` is twice as large)")
        return found


@dataclass(frozen=True, eq=False)
class MAHNOBReader(Reader):
    """Stored features of a subject, one file a trial.

    Attributes
    ----------
    paths : mapping of TrialKey to Path
        File of each trial.
    width : int
        Rows at 4 Hz averaged into a step.
    """

    paths: Mapping[TrialKey, Path] = field(repr=False)
    width: int
    channels: tuple[str, ...] = MAHNOB_CHANNELS
    bands: tuple[str, ...] = BANDS
    causal: bool = True

    @property
    def step_s(self) -> float:  # type: ignore[override]
        """Seconds a step."""
        return self.width / RATE

    @property
    def files(self) -> tuple[Path, ...]:  # type: ignore[override]
        """One file a trial."""
        return tuple(self.paths.values())

    def origin(self, key: TrialKey) -> str:
        """Return the file."""
        return str(self.paths[key])

    def features(self, key: TrialKey) -> FloatArray:
        """Read the 128 columns and average their rows to steps."""
        origin = f"{self.paths[key]}: {FEATURES}"
        rows = finite(np.asarray(load_variable(self.paths[key], FEATURES)), origin)
        n_columns = len(self.channels) * len(self.bands)
        if rows.ndim != 2 or rows.shape[1] != n_columns:
            raise DataError(f"{origin} {wrong_shape(rows.shape, (None, n_columns))}")
        means = block_mean(rows, self.width)
        features = means.reshape(-1, len(self.bands), len(self.channels)).transpose(0, 2, 1)
        return np.ascontiguousarray(features)

    def configuration(self) -> dict[str, Any]:
        """Return what decides the features beside the content of the files."""
        return {"width": self.width}


def _key(pair: tuple[int, int]) -> TrialKey:
    return TrialKey(CARD.name, pair[0], 1, pair[1])


def _labels(
    tracks: dict[tuple[int, int], NDArray[np.float64]], options: MAHNOBOptions, marked: bool
) -> LabelSource:
    scale = LABEL_SCALES[options.label_scale]
    values = {_key(pair): scale * track[:, None] for pair, track in tracks.items()}
    kind = "simulated" if marked else CARD.label_kind
    return WindowLabels(values, 1 / RATE, CARD.label_names, kind)


def _contents(
    root: Path, found: Survey
) -> tuple[Path, dict[tuple[int, int], Path], dict[tuple[int, int], NDArray[np.float64]]]:
    """Return the label file, feature files and label tracks by (subject, trial)."""
    label_files = find_files(root, LABEL_FILE.search)
    if not label_files:
        raise DataError(
            f"{root}: no label file lable_continous_Mahnob.mat; expected "
            f"{CARD.expected_tree}".replace("\n", " | ")
        )
    if len(label_files) > 1:
        found.add_problem(
            f"{label_files[1]}: a second label file beside {label_files[0]}; keep one of them"
        )
    tracks = _label_tracks(label_files[0])
    files: dict[tuple[int, int], Path] = {}
    for path in find_files(root, FEATURE_FILE.search):
        match = FEATURE_FILE.search(path.name)
        pair = (int(match[1]), int(match[2])) if match else (0, 0)
        if pair in files:
            found.add_problem(f"{path}: the same trial as {files[pair]}; keep one of them")
        files.setdefault(pair, path)
    for subject, trial in sorted(set(tracks) - set(files)):
        found.add_problem(
            f"{label_files[0].parent}: P{subject}-features-resamp4hz-trial-{trial}.mat is missing "
            f"(listed in {label_files[0].name}); restore the file from the release"
        )
    for pair in sorted(set(files) - set(tracks)):
        found.add_problem(
            f"{files[pair]}: not listed in {label_files[0].name}; remove it or use the release's "
            "label file"
        )
    return label_files[0], files, tracks


def _label_tracks(path: Path) -> dict[tuple[int, int], NDArray[np.float64]]:
    pairs = np.asarray(load_variable(path, "trials_included"))
    cells = np.asarray(load_variable(path, "labels"))
    if (
        pairs.ndim != 2
        or pairs.shape[1] != 2
        or cells.size != len(pairs)
        or cells.dtype != object
        or not np.issubdtype(pairs.dtype, np.number)
    ):
        raise DataError(
            f"{path}: trials_included {pairs.shape} and labels {cells.shape} do not belong "
            "together; expected (n, 2) and a cell array (n, 1); restore the file from the release"
        )
    keys = [(int(subject), int(trial)) for subject, trial in pairs]
    if len(set(keys)) != len(keys):
        raise DataError(f"{path}: trials_included lists a trial twice; restore the file")
    tracks = {}
    for key, cell in zip(keys, cells.ravel(), strict=True):
        origin = f"{path}: label of subject {key[0]}, trial {key[1]}"
        track = finite(np.asarray(cell), origin).ravel().astype(np.float64)
        if not len(track) or np.abs(track).max() > 1.0:
            raise DataError(f"{origin} is empty or outside [-1, 1]; restore the file")
        tracks[key] = track
    return tracks


def _problems(path: Path, track: NDArray[np.float64], options: MAHNOBOptions) -> list[str]:
    """Say what is wrong with a feature file, by its variables and shapes alone."""
    try:
        variables = list_variables(path)
    except DataError as error:
        return [str(error)]
    shape, n_columns = variables.get(FEATURES), len(MAHNOB_CHANNELS) * len(BANDS)
    if shape is None:
        return [f"{path}: has no variable {FEATURES!r}; restore the file from the release"]
    if len(shape) != 2 or shape[1] != n_columns:
        return [f"{path}: {FEATURES} {wrong_shape(shape, (None, n_columns))}"]
    if shape[0] != len(track):
        return [
            f"{path}: {shape[0]} rows of features but {len(track)} labels at 4 Hz; restore the "
            "file from the release"
        ]
    if shape[0] < round(options.step_s * RATE):
        return [f"{path}: {shape[0]} rows at 4 Hz are shorter than one step"]
    if "target" in variables and not _is_target(path, track):
        return [
            f"{path}: target is not twice the label of this trial: the file belongs to another "
            "trial, or the label file to another release; restore both"
        ]
    return []


def _is_target(path: Path, track: NDArray[np.float64]) -> bool:
    """Say whether a feature file repeats the label, on twice the scale."""
    target = np.asarray(load_variable(path, "target")).ravel()
    numeric = np.issubdtype(target.dtype, np.number)
    return (
        numeric and target.shape == track.shape and bool(np.allclose(target, 2 * track, atol=1e-6))
    )
