"""What is known of REFED and MER-PS in advance: videos, channels, label scale."""

from eeg_emotion_env.montage import SEED_CHANNELS

VIDEO_SECONDS: tuple[int, ...] = (
    *(134, 137, 90, 79, 135, 93, 122, 107, 70, 60, 61, 63, 111, 103, 170),
)
"""Seconds of the 15 videos, the same for all subjects (1535 in all; MER-PS has 1536)."""

EMOTIONS: tuple[str, ...] = ("neutral", "happy", "fear", "sad", "relaxed")
VIDEO_CLASSES: tuple[int, ...] = (0, 3, 2, 1, 4, 3, 1, 4, 2, 0, 2, 0, 3, 4, 1)
"""Class of the videos, an index of `EMOTIONS`."""

M1_ROW, M2_ROW = 32, 42
"""Rows of the mastoids among the 64 stored channels."""

STORED_CHANNELS: tuple[str, ...] = (
    *SEED_CHANNELS[:M1_ROW],
    "M1",
    *SEED_CHANNELS[M1_ROW : M2_ROW - 1],
    "M2",
    *SEED_CHANNELS[M2_ROW - 1 :],
)
"""The 64 stored channels: SEED's 62 with the mastoids in between."""

RATES: tuple[float, ...] = (1000.0, 200.0)
"""Rates of the EEG that documents name, Hz."""

NEUTRAL, LABEL_RANGE = 128.0, (1.0, 255.0)
"""Joystick values: centre and range."""

VIDEO_AFFECT: dict[int, tuple[float, float]] = {
    0: (0.0, 0.0),
    1: (0.7, 0.7),
    2: (-0.7, 0.7),
    3: (-0.7, -0.7),
    4: (0.7, -0.7),
}
"""Where simulated videos of each class draw valence and arousal (diagonals of the circumplex)."""
