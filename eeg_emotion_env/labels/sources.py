"""Label sources: a class for the whole trial, or a value for each window of the data set."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.trial import FloatArray, TrialKey

DIMENSIONS = ("valence", "arousal")
"""The label dimensions, in order."""


class LabelSource(ABC):
    """Gives the labels of a trial at its steps.

    Attributes
    ----------
    names : tuple of str
        Label dimensions.
    kind : str
        Origin of the labels, one of `eeg_emotion_env.trial.LABEL_KINDS`.
    """

    names: tuple[str, ...]
    kind: str

    @abstractmethod
    def covers(self, key: TrialKey) -> bool:
        """Say whether there are labels for the trial."""

    @abstractmethod
    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Labels of a trial.

        Parameters
        ----------
        key : TrialKey
            The trial.
        n_steps : int
            Steps of the trial.
        step_s : float
            Seconds a step.

        Returns
        -------
        ndarray, shape (n_steps, n_dims), float32
            Labels in [-1, 1]; NaN where not annotated.
        """

    def _nothing(self, n_steps: int) -> FloatArray:
        return np.full((n_steps, len(self.names)), np.nan, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class ClassLabels(LabelSource):
    """One class a stimulus, held constant over the trial.

    Attributes
    ----------
    classes : mapping of str to int
        Class by stimulus.
    affect : mapping of int to tuple of float
        Valence and arousal of each class.
    """

    classes: Mapping[str, int] = field(repr=False)
    affect: Mapping[int, tuple[float, float]] = field(repr=False)
    names: tuple[str, ...] = DIMENSIONS
    kind: str = "constant-class"

    def covers(self, key: TrialKey) -> bool:
        """Say whether the class of the stimulus is known."""
        return key.stimulus in self.classes

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Repeat valence and arousal of the class at each step, whatever its length."""
        if key.stimulus is None or key.stimulus not in self.classes:
            return self._nothing(n_steps)
        affect = self.affect[self.classes[key.stimulus]]
        return np.tile(np.array(affect, dtype=np.float32), (n_steps, 1))


@dataclass(frozen=True, eq=False)
class WindowLabels(LabelSource):
    """One value for each window of a regular grid that starts with the trial.

    Attributes
    ----------
    tracks : mapping of TrialKey to ndarray, shape (n_windows, n_dims)
        Values in [-1, 1]; value i belongs to seconds ``i * window_s`` to ``(i + 1) * window_s``.
    window_s : float
        Seconds a window.
    names, kind
        As `LabelSource`.
    """

    tracks: Mapping[TrialKey, NDArray[np.floating[Any]]] = field(repr=False)
    window_s: float
    names: tuple[str, ...]
    kind: str

    def covers(self, key: TrialKey) -> bool:
        """Say whether the trial has a track."""
        return key in self.tracks

    def at_steps(self, key: TrialKey, n_steps: int, step_s: float) -> FloatArray:
        """Bring the windows of a trial to its steps (see `window_means`); NaN beyond their end."""
        labels = self._nothing(n_steps)
        if key in self.tracks:
            means = window_means(self.tracks[key], self.window_s, step_s)[:n_steps]
            labels[: len(means)] = means
        return labels


def window_means(values: NDArray[np.floating[Any]], window_s: float, step_s: float) -> FloatArray:
    """Bring values of regular windows to longer or shorter steps.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_dims)
        One row a window.
    window_s : float
        Seconds a window.
    step_s : float
        Seconds a step: a multiple or a whole fraction of `window_s`.

    Returns
    -------
    ndarray, shape (n_steps, n_dims), float32
        Means over the windows of each step (an incomplete last step is dropped), or the value of
        the window that the step lies in.

    Raises
    ------
    DataError
        If neither is a multiple of the other.
    """
    rows = np.asarray(values, dtype=np.float64)
    width, parts = round(step_s / window_s), round(window_s / step_s)
    if width >= 1 and abs(width * window_s - step_s) < 1e-6 * step_s:
        n_steps = len(rows) // width
        blocks = rows[: n_steps * width].reshape(n_steps, width, rows.shape[1])
        return np.asarray(blocks.mean(axis=1), dtype=np.float32)
    if parts >= 1 and abs(parts * step_s - window_s) < 1e-6 * window_s:
        return np.repeat(rows, parts, axis=0).astype(np.float32)
    raise DataError(
        f"labels of {window_s:g} s windows do not fit steps of {step_s:g} s; choose a step_s that "
        "is a multiple or a whole fraction of the windows"
    )
