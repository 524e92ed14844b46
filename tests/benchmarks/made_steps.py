"""Encoded trials made by hand, whose codes, labels and latents are known."""

import numpy as np

from benchmarks.encoder_report.steps import Steps
from eeg_emotion_env.trial import Trial, TrialKey

CHANNELS = ("FZ", "CZ", "PZ", "OZ", "C3")
BANDS = ("alpha", "beta")
LAYOUT = {"prototype": slice(0, 2), "residual": slice(2, 3)}


def made_steps(codes, subjects, labels=None, features=None, latents=None, **changes):
    """Make one trial for each list of codes; what is not given is noise."""
    rng = np.random.default_rng(0)
    known = {"stimuli": None, "seen": (), "size": 8, "channels": CHANNELS, "step_s": 2.0}
    known = {**known, "names": ("valence",), **changes}
    trials = []
    for i, (track, subject) in enumerate(zip(codes, subjects, strict=True)):
        n, dims = len(track), len(known["names"])
        shape = n, len(known["channels"]), len(BANDS)
        values = rng.uniform(-1, 1, (n, dims)) if labels is None else np.reshape(labels[i], (n, -1))
        stimulus = known["stimuli"] and known["stimuli"][i]
        trials.append(
            Trial(
                features=rng.normal(size=shape) if features is None else features[i],
                labels=values,
                label_names=known["names"],
                label_kind="simulated",
                step_s=known["step_s"],
                channels=known["channels"],
                bands=BANDS,
                key=TrialKey("made", subject, 1, i + 1, stimulus),
                source="simulated",
                normalization="past",
            )
        )
    if latents is None:
        latents = [rng.normal(size=(len(track), 4)) for track in codes]
    return Steps(
        tuple(trials),
        tuple(np.array(track, np.int64) for track in codes),
        tuple(np.array(values, np.float32) for values in latents),
        LAYOUT,
        known["size"],
        frozenset(known["seen"]),
    )
