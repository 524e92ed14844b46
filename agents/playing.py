"""Play whole episodes side by side with any actor; labels are kept from it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import EEGEmotionError
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import BatchedPlayback, Episode

FloatArray = NDArray[np.float32]

Act = Callable[[FloatArray, Any], tuple[FloatArray, Any]]
"""Maps observations (n, size) and a state (None at the start) to predictions (n, n_dims) and the
next state."""


def play(
    episodes: Sequence[Episode],
    layout: ObservationLayout,
    act: Act,
    seen: Callable[[int, FloatArray], None] | None = None,
) -> list[FloatArray]:
    """Play every episode once and return what was predicted.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes; their labels are never looked at.
    layout : ObservationLayout
        Observation that the actor expects.
    act : callable
        The actor.
    seen : callable or None
        Called with each step, from 0, and its observations, shape (n_episodes, size).

    Returns
    -------
    list of ndarray, each (n_steps, n_dims), float32
        Predictions in [-1, 1].

    Raises
    ------
    EEGEmotionError
        If the episodes give other observations.
    """
    hidden = [_without_labels(episode) for episode in episodes]
    playback = BatchedPlayback(
        hidden, len(hidden), "squared-error", layout.privileged, np.random.default_rng(0)
    )
    if playback.layout != layout:
        raise EEGEmotionError(
            f"the agent was trained on {layout}, the episodes give {playback.layout}; "
            "use the encoder and the labels that it was trained with"
        )
    observations = playback.reset(episodes=range(len(hidden)))
    predictions = [np.zeros((e.n_steps, layout.n_dims), np.float32) for e in hidden]
    lengths = np.array([episode.n_steps for episode in hidden])
    state: Any = None
    for step in range(int(lengths.max())):
        if seen is not None:
            seen(step, observations)
        values, state = act(observations, state)
        for i in np.flatnonzero(lengths > step):
            predictions[i][step] = values[i]
        playback.step(values)
        observations = playback.observe()
    return predictions


def _without_labels(episode: Episode) -> Episode:
    return replace(episode, labels=np.full_like(episode.labels, np.nan))
