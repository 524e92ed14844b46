"""SEED-IV's layout: raw EEG and 4-s features in one folder a session, labels in the read-me."""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.layouts.seed import recording_name
from eeg_emotion_env.simulation.layouts.sjtu_features import feature_variables
from eeg_emotion_env.simulation.layouts.tree import Layout, Tree
from eeg_emotion_env.simulation.recording import simulate_trial
from eeg_emotion_env.tables.seed_iv import CLASS_AFFECT, CLIP_CLASSES, CLIP_SECONDS, DATES, PREFIXES

WINDOW_S = 4
FAMILIES = ("de", "psd")


def write(tree: Tree) -> None:
    """Write ``eeg_raw_data``, ``ReadMe.txt`` and, where asked for, ``eeg_feature_smooth``."""
    lines = [
        f"session{session}_label = {list(CLIP_CLASSES[session])};" for session in tree.sessions
    ]
    legend = "The labels 0, 1, 2 and 3 denote neutral, sad, fear and happy emotions."
    tree.text("ReadMe.txt", "\n".join([legend, *lines, ""]))
    for subject in tree.subjects:
        for session in tree.sessions:
            _write_recording(tree, subject, session)
            tree.advance()


def _write_recording(tree: Tree, subject: int, session: int) -> None:
    name = f"{session}/{recording_name(subject, session, DATES)}"
    prefix = PREFIXES.get(subject, f"s{chr(97 + subject % 26)}")
    stored: dict[str, NDArray[np.float64]] = {}
    with tree.mat_file(f"eeg_raw_data/{name}") as add:
        for number in tree.trials:
            eeg = simulate_trial(tree.config, subject, session, number).eeg
            add(f"{prefix}_eeg{number}", eeg.astype(np.float64))
            if tree.features:
                stored |= feature_variables(eeg, number, WINDOW_S, FAMILIES)
    if tree.features:
        with tree.mat_file(f"eeg_feature_smooth/{name}") as add:
            for variable, values in stored.items():
                add(variable, values)


LAYOUT = Layout(
    name="seed-iv",
    title="the SEED-IV data set",
    config=SimulationConfig(
        n_sessions=3,
        n_trials=24,
        sessions_repeat=False,
        # Lengths of sessions 2 and 3 are not published: those of session 1 stand in.
        clip_durations_s=CLIP_SECONDS[1],
        clip_attractors=tuple(
            CLASS_AFFECT[number] for session in (1, 2, 3) for number in CLIP_CLASSES[session]
        ),
    ),
    write=write,
    annotations=True,
    most_sessions=3,
)
