"""The correlation as a reward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.rewards.base import LabelStatistics, Number, Reward, require_positive


@dataclass(frozen=True)
class RunningPCC(Reward):
    """Growth of the running Pearson correlation, shrunken towards 0 by pseudo-steps.

    The potential of the steps so far is ``cov / sqrt((var_label + s) (var_prediction + s))`` with
    s the weight of `pseudo_steps` steps that vary like the episode's label (at least
    `variance_floor`) and agree in nothing. Rewards telescope: undiscounted, they sum to the final
    shrunken correlation, which is the PCC itself as `pseudo_steps` goes to 0.

    The correlation knows neither level nor scale of predictions. Alone it rewards whatever moves
    with the label; add it to a term that knows them, such as ``squared-error + 5*pcc``.

    Parameters
    ----------
    pseudo_steps : float
        Weight of the prior, steps, positive.
    variance_floor : float
        Smallest label variance assumed by the prior, label units squared.
    """

    pseudo_steps: float = 20.0
    variance_floor: float = 0.01

    name: ClassVar[str] = "pcc"
    term_names: ClassVar[tuple[str, ...]] = ("running_pcc",)
    n_sums: ClassVar[int] = 4

    def __post_init__(self) -> None:
        require_positive(self, "pseudo_steps", "variance_floor")
        if not 1e-6 <= self.pseudo_steps < np.inf:
            raise ConfigError(
                f"pseudo_steps of reward 'pcc' must be finite and at least 1e-6, not "
                f"{self.pseudo_steps!r}"
            )

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label mean, annotated, v, Σv / n, spread of v so far, 1 / n, prior, share."""
        stats = LabelStatistics.of(labels)
        v = stats.deviation
        annotated = np.cumsum(stats.annotated, axis=0)
        per_step = np.where(annotated > 0, 1.0 / np.maximum(annotated, 1), 0.0)
        total = np.cumsum(v, axis=0)
        prior = self.pseudo_steps * np.maximum(stats.variance, self.variance_floor)
        squares = np.maximum(np.cumsum(v * v, axis=0) - total * total * per_step, 0.0)
        columns = [
            stats.mean,
            stats.annotated,
            v,
            total * per_step,
            np.sqrt(squares + prior),
            per_step,
            prior,
            stats.share * (stats.count > 0),
        ]
        return np.stack([np.broadcast_to(x, v.shape).astype(np.float64) for x in columns], axis=-1)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Add to the sums of u, u² and uv; score the change of the potential."""
        mean, annotated, v, label_mean, label_spread, per_step, prior, share = constants
        total, squares, products, before = sums
        u = annotated * (action - mean)
        total = total + u
        squares = squares + u * u
        products = products + u * v
        spread = (squares - total * total * per_step + prior) ** 0.5
        potential = (products - total * label_mean) / (label_spread * spread)
        return (share * (potential - before),), (total, squares, products, potential)
