"""Where labels come from, and how they are brought to the steps of a trial."""

from eeg_emotion_env.labels.annotations import Annotations, read_annotations, resample_track
from eeg_emotion_env.labels.delay import (
    delay_steps,
    delayed,
    estimate_delay,
    resolve_delay,
    shift_labels,
)
from eeg_emotion_env.labels.sources import (
    DIMENSIONS,
    ClassLabels,
    LabelSource,
    WindowLabels,
    window_means,
)

__all__ = [
    "DIMENSIONS",
    "Annotations",
    "ClassLabels",
    "LabelSource",
    "WindowLabels",
    "delay_steps",
    "delayed",
    "estimate_delay",
    "read_annotations",
    "resample_track",
    "resolve_delay",
    "shift_labels",
    "window_means",
]
