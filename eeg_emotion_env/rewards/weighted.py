"""Rewards put together: several terms, each with its weight."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate, pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.rewards.base import Number, Reward


@dataclass(frozen=True)
class WeightedReward(Reward):
    """Weighted sum of rewards; its return is the weighted sum of theirs.

    ``info["reward_terms"]`` holds the terms of each, weight included, so that all of them sum to
    the reward.

    Parameters
    ----------
    terms : tuple of (Reward, float)
        Rewards, each of them once, with their weights (0 or more, not all 0).
    """

    terms: tuple[tuple[Reward, float], ...]
    _slices: tuple[tuple[slice, slice], ...] = field(init=False, repr=False, compare=False)

    name: ClassVar[str] = "weighted"

    def __post_init__(self) -> None:
        names = [reward.name for reward, _ in self.terms]
        if self.name in names:
            raise ConfigError("terms of a weighted reward must be single rewards, not sums")
        if len(set(names)) < len(names) or not names:
            raise ConfigError(f"reward must have terms, each of them once, not {names}")
        weights = [weight for _, weight in self.terms]
        if not all(np.isfinite(weights)) or min(weights) < 0 or not any(weights):
            raise ConfigError(
                f"weights of a reward's terms must be 0 or more and not all 0, not {weights}"
            )
        rewards = [reward for reward, _ in self.terms]
        example = np.zeros((1, 1))
        widths = [reward.prepare(example).shape[-1] for reward in rewards]
        sums = [reward.n_sums for reward in rewards]
        parts = zip(_consecutive(widths), _consecutive(sums), strict=True)
        object.__setattr__(self, "_slices", tuple(parts))

    @property
    def term_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of all terms; one that two rewards share gets the reward's name in front."""
        names = [(reward.name, term) for reward, _ in self.terms for term in reward.term_names]
        terms = [term for _, term in names]
        return tuple(
            f"{reward.replace('-', '_')}_{term}" if terms.count(term) > 1 else term
            for reward, term in names
        )

    @property
    def n_sums(self) -> int:  # type: ignore[override]
        """Running sums of all rewards."""
        return sum(reward.n_sums for reward, _ in self.terms)

    def prepare(self, labels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Constants of all rewards, one after another."""
        return np.concatenate([reward.prepare(labels) for reward, _ in self.terms], axis=-1)

    def step(
        self, action: Number, constants: Sequence[Number], sums: Sequence[Number]
    ) -> tuple[tuple[Number, ...], Sequence[Number]]:
        """Score one prediction by each reward, times its weight."""
        scored: list[Number] = []
        kept: list[Number] = []
        for (reward, weight), (own, own_sums) in zip(self.terms, self._slices, strict=True):
            terms, after = reward.step(action, constants[own], sums[own_sums])
            scored += [weight * term for term in terms]
            kept += after
        return tuple(scored), tuple(kept)

    def to_dict(self) -> dict[str, Any]:
        """Return terms and weights as a JSON-able dict that `make_reward` understands."""
        return {
            "terms": {
                reward.name: {"weight": weight, **asdict(reward)}  # type: ignore[call-overload]
                for reward, weight in self.terms
            }
        }


def _consecutive(widths: list[int]) -> list[slice]:
    return [slice(*ends) for ends in pairwise(accumulate(widths, initial=0))]
