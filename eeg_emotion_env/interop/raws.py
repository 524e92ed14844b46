"""A trial's raw EEG and labels as `mne.io.Raw`, and trials from any such object."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.recording import Recording, SignalReader, check_unit, checked_eeg
from eeg_emotion_env.datasets.simulated import feature_config
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import BANDS, FeatureConfig, log_band_power
from eeg_emotion_env.labels import DIMENSIONS
from eeg_emotion_env.montage import is_electrode, montage
from eeg_emotion_env.trial import LABEL_KINDS, FloatArray, Trial, TrialKey

if TYPE_CHECKING:
    import mne

MARK = "eeg_emotion_env"
"""Key of what `raw_from_recording` writes into ``raw.info["description"]``, as JSON."""

TOLD = ("key", "step_s", "window_s", "bands", "label_names", "label_kind", "source")
"""What is written there."""


def raw_from_recording(recording: Recording, key: TrialKey) -> "mne.io.RawArray":
    """Return the raw EEG of a trial with its labels, for MNE.

    Parameters
    ----------
    recording : Recording
        Recording with raw EEG, such as ``load("seed", data=…).recordings[0]``.
    key : TrialKey
        One of ``recording.keys``.

    Returns
    -------
    mne.io.RawArray
        Channels of type ``eeg`` in volts, at the positions of `eeg_emotion_env.montage` where
        their names are known there; each label dimension as a channel of type ``misc`` in
        [-1, 1]: the value of a step is held over its samples, NaN where not annotated.
        ``info["description"]`` (JSON) holds identity, step and kind of the labels for
        `trial_from_raw`; a FIF file keeps it.

    Raises
    ------
    DataError
        If the recording holds stored features only, or its file is damaged.
    ConfigError
        If `key` is none of its trials.
    """
    from mne import create_info
    from mne.io import RawArray

    if key not in recording.keys:
        raise ConfigError(f"{recording.origin}: key must be one of its trials, not {key}")
    signal, config = recording.reader.signal(key), _config(recording)
    held = _held_labels(recording, key, signal.eeg.shape[1], round(config.step_s * signal.sfreq))
    types = ["eeg"] * len(signal.channels) + ["misc"] * len(held)
    info = create_info([*signal.channels, *recording.labels.names], signal.sfreq, types)
    placed = [channel for channel in signal.channels if is_electrode(channel)]
    if placed:
        info.set_montage(montage(placed), on_missing="ignore")
    info["description"] = _description(recording, key, config)
    info["subject_info"] = {"his_id": str(key.subject)}
    return RawArray(np.vstack([signal.eeg * 1e-6, held]), info, verbose="error")


def trial_from_raw(
    raw: "mne.io.BaseRaw",
    *,
    key: TrialKey | None = None,
    step_s: float | None = None,
    bands: Sequence[str] = tuple(BANDS),
    label_channels: Sequence[str] | None = None,
    label_kind: str | None = None,
    unit: str = "V",
) -> Trial:
    """Make a trial from any `mne.io.Raw` that holds the EEG of one stimulus.

    What is left out is taken from ``raw.info["description"]`` if `raw_from_recording` wrote it.
    Nothing is filtered, referenced or interpolated here; channels in ``info["bads"]`` are kept,
    because the trials of a data set must have the same channels.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG with or without label channels.
    key : TrialKey or None
        Identity of the trial.
    step_s : float or None
        Seconds a step; None: the step of the description, else 1 s.
    bands : sequence of str
        Bands of `eeg_emotion_env.features.BANDS`, low to high. Those of the description are used
        where `step_s` is left out too.
    label_channels : sequence of str or None
        Channels, of any type, that hold the labels in [-1, 1] (NaN where not annotated). None:
        those of the description, else of ``valence`` and ``arousal`` those that are there.
        Without any, the trial has valence and arousal that are not annotated.
    label_kind : str or None
        Origin of the labels, one of `eeg_emotion_env.trial.LABEL_KINDS`; None: that of the
        description, else ``"continuous-external"``.
    unit : str
        Unit of the EEG: ``"V"``, as MNE wants it, ``"mV"`` or ``"uV"``.

    Returns
    -------
    Trial
        Log band power with ``normalization="none"``; the label of a step is the mean over those of
        its samples that are annotated. Truth and knobs of a simulation are not kept.

    Raises
    ------
    DataError
        If there is no EEG, it is shorter than a step or cannot be in `unit`, or labels lie
        outside [-1, 1].
    ConfigError
        If `key` is neither given nor described, or another argument is unknown.
    """
    told, names = _told(raw), _label_channels(raw, label_channels)
    key, config = key or _described_key(told), _asked_config(told, step_s, bands)
    kind = label_kind or told.get("label_kind", "continuous-external")
    origin = next((str(name) for name in raw.filenames if name), f"mne Raw of {key}")
    channels = _eeg_channels(raw, names, origin)
    eeg = checked_eeg(raw.get_data(list(channels)), len(channels), origin, check_unit(unit))
    try:
        features = log_band_power(eeg, raw.info["sfreq"], config)
    except DataError as error:
        raise DataError(f"{origin}: {error}") from error
    n_samples = round(config.step_s * raw.info["sfreq"])
    return Trial(
        features=features,
        labels=_step_means(raw, names, n_samples, len(features)),
        label_names=names or DIMENSIONS,
        label_kind=check_choice("label_kind", kind, LABEL_KINDS),
        step_s=config.step_s,
        channels=channels,
        bands=config.bands,
        key=key,
        source=told.get("source", "recorded"),
        origin=origin,
    )


def _config(recording: Recording) -> FeatureConfig:
    """Return how the recording's raw EEG becomes features."""
    reader = recording.reader
    if isinstance(reader, SignalReader):
        return reader.config
    return feature_config(reader.step_s, reader.bands)


