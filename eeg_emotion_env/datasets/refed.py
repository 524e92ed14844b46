"""REFED and MER-PS: EEG with fNIRS, valence and arousal by joystick, live, for 15 videos."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey, named_trials
from eeg_emotion_env.datasets.files import (
    beside,
    is_marked_simulated,
    number_in,
    read_manifest,
    walk,
)
from eeg_emotion_env.datasets.matreaders import MatEEG
from eeg_emotion_env.datasets.recording import (
    Recording,
    check_step_fits,
    check_unit,
    wrong_shape,
)
from eeg_emotion_env.datasets.simulated import feature_config, truth_of
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.labels import DIMENSIONS, LabelSource, WindowLabels, read_annotations
from eeg_emotion_env.labels.annotations import read_table
from eeg_emotion_env.matfile import list_variables, load_variables
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.tables.refed import (
    LABEL_RANGE,
    NEUTRAL,
    RATES,
    STORED_CHANNELS,
    VIDEO_SECONDS,
)
from eeg_emotion_env.trial import TrialKey, stimulus_name

NAME = "refed"
EEG_FILE = re.compile(r"eeg_videos?\.mat", re.IGNORECASE)
LABEL_FILE = re.compile(r"(.*?)_?labels?\.mat", re.IGNORECASE)
VARIABLE = re.compile(r"(?:video)?_?0*(\d+)", re.IGNORECASE)
LABEL_STEP_S = 1.0

CARD = DatasetCard(
    name=NAME,
    env_id="EEGEmotion-REFED-v0",
    title="REFED (and MER-PS of the MER 2026 challenge, in the same format)",
    licence="CC BY-NC-SA 4.0, gated. Not redistributed here.",
    citation="REFED: real-time continuous emotion annotated EEG-fNIRS dataset. NeurIPS 2025 "
    "Datasets and Benchmarks",
    access="Apply at https://huggingface.co/datasets/REFED2025/REFED-dataset (MER-PS: "
    "https://huggingface.co/datasets/MER-PS/MER-PS-trainval)",
    label_kind="continuous-self",
    label_names=DIMENSIONS,
    label_meaning="Valence and arousal that the participants set with a joystick while they "
    "watched, once a second: 1 to 255, centre 128, brought to [-1, 1]. NaN until the joystick is "
    "first moved on that axis. All subjects watched the same videos, so a model that knows video "
    "and second can do well without any EEG.",
    sfreq=RATES[0],
    step_s=1.0,
    channels=SEED_CHANNELS,
    bands=tuple(BANDS),
    n_subjects=32,
    n_sessions=1,
    n_trials=len(VIDEO_SECONDS),
    stimuli_known=True,
    expected_tree="data/<subject>/EEG_videos.mat   keys video_1 to video_15, (64, n)\n"
    "annotations/<subject>_label.mat   keys video_1 to video_15, (seconds, 2)\n"
    "EEG_channels.csv   (optional: column ch_name)",
    quirks=(
        "documents disagree on the rate of the EEG: 1000 or 200 Hz is told from the lengths of EEG "
        "and label",
        "labels are read in both orientations, (seconds, 2) and (2, seconds)",
        "the mastoids M1 and M2 among the 64 stored channels are dropped: the 62 channels of SEED "
        "remain",
        "EEG and label may differ by a second: steps without a label are NaN",
        "no unit is documented: values are taken as microvolts",
        "fNIRS and the recordings of rest are not read",
    ),
)


@dataclass(frozen=True)
class REFEDOptions:
    """Options of the data set.

    Attributes
    ----------
    labels : str
        ``"auto"`` for the joystick, or the path of an annotation CSV.
    mask_start : bool
        Whether an axis counts as not annotated (NaN) until the joystick leaves the centre.
    step_s : float
        Seconds a step: a multiple or a whole fraction of 1 s.
    unit : str
        Unit of the EEG: ``"uV"``, ``"mV"`` or ``"V"``.
    sfreq : float or None
        Rate of the EEG, Hz; None tells it from the lengths of EEG and label.
    """

    labels: str = "auto"
    mask_start: bool = True
    step_s: float = 1.0
    unit: str = "uV"
    sfreq: float | None = None

    def __post_init__(self) -> None:
        check_unit(self.unit)
        check_step_fits(self.step_s, LABEL_STEP_S)
        if self.sfreq is not None and not 100 <= self.sfreq <= 5000:
            raise ConfigError(f"sfreq must lie in [100, 5000] Hz, not {self.sfreq}")


class REFED(Dataset):
    """REFED or MER-PS: 64-channel EEG with live joystick labels."""

    card = CARD
    Options = REFEDOptions

    def recognises(self, root: Path) -> bool:
        """Say whether files ``EEG_videos.mat`` lie below."""
        return bool(_eeg_files(root))

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over EEG and label files of all subjects."""
        found = Survey()
        files = _eeg_files(root)
        if not files:
            raise DataError(
                f"{root}: no file EEG_videos.mat; expected {CARD.expected_tree}".replace(
                    "\n", " | "
                )
            )
        subjects = _subjects(files, found)
        label_files = _label_files(root)
        annotations = None
        if options.labels != "auto":
            annotations = read_annotations(home_expanded(options.labels))
        manifest = read_manifest(root, *(path.parents[2] for path in files[:1]))
        truth, simulation = truth_of(manifest)
        for subject, path in subjects.items():
            try:
                variables = _variables(path)
                labels = annotations or _joystick(path, subject, label_files, options, found)
                marked = bool(manifest) or is_marked_simulated(path)
                if marked and isinstance(labels, WindowLabels):
                    labels = WindowLabels(labels.tracks, LABEL_STEP_S, DIMENSIONS, "simulated")
                reader = _reader(path, root, subject, variables, labels, options)
            except DataError as error:
                found.add_problem(error)
                continue
            for problem in _problems(path, subject, variables, labels, reader):
                found.add_problem(problem)
            found.recordings.append(
                Recording(
                    keys=tuple(reader.variables),
                    reader=reader,
                    labels=labels,
                    truth=truth,
                    simulation=simulation,
                    origin=str(path),
                    source="simulated" if marked else "recorded",
                )
            )
        return found

    def expected_seconds(self, key: TrialKey) -> float | None:
        """Return the length of the video."""
        return float(VIDEO_SECONDS[key.trial - 1]) if key.trial <= len(VIDEO_SECONDS) else None


