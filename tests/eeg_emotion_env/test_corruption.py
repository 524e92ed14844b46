"""Damaged data: one line that names the file and the remedy, or a documented tolerance.

Each case damages a small sound tree. The outcome is an error (one line, naming the place), a
warning (the data are used all the same), or a note that nothing is wrong: never other numbers in
silence, never a trace.
"""

import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from benchmarks.cli import main
from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import DataError
from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.mahnob_release import write_release

SEED_FILE = "Preprocessed_EEG/1_20131027.mat"
IV_FILE = "eeg_raw_data/1/1_20160518.mat"
VII_EEG, VII_LABEL = "EEG_features/12.mat", "continuous_labels/12.mat"
REFED_EEG, REFED_LABEL = "data/1/EEG_videos.mat", "annotations/1_label.mat"
MAHNOB_FILE = "data/Features/P1-features-resamp4hz-trial-2.mat"
MAHNOB_LABEL = "data/lable_continous_Mahnob.mat"


@dataclass(frozen=True)
class Damage:
    """One way of damaging a tree.

    Attributes
    ----------
    name, dataset : str
        What is done, and to which data set.
    do : callable
        Damages the tree at a path.
    error, warning : str or None
        Text expected in the error or in a warning; both None: nothing is said.
    place : str or None
        File or folder that the message must name; None for the root.
    is_incomplete : bool
        Whether `check-data` calls the set incomplete though what is there can be used.
    """

    name: str
    dataset: str
    do: Callable[[Path], object]
    error: str | None = None
    warning: str | None = None
    place: str | None = None
    is_incomplete: bool = False


def variables(path):
    return {name: value for name, value in loadmat(path).items() if not name.startswith("__")}


def change(place, **changes):
    """Change variables of a MAT file; None removes one, a function changes its value."""

    def do(root):
        content = variables(root / place)
        for name, value in changes.items():
            content[name] = value(content[name]) if callable(value) else value
        savemat(root / place, {k: v for k, v in content.items() if v is not None})

    return do


def change_all(place, function):
    """Change all variables of a MAT file."""

    def do(root):
        content = {name: function(value) for name, value in variables(root / place).items()}
        savemat(root / place, content)

    return do


def rewrite(place, content):
    """Replace the bytes of a file: by bytes, or by a function of those that are there."""

    def do(root):
        old = (root / place).read_bytes()
        (root / place).write_bytes(content(old) if callable(content) else content)

    return do


def remove(place):
    return lambda root: (root / place).unlink()


def move(source, target):
    def do(root):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        (root / source).rename(root / target)

    return do


def copy(source, target):
    def do(root):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / source, root / target)

    return do


def rename_variable(place, old, new):
    def do(root):
        content = variables(root / place)
        savemat(root / place, {new if k == old else k: v for k, v in content.items()})

    return do


def with_value(place, value, where=(0, 0)):
    """Put a value into the first variable of a file."""

    def do(root):
        content = variables(root / place)
        first = next(iter(content))
        content[first] = content[first].copy()
        content[first][where] = value
        savemat(root / place, content)

    return do


