"""EEG emotion as a Gymnasium environment: follow valence and arousal second by second.

Importing this package registers ``EEGEmotion-<SET>-v0`` for each data set; with
``gymnasium.make("eeg_emotion_env:EEGEmotion-SEED-v0")`` the import is part of the id.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import EEGEmotionError, SimulatedDataWarning
from eeg_emotion_env.registration import register_envs
from eeg_emotion_env.trial import Trial

if TYPE_CHECKING:
    from eeg_emotion_env.env import EEGEmotionEnv
    from eeg_emotion_env.vector import EEGEmotionVectorEnv

__all__ = [
    "EEGEmotionEnv",
    "EEGEmotionError",
    "EEGEmotionVectorEnv",
    "SimulatedDataWarning",
    "Trial",
    "__version__",
    "load",
    "register_envs",
]

try:
    __version__ = version("eeg-emotion-env")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"

_LAZY = {
    "EEGEmotionEnv": "eeg_emotion_env.env",
    "EEGEmotionVectorEnv": "eeg_emotion_env.vector",
}


def __getattr__(name: str) -> Any:
    """Import the environments when they are first asked for, to keep the import quick."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


register_envs()