def _eeg_files(root: Path) -> list[Path]:
    return [path for _, files in walk(root) for path in files if EEG_FILE.fullmatch(path.name)]


def _subjects(files: list[Path], found: Survey) -> dict[int | str, Path]:
    """Name subjects by the number of their folder; by its whole name where numbers clash."""
    names = [path.parent.resolve().name for path in files]
    numbers = [number_in(name) for name in names]
    plain = None not in numbers and len(set(numbers)) == len(numbers)
    # Folders test_1 and predict1 of MER-PS are different people; test_1 twice is a mistake.
    labels: list[Any] = numbers if plain else list(names)
    subjects: dict[int | str, Path] = {}
    for label, path in zip(labels, files, strict=True):
        if label in subjects:
            found.add_problem(f"{path}: the same subject as {subjects[label]}; keep one of them")
        subjects.setdefault(label, path)
    return dict(
        sorted(subjects.items(), key=lambda item: (number_in(str(item[0])) or 0, str(item[0])))
    )


def _label_files(root: Path) -> list[Path]:
    return [path for _, files in walk(root) for path in files if LABEL_FILE.fullmatch(path.name)]


def _label_file(path: Path, label_files: list[Path]) -> Path:
    """Find the label file of the subject whose EEG lies at `path`."""
    name = path.parent.resolve().name.lower()
    inside = [file for file in label_files if file.parent == path.parent]
    if len(inside) == 1:
        return inside[0]
    stems = {file: LABEL_FILE.fullmatch(file.name)[1].lower() for file in label_files}  # type: ignore[index]
    exact = [file for file, stem in stems.items() if stem == name]
    # Names such as s3_label.mat for folder 3; test_3 is not predict3.
    letters = re.sub(r"[\W\d_]", "", name)
    close = [
        file
        for file, stem in stems.items()
        if number_in(stem) == number_in(name) is not None
        and (not letters or re.sub(r"[\W\d_]", "", stem) in ("", "s", "sub", letters))
    ]
    for candidates in (exact, close):
        if len(candidates) > 1:
            raise DataError(
                f"{candidates[1]}: labels the same subject as {candidates[0]}; keep one of them"
            )
        if candidates:
            return candidates[0]
    raise DataError(
        f"{path}: no label file {path.parent.name}_label.mat; copy it into annotations, or give "
        "an annotation CSV (labels=…)"
    )


