"""Looking over a data folder: what is there, trial by trial, and what is wrong with it."""

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eeg_emotion_env.datasets.base import Dataset, Survey, Variant
from eeg_emotion_env.datasets.recording import (
    Recording,
    SignalReader,
    flat_channels,
    label_doubt,
)
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.trial import Trial, TrialKey

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrialCheck:
    """What was found in one trial.

    Attributes
    ----------
    key : TrialKey
        The trial.
    variant : str
        How it was read, such as ``"Preprocessed_EEG (raw)"``.
    seconds : float
        Length of features (whole steps).
    expected_s : float or None
        Published length.
    annotated : float
        Share of the steps that have a label.
    labels : dict of str to tuple of float
        Lowest, mean and highest label of each dimension; NaN without any.
    amplitude_uv : float or None
        Median over channels of the spread of raw EEG, microvolts; None for stored features.
    flat : tuple of str
        Channels that never change.
    """

    key: TrialKey
    variant: str
    seconds: float
    expected_s: float | None
    annotated: float
    labels: dict[str, tuple[float, float, float]]
    amplitude_uv: float | None
    flat: tuple[str, ...]


@dataclass
class CheckReport:
    """Outcome of looking over a data folder.

    Attributes
    ----------
    dataset : str
        Registry name.
    root : Path
        The folder looked at.
    trials : list of TrialCheck
        Trials that are there and readable, once for each way of reading the folder.
    problems : list of str
        One line for each defect: the file, what is wrong, what to do.
    warnings : list of str
        Oddities that are tolerated, in the same form.
    notes : list of str
        Remarks that are no defects.
    """

    dataset: str
    root: Path
    trials: list[TrialCheck] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def found(self) -> list[TrialKey]:
        """Trials that are readable in at least one way, in order."""
        return sorted(dict.fromkeys(check.key for check in self.trials), key=_order)

    @property
    def ok(self) -> bool:
        """True if something was found and nothing is wrong with it."""
        return bool(self.trials) and not self.problems

    def to_frame(self) -> "pd.DataFrame":
        """Return one row for each trial and way of reading.

        Returns
        -------
        DataFrame
            Columns ``dataset, subject, session, trial, stimulus, variant, seconds, expected_s,
            annotated, amplitude_uv, flat`` and ``<dim>_low, <dim>_mean, <dim>_high``.
        """
        import pandas as pd

        rows = []
        for check in self.trials:
            row = {**asdict(check.key), **asdict(check)}
            for name, values in row.pop("labels").items():
                row |= {f"{name}_{what}": v for what, v in zip(_WHAT, values, strict=True)}
            row["flat"] = ", ".join(row["flat"])
            del row["key"]
            rows.append(row)
        return pd.DataFrame(rows)


_WHAT = ("low", "mean", "high")


def check_folder(
    dataset: Dataset, root: Path, progress: Callable[[int, int, str], None] | None = None
) -> CheckReport:
    """Read everything below a folder and report what is there and what is wrong.

    Parameters
    ----------
    dataset : Dataset
        Data set that the folder holds.
    root : Path
        The folder.
    progress : callable or None
        ``progress(done, total, text)``, called before each recording.

    Returns
    -------
    CheckReport
        Never raises for what is wrong with the data: that is what the report says.
    """
    report = CheckReport(dataset.card.name, root)
    show = progress or (lambda done, total, text: None)
    try:
        variants = dataset.variants(root)
        _add(report.problems, dataset.missing(root))
    except DataError as error:
        report.problems.append(str(error))
        return report
    surveys: list[tuple[Variant, Survey]] = []
    for variant in variants:
        try:
            surveys.append((variant, dataset.checked_survey(variant.root, variant.options)))
        except DataError as error:
            _add(report.problems, [str(error)])
    total, done = sum(len(survey.recordings) for _, survey in surveys), 0
    for variant, survey in surveys:
        _add(report.problems, survey.problems)
        _add(report.warnings, survey.warnings)
        _add(report.notes, survey.notes)
        for recording in survey.recordings:
            show(done, total, f"{variant.name}, {recording.origin}")
            _check_recording(report, dataset, variant, recording)
            done += 1
        _add(report.notes, [_summary(dataset, variant, survey)])
    if report.trials and not any(check.annotated for check in report.trials):
        _add(report.problems, [f"{root}: no trial has a label; check the label files"])
    return report


def _add(lines: list[str], more: list[str]) -> None:
    lines += [line for line in dict.fromkeys(more) if line not in lines]


def _check_recording(
    report: CheckReport, dataset: Dataset, variant: Variant, recording: Recording
) -> None:
    trials = []
    for key in recording.keys:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            try:
                trial, amplitude = _read(recording, key)
            except DataError as error:
                # What is wrong with the variable's shape has been said already.
                place = recording.reader.origin(key)
                if not any(line.startswith(place) for line in report.problems):
                    _add(report.problems, [str(error)])
                continue
        _add(report.warnings, [str(warning.message) for warning in caught])
        check = _trial_check(trial, variant.name, dataset.expected_seconds(key), amplitude)
        report.trials.append(check)
        trials.append(trial)
    doubt = label_doubt(trials)
    if doubt is not None:
        _add(report.warnings, [doubt])


def _read(recording: Recording, key: TrialKey) -> tuple[Trial, float | None]:
    """Read one trial, and the spread of a typical channel where there is raw EEG."""
    reader = recording.reader
    if not isinstance(reader, SignalReader):
        return recording.trial(key), None
    signal = reader.signal(key)
    features = reader.features_of(signal, key)
    return recording.trial(key, features), float(np.median(signal.eeg.std(axis=1)))


def _trial_check(
    trial: Trial, variant: str, expected_s: float | None, amplitude: float | None
) -> TrialCheck:
    ranges = {}
    for name, column in zip(trial.label_names, trial.labels.T, strict=True):
        known = column[~np.isnan(column)].astype(float)
        values = (known.min(), known.mean(), known.max()) if len(known) else (np.nan,) * 3
        ranges[name] = tuple(float(value) for value in values)
    return TrialCheck(
        key=trial.key,
        variant=variant,
        seconds=trial.n_steps * trial.step_s,
        expected_s=None if trial.source == "simulated" else expected_s,
        annotated=float((~np.isnan(trial.labels).any(axis=1)).mean()),
        labels=ranges,  # type: ignore[arg-type]
        amplitude_uv=amplitude,
        flat=flat_channels(trial.features, trial.channels),
    )


def _summary(dataset: Dataset, variant: Variant, survey: Survey) -> str:
    """Say how much of the full set a way of reading finds."""
    found, card = survey.recordings, dataset.card
    n_trials = sum(len(recording.keys) for recording in found)
    text = f"{variant.name}: {n_trials} trials in {len(found)} recordings"
    full = card.n_subjects * card.n_sessions
    if any(recording.source == "simulated" for recording in found):
        return f"{text}; simulated, not recorded"
    return text if not full or len(found) >= full else f"{text} (of {full} in the full set)"


def _order(key: TrialKey) -> tuple[object, ...]:
    number = key.subject if isinstance(key.subject, int) else 0
    return number, str(key.subject), key.session, key.trial
