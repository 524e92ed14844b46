"""MAHNOB-HCI: the public release of EEG features with continuous valence (4 Hz)."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import CheckReport, Dataset, DatasetCard, Recording
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import block_mean
from eeg_emotion_env.matfile import load_variable
from eeg_emotion_env.montage import MAHNOB_CHANNELS
from eeg_emotion_env.trial import Trial, TrialKey

RATE = 4.0
"""Rate of the released features and labels, Hz."""

LABEL_FILE = re.compile(r"la(bl|be)e?l?_contin\w*_mahnob\.mat$", re.IGNORECASE)
FEATURE_FILE = re.compile(r"p(\d+)-features-resamp4hz-trial-(\d+)\.mat$", re.IGNORECASE)
LABEL_SCALES = {"labels": 1.0, "target": 2.0}

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
    bands=("theta", "alpha", "beta", "gamma"),
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
    encoder="simulated-32x4",
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
    """

    step_s: float = 1.0
    label_scale: str = "labels"

    def __post_init__(self) -> None:
        check_choice("label_scale", self.label_scale, LABEL_SCALES)
        width = self.step_s * RATE
        if width < 1 or width != int(width):
            raise ConfigError(f"step_s must be a multiple of {1 / RATE} s, not {self.step_s}")


class MAHNOB(Dataset):
    """The released features (128 columns at 4 Hz) with the valence annotation."""

    card = CARD
    Options = MAHNOBOptions

    def recognises(self, root: Path) -> bool:
        """Say whether a label file of the release lies within three levels."""
        return _label_file(root) is not None

    def recordings(self, root: Path, options: Any) -> list[Recording]:
        """List one recording a subject (the release has one session each)."""
        files, tracks, problems = _contents(root)
        if problems:
            raise DataError(problems[0])
        by_subject: dict[int, list[TrialKey]] = defaultdict(list)
        for subject, trial in sorted(tracks):
            by_subject[subject].append(TrialKey(CARD.name, subject, 1, trial))
        return [
            Recording(
                keys=tuple(keys),
                read=partial(_read, keys, files, tracks, options),
                origin=str(files[subject, keys[0].trial].parent),
            )
            for subject, keys in by_subject.items()
        ]

    def simulated(self, options: Any) -> list[Recording]:
        """List simulated recordings cut to this set's channels, bands and valence."""
        from eeg_emotion_env.datasets.simulated import simulated_recordings

        return simulated_recordings(
            dataset=CARD.name,
            channels=CARD.channels,
            bands=CARD.bands,
            label_names=CARD.label_names,
            step_s=options.step_s,
        )

    def check(self, root: Path) -> CheckReport:
        """Read every trial and report what is missing or broken."""
        report = CheckReport(CARD.name, root)
        files, tracks, report.problems = _contents(root)
        for subject, trial in sorted(set(files) & set(tracks)):
            key = TrialKey(CARD.name, subject, 1, trial)
            try:
                _read_trial(key, files[subject, trial], tracks[subject, trial], MAHNOBOptions())
            except DataError as error:
                report.problems.append(str(error))
            else:
                report.found.append(key)
        report.notes.append("labels are on the scale of `labels` (`target` is twice as large)")
        return report


def _label_file(root: Path) -> Path | None:
    for depth in ("*", "*/*", "*/*/*"):
        found = [path for path in sorted(root.glob(depth)) if LABEL_FILE.search(path.name)]
        if found:
            return found[0]
    return None


def _contents(
    root: Path,
) -> tuple[dict[tuple[int, int], Path], dict[tuple[int, int], NDArray[np.float64]], list[str]]:
    """Return feature files and label tracks by (subject, trial), and what does not match."""
    label_file = _label_file(root)
    if label_file is None:
        raise DataError(
            f"{root}: no label file lable_continous_Mahnob.mat within three levels; expected\n"
            f"{CARD.expected_tree}".replace("\n", " | ")
        )
    tracks = _label_tracks(label_file)
    files = dict(_feature_files(label_file.parent)) or dict(_feature_files(root))
    problems = [
        f"{label_file.parent}: P{subject}-features-resamp4hz-trial-{trial}.mat is missing (listed "
        f"in {label_file.name}); restore the file from the release"
        for subject, trial in sorted(set(tracks) - set(files))
    ]
    problems += [
        f"{files[pair]}: not listed in {label_file.name}; remove it or use the release's label file"
        for pair in sorted(set(files) - set(tracks))
    ]
    return files, tracks, problems


def _feature_files(folder: Path) -> Iterator[tuple[tuple[int, int], Path]]:
    for depth in ("*", "*/*", "*/*/*"):
        for path in sorted(folder.glob(depth)):
            match = FEATURE_FILE.search(path.name)
            if match:
                yield (int(match[1]), int(match[2])), path


def _label_tracks(path: Path) -> dict[tuple[int, int], NDArray[np.float64]]:
    pairs, cells = load_variable(path, "trials_included"), load_variable(path, "labels")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or cells.size != len(pairs):
        raise DataError(
            f"{path}: trials_included {pairs.shape} and labels {cells.shape} do not belong "
            "together; expected (n, 2) and (n, 1); restore the file from the release"
        )
    keys = [(int(subject), int(trial)) for subject, trial in pairs]
    if len(set(keys)) != len(keys):
        raise DataError(f"{path}: trials_included lists a trial twice; restore the file")
    return {
        key: np.asarray(cell, dtype=np.float64).ravel()
        for key, cell in zip(keys, cells.ravel(), strict=True)
    }


def _read(
    keys: list[TrialKey],
    files: dict[tuple[int, int], Path],
    tracks: dict[tuple[int, int], NDArray[np.float64]],
    options: MAHNOBOptions,
) -> list[Trial]:
    pairs = [(int(key.subject), key.trial) for key in keys]
    return [
        _read_trial(key, files[pair], tracks[pair], options)
        for key, pair in zip(keys, pairs, strict=True)
    ]


def _read_trial(
    key: TrialKey, path: Path, track: NDArray[np.float64], options: MAHNOBOptions
) -> Trial:
    rows = load_variable(path, "eeg_band_feats_full")
    n_channels, n_bands = len(CARD.channels), len(CARD.bands)
    if rows.ndim != 2 or rows.shape[1] != n_channels * n_bands:
        raise DataError(
            f"{path}: eeg_band_feats_full is {rows.shape}, expected (n, {n_channels * n_bands}); "
            "restore the file from the release"
        )
    if len(rows) != len(track):
        raise DataError(
            f"{path}: {len(rows)} rows of features but {len(track)} labels at 4 Hz; restore the "
            "file from the release"
        )
    width = int(options.step_s * RATE)
    if len(rows) < width:
        raise DataError(f"{path}: {len(rows)} rows at 4 Hz are shorter than one step")
    features = block_mean(rows, width).reshape(-1, n_bands, n_channels).transpose(0, 2, 1)
    labels = block_mean(track[:, None] * LABEL_SCALES[options.label_scale], width)
    return Trial(
        features=np.ascontiguousarray(features),
        labels=labels,
        label_names=CARD.label_names,
        label_kind=CARD.label_kind,
        step_s=options.step_s,
        channels=CARD.channels,
        bands=CARD.bands,
        key=key,
        origin=str(path),
    )
