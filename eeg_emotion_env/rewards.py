"""Rewards: how well the prediction of a step, or the trajectory so far, fits the labels.

A reward is a frozen configuration. `Reward.prepare` turns the labels of an episode into constants
for each step; `Reward.step` is elementwise arithmetic on them, without branches and without hidden
state, so that one definition serves a single environment (plain floats) and a batch of
environments (arrays) alike. A new reward is one subclass and one entry in `REWARDS`.

Steps without annotation (NaN label) give 0. Rewards see the labels; observations never do, unless
the privileged block is asked for.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.metrics import is_constant

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
            For the next call.
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


@dataclass(frozen=True)
class SquaredError(Reward):
    """Minus the squared error, averaged over the annotated dimensions.

    The mean over annotated steps is minus the mean squared error. With an absolute action this is
    a contextual bandit: no step depends on another.
    """

    name: ClassVar[str] = "squared-error"
    term_names: ClassVar[tuple[str, ...]] = ("squared_error",)

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label, weight."""
        annotated = ~np.isnan(labels)
        weight = annotated / np.maximum(annotated.sum(axis=1, keepdims=True), 1)
        return np.stack([np.where(annotated, labels, 0.0), weight], axis=-1).astype(np.float64)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction: ``-weight (action - label)²``."""
        label, weight = constants
        error = action - label
        return (-(weight * (error * error)),), sums


@dataclass(frozen=True)
class DinkelbachCCC(Reward):
    """Per-step form of the concordance correlation coefficient (Dinkelbach's method).

    With v the label and u the prediction, both minus the mean of the episode's labels,
    CCC = 2 Σuv / Σ(u² + v²) exactly. The reward of a step is
    ``scale (2uv - lambda_ (u² + v²)) / (T D)`` with T the annotated steps and D twice the label
    variance (at least `variance_floor`), averaged over dimensions. Hence the sum over an episode

    * is at least 0 exactly where the episode's CCC is at least `lambda_`;
    * is ``scale (CCC - lambda_)`` for a trajectory that varies as much as the label;
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
        _require_positive(self, "variance_floor", "scale")

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants: label mean, ``2 weight v``, ``weight lambda_``, ``weight lambda_ v²``."""
        stats = LabelStatistics.of(labels)
        spread = 2.0 * np.maximum(stats.variance, self.variance_floor)
        factor = self.scale * stats.share / (np.maximum(stats.count, 1.0) * spread)
        weight = np.where(stats.annotated, factor, 0.0)
        v = stats.deviation
        mean = np.broadcast_to(stats.mean, v.shape)
        cost = weight * self.lambda_
        return np.stack([mean, 2.0 * weight * v, cost, cost * v * v], axis=-1)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction: ``weight 2uv`` and ``-weight lambda_ (u² + v²)``."""
        mean, gain, cost, offset = constants
        u = action - mean
        return (gain * u, -(cost * (u * u) + offset)), sums


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
        _require_positive(self, "pseudo_steps", "variance_floor")

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


REWARDS: dict[str, type[Reward]] = {
    reward.name: reward for reward in (SquaredError, DinkelbachCCC, TerminalCCC, RunningCCC)
}
"""Every reward by its name."""


def make_reward(reward: str | Mapping[str, Any] | Reward) -> Reward:
    """Build a reward from a JSON-able description.

    Parameters
    ----------
    reward : str, mapping or Reward
        A name in `REWARDS`, or ``{"name": …, option: value}``, or a reward already built.

    Returns
    -------
    Reward
        Ready to use.

    Raises
    ------
    ConfigError
        If the name or an option is unknown, or a value impossible.
    """
    if isinstance(reward, Reward):
        return reward
    options = {"name": reward} if isinstance(reward, str) else dict(reward)
    if "name" not in options:
        raise ConfigError(f"reward must give a name, one of {', '.join(REWARDS)}, not {reward!r}")
    kind = REWARDS[check_choice("reward", options.pop("name"), REWARDS)]
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if options and not known:
        raise ConfigError(f"reward {kind.name!r} has no options, not {', '.join(options)}")
    for option, value in options.items():
        check_choice(f"option of reward {kind.name!r}", option, known)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{option} of reward {kind.name!r} must be a number, not {value!r}")
    return kind(**options)


def _require_positive(reward: Reward, *names: str) -> None:
    for name in names:
        if not getattr(reward, name) > 0:
            raise ConfigError(
                f"{name} of reward {reward.name!r} must be positive, not {getattr(reward, name)!r}"
            )
