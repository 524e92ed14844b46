"""What a leaderboard entry is: fit on training trials, predict a trial from its features."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.trial import Trial

FloatArray = NDArray[np.float32]


class Entry(ABC):
    """A method on the leaderboard: one file, one subclass, one name in `ENTRIES`.

    Everything that is fitted is fitted in `fit`, on training trials alone. `predict` gets trials
    whose labels are hidden.

    Parameters
    ----------
    seed : int
        Seed of everything random.
    quick : bool
        Smaller training for a first look (`eegdancer leaderboard --quick`, the demo); results say
        so.

    Attributes
    ----------
    name, summary : str
        Name on the leaderboard; a line on what it does.
    stochastic : bool
        Whether results depend on the seed.
    needs_stimuli : bool
        Whether it can run only where the stimuli of all trials are known.
    causal : bool
        False if a prediction uses later steps of the trial: its track is then ``non-causal``.
    oracle : bool
        Whether it is told the generator of simulated trials, which nobody else is: a ceiling and
        not a competitor.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    stochastic: ClassVar[bool] = False
    needs_stimuli: ClassVar[bool] = False
    causal: ClassVar[bool] = True
    oracle: ClassVar[bool] = False

    def __init__(self, seed: int = 0, quick: bool = False) -> None:
        self.seed, self.quick = seed, quick

    @classmethod
    def lack(cls, trials: Sequence[Trial]) -> str:
        """Say what the entry needs and does not find in the trials.

        Parameters
        ----------
        trials : sequence of Trial
            All trials of a run, with their labels.

        Returns
        -------
        str
            Such as ``to know the stimuli, which mahnob does not tell``; empty if it can run.
        """
        if cls.needs_stimuli and any(trial.stimulus is None for trial in trials):
            return f"to know the stimuli, which {trials[0].dataset} does not tell"
        return ""

    @classmethod
    def content(cls) -> str:
        """Name what decides results beside code, trials and seed, such as the hash of a model file.

        Returns
        -------
        str
            Part of the fingerprint of every job: where it changes, earlier jobs run again.
        """
        return ""

    @abstractmethod
    def fit(self, train: Sequence[Trial]) -> None:
        """Learn from labelled training trials.

        Parameters
        ----------
        train : sequence of Trial
            Trials of the training subjects.
        """

    @abstractmethod
    def predict(self, trial: Trial) -> FloatArray:
        """Predict a trial.

        Parameters
        ----------
        trial : Trial
            Trial with hidden labels.

        Returns
        -------
        ndarray, shape (n_steps, n_dims), float32
            Predictions in [-1, 1]; row t uses features up to t alone, unless `causal` is False.
        """


def label_mean(train: Sequence[Trial]) -> NDArray[np.float64]:
    """Mean label of the annotated training steps, shape (n_dims,)."""
    rows = np.concatenate([trial.labels for trial in train]).astype(np.float64)
    if np.isnan(rows).all(axis=0).any():
        raise DataError("a label dimension is annotated nowhere in the training trials")
    return np.asarray(np.nanmean(rows, axis=0))


def label_std(train: Sequence[Trial]) -> NDArray[np.float64]:
    """Standard deviation of the annotated training steps, shape (n_dims,), above zero."""
    rows = np.concatenate([trial.labels for trial in train]).astype(np.float64)
    return np.maximum(np.nanstd(rows, axis=0), 1e-6)


def limited(values: NDArray[np.floating]) -> FloatArray:
    """Limit predictions to the range of labels, [-1, 1]."""
    return np.clip(values, -1.0, 1.0).astype(np.float32)
