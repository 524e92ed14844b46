"""At which rate samples come, by a clock: whether the rate that a stream says can be true.

How it is estimated. After k samples of a stream of nominal rate f, k / f should have passed on the
clock. The deviation d = clock - k / f is a line whose slope s tells the true rate, f / (1 + s),
plus what chunks were late by. Lateness is no noise around a mean: samples wait for their chunk,
chunks for the network. All that can be said of it is that it stays within a range r, and that
range shows in the residuals and in the longest wait between two chunks. The slope is taken between
the medians of the first and the last third of a window, so that no stall, nor the burst after it,
bends the line into itself and hides in it. Lateness of range r, whatever its shape, moves such a
slope over the span T by 1.5 r / T at most; 2 r / T is used, because residuals of few points show a
little less than r. So each window gives an interval that holds s whatever the jitter, and the
level follows where the whole interval lies: a window of 1 to 2 s shows a factor of two, and one of
4 to 8 s two percent, if stamps are even; chunks that are uneven by half a second need longer
windows. The error is a late alarm, not a false one.

Too few points cannot show their range: one is assumed; and so is a least one, because clocks that
are brought together wander by some milliseconds. A small jump of the clock or a gap is a step of
the lateness, which widens the interval in the same way. Chunks that come at the same moment (what
had waited when we began to listen, or after a stall) count as one point, with the last sample:
what waited was no lateness of that one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARKED_FROM, WITHHELD_FROM = 0.012, 0.05
"""Relative deviation from the nominal rate from which predictions are marked, and withheld."""

RIGHT, DOUBTFUL, WRONG = 0, 1, 2
"""Levels: as the stream says; off so that it is marked; off so that nothing is predicted."""

SPACING_S = 0.09
"""Least time between two points, seconds on the clock."""

FILLED = 0.8
"""Share of a window that must have been seen."""

LEAST_POINTS, ENOUGH_POINTS = 3, 10
"""Points without which nothing is said, and from which on the residuals show their range."""

EVERY_S, YOUNG_S = (0.25, 1.0), 10.0
"""Least time between two looks, seconds of samples: until so much was seen, and later."""


@dataclass(frozen=True)
class Clock:
    """What is known beforehand of a clock.

    Attributes
    ----------
    windows_s : tuple of float
        Seconds that are looked at, rising.
    assumed_s : float
        Range of the lateness while there are few points, seconds.
    least_s : float
        Least range of the lateness, seconds.
    settling_s : float
        Seconds from the first sample that are not looked at.
    """

    windows_s: tuple[float, ...]
    assumed_s: float
    least_s: float
    settling_s: float


STAMPS = Clock((1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0), 0.5, 0.02, 0.0)
"""Timestamps of samples."""

ARRIVAL = Clock((4.0, 8.0, 16.0, 32.0, 64.0, 128.0), 1.0, 0.05, 1.0)
"""When chunks come. Some senders count stamps at the rate that they say: only this clock tells."""


class RateWatch:
    """Compares counted samples with a clock; memory of some hundred points.

    Parameters
    ----------
    sfreq : float
        Nominal rate, Hz.
    clock : Clock
        What is known of the clock.
    """

    def __init__(self, sfreq: float, clock: Clock) -> None:
        self.sfreq, self._clock = sfreq, clock
        self.level = RIGHT
        self._points = np.empty((2048, 2))
        self.reset()

    def reset(self) -> None:
        """Begin to count anew, as after a jump of the clock; the level stays until it is known."""
        self._n, self._count, self._looked = 0, 0, 0
        self._begun, self._opened = math.nan, -math.inf
        self._slope = 0.0

    def forget(self) -> None:
        """Begin a new part: what is not known to be wrong any more is still doubtful."""
        self.reset()
        self.level = min(self.level, DOUBTFUL)

    @property
    def rate(self) -> float:
        """Rate at which samples come, Hz, by the window that told the level."""
        return self.sfreq / (1 + self._slope)

    def drift(self, least: float) -> float | None:
        """Return the rate, Hz, if over the longest window it surely deviates by a share."""
        if self._n < LEAST_POINTS:
            return None
        slope, unsure = self._slope_of(self._last(self._clock.windows_s[-1]))
        return self.sfreq / (1 + slope) if abs(slope) - unsure > least else None

    def take(self, n: int, time: float) -> None:
        """Count n samples, the last of which has this time on the clock; NaN where not known."""
        self._count += n
        if not math.isfinite(time):
            return
        if math.isnan(self._begun):
            self._begun = time
        if time - self._begun < self._clock.settling_s:
            return
        self._add(self._count / self.sfreq, time)
        every_s = EVERY_S[self._count > YOUNG_S * self.sfreq]
        if self._count - self._looked >= every_s * self.sfreq:
            self._looked = self._count
            self._look()

    def _add(self, counted_s: float, time: float) -> None:
        if time - self._opened < SPACING_S:
            self._n -= 1
        else:
            self._opened = time
        while self._n and self._points[self._n - 1, 1] >= time:
            self._n -= 1
        if self._n == len(self._points):
            self._n //= 2
            self._points[: self._n] = self._points[-self._n :].copy()
        self._points[self._n] = counted_s, time
        self._n += 1

    def _look(self) -> None:
        """Narrow the level down, by the shortest windows first: they tell of now."""
        low, high = RIGHT, WRONG
        for window_s in self._clock.windows_s:
            inside = self._last(window_s)
            span = inside[-1, 1] - inside[0, 1]
            if len(inside) < LEAST_POINTS or span < FILLED * window_s:
                continue
            slope, unsure = self._slope_of(inside)
            least = max(low, _level(abs(slope) - unsure))
            most = min(high, _level(abs(slope) + unsure))
            if least > most:
                break  # this one looks at something that is over
            self._slope, low, high = slope, least, most
            if low == high:
                break
        self.level = min(max(self.level, low), high)

    def _last(self, window_s: float) -> NDArray[np.float64]:
        points = self._points[: self._n]
        return points[np.searchsorted(points[:, 1], points[-1, 1] - window_s - 1e-9) :]

    def _slope_of(self, points: NDArray[np.float64]) -> tuple[float, float]:
        """Return the slope of the deviation, and by how much it may be wrong."""
        counted = points[:, 0] - points[0, 0]
        off = points[:, 1] - points[0, 1] - counted
        third = len(points) // 3
        reach = float(np.median(counted[-third:]) - np.median(counted[:third]))
        if reach <= 0:
            return 0.0, math.inf
        slope = float(np.median(off[-third:]) - np.median(off[:third])) / reach
        residual = off - slope * counted
        waits = np.diff(points[:, 1])
        spread = float(residual.max() - residual.min() + waits.max() - np.median(waits))
        spread = max(spread, self._clock.least_s)
        if len(points) < ENOUGH_POINTS:
            spread = max(spread, self._clock.assumed_s)
        return slope, 2.0 * spread / float(counted[-1])


def _level(deviation: float) -> int:
    if deviation > WITHHELD_FROM:
        return WRONG
    return DOUBTFUL if deviation > MARKED_FROM else RIGHT
