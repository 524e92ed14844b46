"""Writing a simulation as a tree of files, whole or not at all, with its truth beside it."""

import csv
import json
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.cache import umask
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.recording import simulate_labels
from eeg_emotion_env.trial import stimulus_name

GENERATOR = "eeg_emotion_env.simulation"
MANIFEST = "simulation.json"
MARK = "SIMULATED EEG written by eeg_emotion_env, not a recording"
"""Text at the start of each file: it stays with the file wherever it is copied."""

# The parts of a MAT file (v5): 116 bytes of text in a header of 128, then elements, each with its
# type and length; type 15 is a compressed element.
_TEXT_LENGTH, _HEADER_LENGTH, _COMPRESSED = 116, 128, 15

AddVariable = Callable[[str, NDArray[Any]], None]


@dataclass(frozen=True)
class Layout:
    """How the files of a data set are laid out.

    Attributes
    ----------
    name : str
        Name on the command line.
    title : str
        Data set whose files are imitated.
    config : SimulationConfig
        Its size, clips, channels and rates; knobs are changed on it with `dataclasses.replace`.
    write : callable
        ``write(tree)`` writes everything below ``tree.root`` and calls ``tree.advance()`` once a
        recording (subject and session).
    fixed : tuple of str
        Fields of the configuration that the layout does not let vary.
    annotations : bool
        Whether the simulated raters go to ``annotations.csv``, since the files of the set hold no
        continuous label.
    most_sessions : int
        Sessions of a subject at most.
    trial_number : callable
        ``trial_number(config, subject, trial)``: number that the files give to a trial.
    """

    name: str
    title: str
    config: SimulationConfig
    write: Callable[["Tree"], None] = field(repr=False)
    fixed: tuple[str, ...] = ("channels", "sfreq", "n_trials")
    annotations: bool = False
    most_sessions: int = 100
    trial_number: Callable[[SimulationConfig, int, int], int] = field(
        default=lambda config, subject, trial: trial, repr=False
    )


