"""Simulated EEG with known affect: no recordings, no downloads, every knob in one place.

The recipe: a bivariate Ornstein-Uhlenbeck affect that the stimulus partly shares among subjects
(`affect`), rhythms whose amplitude follows it on top of a 1/f background in a spherical head
(`subject`, `forward`, `eeg`), and raters who annotate it with delay and bias (`raters`). Ranges are
our own choices: good results here say nothing about real people.
"""

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.recording import (
    SimulatedRecording,
    SimulatedTrial,
    simulate_labels,
    simulate_recording,
    simulate_trial,
)

__all__ = [
    "SimulatedRecording",
    "SimulatedTrial",
    "SimulationConfig",
    "simulate_labels",
    "simulate_recording",
    "simulate_trial",
]
