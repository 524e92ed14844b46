"""SEED-VII's labels: recalled intensity of each clip's emotion; its sign makes it a valence."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import Survey, listed, named_trials
from eeg_emotion_env.datasets.files import beside, is_marked_simulated, plain_name
from eeg_emotion_env.datasets.seed_vii_files import (
    N_CLIPS,
    clip_key,
    clip_variables,
    subject_files,
)
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels import LabelSource, WindowLabels, read_annotations
from eeg_emotion_env.matfile import load_variables
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.tables.seed_vii import CLIP_EMOTIONS, CLIPS_A_SESSION, VALENCE_SIGNS
from eeg_emotion_env.trial import TrialKey

WINDOW_S = 4.0
SCALES = (1.0, 10.0, 100.0)
"""Ranges that the stored intensity may have: 0 to one of these."""


def read_labels(
    folders: dict[str, Path],
    files: dict[int, Path],
    options: Any,
    emotions: tuple[str, ...],
    found: Survey,
) -> LabelSource:
    """Read the labels that the options ask for.

    Parameters
    ----------
    folders : dict
        From `find_folders`.
    files : dict of int to Path
        Files of EEG or features, by subject.
    options : SEEDVIIOptions
        ``labels``, ``surprise_sign`` and ``intensity_range`` are used.
    emotions : tuple of str
        Target emotion of each clip.
    found : Survey
        Takes problems and warnings.

    Returns
    -------
    LabelSource
        Valence, or intensity.
    """
    if options.labels not in ("auto", "intensity"):
        return read_annotations(home_expanded(options.labels))
    if "labels" not in folders:
        raise DataError(
            f"{next(iter(files.values())).parent.parent}: the folder continuous_labels is missing; "
            "copy it there from the release, or give an annotation CSV (labels=…)"
        )
    intensity = _intensities(folders["labels"], files, options.intensity_range, found)
    signs = {**VALENCE_SIGNS, "surprise": options.surprise_sign}
    tracks: dict[TrialKey, NDArray[np.floating[Any]]] = {}
    for (subject, clip), values in intensity.items():
        sign = 1 if options.labels == "intensity" else signs[emotions[clip - 1]]
        # Adding zero turns the -0.0 of a neutral clip into 0.0.
        tracks[clip_key(subject, clip)] = sign * values[:, None] + 0.0
    name = "intensity" if options.labels == "intensity" else "valence"
    marked = any(
        is_marked_simulated(path) for path in subject_files(folders["labels"], found).values()
    )
    kind = "simulated" if marked else "recalled-intensity"
    return WindowLabels(tracks, WINDOW_S, (name,), kind)


def _intensities(
    folder: Path, files: dict[int, Path], stated: float | None, found: Survey
) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Read all label files: intensity in [0, 1] by subject and clip."""
    tracks: dict[tuple[int, int], NDArray[np.float64]] = {}
    label_files = subject_files(folder, found)
    for subject in sorted(set(files) - set(label_files)):
        found.add_problem(
            f"{folder}/{subject}.mat: missing, though there is EEG of the subject; restore it from "
            "the release"
        )
    # All files, also those of subjects without EEG here: one set has one scale.
    ranges: dict[Path, float] = {}
    for subject, path in label_files.items():
        try:
            own = _track_file(path)
        except DataError as error:
            found.add_problem(error)
            continue
        tracks |= {(subject, clip): values for clip, values in own.items()}
        ranges[path] = max(float(values.max()) for values in own.values())
    largest = max((float(values.max()) for values in tracks.values()), default=0.0)
    scale = stated or next((scale for scale in SCALES if largest <= scale), 0.0)
    for path, reached in ranges.items():
        # Nobody's recall of 80 clips stays below a tenth of the scale.
        if stated is None and 0 < reached <= scale / 10:
            found.warn(
                f"{path}: intensities reach {reached:g} only, those of others {largest:g}; it "
                "looks as if the scale was another: check the file"
            )
    if largest > scale:
        found.add_problem(
            f"{folder}: intensities reach {largest:g}, expected 0 to {scale or 1:g}; restore the "
            "label files from the release, or say their range (intensity_range=…)"
        )
        return {}
    if scale != 1.0 and stated is None:
        found.warn(
            f"{folder}: intensities reach {largest:g}: divided by {scale:g} (intensity_range=… "
            "says what is right)"
        )
    return {key: values / scale for key, values in tracks.items()}


def _track_file(path: Path) -> dict[int, NDArray[np.float64]]:
    variables = clip_variables(path, "raw")
    for clip, (name, _) in variables.items():
        if not 1 <= clip <= N_CLIPS:
            raise DataError(f"{path}: {name} is none of the {N_CLIPS} clips; restore the file")
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


def clip_emotions(root: Path, folder: Path, found: Survey) -> tuple[str, ...]:
    """Target emotion of each clip: from the release's table if it is there, else as published."""
    path = beside("emotion_label_and_stimuli_order.xlsx", folder.parent, root, folder)
    if path is None:
        return CLIP_EMOTIONS
    emotions = read_stimulus_order(path)
    pairs = enumerate(zip(emotions, CLIP_EMOTIONS, strict=True), start=1)
    odd = [clip for clip, (own, published) in pairs if own != published]
    if odd:
        clips = listed(odd[:5]) + (" and others" if odd[5:] else "")
        found.warn(
            f"{path}: the emotions of clips {clips} are not those of the release; they are used as "
            "they are: check where the file comes from"
        )
    return emotions


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
    blocks: list[tuple[list[int], list[str]]] = []
    indices = list(range(1, CLIPS_A_SESSION + 1))
    for _, row in table.iterrows():
        known = [name for cell in row if isinstance(cell, str) and (name := _emotion(cell))]
        numbers = [int(cell) for cell in row if _is_index(cell)]
        if len(known) == CLIPS_A_SESSION:
            blocks.append((indices, known))
        elif len(numbers) == CLIPS_A_SESSION:
            indices = numbers
    # Indices may count the clips of each session; rows are then in the order of sessions.
    of_session = all(max(clips) <= CLIPS_A_SESSION for clips, _ in blocks)
    emotions: dict[int, str] = {}
    for number, (clips, known) in enumerate(blocks):
        start = number * CLIPS_A_SESSION if of_session else 0
        emotions |= {start + clip: name for clip, name in zip(clips, known, strict=True)}
    if sorted(emotions) != list(range(1, N_CLIPS + 1)):
        raise DataError(
            f"{path}: names known emotions of {len(emotions)} clips, expected 1 to {N_CLIPS}; "
            "restore the file from the release, or remove it"
        )
    return tuple(emotions[clip] for clip in sorted(emotions))


def _is_index(cell: object) -> bool:
    return isinstance(cell, int | float) and cell == cell and float(cell).is_integer()


def _emotion(text: str) -> str | None:
    """Return the known emotion that a cell names (``Happy``, ``sadness``, ``angry``…)."""
    word = plain_name(text)
    roots = {"happ": "happy", "neutral": "neutral", "disgust": "disgust", "sad": "sad"}
    roots |= {"ang": "anger", "fear": "fear", "surpri": "surprise"}
    return next((name for start, name in roots.items() if word.startswith(start)), None)
