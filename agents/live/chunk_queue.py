"""Chunks between the thread that reads a source and the loop that uses them."""

import threading
import time
from collections import deque

import numpy as np

from agents.live.records import Chunk

_NUDGE = Chunk(np.empty((0, 0)), np.empty(0), float("nan"))


class ChunkQueue:
    """Chunks that wait, bounded by their number of samples.

    Parameters
    ----------
    capacity : int
        Samples that may wait.
    drops : bool
        Whether the oldest are thrown away when it is full; else `put` waits.
    """

    def __init__(self, capacity: int, drops: bool) -> None:
        self._capacity, self._drops = capacity, drops
        self._chunks: deque[tuple[Chunk, float]] = deque()
        self._samples, self._dropped = 0, 0
        self._closed = False
        self._change = threading.Condition()

    def put(self, chunk: Chunk) -> bool:
        """Add a chunk; return False if nobody wants it any more."""
        arrived, n = time.perf_counter(), len(chunk.timestamps)
        with self._change:
            while not self._drops and self._full(n) and not self._closed:
                self._change.wait()
            if self._closed:
                return False
            while self._drops and self._full(n):
                old, _ = self._chunks.popleft()
                self._samples -= len(old.timestamps)
                self._dropped += len(old.timestamps)
            if not n and self._chunks and not len(self._chunks[-1][0].timestamps):
                self._chunks.pop()  # silence needs one chunk alone
            self._chunks.append((chunk, arrived))
            self._samples += n
            self._change.notify_all()
        return True

    def nudge(self) -> None:
        """Make a `get` that waits return with an empty chunk; never waits."""
        with self._change:
            if not self._chunks:
                self._chunks.append((_NUDGE, time.perf_counter()))
                self._change.notify_all()

    def _full(self, n: int) -> bool:
        return bool(self._chunks) and self._samples + n > self._capacity

    def get(self) -> tuple[Chunk, float, int] | None:
        """Wait for the oldest chunk, when it came, and how many samples were dropped before it.

        None at the end.
        """
        with self._change:
            while not self._chunks and not self._closed:
                self._change.wait()
            if not self._chunks:
                return None
            chunk, arrived = self._chunks.popleft()
            self._samples -= len(chunk.timestamps)
            dropped, self._dropped = self._dropped, 0
            self._change.notify_all()
            return chunk, arrived, dropped

    def close(self) -> None:
        """End: what waits is still given, nothing is added."""
        with self._change:
            self._closed = True
            self._change.notify_all()
