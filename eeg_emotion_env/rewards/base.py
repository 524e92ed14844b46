"""What a reward is, and what it knows of labels."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError

Number: TypeAlias = Any
"""One dimension of one environment (float) or all of a batch (array of (n_dims, n_envs))."""


@dataclass(frozen=True, eq=False)
class LabelStatistics:
    """What rewards and the privileged block know of an episode's labels.

    Attributes
    ----------
    annotated : ndarray, shape (n_steps, n_dims), bool
        Where there is a label.
    count : ndarray, shape (n_dims,), float64
        Annotated steps.
    mean, variance : ndarray, shape (n_dims,), float64
        Over annotated steps (population variance); 0 where there are none.
    deviation : ndarray, shape (n_steps, n_dims), float64
        Label minus mean; 0 where not annotated.
    share : float
        Weight of a dimension in a mean over the dimensions that are annotated at all.
    """

    annotated: NDArray[np.bool_]
    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    deviation: NDArray[np.float64]
    share: float

    @classmethod
    def of(cls, labels: NDArray[np.floating]) -> "LabelStatistics":
        """Compute from labels of shape (n_steps, n_dims), NaN where not annotated."""
        values = np.asarray(labels, dtype=np.float64)
        annotated = ~np.isnan(values)
        count = annotated.sum(axis=0).astype(np.float64)
        some = np.maximum(count, 1.0)
        mean = np.where(annotated, values, 0.0).sum(axis=0) / some
        deviation = np.where(annotated, values - mean, 0.0)
        variance = np.square(deviation).sum(axis=0) / some
        share = 1.0 / max(1, int((count > 0).sum()))
        return cls(annotated, count, mean, variance, deviation, share)


class Reward(ABC):
    """A reward function; subclasses are frozen dataclasses whose fields are its options.

    Class attributes: `name` in the registry, `term_names` of the terms that sum to the reward,
    and `n_sums`, the number of running sums kept for each dimension.
    """

    name: ClassVar[str]
    term_names: ClassVar[tuple[str, ...]]
    n_sums: ClassVar[int] = 0

    @abstractmethod
    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn labels into the constants of each step.

        Parameters
        ----------
        labels : ndarray, shape (n_steps, n_dims)
            Labels of the episode; NaN where not annotated.

        Returns
        -------
        ndarray, shape (n_steps, n_dims, n_constants), float64
            Constants for `step`. Steps without annotation must come out as 0, and an episode
            without any whatever the sums: such constants idle environments that await a reset.
        """

    @abstractmethod
    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction, elementwise.

        Parameters
        ----------
        action : float or ndarray, shape (n_dims, n_envs)
            Prediction in [-1, 1].
        constants : sequence of n_constants values shaped as `action`
            From `prepare`, for this step.
        sums : sequence of n_sums values shaped as `action`
            What the last call returned; zeros at the start of an episode.

        Returns
        -------
        terms : tuple of values shaped as `action`
            In the order of `term_names`; the reward is the sum over terms and dimensions.
        sums : sequence of n_sums values shaped as `action`
            For the next call; none of them `action` itself, whose memory is used again.
        """

    def names(self, label_names: Sequence[str]) -> tuple[str, ...]:
        """Name all terms, by dimension and then by term, such as ``squared_error_valence``."""
        return tuple(f"{term}_{name}" for name in label_names for term in self.term_names)

    def to_dict(self) -> dict[str, Any]:
        """Return name and options as a JSON-able dict that `make_reward` understands."""
        return {"name": self.name, **asdict(self)}  # type: ignore[call-overload]

    def trajectory(
        self, labels: NDArray[np.floating], predictions: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Rewards of a whole episode.

        Parameters
        ----------
        labels, predictions : ndarray, shape (n_steps, n_dims)
            Labels (NaN where not annotated) and predictions.

        Returns
        -------
        ndarray, shape (n_steps,), float64
            Reward of each step.
        """
        sums: Sequence[Number] = [np.zeros(labels.shape[1])] * self.n_sums
        rewards = np.empty(len(labels))
        for step, constants in enumerate(self.prepare(labels)):
            terms, sums = self.step(predictions[step].astype(np.float64), constants.T, sums)
            rewards[step] = sum(term.sum() for term in terms)
        return rewards


def require_positive(reward: Reward, *names: str) -> None:
    """Raise `ConfigError` unless these options are positive."""
    for name in names:
        if not getattr(reward, name) > 0:
            raise ConfigError(
                f"{name} of reward {reward.name!r} must be positive, not {getattr(reward, name)!r}"
            )
