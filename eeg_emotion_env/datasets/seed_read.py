"""Reading SEED's files: labels, structure, raw EEG and stored features of one folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.seed_files import DataFolder, SessionFile, read_classes
from eeg_emotion_env.datasets.simulated import feature_config
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.features import BANDS, POWER_FLOOR, block_mean, log_band_power
from eeg_emotion_env.labels import DIMENSIONS, ClassLabels, LabelTracks, read_annotations
from eeg_emotion_env.matfile import load_variable
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.seed_tables import SFREQ, stimulus_name
from eeg_emotion_env.trial import FloatArray, Trial, TrialKey

DATASET = "seed"
BAND_NAMES = tuple(BANDS)

WINDOWS_S = (1.0, 4.0)
"""Window lengths of the stored features, seconds."""

SMALLEST_SPREAD_UV = 1e-2
"""EEG that varies less than this, microvolts, is in other units or flat."""


@dataclass(frozen=True, eq=False)
class Source:
    """How the trials of one folder are read.

    Attributes
    ----------
    folder : DataFolder
        The files.
    kind : str
        ``"raw"`` or a family of stored features.
    labels : ClassLabels or LabelTracks
        Where labels come from.
    truth : LabelTracks or None
        True affect, for simulations.
    n_trials : int
        Trials expected in each file.
    step_s : float
        Seconds a step asked for.
    """

    folder: DataFolder
    kind: str
    labels: ClassLabels | LabelTracks
    truth: LabelTracks | None
    n_trials: int
    step_s: float


def open_source(folder: DataFolder, kind: str, labels: str, step_s: float) -> Source:
    """Find labels, truth and the number of trials of a folder.

    Parameters
    ----------
    folder : DataFolder
        The files.
    kind : str
        ``"raw"`` or a family of stored features.
    labels : str
        ``"auto"``, ``"class"`` or the path of an annotation CSV.
    step_s : float
        Seconds a step.

    Returns
    -------
    Source
        What `keys_of`, `structure_problems` and `read_trial` need.
    """
    track = _labels(folder, labels)
    truth = folder.beside("truth.csv") if folder.manifest else None
    return Source(
        folder=folder,
        kind=kind,
        labels=track,
        truth=read_annotations(truth) if truth else None,
        n_trials=_n_trials(folder, kind),
        step_s=step_s,
    )


def _n_trials(folder: DataFolder, kind: str) -> int:
    """Trials a session: as many as classes in label.mat, else as in the fullest file."""
    if folder.beside("label.mat"):
        return len(read_classes(folder)[1])
    return max(max(file.trials(kind), default=0) for file in folder.files)


def _labels(folder: DataFolder, labels: str) -> ClassLabels | LabelTracks:
    path = folder.beside("annotations.csv") if labels == "auto" else None
    if labels not in ("auto", "class"):
        path = Path(labels).expanduser()
    return read_annotations(path) if path else ClassLabels(*read_classes(folder))


def keys_of(file: SessionFile, source: Source) -> tuple[TrialKey, ...]:
    """List the trials of a file. SEED shows clip k in trial k of every session."""
    return tuple(
        TrialKey(DATASET, file.subject, file.session, trial, stimulus_name(trial))
        for trial in file.trials(source.kind)
    )


def structure_problems(file: SessionFile, source: Source) -> Iterator[str]:
    """Say what is wrong with the variables of a file, by their names and shapes alone."""
    trials = file.trials(source.kind)
    if not trials:
        pattern = "<prefix>_eeg<trial>" if source.kind == "raw" else f"{source.kind}<trial>"
        yield f"{file.path}: no variables {pattern}; restore the file from the release"
        return
    missing = sorted(set(range(1, source.n_trials + 1)) - set(trials))
    if missing:
        named = f"trial {missing[0]} is" if len(missing) == 1 else f"trials {_listed(missing)} are"
        yield (
            f"{file.path}: {named} missing (of {source.n_trials}); restore the file from the "
            "release"
        )
    for trial, name in trials.items():
        if not 1 <= trial <= source.n_trials:
            yield f"{file.path}: {name} has no label; restore label.mat from the release"
        wrong = _wrong_shape(file.variables[name], source.kind)
        if wrong:
            yield f"{file.path}: {name} {wrong}"


def _listed(numbers: list[int]) -> str:
    """List numbers, or name first and last where there are none left out between."""
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _wrong_shape(shape: tuple[int, ...], kind: str) -> str | None:
    n_channels, n_bands = len(SEED_CHANNELS), len(BAND_NAMES)
    length = shape[1] if len(shape) > 1 else 0
    right = (n_channels, length) if kind == "raw" else (n_channels, length, n_bands)
    if shape == right and length > 0:
        return None
    wanted = f"({n_channels}, n)" if kind == "raw" else f"({n_channels}, n, {n_bands})"
    if len(shape) == len(right) and n_channels in shape[1:] and shape[0] != n_channels:
        return f"has its axes swapped: {shape}, expected {wanted}; transpose it"
    return f"is {shape}, expected {wanted}; restore the file from the release"


def read_recording(file: SessionFile, source: Source) -> list[Trial]:
    """Read all trials of a file, one variable at a time."""
    return [read_trial(file, source, key) for key in keys_of(file, source)]


def read_trial(file: SessionFile, source: Source, key: TrialKey) -> Trial:
    """Read one trial of a file, with features not normalised.

    Raises
    ------
    DataError
        If the values are damaged or not in microvolts; the message names file and variable.
    """
    variable = file.trials(source.kind)[key.trial]
    wrong = _wrong_shape(file.variables[variable], source.kind)
    if wrong:
        raise DataError(f"{file.path}: {variable} {wrong}")
    make = _raw_features if source.kind == "raw" else _stored_features
    features, step_s = make(file, source, variable)
    simulated = file.is_simulated
    continuous = "simulated" if simulated else "continuous-external"
    truth = source.truth
    return Trial(
        features=features,
        labels=source.labels.at_steps(key, len(features), step_s),
        label_names=DIMENSIONS,
        label_kind="constant-class" if isinstance(source.labels, ClassLabels) else continuous,
        step_s=step_s,
        channels=SEED_CHANNELS,
        bands=BAND_NAMES,
        key=key,
        source="simulated" if simulated else "recorded",
        causal=source.kind == "raw",
        origin=f"{file.path}: {variable}",
        truth=truth.at_steps(key, len(features), step_s) if truth else None,
    )


def _raw_features(file: SessionFile, source: Source, variable: str) -> tuple[FloatArray, float]:
    eeg = _finite(file, variable)
    spread = float(eeg[:, ::5].std())
    if spread < SMALLEST_SPREAD_UV:
        raise DataError(
            f"{file.path}: {variable} varies by {spread:.1g} only: it looks like volts (or is "
            "flat), expected microvolts; multiply by 1e6"
        )
    # Trials have one sample more than whole seconds; what is beyond the last whole step is dropped.
    n_samples = eeg.shape[1] - 1 if eeg.shape[1] % SFREQ == 1 else eeg.shape[1]
    try:
        config = feature_config(source.step_s)
        return log_band_power(eeg[:, :n_samples], SFREQ, config), source.step_s
    except DataError as error:
        raise DataError(f"{file.path}: {variable}: {error}") from error


def _stored_features(file: SessionFile, source: Source, variable: str) -> tuple[FloatArray, float]:
    seconds = window_s(file, source.kind, source.folder.clip_seconds)
    rows = _finite(file, variable).transpose(1, 0, 2)
    if source.kind.startswith("psd"):
        rows = np.log(np.maximum(rows, POWER_FLOOR))
    width = max(1, round(source.step_s / seconds))
    if len(rows) < width:
        raise DataError(f"{file.path}: {variable} is shorter than one {source.step_s:g} s step")
    return block_mean(rows, width), width * seconds


def _finite(file: SessionFile, variable: str) -> NDArray[np.floating]:
    values = np.asarray(load_variable(file.path, variable))
    if not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{file.path}: {variable} is no numeric array; restore the file")
    if not np.isfinite(values).all():
        raise DataError(
            f"{file.path}: {variable} holds NaN or infinite values; restore the file from the "
            "release"
        )
    return values


def window_s(file: SessionFile, kind: str, clip_seconds: tuple[int, ...]) -> float:
    """Seconds a window of stored features, from their number and the clips' durations.

    Raises
    ------
    DataError
        If the number of windows fits none of `WINDOWS_S`.
    """
    windows = {trial: file.variables[name][1] for trial, name in file.trials(kind).items()}
    known = dict(enumerate(clip_seconds, start=1))
    seconds = sum(known.get(trial, 0) for trial in windows)
    ratio = seconds / max(1, sum(windows.values()))
    closest = min(WINDOWS_S, key=lambda window: abs(ratio - window))
    if not 0.8 <= ratio / closest <= 1.25:
        raise DataError(
            f"{file.path}: {sum(windows.values())} windows {kind} in {seconds} s of clips are "
            "neither 1 s nor 4 s long; restore the file from the release"
        )
    return closest
