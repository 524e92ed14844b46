"""Writing a simulation as a tree of files that looks like SEED's release."""

import csv
import json
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.seed_tables import DATES, PREFIXES, SFREQ
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.recording import SimulatedTrial, simulate_trial
from eeg_emotion_env.simulation.seed_features import feature_variables

GENERATOR = "eeg_emotion_env.simulation"
MANIFEST = "simulation.json"
MAT_HEADER = b"MATLAB 5.0 MAT-file, SIMULATED EEG written by eeg_emotion_env, not a recording"
"""Text at the start of each MAT file: it stays with the file wherever it is copied."""

# The parts of a MAT file (v5): 116 bytes of text in a header of 128, then elements, each with its
# type and length; type 15 is a compressed element.
_TEXT_LENGTH, _HEADER_LENGTH, _COMPRESSED = 116, 128, 15

README = """SIMULATED EEG in the layout of the SEED data set. Nothing here was recorded.
Written by eeg_emotion_env.simulation; simulation.json holds the configuration and the seed,
annotations.csv the simulated raters' labels, truth.csv the affect behind them.
"""
FEATURE_WINDOWS_S = (1, 4)
TRACK_HEADER = ("subject", "session", "stimulus", "time_s", "valence", "arousal")


def write_seed(
    config: SimulationConfig,
    out: Path,
    *,
    features: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulation in SEED's layout.

    The tree is built beside `out` and renamed at the end, so `out` is complete or untouched. Files
    of the same configuration are the same byte for byte.

    Parameters
    ----------
    config : SimulationConfig
        Knobs; channels and rate must be SEED's.
    out : Path
        Folder to write: new, empty, or an earlier simulation, which is replaced.
    features : bool
        Write ``ExtractedFeatures_1s`` and ``ExtractedFeatures_4s`` too.
    progress : callable or None
        ``progress(done, total)``, called after each recording.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ConfigError
        If channels or rate are not SEED's.
    DataError
        If `out` holds anything else, or cannot be written.
    """
    if config.channels != SEED_CHANNELS or config.sfreq != SFREQ:
        raise ConfigError(f"the layout of SEED needs its 62 channels and sfreq={SFREQ:g}")
    _require_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _built_beside(out) as build:
            _write_tree(config, build, features, progress or (lambda done, total: None))
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error
    return out


def recording_name(subject: int, session: int) -> str:
    """Return the file name of a recording: SEED's own dates where it has them."""
    known = DATES.get(subject, ())
    if session <= len(known):
        return f"{subject}_{known[session - 1]}.mat"
    last = date.fromisoformat(known[-1]) if known else date(2015, 1, 1) + timedelta(days=subject)
    return f"{subject}_{last + timedelta(days=7 * (session - len(known))):%Y%m%d}.mat"


def _prefix(subject: int) -> str:
    return PREFIXES[subject - 1] if subject <= len(PREFIXES) else f"sub{subject}"


def _write_tree(
    config: SimulationConfig, root: Path, features: bool, progress: Callable[[int, int], None]
) -> None:
    folders = [root / "Preprocessed_EEG"]
    if features:
        folders += [root / f"ExtractedFeatures_{seconds}s" for seconds in FEATURE_WINDOWS_S]
    classes = [config.clip_class(trial + 1) for trial in range(config.n_trials)]
    for folder in folders:
        folder.mkdir()
        (folder / "readme.txt").write_text(README, encoding="utf-8")
        with _mat_file(folder / "label.mat") as add:
            add("label", np.array([classes], dtype=np.int16))
    _write_recordings(config, root, folders, progress)
    (root / "readme.txt").write_text(README, encoding="utf-8")
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*"))
    manifest = {
        "generator": GENERATOR,
        "source": "simulated",
        "layout": "seed",
        "config": asdict(config),
        "clip_seconds": config.clip_seconds,
        "files": [name for name in names if (root / name).is_file()],
    }
    (root / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _write_recordings(
    config: SimulationConfig,
    root: Path,
    folders: list[Path],
    progress: Callable[[int, int], None],
) -> None:
    pairs = [
        (subject, session)
        for subject in range(1, config.n_subjects + 1)
        for session in range(1, config.n_sessions + 1)
    ]
    with (
        (root / "annotations.csv").open("w", newline="", encoding="utf-8") as labels,
        (root / "truth.csv").open("w", newline="", encoding="utf-8") as truth,
    ):
        for stream in (labels, truth):
            csv.writer(stream).writerow(TRACK_HEADER)
        for done, (subject, session) in enumerate(pairs, start=1):
            paths = [folder / recording_name(subject, session) for folder in folders]
            for trial in _write_recording(config, paths, subject, session):
                ids = subject, session, trial.stimulus
                _write_track(labels, ids, config.step_s, trial.labels)
                _write_track(truth, ids, config.step_s, trial.truth)
            progress(done, len(pairs))


def _write_recording(
    config: SimulationConfig, paths: list[Path], subject: int, session: int
) -> Iterator[SimulatedTrial]:
    """Write raw EEG, then features for each further path; yield the trials."""
    features: list[dict[str, NDArray[np.float64]]] = [{} for _ in paths[1:]]
    with _mat_file(paths[0]) as add:
        for number in range(1, config.n_trials + 1):
            trial = simulate_trial(config, subject, session, number)
            add(f"{_prefix(subject)}_eeg{number}", trial.eeg.astype(np.float64))
            for variables, seconds in zip(features, FEATURE_WINDOWS_S, strict=False):
                variables |= feature_variables(trial.eeg, number, seconds)
            yield trial
    for path, variables in zip(paths[1:], features, strict=True):
        with _mat_file(path) as add:
            for name, values in variables.items():
                add(name, values)


def _write_track(
    stream: IO[str],
    ids: tuple[int, int, str],
    step_s: float,
    values: NDArray[np.float32],
) -> None:
    # Nine digits are enough to get every float32 back.
    csv.writer(stream).writerows(
        (*ids, f"{step_s * (step + 1):.9g}", f"{valence:.9g}", f"{arousal:.9g}")
        for step, (valence, arousal) in enumerate(values)
    )


@contextmanager
def _mat_file(path: Path) -> Iterator[Callable[[str, NDArray[Any]], None]]:
    """Open a MAT file (v5, compressed) that takes one variable at a time."""
    with path.open("wb") as stream:

        def add(name: str, values: NDArray[Any]) -> None:
            header, element = _mat_element(name, values)
            if stream.tell() == 0:
                stream.write(MAT_HEADER.ljust(_TEXT_LENGTH) + header[_TEXT_LENGTH:])
            stream.write(element)

        yield add


def _mat_element(name: str, values: NDArray[Any]) -> tuple[bytes, bytes]:
    """Return the header of a MAT file and one compressed variable.

    scipy's own compression has a fixed level that takes six times as long for files a fifth
    smaller; it would be nine tenths of the time to write a set.
    """
    from scipy.io import savemat

    buffer: Any = BytesIO()  # scipy's annotations know of paths alone
    savemat(buffer, {name: values})
    content = buffer.getvalue()
    packed = zlib.compress(content[_HEADER_LENGTH:], level=1)
    return content[:_HEADER_LENGTH], struct.pack("<II", _COMPRESSED, len(packed)) + packed


def _require_free(out: Path) -> None:
    """Refuse to write over anything but a simulation without foreign files."""
    if not out.exists():
        return
    if not out.is_dir():
        raise DataError(f"{out}: is a file; give a new folder")
    present = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    if not present:
        return
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        own = {MANIFEST, *manifest["files"]} if manifest["generator"] == GENERATOR else set()
    except (OSError, ValueError, KeyError, TypeError):
        own = set()
    foreign = sorted(present - own)
    if foreign:
        raise DataError(
            f"{out}: holds {foreign[0]}, which no simulation wrote; give a new or empty folder"
        )


@contextmanager
def _built_beside(out: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the place of `out` if all goes well."""
    build = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield build
        build.chmod(0o777 & ~_umask())
        if out.exists():
            shutil.rmtree(out)
        build.rename(out)
    finally:
        shutil.rmtree(build, ignore_errors=True)


def _umask() -> int:
    """Return the process's mask of permissions (mkdtemp makes private folders)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
