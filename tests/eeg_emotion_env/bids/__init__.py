"""Tests of the package `eeg_emotion_env.datasets.bids`."""
