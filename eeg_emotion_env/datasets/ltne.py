"""LTNE, the Long-Term Naturalistic Emotion set: a container of ours, since its own is not public.

The container is a BIDS tree (see `eeg_emotion_env.datasets.bids`):

- ``dataset_description.json``, whose ``Name`` contains ``LTNE``;
- one EDF file a trial, ``sub-<n>/ses-<n>/eeg/sub-<n>_ses-<n>_task-film_run-<trial>_eeg.edf``: EEG
  in microvolts at any rate, channels named by the 10-10 system;
- beside it ``…_labels.tsv`` with ``time_s`` (seconds from the start of the trial), ``valence`` and
  ``arousal`` in [-1, 1], at a rate of their own;
- and, where the stimulus is known, ``…_events.tsv`` with one row, whose ``trial_type`` names it.

To convert the recordings, call `write_ltne_trial` for each trial, or write the tree with MNE-BIDS
(`mne_bids.write_raw_bids`) and add the tables.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.dataset import BIDS
from eeg_emotion_env.datasets.bids.dataset import CARD as BIDS_CARD
from eeg_emotion_env.datasets.bids.files import DESCRIPTION, recording_paths, tree_of
from eeg_emotion_env.datasets.files import beside
from eeg_emotion_env.datasets.recording import checked_eeg
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.labels import DIMENSIONS

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
        EEG; stored with 16 bits a sample over each channel's range. An incomplete last second is
        dropped.
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
        Who, when and which, from 1.
    stimulus : str or None
        Its name, the same for all who saw it.

    Returns
    -------
    Path
        The EDF file.

    Raises
    ------
    DataError
        If values cannot be EEG in microvolts, or shapes contradict each other.
    ConfigError
        If the rate is no whole number.
    """
    from edfio import Edf, EdfSignal

    values = checked_eeg(np.asarray(eeg), len(channels), "eeg").astype(np.float64)
    if sfreq != round(sfreq) or values.shape[1] < sfreq:
        raise ConfigError(f"sfreq must be whole Hz, and eeg last a second, not {sfreq}")
    ratings = np.asarray(labels, dtype=np.float64)
    if ratings.ndim != 2 or ratings.shape[1] != len(DIMENSIONS) or (np.abs(ratings) > 1).any():
        raise DataError(f"labels must be (n, 2) within [-1, 1], not {ratings.shape}")
    who = f"sub-{subject:02d}", f"ses-{session:02d}"
    stem = root.joinpath(*who, "eeg", f"{'_'.join(who)}_task-film_run-{trial:02d}")
    stem.parent.mkdir(parents=True, exist_ok=True)
    whole = values[:, : int(values.shape[1] // sfreq * sfreq)]
    reaches = [float(np.ceil(reach)) for reach in np.abs(whole).max(axis=1)]
    path = Path(f"{stem}_eeg.edf")
    Edf(
        [
            EdfSignal(row, sfreq, label=name, physical_dimension="uV", physical_range=(-r, r))
            for name, row, r in zip(channels, whole, (r or 1.0 for r in reaches), strict=True)
        ]
    ).write(path)
    times = np.arange(1, len(ratings) + 1) / label_rate
    rows = [f"{t:.9g}\t{_text(v)}\t{_text(a)}" for t, (v, a) in zip(times, ratings, strict=True)]
    _write(Path(f"{stem}_labels.tsv"), ["\t".join(("time_s", *DIMENSIONS)), *rows])
    if stimulus is not None:
        event = f"0.0\t{whole.shape[1] / sfreq:g}\t{stimulus}"
        _write(Path(f"{stem}_events.tsv"), ["onset\tduration\ttrial_type", event])
    if not (root / DESCRIPTION).exists():
        description = {"Name": "LTNE", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
        _write(root / DESCRIPTION, [json.dumps(description, indent=1)])
    return path


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
