"""Writes small files in the layouts of the data sets, straight from their documented formats.

Nothing of the package is used but scipy's MAT writer, so that a loader and the simulator of the
package cannot share a mistake. Each function returns what it wrote by (subject, session, trial).
"""

import random

import numpy as np
from scipy.io import savemat

SEED_DATES = {1: ("20131027", "20131030", "20131107"), 2: ("20140404", "20140413", "20140419")}
SEED_IV_DATES = {1: ("20160518", "20161125", "20161126"), 10: ("20151014", "20151021", "20151023")}
SEED_IV_LABELS = {
    1: [1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3],
    2: [2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1],
    3: [1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0],
}
SEED_LABELS = [1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1]
SEED_VII_BLOCKS = ("HNDsAAsDNH", "AsFNuuNFsA", "HuDFAAFDuH", "DsFuHHuFsD")
FAMILIES = ("de_movingAve", "de_LDS", "psd_movingAve", "psd_LDS")
OTHER_FAMILIES = {"dasm": 27, "rasm": 27, "asm": 54, "dcau": 23}


def eeg(rng, n_channels, n_samples, rate=200):
    """Microvolts: each channel has an amplitude of its own, so that channels can be told apart."""
    amplitude = 5 + np.arange(n_channels)[:, None]
    seconds = np.arange(n_samples) / rate
    tone = np.sin(2 * np.pi * (10 * seconds + rng.random((n_channels, 1))))
    return amplitude * (tone + 0.3 * rng.standard_normal((n_channels, n_samples)))


def ordered(variables, shuffled):
    """Return variables in numeric order, or in another one that is no order at all."""
    names = list(variables)
    if shuffled:
        random.Random(0).shuffle(names)
    return {name: variables[name] for name in names}


def save(path, variables, shuffled=False, compressed=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, ordered(variables, shuffled), do_compression=compressed)


def write_seed(
    root,
    *,
    raw=True,
    windows=None,
    folder=None,
    by_session=False,
    shuffled=False,
    subjects=(1, 2),
    sessions=(1, 2, 3),
    labels=tuple(SEED_LABELS),
    column=False,
    extra_sample=True,
    seconds=3,
    upper=False,
    compressed=False,
):
    """Raw EEG (200·s + 1 samples, prefix per file), or stored features of W = `windows`."""
    rng, written = np.random.default_rng(1), {}
    base = root / (folder or ("Preprocessed_EEG" if raw else "ExtractedFeatures"))
    for subject in subjects:
        for session in sessions:
            variables = {}
            prefix = ("djc", "jl", "jj")[session - 1] + str(subject)
            for trial in range(1, len(labels) + 1):
                if raw:
                    values = eeg(rng, 62, 200 * seconds + extra_sample)
                    variables[f"{prefix}_eeg{trial}"] = values
                    written[subject, session, trial] = values
                else:
                    width = windows[trial - 1]
                    shapes = dict.fromkeys(FAMILIES, 62)
                    shapes |= {
                        f"{family}_{smoothing}": rows
                        for family, rows in OTHER_FAMILIES.items()
                        for smoothing in ("movingAve", "LDS")
                    }
                    stored = {
                        f"{family}{trial}": rng.uniform(10, 28, (rows, width, 5))
                        for family, rows in shapes.items()
                    }
                    variables |= stored
                    written[subject, session, trial] = {
                        family: stored[f"{family}{trial}"] for family in FAMILIES
                    }
            name = f"{subject}_{SEED_DATES[subject][session - 1]}.{'MAT' if upper else 'mat'}"
            place = base / str(session) if by_session else base
            save(place / name, variables, shuffled, compressed)
    classes = np.array([labels], dtype=np.int16)
    name = "Label.MAT" if upper else "label.mat"
    save((root if by_session else base) / name, {"label": classes.T if column else classes})
    if upper:
        base.rename(base.with_name(base.name.upper()))
    return written


