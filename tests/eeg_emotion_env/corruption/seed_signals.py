"""Damages of SEED: files that are no sound MAT files, and signals that are wrong."""

import numpy as np
from scipy.io import savemat

from tests.eeg_emotion_env.corruption.damages import (
    Damage,
    change,
    change_all,
    constant_channel,
    flipped,
    hdf5,
    rename_variable,
    rewrite,
    with_value,
)

SEED_FILE = "Preprocessed_EEG/1_20131027.mat"


SEED_SIGNALS = [
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
        "other keys",
        "seed",
        rename_variable(SEED_FILE, "djc1_eeg2", "eeg_two"),
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
]
