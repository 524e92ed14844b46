"""Layout of the public MAHNOB features: 4-Hz band power and valence, one file a trial."""

import numpy as np

from eeg_emotion_env.features import FeatureConfig, log_band_power
from eeg_emotion_env.montage import MAHNOB_CHANNELS
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.layouts.tree import Layout, Tree
from eeg_emotion_env.simulation.recording import simulate_trial
from eeg_emotion_env.tables.mahnob import BANDS, N_FACE, N_GAZE, N_OTHER, RATE

LABEL_SCALE = 0.35
"""Size of the stored valence for a simulated valence of 1: as small as the release's."""

FLAT = 0.1
"""Share of trials in which the annotators saw next to nothing."""


def write(tree: Tree) -> None:
    """Write the label file and one feature file a trial."""
    config, pairs, cells = tree.config, [], []
    for subject in tree.subjects:
        rng = config.stream("subject", subject, 1)
        for trial in sorted(tree.trials, key=lambda n: trial_number(config, subject, n)):
            # Subjects miss up to half of the trials; the first that was shown is always there.
            number = trial_number(config, subject, trial)
            if number > 2 and rng.random() < 0.05 + 0.45 * (subject % 3) / 2:
                continue
            simulated = simulate_trial(config, subject, 1, trial)
            valence = LABEL_SCALE * simulated.labels[:, 0].astype(np.float64)
            valence *= 0.05 if rng.random() < FLAT else 1.0
            _write_trial(
                tree, f"P{subject}-features-resamp4hz-trial-{number}", simulated.eeg, valence
            )
            pairs.append((subject, number))
            cells.append(valence[None])
        tree.advance()
    labels = np.empty((len(cells), 1), dtype=object)
    labels[:, 0] = cells
    with tree.mat_file("data/lable_continous_Mahnob.mat") as add:
        add("trials_included", np.array(pairs, dtype=np.uint8))
        add("labels", labels)


def _write_trial(tree: Tree, name: str, eeg: np.ndarray, valence: np.ndarray) -> None:
    config = FeatureConfig(step_s=1 / RATE, window_s=1.0, bands=BANDS)
    power = log_band_power(eeg, tree.config.sfreq, config).astype(np.float64)
    full = power.transpose(0, 2, 1).reshape(len(power), -1)
    with tree.mat_file(f"data/Features/{name}.mat") as add:
        add("target", 2 * valence[None])
        add("eeg_band_feats", full[:, :N_OTHER])
        add("eeg_band_feats_full", full)
        add("face_feats", np.zeros((len(full), N_FACE)))
        add("gaze_feats", np.zeros((len(full), N_GAZE)))


def trial_number(config: SimulationConfig, subject: int, trial: int) -> int:
    """Return the even number of a trial: the order of the clips differs between subjects."""
    order = config.stream("subject", subject, 2).permutation(config.n_trials)
    return 2 * (int(order[trial - 1]) + 1)


LAYOUT = Layout(
    name="mahnob",
    title="the MAHNOB-HCI feature release",
    config=SimulationConfig(
        n_subjects=4,
        n_sessions=1,
        n_trials=20,
        clip_durations_s=(*(81, 63, 55, 98, 107, 35, 117, 72, 93, 60),),
        channels=MAHNOB_CHANNELS,
        sfreq=256.0,
        step_s=1 / RATE,
        extra_samples=0,
    ),
    write=write,
    fixed=("channels", "step_s", "extra_samples"),
    most_sessions=1,
    trial_number=trial_number,
)
