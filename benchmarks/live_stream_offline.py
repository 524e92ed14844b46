"""What a model predicts of hours of made EEG offline, as ``eegdancer evaluate`` does."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.live_stream_source import SFREQ, Signal

if TYPE_CHECKING:
    from agents.live import LiveModel

OFFLINE_BLOCK_S = 600.0
"""Seconds of signal that are turned into features at once."""


def predicted_offline(
    model: "LiveModel", signal: Signal, channels: tuple[str, ...]
) -> NDArray[np.floating]:
    """Predict the whole signal as ``eegdancer evaluate`` predicts a trial of a session.

    Parameters
    ----------
    model : LiveModel
        The model, not exported.
    signal : Signal
        What was streamed.
    channels : tuple of str
        Names of its channels.
    """
    from eeg_emotion_env.normalization import normalize_past
    from eeg_emotion_env.playback import build_episodes
    from eeg_emotion_env.trial import Trial, TrialKey

    (features,) = normalize_past([_features(model, signal)])
    trial = Trial(
        features=features,
        labels=np.zeros((len(features), len(model.label_names)), np.float32),
        label_names=model.label_names,
        label_kind="simulated",
        step_s=model.features.step_s,
        channels=channels,
        bands=model.features.bands,
        key=TrialKey("made", 1, 1, 1),
        source="simulated",
        normalization="past",
    )
    predictions: NDArray[np.floating]
    (predictions,) = model.actor.predict(build_episodes([trial], model.encoder.encode))  # type: ignore[attr-defined]
    return predictions


def _features(model: "LiveModel", signal: Signal) -> NDArray[np.float32]:
    """Band power block by block, each with enough before it for its first windows."""
    from eeg_emotion_env.features import log_band_power

    config = model.features
    lead = round(max(config.window_s, config.step_s) / config.step_s)
    size, step = round(OFFLINE_BLOCK_S / config.step_s), round(config.step_s * SFREQ)
    parts = []
    for start in range(0, signal.n_samples // step, size):
        before = min(lead, start)
        eeg = signal[(start - before) * step : (start + size) * step]
        if len(eeg) >= step:
            parts.append(log_band_power(eeg.T, SFREQ, config)[before:])
    return np.concatenate(parts)
