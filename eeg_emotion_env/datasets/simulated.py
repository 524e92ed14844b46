"""The simulated data set, and the simulations that stand in for recordings that are not there."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey
from eeg_emotion_env.datasets.recording import Recording, Signal, SignalReader
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.features import BANDS, FeatureConfig
from eeg_emotion_env.labels import DIMENSIONS, LabelSource, read_annotations
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.simulation import SimulationConfig, simulate_labels, simulate_trial
from eeg_emotion_env.tables.seed import SFREQ
from eeg_emotion_env.trial import FloatArray, TrialKey, stimulus_name

CARD = DatasetCard(
    name="simulated",
    env_id="EEGEmotion-Simulated-v0",
    title="Simulated EEG with known affect",
    licence="MIT, like the code that makes it",
    citation="The simulator of this package (eeg_emotion_env.simulation)",
    access="Nothing to download: it is generated when it is used.",
    label_kind="simulated",
    label_names=DIMENSIONS,
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

    def survey(self, root: Path, options: Any) -> Survey:
        """Refuse: the set is generated, not read."""
        raise DataError(
            f"{root}: the simulated data set takes no data folder; leave data (--data) out, or "
            "load a tree written by `eegdancer simulate` as the data set of its layout"
        )

    def simulated(self, options: Any) -> list[Recording]:
        """List one recording for each subject and session."""
        return recordings_of(options, CARD.name)


@dataclass(frozen=True, eq=False)
class SimulatedReader(SignalReader):
    """EEG of a simulation, generated when it is read.

    Attributes
    ----------
    simulation : SimulationConfig
        What generates it.
    """

    simulation: SimulationConfig
    files: tuple[Path, ...] = ()

    def origin(self, key: TrialKey) -> str:
        """Return seed and trial."""
        return f"simulation, seed {self.simulation.seed}: {key}"

    def signal(self, key: TrialKey) -> Signal:
        """Generate the EEG of a trial."""
        trial = simulate_trial(self.simulation, int(key.subject), key.session, key.trial)
        return Signal(trial.eeg, self.simulation.sfreq, self.channels)

    def configuration(self) -> dict[str, Any]:
        """Return the knobs."""
        return {"simulation": vars(self.simulation), "features": vars(self.config)}


@dataclass(frozen=True, eq=False)
class SimulatedLabels(LabelSource):
    """Labels, or the truth behind them, of a simulation.

    Attributes
    ----------
    simulation : SimulationConfig
        What generates them.
    names : tuple of str
        Dimensions to keep.
    is_truth : bool
        Whether to give the truth.
    """

    simulation: SimulationConfig
    names: tuple[str, ...] = DIMENSIONS
    is_truth: bool = False
    kind: str = "simulated"

    def covers(self, key: TrialKey) -> bool:
        """Say yes."""
        return True

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Generate labels (or truth) of a trial, whose steps must be those of the simulation."""
        both = simulate_labels(self.simulation, int(key.subject), key.session, key.trial)
        columns = [DIMENSIONS.index(name) for name in self.names]
        return np.ascontiguousarray(both[self.is_truth][:n_steps, columns])


def simulated_recordings(
    *,
    dataset: str,
    channels: Sequence[str],
    bands: Sequence[str],
    label_names: Sequence[str],
    step_s: float,
    duration_scale: float = 0.25,
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
    duration_scale : float
        Factor on the lengths of SEED's clips.

    Returns
    -------
    list of Recording
        Their trials say ``source="simulated"`` and ``label_kind="simulated"``.
    """
    # other people for each data set: a model of one stand-in has not seen the subjects of another
    seed = 1 + zlib.crc32(dataset.encode()) % 1000
    config = SimulationConfig(
        duration_scale=duration_scale, channels=tuple(channels), step_s=step_s, seed=seed
    )
    return recordings_of(config, dataset, tuple(bands), tuple(label_names))


def recordings_of(
    config: SimulationConfig,
    dataset: str,
    bands: tuple[str, ...] = tuple(BANDS),
    label_names: tuple[str, ...] = DIMENSIONS,
) -> list[Recording]:
    """List the recordings of a simulation, generated lazily (see `simulated_recordings`)."""
    reader = SimulatedReader(feature_config(config.step_s, bands), config.channels, config)
    recordings = []
    for subject in range(1, config.n_subjects + 1):
        for session in range(1, config.n_sessions + 1):
            keys = tuple(
                TrialKey(
                    dataset, subject, session, trial, stimulus_name(config.clip(session, trial))
                )
                for trial in range(1, config.n_trials + 1)
            )
            recordings.append(
                Recording(
                    keys=keys,
                    reader=reader,
                    labels=SimulatedLabels(config, label_names),
                    truth=SimulatedLabels(config, label_names, is_truth=True),
                    simulation=config,
                    origin=f"simulation, seed {config.seed}",
                    source="simulated",
                )
            )
    return recordings


def feature_config(step_s: float, bands: tuple[str, ...] = tuple(BANDS)) -> FeatureConfig:
    """Return features of trailing windows of one second, or of one step where that is longer."""
    return FeatureConfig(step_s=step_s, window_s=step_s * max(1, round(1.0 / step_s)), bands=bands)


def truth_of(
    manifest: dict[str, Any] | None, names: tuple[str, ...] = DIMENSIONS
) -> tuple[LabelSource | None, SimulationConfig | None]:
    """Read the truth beside a simulated tree, and the configuration that made it.

    Parameters
    ----------
    manifest : dict or None
        From `eeg_emotion_env.datasets.files.read_manifest`.
    names : tuple of str
        Dimensions of the labels.

    Returns
    -------
    truth : LabelSource or None
        None for recorded data.
    config : SimulationConfig or None
        None for recorded data, or for a tree of another version of the simulator.

    Raises
    ------
    DataError
        If the truth is damaged.
    """
    if manifest is None:
        return None, None
    try:
        config = SimulationConfig(**manifest["config"])
    except (TypeError, ConfigError):
        config = None
    path = manifest["path"].parent / "truth.csv"
    truth = read_annotations(path, "simulated") if path.is_file() else None
    return (truth.select(names) if truth else None), config