def _variables(path: Path) -> dict[int, tuple[str, tuple[int, ...]]]:
    """Name and shape of each video's variable, by video."""
    found: dict[int, tuple[str, tuple[int, ...]]] = {}
    for name, shape in list_variables(path).items():
        match = VARIABLE.fullmatch(name)
        if match and int(match[1]) in found:
            raise DataError(f"{path}: {name} is there twice; restore the file from the release")
        if match:
            found[int(match[1])] = name, shape
    if not found:
        raise DataError(f"{path}: no variables video_<number>; restore the file from the release")
    return dict(sorted(found.items()))


def _key(subject: int | str, video: int) -> TrialKey:
    return TrialKey(NAME, subject, 1, video, stimulus_name(video))


def _joystick(
    path: Path,
    subject: int | str,
    label_files: list[Path],
    options: REFEDOptions,
    found: Survey,
) -> WindowLabels:
    """Read the joystick of a subject: values in [-1, 1], NaN where not annotated."""
    file = _label_file(path, label_files)
    variables = _variables(file)
    stored = load_variables(file, [name for name, _ in variables.values()])
    tracks: dict[TrialKey, NDArray[np.floating[Any]]] = {}
    for video, (name, _) in variables.items():
        track = _oriented(np.asarray(stored[name]), f"{file}: {name}")
        low, high = LABEL_RANGE
        known = track[~np.isnan(track)]
        if np.isinf(track).any() or (known < low).any() or (known > high).any():
            raise DataError(
                f"{file}: {name} reaches from {known.min():g} to {known.max():g}, "
                f"expected joystick values {low:g} to {high:g}; restore the file"
            )
        if np.isnan(track).any():
            found.warn(f"{file}: {name} has seconds without a value; they count as not annotated")
        values = (track - NEUTRAL) / (high - NEUTRAL)
        if options.mask_start:
            # The axis rests at its centre until it is first moved.
            moved = (track != NEUTRAL) & ~np.isnan(track)
            waiting = np.cumsum(moved, axis=0) == 0
            values[waiting] = np.nan
        tracks[_key(subject, video)] = values
    return WindowLabels(tracks, LABEL_STEP_S, DIMENSIONS, CARD.label_kind)


def _oriented(stored: NDArray[Any], origin: str) -> NDArray[np.float64]:
    """Return a track as (seconds, 2), whichever way it is stored."""
    if not np.issubdtype(stored.dtype, np.number) or np.iscomplexobj(stored):
        raise DataError(f"{origin} is no numeric array; restore the file from the release")
    # Before any arithmetic: in uint8, 100 - 128 is 228.
    track = stored.astype(np.float64)
    if track.ndim != 2 or 2 not in track.shape or 0 in track.shape:
        raise DataError(
            f"{origin} is {stored.shape}, expected (seconds, 2) or (2, seconds); restore the file "
            "from the release"
        )
    return track if track.shape[1] == 2 else track.T


def _reader(
    path: Path,
    root: Path,
    subject: int | str,
    variables: Mapping[int, tuple[str, tuple[int, ...]]],
    labels: LabelSource,
    options: REFEDOptions,
) -> MatEEG:
    for name, shape in variables.values():
        if len(shape) != 2 or 0 in shape:
            raise DataError(f"{path}: {name} {wrong_shape(shape, (len(STORED_CHANNELS), None))}")
    counted = Counter(shape[0] for _, shape in variables.values())
    usual = counted.most_common(1)[0][0]
    for name, shape in variables.values():
        if shape[0] != usual:
            raise DataError(f"{path}: {name} {wrong_shape(shape, (usual, None))}")
    name, shape = next(iter(variables.values()))
    stored = _stored_channels(path, root, name, shape)
    kept = tuple(name for name in stored if name in SEED_CHANNELS)
    return MatEEG(
        config=feature_config(options.step_s),
        channels=kept,
        path=path,
        variables={_key(subject, video): name for video, (name, _) in variables.items()},
        sfreq=options.sfreq or _rate(path, subject, variables, labels),
        n_stored=len(stored),
        rows=tuple(stored.index(name) for name in kept),
        unit=options.unit,
    )