def _asked_config(
    told: dict[str, Any], step_s: float | None, bands: Sequence[str]
) -> FeatureConfig:
    """Return the features asked for, or those of the description."""
    if step_s is None and told:
        return FeatureConfig(told["step_s"], told["window_s"], tuple(told["bands"]))
    seconds = 1.0 if step_s is None else step_s
    if not 0 < seconds < np.inf:
        raise ConfigError(f"step_s must be positive seconds, not {step_s}")
    return feature_config(seconds, tuple(bands))


def _held_labels(
    recording: Recording, key: TrialKey, n_times: int, n_samples: int
) -> NDArray[np.float64]:
    """Hold the label of each step over its samples, (n_dims, n_times); NaN after the last step."""
    n_steps = n_times // n_samples
    labels = recording.labels.at_steps(key, n_steps, _config(recording).step_s)
    held = np.full((labels.shape[1], n_times), np.nan)
    held[:, : n_steps * n_samples] = np.repeat(labels.T, n_samples, axis=1)
    return held


def _description(recording: Recording, key: TrialKey, config: FeatureConfig) -> str:
    told = {
        "key": asdict(key),
        "step_s": config.step_s,
        "window_s": config.window_s,
        "bands": config.bands,
        "label_names": recording.labels.names,
        "label_kind": recording.labels.kind,
        "source": recording.source,
    }
    return json.dumps({MARK: told})


def _told(raw: "mne.io.BaseRaw") -> dict[str, Any]:
    """Return what `raw_from_recording` wrote into the description; empty if it did not."""
    from mne.io import BaseRaw

    if not isinstance(raw, BaseRaw):
        raise ConfigError(f"raw must be an mne.io.Raw, not {type(raw).__name__}")
    try:
        told = json.loads(raw.info["description"] or "{}")[MARK]
        return {name: told[name] for name in TOLD}
    except (ValueError, TypeError, LookupError):  # a description of somebody else's
        return {}


def _described_key(told: dict[str, Any]) -> TrialKey:
    if not told:
        raise ConfigError(
            "raw.info['description'] does not tell which trial this is; give key=TrialKey(dataset, "
            "subject, session, trial, stimulus)"
        )
    return TrialKey(**told["key"])


def _label_channels(raw: "mne.io.BaseRaw", asked: Sequence[str] | None) -> tuple[str, ...]:
    """Return the channels that hold labels: those asked for, else those that are there."""
    if asked is None:
        known = _told(raw).get("label_names", DIMENSIONS)
        return tuple(name for name in known if name in raw.ch_names)
    for name in asked:
        check_choice("label channel", name, raw.ch_names)
    return tuple(asked)


def _eeg_channels(raw: "mne.io.BaseRaw", labels: Sequence[str], origin: str) -> tuple[str, ...]:
    types = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    channels = tuple(name for name, kind in types if kind == "eeg" and name not in labels)
    if not channels:
        raise DataError(f"{origin}: no channels of type eeg; set them with raw.set_channel_types")
    return channels


def _step_means(
    raw: "mne.io.BaseRaw", names: Sequence[str], n_samples: int, n_steps: int
) -> FloatArray:
    """Average the annotated samples of each step, (n_steps, n_dims); NaN where there are none."""
    if not names:
        return np.full((n_steps, len(DIMENSIONS)), np.nan, dtype=np.float32)
    samples = raw.get_data(list(names))[:, : n_steps * n_samples]
    blocks = samples.reshape(len(names), n_steps, n_samples)
    known = ~np.isnan(blocks)
    counts = known.sum(axis=2)
    means = np.full(counts.shape, np.nan)
    np.divide(np.where(known, blocks, 0.0).sum(axis=2), counts, out=means, where=counts > 0)
    return means.T.astype(np.float32)
