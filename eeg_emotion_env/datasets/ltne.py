"""LTNE, the Long-Term Naturalistic Emotion set: a container of ours, since its own is not public.

The container is a BIDS tree (see `eeg_emotion_env.datasets.bids`):

- ``dataset_description.json``, whose ``Name`` contains ``LTNE``;
- one EDF file a trial, ``sub-<n>/ses-<n>/eeg/sub-<n>_ses-<n>_task-film_run-<trial>_eeg.edf``: EEG
  in microvolts at any rate, channels named by the 10-10 system, trials in the order of recording;
- beside it ``…_labels.tsv`` with ``time_s`` (seconds from the start of the trial), ``valence`` and
  ``arousal`` in [-1, 1], at a rate of their own;
- and, where the stimulus is known, ``…_events.tsv`` with one row, whose ``trial_type`` names it.

To convert the recordings, call `write_ltne_trial` for each trial, or write the tree with MNE-BIDS
(`mne_bids.write_raw_bids`; not installed with this package) and add the tables.
"""

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.channels import choose_channels, clean_name
from eeg_emotion_env.datasets.bids.dataset import BIDS
from eeg_emotion_env.datasets.bids.dataset import CARD as BIDS_CARD
from eeg_emotion_env.datasets.bids.files import DESCRIPTION, recording_paths, tree_of
from eeg_emotion_env.datasets.bids.runs import LATE_S
from eeg_emotion_env.datasets.bids.signals import Header
from eeg_emotion_env.datasets.files import beside
from eeg_emotion_env.datasets.recording import checked_eeg
from eeg_emotion_env.errors import ConfigError, DataError, DataWarning
from eeg_emotion_env.labels import DIMENSIONS
from eeg_emotion_env.labels.annotations import MISSING
from eeg_emotion_env.tables.bids import EARS

COARSEST_UV = 0.5
"""Microvolts of a digit that `write_ltne_trial` stores EEG with, at most."""

MOST_DIGITS = 2**16 - 1
"""Digits of a channel's range in EDF."""

LONGEST_NAME = 16
"""Characters of the name of a channel in EDF."""

SHORT_S, SHORT_SHARE = 10.0, 0.1
"""Seconds, or share of a trial, that its labels may end before it without a warning."""

CARD = replace(
    BIDS_CARD,
    name="ltne",
    env_id="EEGEmotion-LTNE-v0",
    title="LTNE (Long-Term Naturalistic Emotion set of EEGDancer), in a container of ours",
    licence="That of LTNE's authors; not public. Not redistributed here.",
    citation="EEGDancer, arXiv 2606.05855, 2026",
    access="Neither the data nor their format are public: ask the authors of arXiv 2606.05855, and "
    "convert with eeg_emotion_env.datasets.ltne.write_ltne_trial",
    label_meaning="Valence and arousal over time, as the tables beside the recordings give them. "
    "How the authors collected them is not public; nothing here was checked against LTNE itself.",
    stimuli_known=True,
    expected_tree='dataset_description.json   ("Name" contains LTNE)\n'
    "sub-<n>/ses-<n>/eeg/sub-<n>_ses-<n>_task-film_run-<trial>_eeg.edf\n"
    "…_labels.tsv   (time_s,valence,arousal in [-1, 1], at a rate of their own)\n"
    "…_events.tsv   (optional: one row, whose trial_type is the stimulus)",
    quirks=(
        "the format is ours, not the authors', whose own is not public; nothing here was checked "
        "against LTNE itself",
        "subjects, sessions, trials, channels and rate are not known in advance: none is missed",
        "convert with eeg_emotion_env.datasets.ltne.write_ltne_trial, or with MNE-BIDS",
        "all options of the data set bids apply",
    ),
)


