"""SEED-VII's layout: one file a subject for EEG, features and recalled intensity of 80 clips."""

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.layouts.sjtu_features import feature_variables
from eeg_emotion_env.simulation.layouts.tree import Layout, Tree
from eeg_emotion_env.simulation.recording import simulate_labels, simulate_trial
from eeg_emotion_env.tables.seed_vii import (
    CLIP_EMOTIONS,
    CLIPS_A_SESSION,
    N_SESSIONS,
    TOTAL_SECONDS,
    VALENCE_SIGNS,
)
from eeg_emotion_env.trial import FloatArray

WINDOW_S = 4


def write(tree: Tree) -> None:
    """Write ``EEG_preprocessed``, ``continuous_labels`` and, where asked for, ``EEG_features``."""
    for subject in tree.subjects:
        stored: dict[str, NDArray[np.float64]] = {}
        with (
            tree.mat_file(f"EEG_preprocessed/{subject}.mat") as add_eeg,
            tree.mat_file(f"continuous_labels/{subject}.mat") as add_label,
        ):
            for session in tree.sessions:
                for number in tree.trials:
                    clip = tree.config.clip(session, number)
                    trial = simulate_trial(tree.config, subject, session, number)
                    add_eeg(str(clip), trial.eeg.astype(np.float64))
                    labels, _ = simulate_labels(tree.config, subject, session, number)
                    add_label(str(clip), intensity(labels[:, 0], clip)[None])
                    if tree.features:
                        stored |= _stored(trial.eeg, clip)
                tree.advance()
        if tree.features:
            with tree.mat_file(f"EEG_features/{subject}.mat") as add:
                for variable, values in stored.items():
                    add(variable, values)


def intensity(valence: FloatArray, clip: int) -> NDArray[np.float64]:
    """Turn a valence into the intensity of the clip's own emotion, in [0, 1]."""
    sign = VALENCE_SIGNS[CLIP_EMOTIONS[clip - 1]]
    felt = sign * valence if sign else 1.0 - np.abs(valence)
    return np.clip(felt, 0.0, 1.0).astype(np.float64)


def _stored(eeg: FloatArray, clip: int) -> dict[str, NDArray[np.float64]]:
    """Features of a clip with windows first, as the release stores them."""
    made = feature_variables(eeg, clip, WINDOW_S, ("de", "psd"), ("plain", "LDS"))
    named = {
        f"psd_{clip}": made[f"psd_plain{clip}"],
        f"de_{clip}": made[f"de_plain{clip}"],
        f"de_LDS_{clip}": made[f"de_LDS{clip}"],
    }
    return {name: values.transpose(1, 2, 0) for name, values in named.items()}


def _durations() -> tuple[int, ...]:
    """Lengths of the clips: 100 to 250 s, not the release's (unpublished), but with its sum."""
    n_clips = N_SESSIONS * CLIPS_A_SESSION
    seconds = [103 + (61 * clip) % 147 for clip in range(n_clips)]
    seconds[-1] += TOTAL_SECONDS - sum(seconds)
    return tuple(seconds)


LAYOUT = Layout(
    name="seed-vii",
    title="the SEED-VII data set",
    config=SimulationConfig(
        n_sessions=N_SESSIONS,
        n_trials=CLIPS_A_SESSION,
        sessions_repeat=False,
        step_s=float(WINDOW_S),
        clip_durations_s=_durations(),
        clip_attractors=tuple(
            (float(VALENCE_SIGNS[emotion]), 0.6 if emotion != "neutral" else -0.6)
            for emotion in CLIP_EMOTIONS
        ),
        extra_samples=0,
    ),
    write=write,
    fixed=("channels", "sfreq", "n_sessions", "n_trials", "step_s", "extra_samples"),
)
