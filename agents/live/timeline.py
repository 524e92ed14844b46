"""Time of a stream: what was lost, what only jumped or jittered, and whole steps of samples."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.live.rate import ARRIVAL, DOUBTFUL, RIGHT, STAMPS, RateWatch
from agents.live.records import Chunk, Event

FILL_LIMIT_S = 5.0
"""Gaps up to this length are filled with lost samples; after longer ones the model begins anew."""

SETTLING_S, SETTLING_TOLERANCE_S = 1.0, 0.05
"""Until the jitter is known, deviations below the tolerance are taken as jitter."""

TOLERATED_SAMPLES = 1.5
"""Deviation, samples, that is never worth a word: losses of single samples add up to more."""

TRACKING_S = 2.0
"""Time constant with which the model of the clock follows the timestamps."""

UNEVEN_S = 0.01
"""Jitter, standard deviation, that is worth an event."""

SLACK_S = 1.0
"""Timestamps that leave the clock of arrival behind by more have jumped."""

RESET_S = 1.0
"""Steps of the timestamps from which on their rate is counted anew."""

RATE_TOLERANCE = 1e-3
"""Relative deviation from the nominal rate that is worth an event."""

REPORT_S = 10.0
"""Least stream time between two events on jitter or rate."""


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive samples on an even grid.

    Attributes
    ----------
    samples : ndarray, shape (n, n_channels)
        NaN where lost.
    time : float
        Timestamp of the first one.
    fresh : bool
        Whether it begins a new part: nothing connects it with what came before.
    untimed : bool
        Whether samples in it had no timestamp of their own.
    """

    samples: NDArray[np.floating]
    time: float
    fresh: bool = False
    untimed: bool = False


