"""Costs of movement: what couples the predictions of neighbouring steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.rewards.base import Number, Reward


@dataclass(frozen=True)
class RateCost(Reward):
    """Minus the squared change of the prediction since the last step, averaged over dimensions.

    The sum over an episode is minus the sum of squared increments ``(x_t - x_{t-1})²``; the first
    prediction is free. It needs no label, so that steps without annotation cost as much as others.
    Alone it asks for nothing but stillness: add it to a term that looks at labels, such as
    ``squared-error + 2*rate``. The task is then sequential: what is best now depends on
    the previous prediction and changes what is best next.
    """

    name: ClassVar[str] = "rate"
    term_names: ClassVar[tuple[str, ...]] = ("rate",)
    n_sums: ClassVar[int] = 1

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: -weight, 0 at the first step."""
        return _weights(labels, free=1)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction: ``-weight (x_t - x_{t-1})²``."""
        (weight,) = constants
        change = action - sums[0]
        return (weight * (change * change),), (action + 0.0,)


@dataclass(frozen=True)
class JerkCost(Reward):
    """Minus the squared change of the prediction's rate, averaged over dimensions.

    The sum over an episode is minus the sum of squared second differences
    ``(x_t - 2 x_{t-1} + x_{t-2})²``; the first two predictions are free. A steady drift costs
    nothing, a jolt does. It needs no label, as `RateCost`.
    """

    name: ClassVar[str] = "jerk"
    term_names: ClassVar[tuple[str, ...]] = ("jerk",)
    n_sums: ClassVar[int] = 2

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: -weight, 0 at the first two steps."""
        return _weights(labels, free=2)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction: ``-weight (x_t - 2 x_{t-1} + x_{t-2})²``."""
        (weight,) = constants
        before, earlier = sums
        change = action - 2.0 * before + earlier
        return (weight * (change * change),), (action + 0.0, before)


def _weights(labels: NDArray[np.floating], free: int) -> NDArray[np.float64]:
    weights = np.full((*labels.shape, 1), -1.0 / labels.shape[1])
    weights[:free] = 0.0
    return weights
