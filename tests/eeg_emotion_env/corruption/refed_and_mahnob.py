"""Damages of REFED and of the MAHNOB-HCI feature release."""

import shutil

import numpy as np

from tests.eeg_emotion_env.corruption.damages import (
    Damage,
    change,
    change_all,
    copy,
    remove,
    rename_variable,
    with_value,
)

REFED_EEG, REFED_LABEL = "data/1/EEG_videos.mat", "annotations/1_label.mat"
MAHNOB_FILE = "data/Features/P1-features-resamp4hz-trial-2.mat"
MAHNOB_LABEL = "data/lable_continous_Mahnob.mat"


REFED_AND_MAHNOB = [
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
