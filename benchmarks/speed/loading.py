"""Reading recordings: against `scipy.io.loadmat` and MNE's welch, in time and memory."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.speed.timing import Row, interleaved
from eeg_emotion_env.datasets import load
from eeg_emotion_env.features import BANDS, log_band_power
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.simulation.layouts.seed import recording_name

N_RECORDINGS = 45
LARGEST_TRIAL_MB = 62 * 53001 * 8 / 1e6
REPEATS = 5

# Runs in a process of its own, whose peak is then the peak of this alone.
PEAK = """
import json, sys, warnings
warnings.simplefilter("ignore")
from eeg_emotion_env.datasets import load
import scipy.fft, scipy.io, scipy.signal  # libraries are not what is measured
def peak():  # not ru_maxrss, which a child takes over from its parent
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
before = peak()
trials = list(load("seed", sys.argv[1], cache=False))
print(json.dumps([before, peak(), len(trials)]))
"""
OPEN = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
start = time.perf_counter()
from eeg_emotion_env.datasets import load
imported = time.perf_counter()
trials = list(load("seed", sys.argv[1]))
steps = sum(trial.n_steps for trial in trials)
opened = time.perf_counter()
lines = open("/proc/self/status").read().split("\\n")
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
print(json.dumps([opened - imported, imported - start, peak, len(trials), steps]))
"""


def measure() -> list[Row]:
    """Measure everything on simulated full-size recordings (about three minutes, 5 GB of disk)."""
    with tempfile.TemporaryDirectory(prefix="eegdancer-speed-") as folder:
        os.environ["EEG_EMOTION_CACHE"] = str(Path(folder) / "cache")
        config = replace(LAYOUTS["seed"].config, n_subjects=1, n_sessions=1)
        one = write_layout(LAYOUTS["seed"], config, Path(folder) / "one")
        rows = [*_against_loadmat(one), *_against_welch(), _memory(one)]
        return [*rows, *_cached_set(one, Path(folder) / "all")]


def _against_loadmat(root: Path) -> list[Row]:
    from scipy.io import loadmat

    path = root / "Preprocessed_EEG" / recording_name(1, 1)
    seconds = interleaved(
        {
            "loadmat": lambda: loadmat(path),
            "ours": lambda: list(load("seed", root, labels="class", cache=False)),
        },
        REPEATS,
    )
    ratio = seconds["ours"] / seconds["loadmat"]
    megabytes = path.stat().st_size / 1e6
    detail = f"{seconds['ours']:.2f} s against {seconds['loadmat']:.2f} s, {megabytes:.0f} MB"
    return [
        Row(
            "loading.seed_vs_loadmat",
            "one SEED recording: file to normalised features, against loadmat alone",
            ratio,
            "≤ 1.5",
            detail,
        )
    ]


def _against_welch() -> list[Row]:
    """Against one call of MNE for a recording cut into windows, and against its fastest form."""
    from mne.time_frequency import psd_array_welch

    sfreq, n_seconds = 200, 600
    eeg = np.random.default_rng(0).normal(0, 20, (62, n_seconds * sfreq))
    windows = np.ascontiguousarray(eeg.reshape(62, n_seconds, sfreq).transpose(1, 0, 2))
    options = {"sfreq": float(sfreq), "fmin": 1, "fmax": 50, "n_fft": sfreq, "verbose": "error"}

    def bands(density: NDArray[np.float64], frequencies: NDArray[np.float64]) -> None:
        for low, high in BANDS.values():
            np.log(density[:, (frequencies >= low) & (frequencies < high)].mean(axis=1))

    def batch() -> None:
        density, frequencies = psd_array_welch(windows, **options)
        bands(density.transpose(0, 2, 1), frequencies)

    def continuous() -> None:
        # Segments without averaging are the windows.
        density, frequencies = psd_array_welch(eeg, average=None, **options)
        bands(density, frequencies)

    seconds = interleaved(
        {
            "batch": batch,
            "continuous": continuous,
            "ours": lambda: [log_band_power(eeg, float(sfreq)) for _ in range(5)],
        },
        REPEATS,
    )
    ours = 5 * n_seconds / seconds["ours"]
    what = "features of whole recordings, EEG-seconds a second, against MNE's welch"
    rows = []
    for name, key, form, target in (
        ("batch", "loading.features_vs_welch", "on the windows in one call", "≥ 50"),
        ("continuous", "loading.features_vs_fastest_welch", "in its fastest form", ""),
    ):
        theirs = n_seconds / seconds[name]
        detail = f"{ours:.0f} against {theirs:.0f}"
        rows.append(Row(key, f"{what} {form}", ours / theirs, target, detail))
    return rows


def _run(script: str, root: Path) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True
    )
    values: list[float] = json.loads(done.stdout.splitlines()[-1])
    return values


def _memory(root: Path) -> Row:
    before, peak, _ = _run(PEAK, root)
    return Row(
        "loading.seed_extra_mb",
        "peak resident memory there beyond the largest trial × 1.5, MB",
        peak - 1.5 * LARGEST_TRIAL_MB,
        "≤ 400",
        f"peak {peak:.0f} MB, of which {before:.0f} MB before anything is read",
    )


def _cached_set(one: Path, root: Path) -> list[Row]:
    """Open a set of 45 recordings that lies in the cache."""
    source = one / "Preprocessed_EEG"
    target = root / "Preprocessed_EEG"
    target.mkdir(parents=True)
    shutil.copy(source / "label.mat", target)
    content = bytearray((source / recording_name(1, 1)).read_bytes())
    for number in track(range(N_RECORDINGS), "copying recordings"):
        # Another text in the header is another content: each has a cache entry of its own.
        content[60:116] = f"recording {number}".ljust(56).encode()
        subject, session = divmod(number, 3)
        (target / recording_name(subject + 1, session + 1)).write_bytes(content)
    _run(OPEN, root)
    again = [_run(OPEN, root) for _ in range(3)]
    seconds = sorted(values[0] for values in again)[1]
    peak = max(values[2] for values in again)
    built = f"{again[0][3]:.0f} trials, {again[0][4]:.0f} steps"
    return [
        Row(
            "loading.cached_open_s", "opening 45 cached recordings whole, s", seconds, "≤ 2", built
        ),
        Row("loading.cached_open_mb", "peak resident memory there, MB", peak, "≤ 300", built),
    ]
