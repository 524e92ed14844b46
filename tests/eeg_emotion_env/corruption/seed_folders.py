"""Damages of SEED: folders, links, names of files, sessions, labels and annotations."""

import numpy as np

from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.corruption.damages import (
    Damage,
    change,
    copy,
    link,
    move,
    remove,
    rewrite,
)
from tests.eeg_emotion_env.corruption.seed_signals import SEED_FILE

LABEL_FILE = "Preprocessed_EEG/label.mat"
HEAD = "stimulus,time_s,valence,arousal\n"


def loop(root):
    (root / "Preprocessed_EEG" / "again").symlink_to(root, target_is_directory=True)


def seed_csv(text):
    return lambda root: (root / "annotations.csv").write_text(text)


SEED_FOLDERS = [
    Damage(
        "folder for a file",
        "seed",
        lambda r: [remove(SEED_FILE)(r), (r / SEED_FILE).mkdir()],
        is_incomplete=True,
    ),
    Damage("dangling link", "seed", link(SEED_FILE, "/nowhere"), "leads nowhere", place=SEED_FILE),
    Damage("link to itself", "seed", link(SEED_FILE, "1_20131027.mat"), "", place=SEED_FILE),
    Damage("loop of links", "seed", loop),
    Damage(
        "no label.mat",
        "seed",
        remove(LABEL_FILE),
        "label.mat is missing",
        place="Preprocessed_EEG",
    ),
    Damage(
        "labels 0, 1, 2",
        "seed",
        change(LABEL_FILE, label=lambda v: v + 1),
        "must hold -1, 0 and 1",
        place=LABEL_FILE,
    ),
    Damage(
        "labels in another order",
        "seed",
        change(LABEL_FILE, label=np.sort),
        warning="not those of the release",
        place=LABEL_FILE,
    ),
    Damage(
        "label file of SEED-IV",
        "seed",
        change(LABEL_FILE, label=np.array([writers.SEED_IV_LABELS[1]])),
        "must hold -1, 0 and 1",
        place=LABEL_FILE,
    ),
    Damage(
        "fewer labels than trials",
        "seed",
        change(LABEL_FILE, label=lambda v: v[:, :14]),
        "has no label",
        place=SEED_FILE,
    ),
    Damage(
        "damaged label file",
        "seed",
        rewrite(LABEL_FILE, b"x" * 200),
        "not a MAT",
        place=LABEL_FILE,
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
]
