"""Band power and label tracks of a checked folder, for its report.

Both are read once more, one trial at a time, and only their means are kept. Reading signals is
what takes long: a few trials of some subjects are enough to see the scalp.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import Dataset, Variant
from eeg_emotion_env.datasets.checks import CheckReport
from eeg_emotion_env.datasets.recording import Recording
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.trial import FloatArray, TrialKey

MAX_SUBJECTS = 12
"""Subjects whose details are shown."""

MAX_TRIALS = 12
"""Trials a subject whose band power is read."""

Subject = int | str
Item = TypeVar("Item")


@dataclass(frozen=True)
class Track:
    """Labels of a trial.

    Attributes
    ----------
    key : TrialKey
        The trial.
    names : tuple of str
        Label dimensions.
    values : ndarray, shape (n_steps, n_dims), float32
        In [-1, 1]; NaN where not annotated.
    step_s : float
        Seconds a step.
    kind : str
        Origin of the labels, one of `eeg_emotion_env.trial.LABEL_KINDS`.
    """

    key: TrialKey
    names: tuple[str, ...]
    values: FloatArray
    step_s: float
    kind: str


@dataclass
class BandPower:
    """Mean features of subjects whose recordings have the same channels and bands.

    Attributes
    ----------
    variant : str
        How the folder was read.
    channels, bands : tuple of str
        Names of the axes.
    is_raw : bool
        Whether the features are log band power of raw EEG (in ln µV²), not stored ones.
    """

    variant: str
    channels: tuple[str, ...]
    bands: tuple[str, ...]
    is_raw: bool
    _sums: dict[Subject, tuple[NDArray[np.float64], int]] = field(default_factory=dict)

    def add(self, subject: Subject, features: FloatArray) -> None:
        """Count one trial's features, (n_steps, n_channels, n_bands), with a subject's."""
        total, n = self._sums.get(subject, (np.zeros(features.shape[1:]), 0))
        self._sums[subject] = total + features.mean(axis=0, dtype=np.float64), n + 1

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Subjects of whom something was read."""
        return tuple(self._sums)

    def of(self, subject: Subject) -> NDArray[np.float64]:
        """Return the mean over a subject's trials, (n_channels, n_bands)."""
        total, n = self._sums[subject]
        return total / n

    def mean(self) -> NDArray[np.float64]:
        """Return the mean over the subjects' means, (n_channels, n_bands)."""
        return np.mean([self.of(subject) for subject in self.subjects], axis=0)


@dataclass
class DataSummary:
    """What the report draws.

    Attributes
    ----------
    subjects : tuple
        All subjects, in order.
    shown : tuple
        Those whose details are shown, evenly spread.
    tracks : dict of TrialKey to Track
        Labels of all trials.
    powers : list of BandPower
        One for each way of reading the folder and set of channels and bands.
    simulated : bool
        Whether any of the trials is simulated.
    """

    subjects: tuple[Subject, ...]
    shown: tuple[Subject, ...]
    tracks: dict[TrialKey, Track] = field(default_factory=dict)
    powers: list[BandPower] = field(default_factory=list)
    simulated: bool = False


def spread(items: Sequence[Item], limit: int) -> tuple[Item, ...]:
    """Return at most `limit` items, evenly spread with both ends."""
    places = np.linspace(0, len(items) - 1, min(len(items), limit))
    return tuple(items[round(place)] for place in places)


def summarise(
    dataset: Dataset, report: CheckReport, progress: Callable[[str], None] | None = None
) -> DataSummary:
    """Read labels of all readable trials, and band power of some.

    Parameters
    ----------
    dataset : Dataset
        Data set of the folder.
    report : CheckReport
        What `eeg_emotion_env.datasets.checks.check_folder` found there.
    progress : callable or None
        ``progress(text)``, called before each recording.

    Returns
    -------
    DataSummary
        Of the trials that the check could read; what cannot be read any more is left out.
    """
    subjects = tuple(dict.fromkeys(key.subject for key in report.found))
    summary = DataSummary(subjects, spread(subjects, MAX_SUBJECTS))
    if not report.trials:
        return summary
    show = progress or (lambda text: None)
    with warnings.catch_warnings():
        # the check has listed them
        warnings.simplefilter("ignore", DataWarning)
        for variant in dataset.variants(report.root):
            _add_variant(summary, dataset, variant, report, show)
    return summary


def _add_variant(
    summary: DataSummary,
    dataset: Dataset,
    variant: Variant,
    report: CheckReport,
    show: Callable[[str], None],
) -> None:
    seconds = {c.key: c.seconds for c in report.trials if c.variant == variant.name}
    is_raw = any(c.amplitude_uv is not None for c in report.trials if c.variant == variant.name)
    try:
        recordings = dataset.survey(variant.root, variant.options).recordings if seconds else []
    except DataError:
        return
    wanted = {
        key
        for subject in summary.shown
        for key in spread([key for key in seconds if key.subject == subject], MAX_TRIALS)
    }
    for recording in recordings:
        show(f"{variant.name}, {recording.origin}")
        summary.simulated |= recording.source == "simulated"
        for key in recording.keys:
            if key in seconds and key not in summary.tracks:
                summary.tracks[key] = _track(recording, key, seconds[key])
            if key in wanted:
                _add_power(summary.powers, variant.name, is_raw, recording, key)


def _track(recording: Recording, key: TrialKey, seconds: float) -> Track:
    step_s, labels = recording.reader.step_s, recording.labels
    values = labels.at_steps(key, round(seconds / step_s), step_s)
    return Track(key, labels.names, values, step_s, labels.kind)


def _add_power(
    powers: list[BandPower], variant: str, is_raw: bool, recording: Recording, key: TrialKey
) -> None:
    reader = recording.reader
    try:
        features = reader.features(key)
    except DataError:
        return
    names = variant, reader.channels, reader.bands
    fitting = [p for p in powers if (p.variant, p.channels, p.bands) == names]
    if not fitting:
        fitting.append(BandPower(*names, is_raw))
        powers += fitting
    fitting[0].add(key.subject, features)
