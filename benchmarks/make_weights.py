"""Makes the shipped encoder weights: ``python -m benchmarks.make_weights``.

They are pretrained on simulated subjects with another seed than the simulations that stand in for
missing recordings, so that nobody they are tried on was in their training.
"""

import sys
from collections.abc import Sequence

import torch
from rich.progress import track

from eeg_emotion_env.datasets import DATASETS, Trials
from eeg_emotion_env.datasets.simulated import recordings_of
from eeg_emotion_env.simulation import SimulationConfig
from encoders import EncoderConfig, PretrainingConfig, StageConfig, pretrain
from encoders.frozen import WEIGHTS

SEED = 1000
N_SUBJECTS = 16
SHAPES = {
    "simulated-62x5": ("seed", 1.0),
    "simulated-32x4": ("mahnob", 1.0),
    "simulated-62x5-4s": ("seed-iv", 4.0),
}
"""Data set whose channels and bands weights are made for, and seconds a step."""


def make(name: str, dataset: str, step_s: float) -> None:
    """Pretrain one encoder on a simulation shaped like a data set, and save it."""
    card = DATASETS[dataset].card
    config = SimulationConfig(
        n_subjects=N_SUBJECTS,
        # Longer steps need longer clips for as many of them.
        duration_scale=0.25 * step_s,
        channels=card.channels,
        step_s=step_s,
        seed=SEED,
    )
    recordings = recordings_of(config, "simulated", card.bands, card.label_names)
    trials = list(track(Trials(recordings), f"simulating for {name}"))
    stage = StageConfig(epochs=40, patience=10)
    encoder = pretrain(
        [trial.features for trial in trials],
        [trial.subject for trial in trials],
        [trial.labels for trial in trials],
        EncoderConfig(len(card.channels), len(card.bands)),
        PretrainingConfig(vqvae=stage, dynamics=stage, seed=SEED),
        description={
            "dataset": "simulated",
            "source": "simulated",
            "normalization": "past",
            "step_s": trials[0].step_s,
            "channels": list(card.channels),
            "bands": list(card.bands),
            "subjects": [f"simulation {SEED}, subject {n + 1}" for n in range(N_SUBJECTS)],
            "command": "python -m benchmarks.make_weights",
        },
    )
    encoder.save(WEIGHTS / name)


def main(names: Sequence[str]) -> None:
    """Make all shipped weights, or those named."""
    torch.set_num_threads(1)
    for name in names or SHAPES:
        make(name, *SHAPES[name])


if __name__ == "__main__":
    main(sys.argv[1:])