def flipped(place):
    """Compress a file, then flip one bit in its middle."""

    def do(root):
        savemat(root / place, variables(root / place), do_compression=True)
        content = bytearray((root / place).read_bytes())
        content[len(content) // 2] ^= 16
        (root / place).write_bytes(content)

    return do


def hdf5(place):
    header = b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM"
    return rewrite(place, header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + b"\0" * 64)


def link(place, target):
    def do(root):
        (root / place).unlink()
        (root / place).symlink_to(target)

    return do


def loop(root):
    (root / "Preprocessed_EEG" / "again").symlink_to(root, target_is_directory=True)


def constant_channel(place):
    def do(root):
        content = variables(root / place)
        for name in content:
            content[name] = content[name].copy()
            content[name][9] = 0.0
        savemat(root / place, content)

    return do


def seed_csv(text):
    return lambda root: (root / "annotations.csv").write_text(text)


HEAD = "stimulus,time_s,valence,arousal\n"

DAMAGES = [
    # --- files that are no sound MAT files
    Damage("empty file", "seed", rewrite(SEED_FILE, b""), "empty|damaged", place=SEED_FILE),
    Damage("text", "seed", rewrite(SEED_FILE, b"no MAT file" * 50), "not a MAT", place=SEED_FILE),
    Damage(
        "cut in half", "seed", rewrite(SEED_FILE, lambda b: b[: len(b) // 2]), "", place=SEED_FILE
    ),
    Damage("a byte short", "seed", rewrite(SEED_FILE, lambda b: b[:-1]), "", place=SEED_FILE),
    Damage(
        "header alone",
        "seed",
        rewrite(SEED_FILE, lambda b: b[:128]),
        "no variables",
        place=SEED_FILE,
    ),
    Damage(
        "a bit flipped in compressed data",
        "seed",
        flipped(SEED_FILE),
        "damaged",
        place=SEED_FILE,
    ),
    Damage("HDF5 (v7.3)", "seed", hdf5(SEED_FILE), "save it again with -v7", place=SEED_FILE),
    Damage(
        "folder for a file",
        "seed",
        lambda r: [remove(SEED_FILE)(r), (r / SEED_FILE).mkdir()],
        is_incomplete=True,
    ),
    Damage("dangling link", "seed", link(SEED_FILE, "/nowhere"), "leads nowhere", place=SEED_FILE),
    Damage("link to itself", "seed", link(SEED_FILE, "1_20131027.mat"), "", place=SEED_FILE),
    Damage("loop of links", "seed", loop),
    # --- variables
    Damage(
        "other keys",
        "seed",
        change_all(SEED_FILE, lambda v: v) and rename_variable(SEED_FILE, "djc1_eeg2", "eeg_two"),
        "trial 2 is missing",
        place=SEED_FILE,
    ),
    Damage(
        "no EEG keys",
        "seed",
        lambda r: savemat(r / SEED_FILE, {"x": 1}),
        "no variables",
        place=SEED_FILE,
    ),
    Damage(
        "missing trial",
        "seed",
        change(SEED_FILE, djc1_eeg15=None),
        "trial 15 is missing",
        place=SEED_FILE,
    ),
    Damage(
        "extra trial",
        "seed",
        change(SEED_FILE, djc1_eeg16=np.ones((62, 601))),
        "djc1_eeg16 has no label",
        place=SEED_FILE,
    ),
    Damage(
        "the same trial twice",
        "seed",
        change(SEED_FILE, xx_eeg1=np.ones((62, 601))),
        "the same trial",
        place=SEED_FILE,
    ),
    Damage(
        "swapped axes", "seed", change_all(SEED_FILE, np.transpose), "axes swapped", place=SEED_FILE
    ),
    Damage(
        "32 channels",
        "seed",
        change_all(SEED_FILE, lambda v: v[:32]),
        r"expected \(62, n\)",
        place=SEED_FILE,
    ),
    Damage("flattened", "seed", change(SEED_FILE, djc1_eeg1=np.ravel), "expected", place=SEED_FILE),
    Damage(
        "no samples",
        "seed",
        change(SEED_FILE, djc1_eeg1=np.zeros((62, 0))),
        "expected",
        place=SEED_FILE,
    ),
    Damage(
        "half a second",
        "seed",
        change(SEED_FILE, djc1_eeg1=lambda v: v[:, :100]),
        "shorter than one",
        place=SEED_FILE,
    ),
    Damage(
        "text for numbers",
        "seed",
        change(SEED_FILE, djc1_eeg1=np.full((62, 601), "a", dtype=object)),
        "djc1_eeg1 holds an array of class char",
        place=SEED_FILE,
    ),
    Damage(
        "complex",
        "seed",
        change(SEED_FILE, djc1_eeg1=lambda v: v + 1j),
        "holds complex numbers, expected real numbers",
        place=SEED_FILE,
    ),
    Damage(
        "NaN",
        "seed",
        with_value(SEED_FILE, np.nan, (40, 5)),
        "NaN or infinite .*row 41",
        place=SEED_FILE,
    ),
    Damage("Inf", "seed", with_value(SEED_FILE, np.inf), "NaN or infinite", place=SEED_FILE),
    Damage(
        "volts",
        "seed",
        change_all(SEED_FILE, lambda v: v * 1e-6),
        "looks like volts",
        place=SEED_FILE,
    ),
    Damage(
        "millivolts",
        "seed",
        change_all(SEED_FILE, lambda v: v * 1e-3),
        "millivolts",
        place=SEED_FILE,
    ),
    Damage(
        "tenths of microvolts",
        "seed",
        change_all(SEED_FILE, lambda v: v * 0.015),
        warning="outside the usual",
        place=SEED_FILE,
    ),
    Damage(
        "channel constant in one trial",
        "seed",
        change(SEED_FILE, djc1_eeg3=lambda v: np.where(np.arange(62)[:, None] == 4, 7.0, v)),
        warning="djc1_eeg3: constant in AF4",
        place=SEED_FILE,
    ),
    Damage(
        "nanovolts",
        "seed",
        change_all(SEED_FILE, lambda v: v * 1e3),
        "too much for EEG",
        place=SEED_FILE,
    ),
    Damage("all zero", "seed", change_all(SEED_FILE, np.zeros_like), "flat", place=SEED_FILE),
    Damage(
        "constant channel",
        "seed",
        constant_channel(SEED_FILE),
        warning="constant in FZ",
        place=SEED_FILE,
    ),
    # --- labels and sessions of SEED
    Damage(
        "no label.mat",
        "seed",
        remove("Preprocessed_EEG/label.mat"),
        "label.mat is missing",
        place="Preprocessed_EEG",
    ),
    Damage(
        "labels 0, 1, 2",
        "seed",
        change("Preprocessed_EEG/label.mat", label=lambda v: v + 1),
        "must hold -1, 0 and 1",
        place="Preprocessed_EEG/label.mat",
    ),
    Damage(
        "labels in another order",
        "seed",
        change("Preprocessed_EEG/label.mat", label=np.sort),
        warning="not those of the release",
        place="Preprocessed_EEG/label.mat",
    ),
    Damage(
        "label file of SEED-IV",
        "seed",
        change("Preprocessed_EEG/label.mat", label=np.array([writers.SEED_IV_LABELS[1]])),
        "must hold -1, 0 and 1",
        place="Preprocessed_EEG/label.mat",
    ),
    Damage(
        "fewer labels than trials",
        "seed",
        change("Preprocessed_EEG/label.mat", label=lambda v: v[:, :14]),
        "has no label",
        place=SEED_FILE,
    ),
    Damage(
        "damaged label file",
        "seed",
        rewrite("Preprocessed_EEG/label.mat", b"x" * 200),
        "not a MAT",
        place="Preprocessed_EEG/label.mat",
    ),
    Damage(
        "duplicated session",
        "seed",
        copy(SEED_FILE, "Preprocessed_EEG/01_20131027.mat"),
        "the same session",
        place="Preprocessed_EEG",
    ),
    Damage(
        "session in two folders",
        "seed",
        copy(SEED_FILE, "Preprocessed_EEG/2/1_20131027.mat"),
        "the same session",
        place="Preprocessed_EEG",
    ),
    Damage(
        "unicode and spaces",
        "seed",
        move("Preprocessed_EEG", "données brutes 脑电/Preprocessed_EEG"),
    ),
    Damage(
        "AppleDouble files",
        "seed",
        lambda r: (r / "Preprocessed_EEG/._1_20131027.mat").write_bytes(b"x"),
    ),
    Damage(
        "annotations without a column",
        "seed",
        seed_csv("stimulus,valence\nclip01,1\n"),
        "lacks a column",
        place="annotations.csv",
    ),
    Damage(
        "annotations out of range",
        "seed",
        seed_csv(HEAD + "clip01,1,7,0\n"),
        r"outside \[-1, 1\]",
        place="annotations.csv",
    ),
    Damage(
        "annotations not increasing",
        "seed",
        seed_csv(HEAD + "1,2,0,0\n1,1,0,0\n"),
        "does not increase",
        place="annotations.csv",
    ),
    Damage(
        "annotations of other clips",
        "seed",
        seed_csv(HEAD + "film,1,0,0\n"),
        "annotates none",
        place="annotations.csv",
    ),
    Damage("annotations no CSV", "seed", seed_csv("\x00\x01"), "", place="annotations.csv"),
    Damage(
        "annotations with text",
        "seed",
        seed_csv(HEAD + "1,1,high,0\n"),
        "is not a number",
        place="annotations.csv",
    ),
    # --- SEED-IV
    Damage(
        "missing trial of SEED-IV",
        "seed-iv",
        change(IV_FILE, cz_eeg7=None),
        "trial 7 is missing",
        place=IV_FILE,
    ),
    Damage(
        "a session in the wrong folder",
        "seed-iv",
        move(IV_FILE, "eeg_raw_data/2/1_20160518.mat"),
        "by its date this is session 1|the same session",
        place="eeg_raw_data",
    ),
    Damage(
        "session folder 4",
        "seed-iv",
        move(IV_FILE, "eeg_raw_data/4/1_20160518.mat"),
        "session 4",
        place="eeg_raw_data",
    ),
    Damage(
        "ReadMe with labels of SEED",
        "seed-iv",
        lambda r: (r / "ReadMe.txt").write_text(f"session1_label = {writers.SEED_LABELS};"),
        "24 classes 0 to 3",
        place="ReadMe.txt",
    ),
    Damage(
        "ReadMe with other labels",
        "seed-iv",
        lambda r: (r / "ReadMe.txt").write_text(f"session1_label = {[0, 1, 2, 3] * 6};"),
        warning="not those of the release",
        place="ReadMe.txt",
    ),
    Damage("SEED-IV read as SEED", "seed-iv-as-seed", lambda r: None, "use the data set seed-iv"),
    # --- SEED-VII
    Damage(
        "clip missing",
        "seed-vii",
        change(VII_EEG, de_80=None),
        "trial 80 is missing",
        place=VII_EEG,
    ),
    Damage(
        "axes of SEED",
        "seed-vii",
        change_all(VII_EEG, lambda v: v.transpose(2, 0, 1)),
        "axes swapped",
        place=VII_EEG,
    ),
    Damage(
        "label clip missing",
        "seed-vii",
        rename_variable(VII_LABEL, "33", "x"),
        "trial 33 is missing",
        place=VII_LABEL,
    ),
    Damage("no label file", "seed-vii", remove(VII_LABEL), "missing|not the layout", place=None),
    Damage(
        "negative intensity", "seed-vii", with_value(VII_LABEL, -0.1), "negative", place=VII_LABEL
    ),
    Damage("NaN intensity", "seed-vii", with_value(VII_LABEL, np.nan), "NaN", place=VII_LABEL),
    Damage(
        "intensity of 900",
        "seed-vii",
        with_value(VII_LABEL, 900.0),
        "intensities reach 900",
        place="continuous_labels",
    ),
    Damage(
        "labels of another clip",
        "seed-vii",
        rename_variable(VII_LABEL, "1", "81"),
        "81 is none of the 80 clips",
        place=VII_LABEL,
    ),
    Damage(
        "label a few windows short",
        "seed-vii",
        lambda r: [
            savemat(
                r / VII_EEG,
                {k: np.repeat(v, 3, axis=0) for k, v in variables(r / VII_EEG).items()},
            )
        ],
        "windows of 4 s but",
        place=VII_EEG,
    ),
    Damage(
        "table of emotions that is none",
        "seed-vii",
        lambda r: (r / "emotion_label_and_stimuli_order.xlsx").write_bytes(b"PK"),
        "cannot be read as a table",
        place="emotion_label_and_stimuli_order.xlsx",
    ),
    # --- REFED
    Damage(
        "video missing",
        "refed",
        rename_variable(REFED_EEG, "video_3", "x"),
        "trial 3 is missing",
        place=REFED_EEG,
    ),
    Damage(
        "label of a video missing",
        "refed",
        rename_variable(REFED_LABEL, "video_3", "x"),
        "video_3 has no label",
        place=REFED_EEG,
    ),
    Damage(
        "no label file of a subject", "refed", remove(REFED_LABEL), "no label file", place=REFED_EEG
    ),
    Damage(
        "labels 0 to 1",
        "refed",
        change_all(REFED_LABEL, lambda v: v / 255.0),
        "joystick values 1 to 255",
        place=REFED_LABEL,
    ),
    Damage(
        "labels with three columns",
        "refed",
        change_all(REFED_LABEL, lambda v: np.hstack([v, v[:, :1]])),
        "expected .seconds, 2",
        place=REFED_LABEL,
    ),
    Damage(
        "wrong rate",
        "refed",
        change_all(REFED_EEG, lambda v: v[:, ::2]),
        "neither 1000 nor 200 Hz",
        place=REFED_EEG,
    ),
    Damage(
        "63 channels",
        "refed",
        change_all(REFED_EEG, lambda v: v[:63]),
        r"expected \(64, n\)",
        place=REFED_EEG,
    ),
    Damage(
        "EEG swapped", "refed", change_all(REFED_EEG, np.transpose), "axes swapped", place=REFED_EEG
    ),
    Damage(
        "EEG in volts",
        "refed",
        change_all(REFED_EEG, lambda v: v * 1e-6),
        "looks like volts",
        place=REFED_EEG,
    ),
    Damage(
        "label two seconds longer",
        "refed",
        change(REFED_LABEL, video_2=lambda v: np.vstack([v, v[:2]])),
        "video_2 lasts 5 s",
        place=REFED_EEG,
    ),
    Damage(
        "NaN in the joystick",
        "refed",
        with_value(REFED_LABEL, np.nan, (4, 0)),
        warning="without a value",
        place=REFED_LABEL,
    ),
    Damage(
        "subject twice",
        "refed",
        copy(REFED_EEG, "more/1/EEG_videos.mat"),
        "the same subject|missing",
        place=None,
    ),
    Damage(
        "channel table cut",
        "refed",
        lambda r: (r / "EEG_channels.csv").write_text("ch_name\nFP1\n"),
        "lacks channel",
        place="EEG_channels.csv",
    ),
    # --- MAHNOB
    Damage("feature file missing", "mahnob", remove(MAHNOB_FILE), "is missing", place=None),
    Damage(
        "feature file not listed",
        "mahnob",
        copy(MAHNOB_FILE, "data/Features/P9-features-resamp4hz-trial-2.mat"),
        "not listed",
        place=None,
    ),
    Damage(
        "feature file of another trial",
        "mahnob",
        lambda r: shutil.copy(
            r / "data/Features/P1-features-resamp4hz-trial-4.mat", r / MAHNOB_FILE
        ),
        "target|rows",
        place=MAHNOB_FILE,
    ),
    Damage(
        "127 columns",
        "mahnob",
        change(MAHNOB_FILE, eeg_band_feats_full=lambda v: v[:, :127]),
        r"expected \(n, 128\)",
        place=MAHNOB_FILE,
    ),
    Damage(
        "no features",
        "mahnob",
        change(MAHNOB_FILE, eeg_band_feats_full=None),
        "no variable",
        place=MAHNOB_FILE,
    ),
    Damage(
        "rows missing",
        "mahnob",
        change(MAHNOB_FILE, eeg_band_feats_full=lambda v: v[:-1]),
        "rows of features but",
        place=MAHNOB_FILE,
    ),
    Damage(
        "NaN feature",
        "mahnob",
        change(MAHNOB_FILE, eeg_band_feats_full=lambda v: np.where(v == v[0, 0], np.nan, v)),
        "NaN",
        place=MAHNOB_FILE,
    ),
    Damage(
        "trial listed twice",
        "mahnob",
        change(MAHNOB_LABEL, trials_included=lambda v: np.vstack([v[:1], v[:-1]])),
        "lists a trial twice",
        place=MAHNOB_LABEL,
    ),
    Damage(
        "labels cut",
        "mahnob",
        change(MAHNOB_LABEL, labels=lambda v: v[:-1]),
        "do not belong together",
        place=MAHNOB_LABEL,
    ),
    Damage(
        "two label files",
        "mahnob",
        copy(MAHNOB_LABEL, "data/more/label_continuous_mahnob.mat"),
        "second label file",
        place=None,
    ),
    Damage(
        "a loose electrode",
        "seed",
        change(SEED_FILE, djc1_eeg1=lambda v: v * np.where(np.arange(62) == 6, 900, 1)[:, None]),
        warning="row 7 varies by",
        place=SEED_FILE,
    ),
    Damage(
        "a voltage that no amplifier gives",
        "seed",
        with_value(SEED_FILE, 1e9),
        "which no amplifier gives",
        place=SEED_FILE,
    ),
    Damage(
        "one person's recording under another's name",
        "seed",
        copy(SEED_FILE, "Preprocessed_EEG/2_20140404.mat"),
        warning="holds the same signals as",
        place="Preprocessed_EEG/2_20140404.mat",
    ),
    Damage(
        "raw EEG in two folders",
        "seed",
        copy(SEED_FILE, "SEED_EEG/1_20131027.mat"),
        "raw EEG lies in",
    ),
    Damage(
        "a recording of another name",
        "seed",
        copy(SEED_FILE, "Preprocessed_EEG/recording.mat"),
        warning="is not read",
        place="Preprocessed_EEG/recording.mat",
    ),
    Damage(
        "an entropy that is none",
        "seed-vii",
        change(VII_EEG, de_1=lambda v: v * 1e6),
        "no differential entropy",
        place=VII_EEG,
    ),
    Damage(
        "one video with other channels",
        "refed",
        change(REFED_EEG, video_3=lambda v: v[:40]),
        r"video_3 is \(40, ",
        place=REFED_EEG,
    ),
    Damage(
        "a label file in which nothing moves",
        "refed",
        change_all(REFED_LABEL, lambda v: np.where(np.arange(2) == 0, 200, v)),
        warning="it should move: check the labels",
    ),
]


def sound_tree(name, root):
    """Write a small sound tree."""
    if name == "seed":
        writers.write_seed(root, subjects=(1, 2), sessions=(1, 2))
    elif name.startswith("seed-iv"):
        writers.write_seed_iv(root, seconds=2, subjects=(1,))
    elif name == "seed-vii":
        writers.write_seed_vii(root, raw=False)
    elif name == "refed":
        writers.write_refed(root)
    else:
        write_release(root, {(1, 2): 40, (1, 4): 44, (3, 2): 41})


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Sound trees, written once and copied for each damage."""
    made: dict[str, Path] = {}

    def get(name, target):
        if name not in made:
            made[name] = tmp_path_factory.mktemp("sound") / name
            sound_tree(name, made[name])
        return Path(shutil.copytree(made[name], target, symlinks=True))

    return get


def numbers(name, root):
    """Everything that a loader gives, in order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {trial.key: (trial.features, trial.labels) for trial in load(name, root)}


def test_there_are_enough_damages():
    assert len(DAMAGES) >= 60
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES)


@pytest.mark.filterwarnings("ignore:.*not as long as the")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage(damage, sound, tmp_path, capsys):
    root = sound(damage.dataset, tmp_path / "data set")
    name = damage.dataset.removesuffix("-as-seed") if "-as-" not in damage.dataset else "seed"
    before = {} if damage.error is not None else numbers(name, root)
    damage.do(root)
    place = str(root / damage.place if damage.place else root)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if damage.error is not None:
            with pytest.raises(DataError, match=damage.error) as error:
                list(load(name, root))
            assert place in str(error.value)
            assert "\n" not in str(error.value)
        else:
            after = {trial.key: trial for trial in load(name, root)}
    said = [str(warning.message) for warning in caught if "not as long" not in str(warning.message)]
    if damage.warning is not None:
        assert any(damage.warning in text and place in text for text in said), said
    elif damage.error is None:
        assert not said
        # What is tolerated in silence changes no number.
        for key, trial in after.items():
            np.testing.assert_array_equal(trial.features, before[key][0])
            np.testing.assert_array_equal(trial.labels, before[key][1])
    status = main(["check-data", str(root), "--dataset", name])
    captured = capsys.readouterr()
    assert status == int(damage.error is not None or damage.is_incomplete)
    assert "Traceback" not in captured.out + captured.err
    assert len([line for line in captured.err.splitlines() if "error" in line]) == status
    if damage.error is not None:
        assert any(place in line for line in captured.out.splitlines())


def test_unreadable_file_and_folder(sound):
    """As a user who may not read them: root may read everything."""
    base = Path(tempfile.mkdtemp())  # pytest's own folders are private
    base.chmod(0o755)
    root = sound("seed", base / "S")
    script = (
        "import os, sys\n"
        "from eeg_emotion_env.datasets import load\n"
        "import scipy.io\n"
        "if os.getuid() == 0:\n"
        "    os.setuid(65534)\n"
        "try:\n"
        "    list(load('seed', sys.argv[1], cache=False))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    for place, remedy in ((SEED_FILE, "make the file readable"), ("Preprocessed_EEG", "folder")):
        (root / place).chmod(0)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, str(root)],
            capture_output=True,
            text=True,
            check=False,
        )
        (root / place).chmod(0o755)
        assert done.stdout.startswith("DataError"), done.stderr
        assert str(root / place) in done.stdout
        assert "Permission denied" in done.stdout
        assert remedy in done.stdout
    shutil.rmtree(base)
