"""The concordance correlation coefficient as a reward: summed, at the end, or as it grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import is_constant
from eeg_emotion_env.rewards.base import LabelStatistics, Number, Reward, require_positive


@dataclass(frozen=True)
class DinkelbachCCC(Reward):
    """Per-step form of the concordance correlation coefficient (Dinkelbach's method).

    With v the label and u the prediction, both minus the mean of the episode's labels,
    CCC = 2 Σuv / Σ(u² + v²) exactly. The reward of a step is
    ``scale (2uv - lambda_ (u² + v²)) / (T D)`` with T the annotated steps and D twice the label
    variance (at least `variance_floor`), averaged over dimensions. Hence the sum over an episode

    * is at least 0 exactly where the episode's CCC is at least `lambda_` (for one dimension);
    * is ``scale (CCC - lambda_)`` for a trajectory that varies about the label's mean as much as
      the label, whose variance reaches the floor (below: times variance / floor);
    * has the CCC-optimal policy as its optimum if `lambda_` equals the CCC that this reaches.

    Where the label is constant, v is 0 and what remains is ``-lambda_`` times the squared error.

    Parameters
    ----------
    lambda_ : float
        CCC that earns nothing, in [0, 1].
    variance_floor : float
        Smallest label variance used as the scale, label units squared.
    scale : float
        Factor on all rewards, positive.
    """

    lambda_: float = 0.6
    variance_floor: float = 0.01
    scale: float = 1.0

    name: ClassVar[str] = "ccc"
    term_names: ClassVar[tuple[str, ...]] = ("agreement", "spread")

    def __post_init__(self) -> None:
        if not 0 <= self.lambda_ <= 1:
            raise ConfigError(f"lambda_ must be a CCC in [0, 1], not {self.lambda_!r}")
        require_positive(self, "variance_floor", "scale")

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label mean, ``2 weight v``, ``-weight lambda_``, ``-weight lambda_ v²``."""
        stats = LabelStatistics.of(labels)
        spread = 2.0 * np.maximum(stats.variance, self.variance_floor)
        factor = self.scale * stats.share / (np.maximum(stats.count, 1.0) * spread)
        weight = np.where(stats.annotated, factor, 0.0)
        v = stats.deviation
        mean = np.broadcast_to(stats.mean, v.shape)
        cost = -weight * self.lambda_
        return np.stack([mean, 2.0 * weight * v, cost, cost * v * v], axis=-1)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction: ``weight 2uv`` and ``-weight lambda_ (u² + v²)``."""
        mean, gain, cost, offset = constants
        u = action - mean
        return (gain * u, cost * (u * u) + offset), sums


@dataclass(frozen=True)
class TerminalCCC(Reward):
    """Nothing until the last step, then the CCC of the episode, averaged over dimensions.

    A dimension whose label is constant has no CCC: minus its mean squared error stands in. The
    metric itself as reward is unbiased but sparse.
    """

    name: ClassVar[str] = "ccc-terminal"
    term_names: ClassVar[tuple[str, ...]] = ("ccc", "squared_error")
    n_sums: ClassVar[int] = 2

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label mean, annotated, v, then at the last step alone what ends it."""
        stats = LabelStatistics.of(labels)
        constant = np.array([is_constant(column) for column in np.asarray(labels).T])
        table = np.zeros((*stats.deviation.shape, 6))
        table[..., 0] = stats.mean
        table[..., 1] = stats.annotated
        table[..., 2] = stats.deviation
        # Σv² belongs into the denominator at the end; 1 elsewhere keeps 0 / 0 away.
        table[..., 3] = 1.0
        table[-1, :, 3] = np.where(constant, 1.0, stats.variance * stats.count)
        table[-1, :, 4] = np.where(constant, 0.0, 2.0 * stats.share)
        error_weight = stats.share / np.maximum(stats.count, 1.0)
        table[-1, :, 5] = np.where(constant & (stats.count > 0), error_weight, 0.0)
        return table

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Add to the sums of u² and uv; score them at the last step."""
        mean, annotated, v, label_squares, ccc_weight, error_weight = constants
        squares, products = sums
        u = annotated * (action - mean)
        squares = squares + u * u
        products = products + u * v
        ccc = ccc_weight * products / (squares + label_squares)
        return (ccc, -(error_weight * squares)), (squares, products)


@dataclass(frozen=True)
class RunningCCC(Reward):
    """Growth of the running CCC, shrunken towards 0 by pseudo-steps.

    The potential of the steps so far is ``2 cov / (var_label + var_prediction + (difference of
    means)² + s)`` with s the weight of `pseudo_steps` steps that vary like the episode's label (at
    least `variance_floor`) and agree in nothing. Rewards telescope: undiscounted, they sum to the
    final shrunken CCC, about ``CCC T / (T + pseudo_steps)``. Without the pseudo-steps nearly all
    of the reward's variance would fall in the first seconds.

    Parameters
    ----------
    pseudo_steps : float
        Weight of the prior, steps, positive.
    variance_floor : float
        Smallest label variance assumed by the prior, label units squared.
    """

    pseudo_steps: float = 20.0
    variance_floor: float = 0.01

    name: ClassVar[str] = "ccc-running"
    term_names: ClassVar[tuple[str, ...]] = ("running_ccc",)
    n_sums: ClassVar[int] = 4

    def __post_init__(self) -> None:
        require_positive(self, "pseudo_steps", "variance_floor")

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label mean, annotated, v, Σv so far / n, Σv² so far + prior, share."""
        stats = LabelStatistics.of(labels)
        v = stats.deviation
        count = np.maximum(np.cumsum(stats.annotated, axis=0), 1)
        prior = self.pseudo_steps * 2.0 * np.maximum(stats.variance, self.variance_floor)
        return np.stack(
            [
                np.broadcast_to(stats.mean, v.shape),
                stats.annotated.astype(np.float64),
                v,
                np.cumsum(v, axis=0) / count,
                np.cumsum(v * v, axis=0) + prior,
                np.broadcast_to(stats.share * (stats.count > 0), v.shape),
            ],
            axis=-1,
        )

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Add to the sums of u, u² and uv; score the change of the potential."""
        mean, annotated, v, label_mean, label_squares, share = constants
        total, squares, products, before = sums
        u = annotated * (action - mean)
        total = total + u
        squares = squares + u * u
        products = products + u * v
        cross = 2.0 * (total * label_mean)
        potential = (2.0 * products - cross) / (squares + label_squares - cross)
        return (share * (potential - before),), (total, squares, products, potential)
