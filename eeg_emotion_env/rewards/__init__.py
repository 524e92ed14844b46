"""Rewards: how well the prediction of a step, or the trajectory so far, fits the labels.

A reward is a frozen configuration. `Reward.prepare` turns the labels of an episode into constants
for each step; `Reward.step` is elementwise arithmetic on them, without branches and without hidden
state, so that one definition serves a single environment (plain floats) and a batch of
environments (arrays) alike. A new reward is one subclass and one entry in `REWARDS`;
`WeightedReward` adds several of them up.

What the undiscounted return of an episode with T annotated steps is:

==================  ===============================================================================
``squared-error``   -T × mean squared error
``ccc``             CCC - ``lambda_`` for a trajectory that varies about the label's mean as much as
                    the label; for one dimension 0 or more exactly where CCC ≥ ``lambda_``
``ccc-running``     CCC, shrunken by T / (T + ``pseudo_steps``) for such a trajectory
``ccc-terminal``    CCC
``pcc``             PCC, shrunken likewise
``rate``            -Σ (x_t - x_{t-1})²
``jerk``            -Σ (x_t - 2 x_{t-1} + x_{t-2})²
==================  ===============================================================================

All are means over dimensions, as the metrics are. A label that varies less than `variance_floor`
counts in ``ccc``, ``ccc-running`` and ``pcc`` as if it varied so much: what ``ccc`` returns is then
smaller by variance / floor, and the pseudo-steps weigh floor / variance times as much. So a trial
in which next to nothing happens does not drown the others; where all labels vary little (MAHNOB:
0.001 in the median trial), a lower floor brings returns back to the size of the metric.

Rewards see the labels; observations never do, unless the privileged block is asked for. Steps
without annotation (NaN label) give 0, but for the costs of movement, which look at no label, and
``ccc-terminal``, which pays at the last step in any case. Over a chained session the costs of
movement count the joins of trials too.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.rewards.base import LabelStatistics, Reward
from eeg_emotion_env.rewards.ccc import DinkelbachCCC, RunningCCC, TerminalCCC
from eeg_emotion_env.rewards.error import SquaredError
from eeg_emotion_env.rewards.pcc import RunningPCC
from eeg_emotion_env.rewards.smoothness import JerkCost, RateCost
from eeg_emotion_env.rewards.weighted import WeightedReward

__all__ = [
    "REWARDS",
    "DinkelbachCCC",
    "JerkCost",
    "LabelStatistics",
    "RateCost",
    "Reward",
    "RunningCCC",
    "RunningPCC",
    "SquaredError",
    "TerminalCCC",
    "WeightedReward",
    "make_reward",
    "without_costs",
]

REWARDS: dict[str, type[Reward]] = {
    reward.name: reward
    for reward in (
        SquaredError,
        DinkelbachCCC,
        TerminalCCC,
        RunningCCC,
        RunningPCC,
        RateCost,
        JerkCost,
    )
}
"""Every reward by its name."""


def make_reward(reward: str | Mapping[str, Any] | Reward) -> Reward:
    """Build a reward from a JSON-able description.

    Parameters
    ----------
    reward : str, mapping or Reward
        A name in `REWARDS`, or a sum of them with weights such as ``"squared-error + 0.5*rate"``;
        or ``{"name": …, option: value}``; or ``{"terms": {name: weight}}``, where
        ``{"weight": …, option: value}`` in place of a weight sets options too; or a reward
        already built.

    Returns
    -------
    Reward
        Ready to use.

    Raises
    ------
    ConfigError
        If a name or an option is unknown, or a value impossible.
    """
    if isinstance(reward, Reward):
        return reward
    if isinstance(reward, str):
        return _from_text(reward)
    if not isinstance(reward, Mapping):
        raise ConfigError(f"reward must be a name, a mapping or a Reward, not {reward!r}")
    if set(reward) == {"terms"} and isinstance(reward["terms"], Mapping):
        terms = reward["terms"].items()
        return WeightedReward(tuple(_weighted(name, value) for name, value in terms))
    options = dict(reward)
    if "name" not in options:
        raise ConfigError(
            f"reward must give a name, one of {', '.join(REWARDS)}, or terms, not {reward!r}"
        )
    return _single(options.pop("name"), options)


def without_costs(reward: Reward) -> Reward:
    """Return a sum of rewards without its costs of movement; any other reward as it is."""
    if not isinstance(reward, WeightedReward):
        return reward
    terms = tuple(term for term in reward.terms if not isinstance(term[0], RateCost | JerkCost))
    return WeightedReward(terms) if terms and len(terms) < len(reward.terms) else reward


def _from_text(text: str) -> Reward:
    if not set("+*") & set(text):
        return _single(text, {})
    terms: dict[str, float] = {}
    for part in text.split("+"):
        factor, star, name = part.rpartition("*")
        name = name.strip()
        if name in terms:
            raise ConfigError(f"reward {text!r} must name each term once, not {name} twice")
        try:
            terms[name] = float(factor) if star else 1.0
        except ValueError:
            raise ConfigError(
                f"reward {text!r} must be a sum of weight*name such as "
                f"'squared-error + 0.5*rate'; {factor.strip()!r} is no number"
            ) from None
    return WeightedReward(tuple(_weighted(name, weight) for name, weight in terms.items()))


def _weighted(name: str, value: Any) -> tuple[Reward, float]:
    options = dict(value) if isinstance(value, Mapping) else {"weight": value}
    weight = options.pop("weight", 1.0)
    return _single(name, options), _number(f"weight of reward {name!r}", weight)


def _single(name: Any, options: dict[str, Any]) -> Reward:
    kind = REWARDS[check_choice("reward", name, REWARDS)]
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if options and not known:
        raise ConfigError(f"reward {kind.name!r} has no options, not {', '.join(options)}")
    for option, value in options.items():
        check_choice(f"option of reward {kind.name!r}", option, known)
        _number(f"{option} of reward {kind.name!r}", value)
    return kind(**options)


def _number(what: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{what} must be a number, not {value!r}")
    return value
