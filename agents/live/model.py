"""A trained model as a stream uses it: encoder, actor, and what they were made for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents.agent import load_agent
from agents.intervals import PredictionIntervals, load_intervals
from agents.live.alignment import ChannelMap, match_channels
from agents.live.records import StreamInfo
from agents.live.reference import Reference, load_reference
from agents.online import Actor, StreamEncoder
from eeg_emotion_env.datasets.simulated import feature_config
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.features import BANDS, FeatureConfig
from eeg_emotion_env.montage import directions
from encoders import FrozenEncoder, load_encoder
from encoders.errors import CheckpointError


@dataclass(frozen=True, eq=False)
class LiveModel:
    """Encoder, actor and what they need to work on a stream.

    Attributes
    ----------
    encoder : FrozenEncoder
        As it was trained.
    actor : Agent or ExportedActor
        What predicts.
    label_names : tuple of str
        Dimensions of a prediction.
    features : FeatureConfig
        Step, window and bands.
    normalization : str
        ``"past"`` or ``"none"``.
    reference : Reference or None
        What the input looked like in training.
    description : dict
        Notes of the agent.
    exported : Path or None
        Folder of exported graphs that are used instead of torch.
    intervals : PredictionIntervals or None
        Intervals around its predictions.
    """

    encoder: FrozenEncoder
    actor: Actor
    label_names: tuple[str, ...]
    features: FeatureConfig
    normalization: str = "past"
    reference: Reference | None = None
    description: dict[str, Any] = field(default_factory=dict)
    exported: Path | None = None
    intervals: PredictionIntervals | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels that it was trained on; empty where it does not say."""
        return tuple(self.encoder.description.get("channels", ()))

    @property
    def label_delay_s(self) -> float:
        """Annotators' delay that its training labels were freed from, seconds."""
        return float(self.description.get("label_delay_s", 0.0))

    def channel_map(self, info: StreamInfo) -> ChannelMap:
        """Match its channels with those of a stream."""
        return match_channels(info, self.channels, bool(self.encoder.config.n_sites))

    def encoder_on(self, channels: tuple[str, ...]) -> StreamEncoder:
        """Return what encodes streams with these channels."""
        positions = None
        if self.encoder.config.n_sites and channels != self.channels:
            positions = directions(channels)
        if self.exported is not None:
            from encoders.export import ExportedEncoder

            return ExportedEncoder(_graph(self.exported, "encoder"), positions)
        return self.encoder if positions is None else self.encoder.on(positions)


def load_live_model(folder: Path, exported: Path | None = None) -> LiveModel:
    """Load a model for a stream.

    Parameters
    ----------
    folder : Path
        Folder written by ``eegdancer train``.
    exported : Path or None
        Folder written by ``eegdancer export`` from the same model; faster.

    Returns
    -------
    LiveModel
        Ready for `agents.live.LiveChain`.

    Raises
    ------
    CheckpointError
        If the folder holds no model, or parts of different models.
    ConfigError
        If the model cannot work on a stream.
    """
    agent, encoder = load_agent(folder), load_encoder(folder / "encoder")
    notes = agent.description
    if notes.get("encoder") != encoder.fingerprint:
        raise CheckpointError(
            f"{folder}: agent and encoder do not belong together; restore the folder or train again"
        )
    actor: Actor = agent
    if exported is not None:
        actor = _exported_actor(exported, encoder, str(notes["fingerprint"]))
    return LiveModel(
        encoder,
        actor,
        agent.label_names,
        _features(folder, {**encoder.description, **notes}),
        _normalization(folder, notes),
        load_reference(folder, encoder.fingerprint),
        notes,
        exported,
        load_intervals(folder, str(notes["fingerprint"])),
    )


def _features(folder: Path, notes: dict[str, Any]) -> FeatureConfig:
    bands = tuple(notes.get("bands", BANDS))
    unknown = [band for band in bands if band not in BANDS]
    if unknown:
        raise ConfigError(
            f"{folder}: the model's bands {', '.join(unknown)} cannot be computed from raw EEG; "
            f"train on {', '.join(BANDS)}"
        )
    return feature_config(float(notes.get("step_s", 1.0)), bands)


def _normalization(folder: Path, notes: dict[str, Any]) -> str:
    kind = str(notes.get("normalization", "past"))
    if kind == "subject":
        raise ConfigError(
            f"{folder}: trained with normalization 'subject', which needs whole sessions and so "
            "the future; train with --normalization past for streams"
        )
    return kind


def _exported_actor(exported: Path, encoder: FrozenEncoder, fingerprint: str) -> Actor:
    from agents.export import ExportedActor
    from encoders.export import ExportedGraph

    path = _graph(exported, "actor")
    made = [ExportedGraph(path).notes, ExportedGraph(_graph(exported, "encoder")).notes]
    if [notes["fingerprint"] for notes in made] != [fingerprint, encoder.fingerprint]:
        raise CheckpointError(
            f"{exported}: exported from another model; run eegdancer export on this one again"
        )
    return ExportedActor(path)


def _graph(folder: Path, name: str) -> Path:
    paths = [folder / f"{name}{suffix}" for suffix in (".onnx", ".pt2")]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise CheckpointError(
            f"{folder}: no {name}.onnx or {name}.pt2 here; give a folder written by eegdancer "
            "export"
        )
    return found[0]


def input_of(encoder: StreamEncoder, frame: np.ndarray) -> np.ndarray:
    """Return the model's input, shape (n_sites or n_channels, n_bands), of normalised features."""
    montage = encoder.montage  # type: ignore[attr-defined]
    result: np.ndarray = montage(frame[None])[0]
    return result
