"""REFED's layout: EEG, fNIRS and joystick of 15 videos, one folder a subject."""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.layouts.tree import Layout, Tree
from eeg_emotion_env.simulation.recording import simulate_trial
from eeg_emotion_env.tables.refed import (
    EMOTIONS,
    LABEL_RANGE,
    NEUTRAL,
    STORED_CHANNELS,
    VIDEO_AFFECT,
    VIDEO_CLASSES,
    VIDEO_SECONDS,
)
from eeg_emotion_env.trial import FloatArray

RATE = 1000.0
FNIRS_RATE, FNIRS_SHAPE = 1000.0 / 21, (6, 51)
BASELINE_S = 5


def write(tree: Tree) -> None:
    """Write ``data/<subject>/*.mat``, ``annotations/<subject>_label.mat`` and the tables."""
    config = tree.config
    _write_tables(tree)
    for subject in tree.subjects:
        rng = config.stream("subject", subject, 1)
        folder = f"data/{subject}"
        labels: dict[str, NDArray[np.float64]] = {}
        with (
            tree.mat_file(f"{folder}/EEG_videos.mat", compressed=False) as add_eeg,
            tree.mat_file(f"{folder}/EEG_baselines.mat", compressed=False) as add_baseline,
            tree.mat_file(f"{folder}/fNIRS_videos.mat", compressed=False) as add_fnirs,
            tree.mat_file(f"{folder}/fNIRS_baselines.mat", compressed=False) as add_rest,
        ):
            for number in tree.trials:
                name = f"video_{number}"
                trial = simulate_trial(config, subject, 1, number)
                add_eeg(name, trial.eeg.astype(np.float64))
                n_baseline = min(round(BASELINE_S * config.sfreq), trial.eeg.shape[1])
                add_baseline(name, trial.eeg[:, ::-1][:, :n_baseline].astype(np.float64))
                for add, seconds in (
                    (add_fnirs, config.seconds(1, number)),
                    (add_rest, BASELINE_S),
                ):
                    shape = *FNIRS_SHAPE, int(seconds * FNIRS_RATE)
                    add(name, 0.01 * rng.standard_normal(shape))
                labels[name] = joystick(trial.labels, rng)
        with tree.mat_file(f"annotations/{subject}_label.mat", compressed=False) as add:
            for name, values in labels.items():
                add(name, values)
        tree.advance()


def joystick(labels: FloatArray, rng: np.random.Generator) -> NDArray[np.float64]:
    """Turn labels in [-1, 1] into joystick values 1 to 255, shape (n_seconds, 2).

    Each axis stays at its centre until it is first moved; now and then it never is.
    """
    low, high = LABEL_RANGE
    moved = np.rint(NEUTRAL + (high - NEUTRAL) * labels.astype(np.float64))
    values: NDArray[np.float64] = np.clip(moved, low, high)
    for axis in range(values.shape[1]):
        start = len(values) if rng.random() < 0.04 else int(rng.integers(2, 8))
        values[:start, axis] = NEUTRAL
    return values


def _write_tables(tree: Tree) -> None:
    rng = tree.config.stream("subject")
    videos = [f"Video_{number}" for number in tree.trials]
    columns = [f"{video}_{what}" for video in videos for what in ("Valence", "Arousal")]
    rows = ["Subject," + ",".join(columns)]
    rows += [
        f"{subject}," + ",".join(map(str, rng.integers(1, 10, len(columns))))
        for subject in tree.subjects
    ]
    tree.text("SAM_score.csv", "\n".join(rows) + "\n")
    tree.text("PANAS_score.csv", "\n".join(f"{s},0" for s in ("Subject,Score", *tree.subjects)))
    tree.text(
        "Metadata.csv", "\n".join(["Subject,Gender,Age", *(f"{s},F,25" for s in tree.subjects)])
    )
    described = [
        f"{number},{EMOTIONS[VIDEO_CLASSES[(number - 1) % len(VIDEO_CLASSES)]]},"
        f"{tree.config.seconds(1, number)}"
        for number in tree.trials
    ]
    tree.text("Video_info.csv", "\n".join(["Video,Emotion,Duration", *described]) + "\n")
    tree.text("EEG_channels.csv", "\n".join(["ch_name", *STORED_CHANNELS]) + "\n")
    places = [f"{n},0,0,0" for n in range(1, FNIRS_SHAPE[1] + 1)]
    tree.text("fNIRS_coordinates.csv", "\n".join(["Channel,X,Y,Z", *places]) + "\n")
    tree.text("fNIRS_reservations.csv", "\n".join(["Channel,Region"]) + "\n")


LAYOUT = Layout(
    name="refed",
    title="the REFED data set",
    config=SimulationConfig(
        n_sessions=1,
        n_trials=len(VIDEO_SECONDS),
        clip_durations_s=VIDEO_SECONDS,
        clip_attractors=tuple(VIDEO_AFFECT[number] for number in VIDEO_CLASSES),
        extra_samples=0,
        sfreq=RATE,
        channels=STORED_CHANNELS,
        resolution_uv=1 / 8,
    ),
    write=write,
    fixed=("channels", "n_trials", "step_s", "extra_samples"),
    most_sessions=1,
)
