"""A pause of a live run: whether one is wanted, and what is passed over in it."""

import threading

from agents.live.records import Chunk


class Pause:
    """Asked for from any thread, kept by the loop of the run.

    Parameters
    ----------
    waits : bool
        Whether the source can wait (a file). What a live source gives is passed over.
    """

    def __init__(self, waits: bool) -> None:
        self._waits, self._over = waits, False
        self._going = threading.Event()
        self._going.set()
        self.active = False
        self.n_passed, self.received = 0, float("nan")
        self.begins: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether a pause is asked for."""
        return not self._going.is_set()

    @property
    def passes(self) -> bool:
        """Whether what comes now is passed over; a file waits, but not for ever at the end."""
        return self.wanted and (not self._waits or self._over)

    def ask(self, paused: bool) -> None:
        """Ask for a pause, or for its end."""
        self._going.clear() if paused else self._going.set()

    def end(self) -> None:
        """Let go of everybody who waits: the run is over."""
        self._over = True

    def start(self) -> bool:
        """Begin a pause that is wanted; return whether it has just begun."""
        if self.active or not self.wanted:
            return False
        self.active, self.begins = True, None
        self.n_passed, self.received = 0, float("nan")
        return True

    def keeps_waiting(self, seconds: float) -> bool:
        """Wait for the end of the pause if the source can; return whether to wait on."""
        return self._waits and not self._over and not self._going.wait(seconds)

    def pass_over(self, chunk: Chunk, n_dropped: int) -> None:
        """Count what is not used, the samples that were dropped before it as well."""
        self.n_passed += n_dropped + len(chunk.timestamps)
        if len(chunk.timestamps):
            self.received = chunk.received
            self.begins = chunk.begins or self.begins
