"""The simulated data set, and simulated stand-ins for the others."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eeg_emotion_env.datasets.base import CheckReport, Dataset, DatasetCard, Recording
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.features import BANDS, FeatureConfig, log_band_power
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.seed_tables import SFREQ, stimulus_name
from eeg_emotion_env.simulation import SimulationConfig, simulate_trial
from eeg_emotion_env.trial import Trial, TrialKey

LABEL_NAMES = ("valence", "arousal")

CARD = DatasetCard(
    name="simulated",
    env_id="EEGEmotion-Simulated-v0",
    title="Simulated EEG with known affect",
    licence="MIT, like the code that makes it",
    citation="The simulator of this package (eeg_emotion_env.simulation)",
    access="Nothing to download: it is generated when it is used.",
    label_kind="simulated",
    label_names=LABEL_NAMES,
    label_meaning="Mean annotation of simulated raters who follow a simulated affect with delay, "
    "bias and noise; the affect itself is in Trial.truth. It says nothing about real people.",
    sfreq=SFREQ,
    step_s=1.0,
    channels=SEED_CHANNELS,
    bands=tuple(BANDS),
    n_subjects=6,
    n_sessions=1,
    n_trials=15,
    stimuli_known=True,
    expected_tree="(no files)",
    quirks=(
        "all subjects see the same clips: the knob `shared` sets how much of the affect they share",
        "clips last a quarter of SEED's by default (`duration_scale`)",
        "muscles carry no affect unless `muscle_coupling` is set",
    ),
    encoder="simulated-62x5",
)


@dataclass(frozen=True)
class SimulatedOptions(SimulationConfig):
    """Knobs of the simulator, with a smaller default than a full SEED session."""

    n_subjects: int = 6
    duration_scale: float = 0.25


class Simulated(Dataset):
    """Simulated EEG: raw signals are generated, and features computed, when they are read."""

    card = CARD
    Options = SimulatedOptions

    def recognises(self, root: Path) -> bool:
        """Say no: the set has no files. Simulated trees of other sets are read as those sets."""
        return False

    def recordings(self, root: Path, options: Any) -> list[Recording]:
        """Refuse: the set is generated, not read."""
        raise DataError(
            f"{root}: the simulated data set takes no data folder; leave data (--data) out, or "
            "load a tree written by `eegdancer simulate` as the data set of its layout (seed)"
        )

    def simulated(self, options: Any) -> list[Recording]:
        """List one recording for each subject and session."""
        return recordings_of(options, CARD.name)

    def check(self, root: Path) -> CheckReport:
        """Report that there is nothing to check in a folder."""
        problem = f"{root}: the simulated data set has no files; check the data set of its layout"
        return CheckReport(CARD.name, root, problems=[problem])


def simulated_recordings(
    *,
    dataset: str,
    channels: Sequence[str],
    bands: Sequence[str],
    label_names: Sequence[str],
    step_s: float,
) -> list[Recording]:
    """List stand-ins for a data set: four subjects, one session of 15 short clips.

    Parameters
    ----------
    dataset : str
        Registry name that the trials carry.
    channels, bands, label_names : sequence of str
        What the data set has.
    step_s : float
        Seconds a step.

    Returns
    -------
    list of Recording
        Their trials say ``source="simulated"`` and ``label_kind="simulated"``.
    """
    # other people for each data set: a model of one stand-in has not seen the subjects of another
    seed = 1 + zlib.crc32(dataset.encode()) % 1000
    config = SimulationConfig(
        duration_scale=0.25, channels=tuple(channels), step_s=step_s, seed=seed
    )
    return recordings_of(config, dataset, tuple(bands), tuple(label_names))


def recordings_of(
    config: SimulationConfig,
    dataset: str,
    bands: tuple[str, ...] = tuple(BANDS),
    label_names: tuple[str, ...] = LABEL_NAMES,
) -> list[Recording]:
    """List the recordings of a simulation, generated lazily (see `simulated_recordings`)."""
    features = feature_config(config.step_s, bands)
    recordings = []
    for subject in range(1, config.n_subjects + 1):
        for session in range(1, config.n_sessions + 1):
            keys = tuple(
                TrialKey(dataset, subject, session, trial, stimulus_name(trial))
                for trial in range(1, config.n_trials + 1)
            )
            read = partial(_read, config, keys, features, label_names)
            recordings.append(Recording(keys, read, origin=f"simulation, seed {config.seed}"))
    return recordings


def feature_config(step_s: float, bands: tuple[str, ...] = tuple(BANDS)) -> FeatureConfig:
    """Return features of trailing windows of one second, or of one step where that is longer."""
    return FeatureConfig(step_s=step_s, window_s=step_s * max(1, round(1.0 / step_s)), bands=bands)


def _read(
    config: SimulationConfig,
    keys: tuple[TrialKey, ...],
    features: FeatureConfig,
    label_names: tuple[str, ...],
) -> list[Trial]:
    return [_trial(config, key, features, label_names) for key in keys]


def _trial(
    config: SimulationConfig,
    key: TrialKey,
    features: FeatureConfig,
    label_names: tuple[str, ...],
) -> Trial:
    simulated = simulate_trial(config, int(key.subject), key.session, key.trial)
    columns = np.array([LABEL_NAMES.index(name) for name in label_names])
    return Trial(
        # The last sample is the one that SEED has beyond whole seconds.
        features=log_band_power(simulated.eeg[:, :-1], config.sfreq, features),
        labels=simulated.labels[:, columns],
        label_names=label_names,
        label_kind="simulated",
        step_s=config.step_s,
        channels=config.channels,
        bands=features.bands,
        key=key,
        source="simulated",
        origin=f"simulation, seed {config.seed}: {key}",
        truth=simulated.truth[:, columns],
    )
