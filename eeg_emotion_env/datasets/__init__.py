"""Data sets: one file each, one registry, one `load`."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eeg_emotion_env.cache import default_cache
from eeg_emotion_env.datasets.base import Dataset, DatasetCard
from eeg_emotion_env.datasets.bids.dataset import BIDS
from eeg_emotion_env.datasets.files import require_folder
from eeg_emotion_env.datasets.ltne import LTNE
from eeg_emotion_env.datasets.mahnob import MAHNOB
from eeg_emotion_env.datasets.options import make_options
from eeg_emotion_env.datasets.recording import Recording
from eeg_emotion_env.datasets.refed import REFED
from eeg_emotion_env.datasets.seed import SEED
from eeg_emotion_env.datasets.seed_iv import SEEDIV
from eeg_emotion_env.datasets.seed_vii import SEEDVII
from eeg_emotion_env.datasets.simulated import Simulated
from eeg_emotion_env.datasets.trials import Trials
from eeg_emotion_env.errors import DataError, SimulatedDataWarning, check_choice
from eeg_emotion_env.paths import home_expanded

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetCard",
    "Recording",
    "Trials",
    "detect",
    "get_dataset",
    "load",
    "load_dataset",
]

DATA_VARIABLE = "EEG_EMOTION_DATA"
"""Environment variable that names the folder of the recordings."""

DATASETS: dict[str, Dataset] = {
    dataset.card.name: dataset
    for dataset in (SEED(), SEEDIV(), SEEDVII(), REFED(), MAHNOB(), LTNE(), BIDS(), Simulated())
}
"""Every data set by its registry name."""


def get_dataset(name: str) -> Dataset:
    """Return the data set of that name, or raise `ConfigError` with the known names."""
    return DATASETS[check_choice("dataset", name.lower(), DATASETS)]


def detect(root: Path) -> Dataset:
    """Return the data set whose layout `root` shows.

    Raises
    ------
    DataError
        If the folder is absent or shows no known layout.
    """
    require_folder(root)
    for dataset in DATASETS.values():
        if dataset.recognises(root):
            return dataset
    raise DataError(
        f"{root}: not the layout of a known data set; name it with --dataset "
        f"({', '.join(DATASETS)}) to see the tree that is expected"
    )


def load(
    name: str,
    data: str | os.PathLike[str] | None = None,
    *,
    normalization: str = "past",
    source: str | None = None,
    label_delay_s: float = 0.0,
    cache: bool = True,
    **options: Any,
) -> Trials:
    """Open a data set as a lazy sequence of trials.

    Parameters
    ----------
    name : str
        Registry name: ``"seed"``, ``"mahnob"``, ``"simulated"``, …
    data : path-like or None
        Folder of the recordings. None: the folder named by ``EEG_EMOTION_DATA`` (the data set
        itself, or a folder that holds it under its name); if that is unset or holds no such
        data set, a simulation of the same shape.
    normalization : str
        ``"past"`` (causal running z-score within each session, the default), ``"subject"``
        (transductive z-score) or ``"none"`` (stored features, or log band power of raw EEG).
    source : str or None
        ``"recorded"`` makes the absence of recordings an error; ``"simulated"`` asks for the
        simulation; None takes recordings where they are.
    label_delay_s : float
        Annotators' delay, seconds: labels are moved earlier by it (rounded to whole steps), and
        the last ones of each trial become NaN. `eeg_emotion_env.labels.estimate_delay` estimates
        it from training trials.
    cache : bool
        Whether features of recordings are kept on disk (see `eeg_emotion_env.cache`).
    **options
        Options of the data set (fields of its ``Options``).

    Returns
    -------
    Trials
        Lazy sequence of `Trial`.

    Raises
    ------
    DataError
        If recordings are asked for but absent or damaged.
    ConfigError
        If a name or an option is unknown.
    """
    return load_dataset(
        name,
        data,
        options,
        normalization=normalization,
        source=source,
        label_delay_s=label_delay_s,
        cache=cache,
    )


def load_dataset(
    name: str,
    data: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
    *,
    normalization: str = "past",
    source: str | None = None,
    label_delay_s: float = 0.0,
    cache: bool = True,
) -> Trials:
    """Do as `load`, with the options of the data set in a mapping of their own."""
    dataset = get_dataset(name)
    chosen = make_options(dataset, options)
    if source is not None:
        check_choice("source", source, ("recorded", "simulated"))
    root = None if source == "simulated" else _data_folder(dataset.card.name, data)
    if root is not None:
        store = default_cache() if cache else None
        return Trials(dataset.recordings(root, chosen), normalization, label_delay_s, store)
    if source == "recorded":
        raise DataError(
            f"no recordings of {dataset.card.title}{_looked_in()}: give data=… (command line: "
            f"--data) or set {DATA_VARIABLE} to their folder. {dataset.card.access}"
        )
    if source is None and dataset.card.name != "simulated":
        warnings.warn(
            f"no recordings of {dataset.card.title} found{_looked_in()}: simulated EEG with its "
            "channels and bands, few subjects, short trials and continuous simulated labels stands "
            "in, whatever options say of files. Give data=… (command line: --data) or set "
            f"{DATA_VARIABLE} to use recordings.",
            SimulatedDataWarning,
            stacklevel=3,
        )
    return Trials(dataset.simulated(chosen), normalization, label_delay_s)


def _looked_in() -> str:
    """Name the folder that was searched in vain."""
    folder = os.environ.get(DATA_VARIABLE, "")
    return f" in {folder} ({DATA_VARIABLE})" if folder else ""


def _data_folder(name: str, data: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder to read, or None if no recordings are pointed at."""
    if data is not None:
        # A relative path must still lead there when the working directory has changed.
        return require_folder(home_expanded(data).absolute())
    variable = os.environ.get(DATA_VARIABLE, "")
    if not variable:
        return None
    base = home_expanded(variable).absolute()
    if not base.is_dir():
        raise DataError(f"{base}: no such folder; {DATA_VARIABLE} must name an existing folder")
    dataset = DATASETS[name]
    below = [child for child in sorted(base.iterdir()) if _is_named(child, name)]
    return next((root for root in (*below, base) if dataset.recognises(root)), None)


def _is_named(folder: Path, name: str) -> bool:
    plain = folder.name.lower().replace("_", "-")
    return folder.is_dir() and plain in (name, f"{name}-eeg", f"{name}-dataset")
