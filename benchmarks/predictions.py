"""`TrialPrediction`: what one entry predicted for one held-out trial, beside the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.trial import Trial, TrialKey

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrialPrediction:
    """Predictions and labels of one held-out trial; made by the evaluator alone.

    Attributes
    ----------
    entry : str
        Name of the entry.
    seed : int
        Seed of the entry.
    fold : int
        Fold of the protocol, from 0.
    key : TrialKey
        Identity of the trial.
    labels, predictions : ndarray, shape (n_steps, n_dims), float32
        Truth (NaN where not annotated) and prediction, both in [-1, 1].
    label_names : tuple of str
        Label dimensions.
    step_s : float
        Seconds a step.
    track : str
        ``causal``, ``transductive`` or ``non-causal``.
    source : str
        ``recorded`` or ``simulated``.
    label_delay_s : float
        Annotators' delay that the entry was trained without, and its predictions delayed by,
        seconds.
    low, high : ndarray or None, shape (n_steps, n_dims), float32
        Ends of the interval around each prediction, in [-1, 1]; None where there is none.
    """

    entry: str
    seed: int
    fold: int
    key: TrialKey
    labels: FloatArray
    predictions: FloatArray
    label_names: tuple[str, ...]
    step_s: float
    track: str
    source: str
    label_delay_s: float = 0.0
    low: FloatArray | None = None
    high: FloatArray | None = None

    @classmethod
    def of(
        cls, entry: str, seed: int, fold: int, trial: Trial, predictions: FloatArray
    ) -> "TrialPrediction":
        """Set an entry's predictions beside a trial's labels."""
        return cls(
            entry=entry,
            seed=seed,
            fold=fold,
            key=trial.key,
            labels=trial.labels,
            predictions=np.asarray(predictions, dtype=np.float32),
            label_names=trial.label_names,
            step_s=trial.step_s,
            track=trial.track,
            source=trial.source,
        )
