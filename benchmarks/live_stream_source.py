"""Hours of made EEG as a live source at many times real speed, directly or through LSL."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.live import Chunk, Source, StreamInfo

SFREQ = 200.0
CHUNK_S = 0.2
"""Seconds of stream in a chunk."""

BASE_S, WANDER_S = 601.0, 3607.0
"""Length of the noise that repeats, and period of the gain on it: no two minutes are alike."""


@dataclass(frozen=True)
class Signal:
    """Made EEG whose samples are known by their number: noise, a rhythm, a gain that wanders.

    Attributes
    ----------
    n_channels : int
        Channels.
    hours : float
        Length.
    """

    n_channels: int
    hours: float

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        n = round(BASE_S * SFREQ)
        base = rng.normal(0, 12, (n, self.n_channels)).astype(np.float32)
        times = np.arange(n) / SFREQ
        rhythm = 8 * np.sin(2 * np.pi * 10 * times) * (1 + np.sin(2 * np.pi * times / 17))
        base += rhythm[:, None].astype(np.float32)
        object.__setattr__(self, "_base", base)

    @property
    def n_samples(self) -> int:
        """Samples in all."""
        return round(self.hours * 3600 * SFREQ)

    def __getitem__(self, key: slice) -> NDArray[np.float32]:
        """Give samples by number, shape (n, n_channels), microvolts."""
        places = np.arange(key.start, min(key.stop, self.n_samples))
        gain = 1 + 0.5 * np.sin(2 * np.pi * places / (WANDER_S * SFREQ))
        base: NDArray[np.float32] = self._base  # type: ignore[attr-defined]
        return base[places % len(base)] * gain[:, None].astype(np.float32)


def pieces(signal: Signal, speed: float, ended: threading.Event) -> Iterator[tuple[int, Any]]:
    """Give the number of the first sample and the samples of each chunk, when they are due."""
    size, begun = round(CHUNK_S * SFREQ), time.monotonic()
    for start in range(0, signal.n_samples, size):
        samples = signal[start : start + size]
        due = begun + (start + len(samples)) / SFREQ / speed
        if ended.wait(max(0.0, due - time.monotonic())):
            return
        yield start, samples


class Paced:
    """The signal as a live source whose clock runs `speed` times as fast as it should.

    Parameters
    ----------
    signal : Signal
        What is streamed.
    channels : tuple of str
        Names of its channels.
    speed : float
        Factor on real time.
    """

    def __init__(self, signal: Signal, channels: tuple[str, ...], speed: float) -> None:
        self.info = StreamInfo("made EEG", channels, SFREQ)
        self._signal, self._speed = signal, speed
        self._ended = threading.Event()

    def chunks(self) -> Iterator[Chunk]:
        """Give chunks at their time; late ones are not waited for."""
        begun = time.monotonic()
        for start, samples in pieces(self._signal, self._speed, self._ended):
            times = (start + np.arange(len(samples))) / SFREQ
            yield Chunk(samples, times, (time.monotonic() - begun) * self._speed)

    def close(self) -> None:
        """End the stream."""
        self._ended.set()


class Timed:
    """A source whose clock of arrival is made to run with its timestamps, `speed` times as fast.

    Parameters
    ----------
    source : Source
        What gives the chunks.
    speed : float
        Factor on real time at which it is sent.
    """

    def __init__(self, source: Source, speed: float) -> None:
        self._source, self._speed = source, speed

    @property
    def info(self) -> StreamInfo:
        """What the stream says about itself."""
        return self._source.info

    def chunks(self) -> Iterator[Chunk]:
        """Give chunks with times of arrival since the first, on the faster clock."""
        begun = None
        for chunk in self._source.chunks():
            begun = chunk.received if begun is None else begun
            yield replace(chunk, received=begun + (chunk.received - begun) * self._speed)

    def close(self) -> None:
        """Let go of the stream."""
        self._source.close()


def send(name: str, signal: Signal, channels: tuple[str, ...], speed: float) -> None:
    """Send the signal as an LSL stream, once somebody listens; samples are stamped by its time."""
    from mne_lsl.lsl import StreamInfo as Description
    from mne_lsl.lsl import StreamOutlet, local_clock

    made = Description(name, "EEG", len(channels), SFREQ, "float32", f"{name}-{math.floor(speed)}")
    made.set_channel_names(list(channels))
    made.set_channel_units("microvolts")
    outlet = StreamOutlet(made)
    outlet.wait_for_consumers(60)
    time.sleep(3)  # at many times real speed, what the receiver holds at its start is soon too much
    begun = local_clock()
    for start, samples in pieces(signal, speed, threading.Event()):
        last = (start + len(samples) - 1) / SFREQ
        outlet.push_chunk(np.ascontiguousarray(samples), timestamp=begun + last)
    time.sleep(5)  # an outlet that is closed at once may not deliver its last samples