class LTNE(BIDS):
    """A BIDS tree that calls itself LTNE (see the description of this module)."""

    card = CARD
    runs_show_stimulus = True

    def recognises(self, root: Path) -> bool:
        """Say whether recordings lie below in a tree whose description says LTNE."""
        return _is_container(root)

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over a container; other trees are refused."""
        if recording_paths(root) and not _is_container(root):
            raise DataError(
                f"{root}: no LTNE container: the Name in {DESCRIPTION} must contain LTNE; load it "
                "as the data set bids, or convert with eeg_emotion_env.datasets.ltne"
            )
        return super().survey(root, options)


def write_ltne_trial(
    root: Path,
    eeg: ArrayLike,
    sfreq: float,
    channels: Sequence[str],
    labels: ArrayLike,
    label_rate: float,
    *,
    subject: int,
    session: int = 1,
    trial: int = 1,
    stimulus: str | None = None,
) -> Path:
    """Add a trial to an LTNE container, which is made where there is none.

    Parameters
    ----------
    root : Path
        Folder of the container.
    eeg : array_like, shape (n_channels, n_times), microvolts
        EEG. Each channel's mean is taken away, which no feature depends on, and the rest stored
        with 16 bits a sample over the channel's range. An incomplete last second is dropped.
    sfreq : float
        Rate of the EEG, a whole number of Hz.
    channels : sequence of str
        Electrodes, by the 10-10 system; mastoids and ears are kept, but not read as EEG.
    labels : array_like, shape (n_labels, 2)
        Valence and arousal in [-1, 1]; NaN where there is none. Row i is the rating at
        ``(i + 1) / label_rate`` seconds.
    label_rate : float
        Rate of the labels, Hz.
    subject, session, trial : int
        Who, when and which, from 1; trials in the order of recording.
    stimulus : str or None
        Its name, the same for all who saw it.

    Returns
    -------
    Path
        The EDF file.

    Raises
    ------
    DataError
        If values cannot be EEG in microvolts, or 16 bits do not resolve `COARSEST_UV`; if names of
        channels would not be read as EEG; if labels are no numbers in [-1, 1], none is given, or
        they go on after the EEG; or if the folder holds another data set.
    ConfigError
        If a rate, a number or the name of the stimulus is impossible.
    """
    folder = Path(root)
    _check_numbers(subject=subject, session=session, trial=trial)
    _check_stimulus(stimulus)
    _check_rate("sfreq", sfreq)
    _check_rate("label_rate", label_rate)
    names = _electrodes(channels)
    values = _whole_seconds(eeg, sfreq, len(names))
    ratings = _ratings(labels)
    _check_ends(len(ratings) / label_rate, values.shape[1] / sfreq)
    ranges = [_range(row, name) for name, row in zip(names, values, strict=True)]
    _check_container(folder)
    stem = _stem(folder, subject, session, trial)
    path, events = Path(f"{stem}_eeg.edf"), Path(f"{stem}_events.tsv")
    _write_edf(path, values, sfreq, names, ranges)
    _write_labels(Path(f"{stem}_labels.tsv"), ratings, label_rate)
    if stimulus is None:
        # An earlier trial in this place may have had one.
        events.unlink(missing_ok=True)
    else:
        event = f"0.0\t{values.shape[1] / sfreq:g}\t{stimulus}"
        _write(events, ["onset\tduration\ttrial_type", event])
    _describe(folder)
    return path


def _check_numbers(**numbers: object) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
            raise ConfigError(f"{name} must be a whole number from 1, not {number!r}")


def _check_stimulus(stimulus: object) -> None:
    if stimulus is None:
        return
    if (
        not isinstance(stimulus, str)
        or stimulus.strip().lower() in MISSING
        or stimulus != stimulus.strip()
        or re.search(r'[\t\r\n"]', stimulus)
    ):
        raise ConfigError(
            f"stimulus must be a name without tabs, quotes and spaces around it, not {stimulus!r}"
        )


def _check_rate(name: str, rate: object) -> None:
    is_number = isinstance(rate, int | float | np.number) and not isinstance(rate, bool)
    if not is_number or not 0 < rate < np.inf:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a positive number of Hz, not {rate!r}")


def _electrodes(channels: Sequence[str]) -> tuple[str, ...]:
    """Return names of channels if all of them would be read as EEG, or references."""
    is_text = isinstance(channels, str) or not all(isinstance(name, str) for name in channels)
    if is_text or not len(channels):
        raise DataError(
            f"channels must be names of electrodes, such as ('FP1', 'CZ'), not {channels!r}"
        )
    names = tuple(name.strip() for name in channels)
    for name in names:
        if not (name.isascii() and name.isprintable() and 0 < len(name) <= LONGEST_NAME):
            raise DataError(f"channels: {name!r} must have 1 to {LONGEST_NAME} ASCII characters")
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise DataError(f"channels: {doubled} is there twice; rename one of them")
    place = Path("channels")
    read = choose_channels(Header(place, (place,), names, ("eeg",) * len(names)), {}).values()
    lost = [name for name in names if name not in read and clean_name(name) not in EARS]
    if lost:
        raise DataError(
            f"channels: {', '.join(lost[:6])} would not be read as EEG; name them by the 10-10 "
            "system, or leave them out"
        )
    return names


def _check_ends(labels_s: float, eeg_s: float) -> None:
    """Compare the ends of labels and EEG, seconds: a wrong rate shows there."""
    if labels_s > eeg_s + LATE_S:
        raise DataError(
            f"labels end at {labels_s:g} s, but the EEG lasts {eeg_s:g} s; check label_rate and "
            "sfreq, or cut the labels"
        )
    if labels_s < eeg_s - max(SHORT_S, SHORT_SHARE * eeg_s):
        warnings.warn(
            f"labels end at {labels_s:g} s, but the EEG lasts {eeg_s:g} s: the rest has none; "
            "check label_rate and sfreq",
            DataWarning,
            stacklevel=3,
        )


def _check_container(root: Path) -> None:
    """Refuse a folder that describes itself as another data set."""
    path = root / DESCRIPTION
    if root.exists() and not root.is_dir():
        raise DataError(f"{root}: is a file; give the folder of the container")
    if path.exists() and not _says_ltne(path):
        raise DataError(
            f"{path}: the Name must contain LTNE; give another folder, or correct the description"
        )


def _whole_seconds(eeg: ArrayLike, sfreq: float, n_channels: int) -> NDArray[np.float64]:
    """Return the whole seconds of EEG, each channel without its mean."""
    try:
        given = np.asarray(eeg)
    except ValueError:
        raise DataError("eeg is no array: its rows have different lengths") from None
    values = checked_eeg(given, n_channels, "eeg").astype(np.float64)
    if sfreq != round(sfreq) or values.shape[1] < sfreq:
        raise ConfigError(f"sfreq must be whole Hz, and eeg last a second, not {sfreq}")
    whole: NDArray[np.float64] = values[:, : int(values.shape[1] // sfreq * sfreq)]
    whole -= whole.mean(axis=1, keepdims=True)
    return whole


def _range(row: NDArray[np.float64], name: str) -> float:
    """Return the whole microvolts that a channel stays within; refuse one that swings too far."""
    reach = float(np.ceil(np.abs(row).max())) or 1.0
    if 2 * reach / MOST_DIGITS > COARSEST_UV:
        raise DataError(
            f"eeg: channel {name} swings by {reach:g} µV, so 16 bits would not resolve "
            f"{COARSEST_UV:g} µV; remove drift and artefacts first (high-pass filter)"
        )
    return reach


def _ratings(labels: ArrayLike) -> NDArray[np.float64]:
    try:
        ratings = np.asarray(labels, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("labels must be numbers, (n, 2); NaN where there is none") from None
    if ratings.ndim != 2 or ratings.shape[1] != len(DIMENSIONS) or (np.abs(ratings) > 1).any():
        raise DataError(f"labels must be (n, 2) within [-1, 1], not {_described(ratings)}")
    if np.isnan(ratings).all():
        raise DataError("labels hold no rating; leave the trial out")
    return ratings


def _described(ratings: NDArray[np.float64]) -> str:
    """Name shape and range of what is no rating."""
    known = ratings[~np.isnan(ratings)]
    return f"{ratings.shape}" + (f" from {known.min():g} to {known.max():g}" if known.size else "")


def _stem(root: Path, subject: int, session: int, trial: int) -> Path:
    """Return path and name of a trial's files without suffix."""
    who = f"sub-{subject:02d}", f"ses-{session:02d}"
    return root.joinpath(*who, "eeg", f"{'_'.join(who)}_task-film_run-{trial:02d}")