def write_seed_iv(
    root,
    *,
    raw=True,
    folder=None,
    session_folder="{}",
    shuffled=False,
    subjects=(1, 10),
    seconds=12,
    readme=False,
    compressed=False,
):
    """Three session folders, 24 trials, no label file; W = floor(s / 4) for features."""
    rng, written = np.random.default_rng(2), {}
    base = root / (folder or ("eeg_raw_data" if raw else "eeg_feature_smooth"))
    for subject in subjects:
        for session in (1, 2, 3):
            variables = {}
            for trial in range(1, 25):
                if raw:
                    values = eeg(rng, 62, 200 * seconds + 1)
                    variables[f"{'cz' if subject == 1 else 'ha'}_eeg{trial}"] = values
                    written[subject, session, trial] = values
                else:
                    stored = {
                        f"{family}{trial}": rng.uniform(10, 28, (62, seconds // 4, 5))
                        for family in FAMILIES
                    }
                    variables |= stored
                    written[subject, session, trial] = {
                        family: stored[f"{family}{trial}"] for family in FAMILIES
                    }
            name = f"{subject}_{SEED_IV_DATES[subject][session - 1]}.mat"
            save(base / session_folder.format(session) / name, variables, shuffled, compressed)
    if readme:
        lines = [f"session{s}_label = {SEED_IV_LABELS[s]};" for s in (1, 2, 3)]
        (root / "ReadMe.txt").write_text("\n".join(lines))
    return written


def write_seed_vii(
    root,
    *,
    raw=True,
    features=True,
    subjects=(12,),
    more_windows=0,
    extra_s=1,
    scale=1.0,
    shuffled=False,
    compressed=False,
):
    """Digit-string keys, (W, 5, 62) features, (1, W) intensity, EEG of whole seconds."""
    rng, written = np.random.default_rng(3), {}
    for subject in subjects:
        eegs, stored, labels = {}, {}, {}
        for clip in range(1, 81):
            n_windows = 1 + clip % 2 + more_windows
            intensity = scale * rng.uniform(0, 1, (1, n_windows))
            labels[str(clip)] = intensity
            values = {
                f"{family}_{clip}": rng.uniform(10, 28, (n_windows, 5, 62))
                for family in ("psd", "de", "de_LDS")
            }
            stored |= values
            truth = {"intensity": intensity[0] / scale, **values}
            if raw:
                signal = eeg(rng, 62, 200 * (4 * n_windows + extra_s))
                eegs[str(clip)] = truth["eeg"] = signal
            session, place = divmod(clip - 1, 20)
            written[subject, session + 1, place + 1] = truth
        save(root / f"continuous_labels/{subject}.mat", labels, shuffled, compressed)
        if raw:
            save(root / f"EEG_preprocessed/{subject}.mat", eegs, shuffled, compressed)
        if features:
            save(root / f"EEG_features/{subject}.mat", stored, shuffled, compressed)
    return written


def write_refed(
    root,
    *,
    rate=1000,
    transposed=False,
    dtype=np.float64,
    names=("1", "2"),
    label_name="annotations/{}_label.mat",
    label_offset=0,
    mastoids=True,
    channel_table=False,
    seconds=5,
):
    """64 channels with M1 and M2, joystick 1 to 255 with both axes at 128 at the start."""
    rng, written = np.random.default_rng(4), {}
    for number, name in enumerate(names, start=1):
        eegs, labels = {}, {}
        for video in range(1, 16):
            track = rng.integers(1, 256, (seconds + label_offset, 2)).astype(dtype)
            track[:2] = 128
            if video == 7:
                track[:, 1] = 128
            labels[f"video_{video}"] = track.T if transposed else track
            signal = eeg(rng, 64 if mastoids else 62, rate * seconds, rate)
            eegs[f"video_{video}"] = signal
            written[number, 1, video] = {"eeg": signal, "label": track.astype(float)}
        save(root / f"data/{name}/EEG_videos.mat", eegs)
        save(root / f"data/{name}/fNIRS_videos.mat", {"video_1": np.zeros((6, 51, 9))})
        save(root / label_name.format(name), labels)
    if channel_table:
        names = list(CHANNELS_62)
        names.insert(32, "M1")
        names.insert(42, "M2")
        (root / "EEG_channels.csv").write_text("ch_name\n" + "\n".join(names) + "\n")
    return written


# fmt: off
CHANNELS_62 = (
    "FP1", "FPZ", "FP2", "AF3", "AF4", "F7", "F5", "F3", "F1", "FZ", "F2", "F4", "F6", "F8",
    "FT7", "FC5", "FC3", "FC1", "FCZ", "FC2", "FC4", "FC6", "FT8", "T7", "C5", "C3", "C1", "CZ",
    "C2", "C4", "C6", "T8", "TP7", "CP5", "CP3", "CP1", "CPZ", "CP2", "CP4", "CP6", "TP8", "P7",
    "P5", "P3", "P1", "PZ", "P2", "P4", "P6", "P8", "PO7", "PO5", "PO3", "POZ", "PO4", "PO6",
    "PO8", "CB1", "O1", "OZ", "O2", "CB2",
)
# fmt: on