class Tree:
    """A tree that is being written.

    Attributes
    ----------
    config : SimulationConfig
        What is simulated.
    root : Path
        An empty folder.
    features : bool
        Whether stored features are wanted beside raw EEG.
    """

    def __init__(
        self,
        config: SimulationConfig,
        root: Path,
        features: bool,
        progress: Callable[[int, int], None],
    ) -> None:
        self.config, self.root, self.features = config, root, features
        self._progress, self._done = progress, 0

    def advance(self) -> None:
        """Say that a recording is written."""
        self._done += 1
        self._progress(self._done, self.config.n_subjects * self.config.n_sessions)

    @property
    def subjects(self) -> range:
        """Numbers of the subjects."""
        return range(1, self.config.n_subjects + 1)

    @property
    def sessions(self) -> range:
        """Numbers of the sessions."""
        return range(1, self.config.n_sessions + 1)

    @property
    def trials(self) -> range:
        """Numbers of the trials."""
        return range(1, self.config.n_trials + 1)

    @contextmanager
    def mat_file(self, name: str, compressed: bool = True) -> Iterator[AddVariable]:
        """Open a MAT file (v5) below the root that takes one variable at a time."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:

            def add(variable: str, values: NDArray[Any]) -> None:
                header, element = _mat_element(variable, values, compressed)
                if stream.tell() == 0:
                    text = f"MATLAB 5.0 MAT-file, {MARK}".encode()
                    stream.write(text.ljust(_TEXT_LENGTH) + header[_TEXT_LENGTH:])
                stream.write(element)

            yield add

    def text(self, name: str, content: str) -> None:
        """Write a text file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def write_layout(
    layout: Layout,
    config: SimulationConfig,
    out: Path,
    *,
    features: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulation in the layout of a data set.

    The tree is built beside `out` and renamed at the end, so `out` is complete or untouched. Files
    of the same configuration are the same byte for byte. Beside the files of the data set lie
    ``simulation.json`` (configuration and list of files), ``truth.csv`` (the affect behind the
    labels) and ``readme.txt``.

    Parameters
    ----------
    layout : Layout
        One of `eeg_emotion_env.simulation.layouts.LAYOUTS`.
    config : SimulationConfig
        ``layout.config`` with any but its fixed fields changed.
    out : Path
        Folder to write: new, empty, or an earlier simulation, which is replaced.
    features : bool
        Write the stored features of the data set too, where it has both.
    progress : callable or None
        ``progress(done, total)``, called after each recording.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ConfigError
        If a field is changed that the layout fixes.
    DataError
        If `out` holds anything else, or cannot be written.
    """
    for name in layout.fixed:
        if getattr(config, name) != getattr(layout.config, name):
            raise ConfigError(
                f"the layout of {layout.title} needs its own {name}: "
                f"{_short(getattr(layout.config, name))}"
            )
    if config.n_sessions > layout.most_sessions:
        raise ConfigError(
            f"{layout.title} has {layout.most_sessions} sessions a subject at most, not "
            f"{config.n_sessions}"
        )
    _require_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _built_beside(out) as build:
            tree = Tree(config, build, features, progress or (lambda done, total: None))
            layout.write(tree)
            _write_tracks(layout, tree)
            _write_manifest(layout, tree)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error
    return out


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _write_tracks(layout: Layout, tree: Tree) -> None:
    """Write truth.csv and, where the set has no continuous label of its own, annotations.csv."""
    config = tree.config
    rows = [
        (subject, session, trial)
        for subject in tree.subjects
        for session in tree.sessions
        for trial in tree.trials
    ]
    with (
        _track_file(tree.root / "truth.csv", "trial") as truth,
        _track_file(
            tree.root / "annotations.csv" if layout.annotations else None, "stimulus"
        ) as raters,
    ):
        for subject, session, trial in rows:
            labels, affect = simulate_labels(config, subject, session, trial)
            number = layout.trial_number(config, subject, trial)
            truth((subject, session, number), config.step_s, affect)
            clip = stimulus_name(config.clip(session, trial))
            raters((subject, session, clip), config.step_s, labels)


@contextmanager
def _track_file(
    path: Path | None, last: str
) -> Iterator[Callable[[tuple[object, ...], float, NDArray[np.float32]], None]]:
    """Open a file of tracks; None takes them and writes nothing."""
    if path is None:
        yield lambda ids, step_s, values: None
        return
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(("subject", "session", last, "time_s", "valence", "arousal"))

        def add(ids: tuple[object, ...], step_s: float, values: NDArray[np.float32]) -> None:
            _write_track(stream, ids, step_s, values)

        yield add


def _write_track(
    stream: IO[str], ids: tuple[object, ...], step_s: float, values: NDArray[np.float32]
) -> None:
    # Nine digits are enough to get every float32 back.
    csv.writer(stream).writerows(
        (*ids, f"{step_s * (step + 1):.9g}", f"{valence:.9g}", f"{arousal:.9g}")
        for step, (valence, arousal) in enumerate(values)
    )


def _write_manifest(layout: Layout, tree: Tree) -> None:
    tree.text(
        "readme.txt",
        f"SIMULATED EEG in the layout of {layout.title}. Nothing here was recorded.\n"
        f"Written by {GENERATOR}; {MANIFEST} holds the configuration and the seed, truth.csv the "
        "affect behind the labels.\n",
    )
    names = sorted(
        path.relative_to(tree.root).as_posix() for path in tree.root.rglob("*") if path.is_file()
    )
    manifest = {
        "generator": GENERATOR,
        "source": "simulated",
        "layout": layout.name,
        "config": asdict(tree.config),
        "clip_seconds": tree.config.clip_seconds,
        "files": names,
    }
    (tree.root / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _mat_element(name: str, values: NDArray[Any], compressed: bool) -> tuple[bytes, bytes]:
    """Return the header of a MAT file and one variable.

    scipy's own compression has a fixed level that takes six times as long for files a fifth
    smaller; it would be nine tenths of the time to write a set.
    """
    from scipy.io import savemat

    buffer: Any = BytesIO()  # scipy's annotations know of paths alone
    savemat(buffer, {name: values})
    content = buffer.getvalue()
    header, element = content[:_HEADER_LENGTH], content[_HEADER_LENGTH:]
    if not compressed:
        return header, element
    packed = zlib.compress(element, level=1)
    return header, struct.pack("<II", _COMPRESSED, len(packed)) + packed


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
        build.chmod(0o777 & ~umask())
        if out.exists():
            shutil.rmtree(out)
        build.rename(out)
    finally:
        shutil.rmtree(build, ignore_errors=True)
