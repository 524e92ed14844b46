"""Error as a reward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.rewards.base import Number, Reward


@dataclass(frozen=True)
class SquaredError(Reward):
    """Minus the squared error, averaged over the annotated dimensions.

    The mean over annotated steps is minus the mean squared error. With an absolute action this is
    a contextual bandit: no step depends on another.
    """

    name: ClassVar[str] = "squared-error"
    term_names: ClassVar[tuple[str, ...]] = ("squared_error",)

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label, -weight."""
        annotated = ~np.isnan(labels)
        weight = annotated / -np.maximum(annotated.sum(axis=1, keepdims=True), 1)
        return np.stack([np.where(annotated, labels, 0.0), weight], axis=-1).astype(np.float64)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction: ``-weight (action - label)²``."""
        label, weight = constants
        error = action - label
        return (weight * (error * error),), sums