class Timeline:
    """Puts chunks on an even grid; memory of a few numbers.

    A model of the clock, ``time = anchor + sample / rate``, follows the timestamps slowly. What
    deviates from it by more than the usual jitter, and stays there, was lost (if the clock of
    arrival went on as well) or is a jump of the clock. Losses shorter than about six times the
    jitter cannot be told from it.

    Parameters
    ----------
    sfreq : float
        Nominal rate, Hz.
    """

    def __init__(self, sfreq: float) -> None:
        self.sfreq = sfreq
        self.n_lost = 0
        self._next: float | None = None
        self._received = 0.0
        self._seen = 0
        self._variance = 0.0
        self._rate_error = 0.0
        self._stamps, self._arrivals = RateWatch(sfreq, STAMPS), RateWatch(sfreq, ARRIVAL)
        self._told_level, self._counted = RIGHT, 0
        self._reported: dict[str, float] = {}

    @property
    def jitter_s(self) -> float:
        """Standard deviation of timestamps around the grid, seconds."""
        return float(np.sqrt(self._variance))

    @property
    def rate_level(self) -> int:
        """Whether samples come at the nominal rate, by the worse of two clocks (`rate.RIGHT`…)."""
        return max(self._stamps.level, self._arrivals.level)

    @property
    def tolerance_s(self) -> float:
        """Deviation up to which a timestamp fits the grid, seconds."""
        settled = max(TOLERATED_SAMPLES / self.sfreq, 6 * self.jitter_s)
        young = self._seen < SETTLING_S * self.sfreq
        return max(settled, SETTLING_TOLERANCE_S) if young else settled

    def take(self, chunk: Chunk) -> Iterator[Block | Event]:
        """Give the blocks and events of a chunk that holds samples.

        Parameters
        ----------
        chunk : Chunk
            The next one.
        """
        samples, times = chunk.samples, np.asarray(chunk.timestamps, dtype=np.float64)
        begins = chunk.begins is not None or self._next is None
        if begins:
            self._next = float(times[0]) if np.isfinite(times[0]) else chunk.received
            self._forget_rate()
            if chunk.begins is not None:
                yield Event("begins", self._next, chunk.begins)
        unknown = ~np.isfinite(times)
        untimed, last = bool(unknown.any()), float(times[-1])
        if untimed:
            times = np.where(unknown, self._grid(len(times)), times)
            detail = "timestamps are not finite numbers; samples are counted instead"
            n = int(unknown.sum())
            yield from self._report("clock", float(times[0]), detail, "untimed", n)
        start = 0
        while start < len(times):
            stop = self._fitting(times[start:]) + start
            if stop > start:
                yield Block(samples[start:stop], self._next or 0.0, begins, untimed)
                yield from self._follow(times[start:stop])
                begins = False
            if stop < len(times):
                deviation = float(np.median(times[stop:] - self._grid(len(times) - stop)))
                silent = chunk.received - self._received - len(times) / self.sfreq
                lost = self._jump(deviation, float(times[stop]), chunk.received, silent)
                for part in lost:
                    if isinstance(part, Event):
                        yield part
                    elif part > FILL_LIMIT_S * self.sfreq:
                        begins = True
                    else:
                        yield self._filled(part, samples.shape[1])
            start = stop
        self._received = chunk.received
        self._stamps.take(len(times), last)
        self._arrivals.take(len(times), chunk.received)
        yield from self._rate(float(times[-1]), len(times))

    def skip(self, n: int, n_channels: int, received: float, begins: str | None) -> Iterator[Block]:
        """Give what stands for samples that were passed over on purpose: they are not lost.

        Parameters
        ----------
        n : int
            How many; after more than `FILL_LIMIT_S` a new part begins.
        n_channels : int
            Columns.
        received : float
            When the last of them came; NaN if none did.
        begins : str or None
            Name of the part that began among them.
        """
        if self._next is None or not n:
            return
        self._received = received if np.isfinite(received) else self._received
        self._stamps.reset()
        self._arrivals.reset()
        if begins is not None or n > FILL_LIMIT_S * self.sfreq:
            self._next = None
            return
        block = self._filled(n, n_channels)
        self._next += n / self.sfreq * self._rate_error
        yield block

    def _grid(self, n: int) -> NDArray[np.float64]:
        return (self._next or 0.0) + np.arange(n) / self.sfreq

    def _fitting(self, times: NDArray[np.float64]) -> int:
        """Count the samples that fit the grid up to a deviation that stays."""
        off = times - self._grid(len(times))
        for place in np.flatnonzero(np.abs(off) > self.tolerance_s):
            if abs(np.median(off[place:])) > self.tolerance_s / 2:
                return int(place)
        return len(times)

    def _follow(self, times: NDArray[np.float64]) -> Iterator[Event]:
        """Move the model of the clock towards the timestamps, and learn their jitter."""
        off = times - self._grid(len(times))
        share = 1 - np.exp(-len(times) / (TRACKING_S * self.sfreq))
        mean = float(off.mean())
        self._seen += len(times)
        # the mean of all so far while there are few
        weight = max(share, len(times) / self._seen)
        self._variance += weight * (float(np.square(off).mean()) - self._variance)
        # proportional and integral: a clock that runs at another rate leaves no lasting deviation
        self._rate_error += share**2 * mean * self.sfreq / len(times) / 4
        advance = len(times) / self.sfreq
        self._next = (self._next or 0.0) + advance * (1 + self._rate_error) + weight * mean
        now = float(times[-1])
        if self.jitter_s > UNEVEN_S:
            detail = f"timestamps are uneven by {1e3 * self.jitter_s:.0f} ms (standard deviation)"
            yield from self._report("jitter", now, detail)

    def _rate(self, now: float, n: int) -> Iterator[Event]:
        """Say when the rate is found to be wrong, or right again; now and then a small drift."""
        level = self.rate_level
        if level != self._told_level:
            worse = max((self._stamps, self._arrivals), key=lambda watch: watch.level)
            detail = f"samples come at {worse.rate:.4g} Hz, not at {self.sfreq:g} Hz: predictions "
            detail += "are marked" if level == DOUBTFUL else "are withheld"
            if level == DOUBTFUL < self._told_level:
                detail = f"samples come at about {self.sfreq:g} Hz: predictions are marked"
            elif level == RIGHT:
                detail = f"samples come at {self.sfreq:g} Hz again, as the stream says"
            for event in self._report("rate", now, detail, f"level {level}"):
                self._told_level = level
                yield event
        self._counted += n
        if self._counted >= REPORT_S * self.sfreq:
            self._counted = 0
            rate = self._stamps.drift(RATE_TOLERANCE)
            if rate is not None and level == RIGHT:
                yield Event("rate", now, f"samples come at {rate:.2f} Hz, not at {self.sfreq:g} Hz")

    def _forget_rate(self) -> None:
        self._stamps.forget()
        self._arrivals.forget()

    def _report(
        self, kind: str, now: float, detail: str, about: str = "", count: int = 0
    ) -> Iterator[Event]:
        """Give an event, but not again within `REPORT_S`."""
        about = about or kind
        if now - self._reported.get(about, -np.inf) >= REPORT_S:
            self._reported[about] = now
            yield Event(kind, now, detail, count)

    def _jump(
        self, deviation: float, time: float, received: float, silent: float
    ) -> Iterator[Event | int]:
        """Say what a lasting deviation is; give the number of samples to fill in."""
        waited = received - self._received if self._seen else np.inf
        if abs(deviation) < UNEVEN_S:
            # so small that it may be jitter of single samples: learn it
            self._variance += (deviation**2 - self._variance) / (TRACKING_S * self.sfreq)
        if abs(deviation) > RESET_S:
            self._stamps.reset()
        if deviation < 0 or deviation > waited + SLACK_S:
            self._next = time
            # a time that was said is of the clock before
            self._reported.clear()
            if abs(deviation) >= UNEVEN_S:
                detail = f"timestamps jumped by {deviation:+.3f} s" + (
                    "; no samples lost" if silent <= FILL_LIMIT_S else ""
                )
                yield Event("clock", time, detail)
            if silent <= FILL_LIMIT_S:
                return
            deviation = silent  # the clock does not tell what was lost meanwhile
        lost = round(deviation * self.sfreq)
        self.n_lost += lost
        if lost > FILL_LIMIT_S * self.sfreq:
            self._next = time
            self._forget_rate()
            detail = f"{deviation:.1f} s ({lost} samples) lost; the model begins anew"
        else:
            detail = f"{1e3 * deviation:.0f} ms ({lost} samples) lost"
        yield Event("gap", time, detail, lost)
        yield lost

    def _filled(self, n: int, n_channels: int) -> Block:
        block = Block(np.full((n, n_channels), np.nan), self._next or 0.0)
        self._next = (self._next or 0.0) + n / self.sfreq
        return block


class StepCutter:
    """Cuts blocks into steps of a fixed number of samples; memory of one step.

    Parameters
    ----------
    n_samples : int
        Samples of a step.
    n_channels : int
        Columns.
    sfreq : float
        Rate, Hz.
    """

    def __init__(self, n_samples: int, n_channels: int, sfreq: float) -> None:
        self._buffer = np.empty((n_samples, n_channels), dtype=np.float64)
        self._filled, self._sfreq = 0, sfreq

    def take(self, block: Block) -> Iterator[tuple[NDArray[np.float64], float]]:
        """Give samples, shape (n_samples, n_channels), and time of the end of complete steps.

        What is given is overwritten by the next call.
        """
        if block.fresh:
            self._filled = 0
        size, start = len(self._buffer), 0
        while start < len(block.samples):
            n = min(size - self._filled, len(block.samples) - start)
            self._buffer[self._filled : self._filled + n] = block.samples[start : start + n]
            self._filled, start = self._filled + n, start + n
            if self._filled == size:
                self._filled = 0
                yield self._buffer, block.time + start / self._sfreq
