"""Writes files in the layout of the MAHNOB feature release, with made values."""

import numpy as np
import scipy.io


def write_release(root, trials, seed=0, full=True):
    """Write ``{(subject, trial): n_rows}``; return features and labels by (subject, trial)."""
    rng = np.random.default_rng(seed)
    folder = root / "data" / "Features"
    folder.mkdir(parents=True)
    content = {}
    for (subject, trial), n_rows in trials.items():
        features = rng.normal(2.0, 1.5, (n_rows, 128))
        labels = np.cumsum(rng.normal(0, 0.005, n_rows))
        content[subject, trial] = features, labels
        write_features(folder, subject, trial, features, labels, full)
    cells = np.empty((len(trials), 1), dtype=object)
    for i, key in enumerate(trials):
        cells[i, 0] = content[key][1][None]
    scipy.io.savemat(
        root / "data" / "lable_continous_Mahnob.mat",
        {"trials_included": np.array(list(trials), np.uint8), "labels": cells},
    )
    return content


def write_features(folder, subject, trial, features, labels, full=True):
    """Write the feature file of one trial."""
    variables = {
        "target": 2 * labels[None],
        "eeg_band_feats": features[:, :85],
        "eeg_band_feats_full": features,
    }
    if full:
        variables["face_feats"] = np.zeros((len(features), 327))
        variables["gaze_feats"] = np.zeros((len(features), 2))
    path = folder / f"P{subject}-features-resamp4hz-trial-{trial}.mat"
    scipy.io.savemat(path, variables)