def _write_edf(
    path: Path,
    values: NDArray[np.float64],
    sfreq: float,
    channels: tuple[str, ...],
    ranges: list[float],
) -> None:
    from edfio import Edf, EdfSignal

    path.parent.mkdir(parents=True, exist_ok=True)
    Edf(
        [
            EdfSignal(row, sfreq, label=name, physical_dimension="uV", physical_range=(-r, r))
            for name, row, r in zip(channels, values, ranges, strict=True)
        ]
    ).write(path)


def _write_labels(path: Path, ratings: NDArray[np.float64], label_rate: float) -> None:
    times = np.arange(1, len(ratings) + 1) / label_rate
    rows = [f"{t:.9g}\t{_text(v)}\t{_text(a)}" for t, (v, a) in zip(times, ratings, strict=True)]
    _write(path, ["\t".join(("time_s", *DIMENSIONS)), *rows])


def _describe(root: Path) -> None:
    """Write the description of a container that has none."""
    if not (root / DESCRIPTION).exists():
        description = {"Name": "LTNE", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
        _write(root / DESCRIPTION, [json.dumps(description, indent=1)])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _text(value: float) -> str:
    return "n/a" if np.isnan(value) else f"{value:.9g}"


def _is_container(root: Path) -> bool:
    """Say whether the description of the first tree below names LTNE."""
    trees = dict.fromkeys(tree_of(path) for path in recording_paths(root))
    path = beside(DESCRIPTION, *trees, root)
    return path is not None and _says_ltne(path)


def _says_ltne(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "ltne" in str(content.get("Name", "")).lower()
