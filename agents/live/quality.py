"""Quality of one step of raw EEG: which channels can be used, and whether the step can."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.recording import BROKEN_RATIO, PLAUSIBLE_UV

MOST_LOST = 0.05
"""Share of lost samples of a step, or of a channel, up to which they are filled in."""

MOST_BAD = 0.25
"""Share of channels that may be bad before predictions are withheld."""

FLAT_RATIO = 1e-3
"""A channel that varies by less than this, relative to a typical one, is flat."""

CLIPPED_SHARE, CLIPPED_UV = 0.05, 100.0
"""A channel that stays so often at exactly its extreme, and that far out, is saturated."""

IMPOSSIBLE_UV = 1e9
"""What is beyond is no voltage: it is taken as lost, before it spoils sums."""


@dataclass(frozen=True, eq=False)
class Quality:
    """What is wrong with a step.

    Attributes
    ----------
    flat, saturated, noisy, dropped : ndarray, shape (n_channels,), bool
        Channels that do not move, stay at a limit, vary far more than a typical one, or have
        lost samples.
    n_lost : int
        Samples lost in all channels.
    lost_share : float
        The same as a share of the step.
    spread_uv : float
        Standard deviation of a typical channel, microvolts; NaN if nothing is there.
    absent : ndarray, shape (n_channels,), bool
        Channels that the stream never had.
    """

    flat: NDArray[np.bool_]
    saturated: NDArray[np.bool_]
    noisy: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    n_lost: int
    lost_share: float
    spread_uv: float
    absent: NDArray[np.bool_]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Channels that the stream has and that cannot be used."""
        everything = self.flat | self.saturated | self.noisy | self.dropped
        return np.asarray(everything & ~self.absent)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is wrong with each bad channel, in their order."""
        kinds = ("dropped", "flat", "saturated", "noisy")
        return tuple(
            next(kind for kind in kinds if getattr(self, kind)[channel])
            for channel in np.flatnonzero(self.bad)
        )

    @property
    def marks(self) -> tuple[str, ...]:
        """What is odd about the step."""
        kinds = ("flat", "saturated", "noisy", "dropped")
        found = [kind for kind in kinds if (getattr(self, kind) & ~self.absent).any()]
        return (*found, *(("lost",) if self.n_lost else ()))

    @property
    def unusable(self) -> tuple[str, ...]:
        """Why the step can have no prediction; empty if it can."""
        reasons = []
        if self.lost_share > MOST_LOST:
            reasons.append("too-much-lost")
        low, high = PLAUSIBLE_UV
        present = ~self.absent
        if (
            self.lost_share < 1
            and not self.flat[present].all()
            and not (low <= self.spread_uv <= high)
        ):
            reasons.append("unit")
        if self.bad.sum() > MOST_BAD * max(int(present.sum()), 1):
            reasons.append("too-many-bad-channels")
        return tuple(reasons)


def assess(samples: NDArray[np.float64], absent: NDArray[np.bool_]) -> Quality:
    """Look at the samples of a step.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels), float64
        Microvolts; NaN where lost.
    absent : ndarray, shape (n_channels,), bool
        Channels that the stream does not have.

    Returns
    -------
    Quality
        What is wrong with it.
    """
    unknown = ~np.isfinite(samples)
    has_gaps = bool(unknown.any())
    lost_rows = int(unknown[:, ~absent].all(axis=1).sum()) if has_gaps else 0
    values = _without_gaps(samples, unknown) if has_gaps else samples
    low, high = values.min(axis=0), values.max(axis=0)
    centred = values - values.mean(axis=0)
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(values))
    moving = spread[~absent & (high > low)]
    typical = float(np.median(moving)) if len(moving) else float("nan")
    flat = (high <= low) | (spread < FLAT_RATIO * np.nan_to_num(typical))
    extreme = np.maximum((values == low).sum(axis=0), (values == high).sum(axis=0))
    far = np.maximum(np.abs(low), np.abs(high)) >= CLIPPED_UV
    return Quality(
        flat=flat & (unknown.mean(axis=0) <= MOST_LOST),
        saturated=~flat & far & (extreme >= max(3, CLIPPED_SHARE * len(values))),
        noisy=spread > BROKEN_RATIO * np.nan_to_num(typical, nan=np.inf),
        dropped=unknown.mean(axis=0) > MOST_LOST,
        n_lost=lost_rows,
        lost_share=lost_rows / len(values),
        spread_uv=typical,
        absent=absent,
    )


def voltages(samples: NDArray[np.floating], factor: float) -> NDArray[np.floating]:
    """Put NaN where a value cannot be a voltage: not finite, or beyond `IMPOSSIBLE_UV`.

    Parameters
    ----------
    samples : ndarray, any shape
        In the unit of the stream.
    factor : float
        What makes them microvolts.
    """
    possible = np.abs(samples) <= IMPOSSIBLE_UV / factor
    return samples if possible.all() else np.where(possible, samples, np.nan)


def filled(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill lost samples in, each channel by a line between its neighbours in the step.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels), float64
        NaN where lost; a channel that is lost throughout stays as it is.
    """
    unknown = ~np.isfinite(samples)
    if not unknown.any():
        return samples
    out, places = samples.copy(), np.arange(len(samples))
    for column in np.flatnonzero(unknown.any(axis=0) & ~unknown.all(axis=0)):
        gone = unknown[:, column]
        out[gone, column] = np.interp(places[gone], places[~gone], samples[~gone, column])
    return out


def _without_gaps(samples: NDArray[np.float64], unknown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Put each channel's mean where it has no value, 0 where it has none at all."""
    known = np.where(unknown, 0.0, samples)
    mean = known.sum(axis=0) / np.maximum((~unknown).sum(axis=0), 1)
    return np.where(unknown, mean, samples)
