"""Trials and recordings as `mne.io.Raw` and as pandas frames, and back.

>>> from eeg_emotion_env import load
>>> from eeg_emotion_env.interop import raw_from_recording, trials_to_frame
>>> trials = load("simulated", n_subjects=1)
>>> recording = trials.recordings[0]
>>> raw = raw_from_recording(recording, recording.keys[0])
>>> frame = trials_to_frame(trials[:2])
"""

from eeg_emotion_env.interop.frames import trials_from_frame, trials_to_frame
from eeg_emotion_env.interop.raws import raw_from_recording, trial_from_raw

__all__ = ["raw_from_recording", "trial_from_raw", "trials_from_frame", "trials_to_frame"]
