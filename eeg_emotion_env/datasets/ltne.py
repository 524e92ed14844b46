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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.dataset import BIDS
from eeg_emotion_env.datasets.bids.dataset import CARD as BIDS_CARD
from eeg_emotion_env.datasets.bids.files import DESCRIPTION, recording_paths, tree_of
from eeg_emotion_env.datasets.files import beside
from eeg_emotion_env.datasets.recording import checked_eeg
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.labels import DIMENSIONS

COARSEST_UV = 0.5
"""Microvolts of a digit that `write_ltne_trial` stores EEG with, at most."""

MOST_DIGITS = 2**16 - 1
"""Digits of a channel's range in EDF."""

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
    channels: tuple[str, ...],
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
    channels : tuple of str
        Electrodes, by the 10-10 system.
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
        If values cannot be EEG in microvolts, or 16 bits do not resolve `COARSEST_UV`, or shapes
        contradict each other.
    ConfigError
        If the rate is no whole number.
    """
    values, ratings = _whole_seconds(eeg, sfreq, len(channels)), _ratings(labels)
    ranges = [_range(row, name) for name, row in zip(channels, values, strict=True)]
    stem = _stem(root, subject, session, trial)
    path = Path(f"{stem}_eeg.edf")
    _write_edf(path, values, sfreq, channels, ranges)
    _write_labels(Path(f"{stem}_labels.tsv"), ratings, label_rate)
    if stimulus is not None:
        event = f"0.0\t{values.shape[1] / sfreq:g}\t{stimulus}"
        _write(Path(f"{stem}_events.tsv"), ["onset\tduration\ttrial_type", event])
    _describe(root)
    return path


def _whole_seconds(eeg: ArrayLike, sfreq: float, n_channels: int) -> NDArray[np.float64]:
    """Return the whole seconds of EEG, each channel without its mean."""
    values = checked_eeg(np.asarray(eeg), n_channels, "eeg").astype(np.float64)
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
    ratings = np.asarray(labels, dtype=np.float64)
    if ratings.ndim != 2 or ratings.shape[1] != len(DIMENSIONS) or (np.abs(ratings) > 1).any():
        raise DataError(f"labels must be (n, 2) within [-1, 1], not {ratings.shape}")
    return ratings


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
    if path is None:
        return False
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "ltne" in str(content.get("Name", "")).lower()
