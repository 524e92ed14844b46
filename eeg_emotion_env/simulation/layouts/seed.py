"""SEED's layout: raw EEG and stored features, one file a session, one label file a folder."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.layouts.sjtu_features import FAMILIES, feature_variables
from eeg_emotion_env.simulation.layouts.tree import Layout, Tree
from eeg_emotion_env.simulation.recording import simulate_trial
from eeg_emotion_env.tables.seed import DATES, PREFIXES

FEATURE_WINDOWS_S = (1, 4)


def write(tree: Tree) -> None:
    """Write ``Preprocessed_EEG`` and, where asked for, ``ExtractedFeatures_1s`` and ``_4s``."""
    config = tree.config
    folders = ["Preprocessed_EEG"]
    if tree.features:
        folders += [f"ExtractedFeatures_{seconds}s" for seconds in FEATURE_WINDOWS_S]
    classes = [config.clip_class(trial) for trial in tree.trials]
    for folder in folders:
        tree.text(f"{folder}/readme.txt", "SIMULATED, see ../readme.txt\n")
        with tree.mat_file(f"{folder}/label.mat") as add:
            add("label", np.array([classes], dtype=np.int16))
    for subject in tree.subjects:
        for session in tree.sessions:
            names = [f"{folder}/{recording_name(subject, session)}" for folder in folders]
            _write_recording(tree, names, subject, session)
            tree.advance()


def _write_recording(tree: Tree, names: list[str], subject: int, session: int) -> None:
    """Write raw EEG, then features for each further file."""
    stored: list[dict[str, NDArray[np.float64]]] = [{} for _ in names[1:]]
    prefix = PREFIXES[subject - 1] if subject <= len(PREFIXES) else f"sub{subject}"
    with tree.mat_file(names[0]) as add:
        for number in tree.trials:
            eeg = simulate_trial(tree.config, subject, session, number).eeg
            add(f"{prefix}_eeg{number}", eeg.astype(np.float64))
            for variables, seconds in zip(stored, FEATURE_WINDOWS_S, strict=False):
                variables |= feature_variables(eeg, number, seconds, FAMILIES)
    for name, variables in zip(names[1:], stored, strict=True):
        with tree.mat_file(name) as add:
            for variable, values in variables.items():
                add(variable, values)


def recording_name(subject: int, session: int, dates: dict[int, tuple[str, ...]] = DATES) -> str:
    """Return the file name of a recording: the release's own dates where it has them."""
    known = dates.get(subject, ())
    if session <= len(known):
        return f"{subject}_{known[session - 1]}.mat"
    last = date.fromisoformat(known[-1]) if known else date(2015, 1, 1) + timedelta(days=subject)
    return f"{subject}_{last + timedelta(days=7 * (session - len(known))):%Y%m%d}.mat"


LAYOUT = Layout(
    name="seed",
    title="the SEED data set",
    config=SimulationConfig(n_sessions=3),
    write=write,
    fixed=("channels", "sfreq"),
    annotations=True,
)