def _stored_channels(
    path: Path, root: Path, variable: str, shape: tuple[int, ...]
) -> tuple[str, ...]:
    """Names of the stored rows: by ``EEG_channels.csv`` if it fits, else by their number."""
    places = [path.parent, path.parent.parent, path.parent.parent.parent, root]
    table_path = beside("EEG_channels.csv", *places)
    names: tuple[str, ...] = ()
    if table_path is not None:
        table = read_table(table_path)
        if "ch_name" not in table:
            raise DataError(f"{table_path}: has no column ch_name; restore it from the release")
        names = tuple(str(name).strip().upper() for name in table["ch_name"])
        missing = [name for name in SEED_CHANNELS if name not in names]
        if missing or len(set(names)) != len(names):
            raise DataError(
                f"{table_path}: lacks channel {missing[0] if missing else '(one is there twice)'}; "
                "restore it from the release"
            )
    known = (names, STORED_CHANNELS, SEED_CHANNELS)
    fitting = next((channels for channels in known if len(channels) == shape[0]), None)
    if fitting is None:
        wanted = (len(names) or len(STORED_CHANNELS), None)
        raise DataError(f"{path}: {variable} {wrong_shape(shape, wanted)}")
    return fitting


def _rate(
    path: Path,
    subject: int | str,
    variables: Mapping[int, tuple[str, tuple[int, ...]]],
    labels: LabelSource,
) -> float:
    """Tell the rate from the lengths of EEG and label: the one that fits most videos."""
    if not isinstance(labels, WindowLabels):
        # Without the joystick, only the lengths of the videos are known.
        lengths = dict(enumerate(map(float, VIDEO_SECONDS), start=1))
    else:
        lengths = {
            video: float(len(labels.tracks.get(_key(subject, video), ()))) for video in variables
        }
    samples = {v: shape[1] for v, (_, shape) in variables.items() if lengths.get(v)}
    for rate in RATES:
        # EEG and label may differ by a second.
        fitting = sum(abs(n / rate - lengths[video]) <= 1.0 for video, n in samples.items())
        if 2 * fitting > len(samples):
            return rate
    ratio = float(np.median([n / lengths[v] for v, n in samples.items()])) if samples else 0.0
    raise DataError(
        f"{path}: {ratio:.1f} samples a second of label are neither 1000 nor 200 Hz; restore EEG "
        "and labels from the release, or say the rate (sfreq=…)"
    )


def _problems(
    path: Path,
    subject: int | str,
    variables: Mapping[int, tuple[str, tuple[int, ...]]],
    labels: LabelSource,
    reader: MatEEG,
) -> list[str]:
    """Say which videos or labels are missing, and where lengths differ by more than a second."""
    n_videos = len(VIDEO_SECONDS)
    missing = sorted(set(range(1, n_videos + 1)) - set(variables))
    problems = []
    if missing:
        problems.append(
            f"{path}: {named_trials(missing)} missing (of {n_videos}); restore the file from the "
            "release"
        )
    for video, (name, shape) in variables.items():
        if not 1 <= video <= n_videos:
            problems.append(f"{path}: {name} is none of the {n_videos} videos; restore the file")
            continue
        if not isinstance(labels, WindowLabels):
            continue
        track = labels.tracks.get(_key(subject, video))
        seconds = shape[1] / reader.sfreq
        if track is None:
            problems.append(f"{path}: {name} has no label; restore the label file from the release")
        elif abs(seconds - len(track)) > 1.0:
            problems.append(
                f"{path}: {name} lasts {seconds:g} s at {reader.sfreq:g} Hz but has {len(track)} s "
                "of labels; restore EEG and labels from the release"
            )
    return problems
