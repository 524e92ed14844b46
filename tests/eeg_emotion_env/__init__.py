"""Tests of `eeg_emotion_env`."""
