"""Damages of SEED-IV and SEED-VII."""

import numpy as np

from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.corruption.damages import (
    Damage,
    change,
    change_all,
    move,
    remove,
    rename_variable,
    with_value,
)

IV_FILE = "eeg_raw_data/1/1_20160518.mat"
VII_EEG, VII_LABEL = "EEG_features/12.mat", "continuous_labels/12.mat"


SEED_IV_AND_VII = [
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
        change_all(VII_EEG, lambda v: np.repeat(v, 3, axis=0)),
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
    Damage(
        "an entropy that is none",
        "seed-vii",
        change(VII_EEG, de_1=lambda v: v * 1e6),
        "no differential entropy",
        place=VII_EEG,
    ),
]
