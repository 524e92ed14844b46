"""Small recordings with VA labels, written as EDF, and what is expected of them."""

from datetime import datetime

import numpy as np
import pytest
from edfio import Edf, EdfSignal, Recording, read_edf

from eeg_emotion_env.datasets import get_dataset, load
from eeg_emotion_env.errors import DataWarning

BIDS = get_dataset("bids")
SFREQ, SECONDS = 200, 8
N_TIMES = SFREQ * SECONDS
RUN = "sub-{:02d}/eeg/sub-{:02d}_task-x_run-1"
FIRST, SECOND = RUN.format(1, 1), RUN.format(2, 2)
EVENTS = "onset duration trial_type\n1 2.5 5\n1 2.5 103\n5.0 n/a 1\n5.0 n/a 101\n7 0 start\n"


def noise(*seed, uv=10.0):
    """Return EEG of a length of 8 s, in µV."""
    return uv * np.random.default_rng(seed).standard_normal(N_TIMES)


def wave(phase=0.0, centre=4.5, reach=4.0):
    """Return a label that a converter of 2**-12 stores exactly."""
    values = centre + reach * np.sin(np.arange(N_TIMES) / 300 + phase)
    return np.rint(values * 4096) / 4096


def eeg(*names, unit="uV", seed=0):
    """Return EEG channels for `write`."""
    return {name: (noise(seed, i), unit, (-4000, 4000)) for i, name in enumerate(names)}


def rated(names=("VA1", "VA2"), unit="uV", **kwargs):
    reach = 4.5 if "centre" not in kwargs else 4.0
    span = (kwargs.get("centre", 4.5) - reach, kwargs.get("centre", 4.5) + reach)
    return {name: (wave(i, **kwargs), unit, span) for i, name in enumerate(names)}


def write(path, signals, sfreq=SFREQ, began=datetime(2020, 5, 5)):
    """Write an EDF file from name: (values, unit, physical range)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    largest = 18432
    Edf(
        [
            EdfSignal(
                values,
                sfreq * len(values) // N_TIMES,
                label=name,
                physical_dimension=unit,
                physical_range=span,
                digital_range=(-largest, largest)
                if name.lower()[:2] in ("va", "ft")
                else (-32000, 32000),
            )
            for name, (values, unit, span) in signals.items()
        ],
        recording=Recording(startdate=began.date()),
        starttime=began.time(),
    ).write(path)
    return path


def converted(values, record, low, high):
    """Return the bytes of a record of a second: 16 bits over a range."""
    piece = values[record * SFREQ : (record + 1) * SFREQ]
    return np.rint((piece - low) / (high - low) * 65535 - 32768).astype("<i2").tobytes()


def means(values, low=0.0, high=9.0, step=SFREQ):
    """Return the labels expected of ratings: means of the steps, scaled to [-1, 1]."""
    scaled = 2 * (np.asarray(values) - low) / (high - low) - 1
    return scaled.reshape(len(scaled), -1, step).mean(axis=2).T.astype(np.float32)


def stored(path):
    """Read channel names and stored values without MNE."""
    return {signal.label: signal.data for signal in read_edf(path).signals}


def table(path, text):
    """Write a table whose cells are separated by blanks in the text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(" ", "\t" if path.suffix == ".tsv" else ","))
    return path


def table_for_all(root, ending, text):
    """Write the same table beside both recordings of `root`."""
    for name in (FIRST, SECOND):
        table(root / f"{name}{ending}", text)


def write_all(root, *names, labels=None):
    """Write each recording below a folder again, with EEG of its own and VA labels if not given."""
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg(*names, seed=seed), **(rated() if labels is None else labels)})


def without_labels(root):
    write_all(root, "Fp1", "Cz", "O2", labels={})


def tolerated(root, options=None):
    """Load all trials; return them and what was said."""
    with pytest.warns(DataWarning) as caught:
        trials = list(load("bids", root, normalization="none", **(options or {})))
    return trials, " ".join(str(warning.message) for warning in caught)
