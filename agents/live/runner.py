"""The loop of a live run: a thread that takes samples, a bounded queue, the chain, outputs."""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agents.live.chain import LiveChain
from agents.live.chunk_queue import ChunkQueue
from agents.live.pause import Pause
from agents.live.records import Chunk, Event, Output, Source, Step
from eeg_emotion_env.errors import DataError, EEGEmotionError

QUEUE_S = 5.0
"""Seconds of samples that may wait; beyond, the oldest are thrown away."""

STALLED_S = 1.0
"""Time without samples that is worth an event, seconds on the clock of arrival."""

MOST_LATENCY_S = 60.0
"""What looks like more is another clock, not latency."""

STOPPED = "stopped by the user"
"""What is said of an end by Ctrl-C."""

IDLE_S = 0.1
"""Time between two looks for notes while a file waits."""


@dataclass(frozen=True)
class Summary:
    """What a run was.

    Attributes
    ----------
    n_steps, n_predicted, n_marked, n_withheld : int
        Steps, those with a prediction, those of them that are marked, those without one.
    n_lost, n_dropped, n_passed : int
        Samples lost on their way, thrown away here, and passed over in pauses.
    stream_s, wall_s : float
        Seconds of stream and of the clock.
    failure : str or None
        Why the source or an output failed, if one did.
    """

    n_steps: int = 0
    n_predicted: int = 0
    n_marked: int = 0
    n_withheld: int = 0
    n_lost: int = 0
    n_dropped: int = 0
    n_passed: int = 0
    stream_s: float = 0.0
    wall_s: float = 0.0
    failure: str | None = None

    @property
    def n_calibrating(self) -> int:
        """Steps that taught the normaliser alone."""
        return self.n_steps - self.n_predicted - self.n_withheld


class LiveRun:
    """Runs a chain on a source until it ends.

    Parameters
    ----------
    source : Source
        Where samples come from.
    chain : LiveChain
        What makes predictions of them.
    outputs : sequence of Output
        Told of everything, in order. One that fails is switched off, and the others are told.
    duration_s : float
        Seconds of stream after which it ends.
    queue_s : float
        Seconds of samples that may wait.
    """

    def __init__(
        self,
        source: Source,
        chain: LiveChain,
        outputs: Sequence[Output] = (),
        duration_s: float = math.inf,
        queue_s: float = QUEUE_S,
    ) -> None:
        self._source, self._chain = source, chain
        self._outputs, self._duration_s = list(outputs), duration_s
        info = source.info
        self._queue = ChunkQueue(max(1, round(queue_s * info.sfreq)), drops=info.live)
        self._pause = Pause(waits=not info.live)
        self._notes: deque[str] = deque(maxlen=100)
        self._failure: BaseException | None = None
        self._broken: BaseException | None = None
        self._summary = Summary()
        self._last = math.nan
        self._heard: float | None = None
        self._stalled = False

    def note(self, text: str) -> None:
        """Mark this moment; from any thread."""
        self._notes.append(" ".join(text.split()))
        self._queue.nudge()

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self._pause.wanted

    def pause(self) -> None:
        """Make no steps until `resume`; from any thread.

        What a live source gives is passed over, not dropped; a file waits.
        """
        self._pause.ask(True)
        self._queue.nudge()

    def resume(self) -> None:
        """Go on after `pause`; from any thread.

        What was passed over is a gap: up to 5 s are withheld, after more the model begins anew.
        """
        self._pause.ask(False)
        self._queue.nudge()

    def stop(self) -> None:
        """End the run after what waits; from any thread."""
        self._pause.end()
        self._source.close()
        self._queue.close()

    def tell_first(self, output: Output) -> None:
        """Add an output that is told before all others; before `run`."""
        self._outputs.insert(0, output)

    def run(self) -> Summary:
        """Run until the stream ends, `stop` or Ctrl-C.

        Returns
        -------
        Summary
            What happened.
        """
        begun = time.perf_counter()
        reader = threading.Thread(target=self._read, name="eegdancer-source", daemon=True)
        for event in self._chain.opening():
            self._tell(event)
        reader.start()
        try:
            self._loop()
        except KeyboardInterrupt:
            self._end("ended", STOPPED)
        except BaseException as error:  # the log is to say how it ended, whatever it was
            self._end("failed", _said(error))
            raise
        finally:
            self.stop()
            self._finish()
        reader.join(timeout=2.0)
        return replace(
            self._summary,
            wall_s=time.perf_counter() - begun,
            n_lost=self._chain.timeline.n_lost,
            failure=_said(broken) if (broken := self._failure or self._broken) else None,
        )

    def _read(self) -> None:
        try:
            for chunk in self._source.chunks():
                while self._pause.keeps_waiting(IDLE_S):
                    pass
                if not self._queue.put(chunk):
                    return
        except Exception as error:  # whatever a driver raises: the run ends with a word on it
            self._failure = error
        finally:
            self._queue.close()

    def _loop(self) -> None:
        step_s = self._chain.model.features.step_s
        n_channels = len(self._chain.info.channels)
        while (item := self._queue.get()) is not None:
            chunk, arrived, dropped = item
            self._silence(chunk)
            self._tell_notes()
            if self._passes(chunk, dropped) or not len(chunk.timestamps):
                continue
            if chunk.samples.shape != (len(chunk.timestamps), n_channels):
                self._failure = DataError(
                    f"came back as {chunk.samples.shape[1]} channels, not {n_channels}; start again"
                )
                self._source.close()
                break
            for part in self._chain.take(chunk):
                self._tell(self._timed(part, chunk, arrived) if isinstance(part, Step) else part)
            if self._summary.n_steps * step_s >= self._duration_s:
                self._end("ended", f"{self._duration_s:g} s are over")
                return
        if self._pause.active:
            self._continued(self._last, self._pause.n_passed)
        if self._failure is not None:
            self._end("failed", _said(self._failure))
        else:
            silent = ": nothing came any more, it was closed or lost" if self._stalled else ""
            self._end("ended", f"the stream ended{silent}")

    def _end(self, kind: str, detail: str) -> None:
        self._tell_notes()
        self._tell(Event(kind, self._last, detail))

    def _tell_notes(self) -> None:
        while self._notes:
            self._tell(Event("note", self._last, self._notes.popleft()))

    def _passes(self, chunk: Chunk, dropped: int) -> bool:
        """Keep the pause that is asked for; return whether the chunk is passed over."""
        pause = self._pause
        if pause.start():
            self._tell(Event("paused", self._last, "no predictions until it goes on"))
        while pause.active and pause.keeps_waiting(IDLE_S):
            self._tell_notes()
        if not pause.active:
            self._dropped(dropped)
            return False
        pause.pass_over(chunk, dropped) if pause.passes else self._go_on(chunk, dropped)
        return pause.active

    def _go_on(self, chunk: Chunk, dropped: int) -> None:
        """End a pause; the chain hears what was passed over."""
        pause = self._pause
        time = float(chunk.timestamps[0]) if len(chunk.timestamps) else self._last
        n = pause.n_passed + dropped
        self._continued(time, n)
        for part in self._chain.pass_over(n, pause.received, pause.begins):
            self._tell(part)

    def _continued(self, time: float, n: int) -> None:
        self._pause.active = False
        self._summary = replace(self._summary, n_passed=self._summary.n_passed + n)
        self._tell(Event("continued", time, f"{n} samples were passed over", n))

    def _dropped(self, n: int) -> None:
        if n:
            event = Event("dropped", self._last, f"{n} samples were not used in time", n)
            self._chain.mark(event)
            self._tell(event)
            self._summary = replace(self._summary, n_dropped=self._summary.n_dropped + n)

    def _silence(self, chunk: Chunk) -> None:
        """Say when nothing comes any more, and when it does again."""
        if len(chunk.timestamps):
            if self._heard is None:
                detail = (
                    f"{len(self._chain.info.channels)} channels at {self._chain.info.sfreq:g} Hz"
                )
                self._tell(Event("started", float(chunk.timestamps[0]), detail))
            if self._stalled:
                silent = chunk.received - (self._heard or chunk.received)
                self._tell(Event("resumed", self._last, f"after {silent:.1f} s"))
            self._heard, self._stalled = chunk.received, False
        elif self._heard is not None and not self._stalled:
            self._stalled = chunk.received - self._heard > STALLED_S
            if self._stalled:
                self._tell(Event("stalled", self._last, f"nothing for {STALLED_S:g} s"))

    def _timed(self, step: Step, chunk: Chunk, arrived: float) -> Step:
        """Add the latency: from the last sample of the step to now."""
        on_the_way = chunk.received - step.time if self._chain.info.live else 0.0
        if not 0 <= on_the_way < MOST_LATENCY_S:
            on_the_way = 0.0
        return replace(step, latency_ms=1e3 * (on_the_way + time.perf_counter() - arrived))

    def _tell(self, item: Step | Event) -> None:
        if isinstance(item, Step):
            self._last, s = item.time, self._summary
            self._summary = replace(
                s,
                n_steps=s.n_steps + 1,
                n_predicted=s.n_predicted + bool(item.prediction),
                n_marked=s.n_marked + (item.status == "marked"),
                n_withheld=s.n_withheld + (item.status == "withheld"),
                stream_s=s.stream_s + self._chain.model.features.step_s,
            )
        for output in list(self._outputs):
            try:
                output.step(item) if isinstance(item, Step) else output.event(item)
            except (Exception, SystemExit) as error:
                # a full disk, a closed terminal (rich exits then): the others go on
                self._outputs.remove(output)
                self._broken = self._broken or error
                self._tell(
                    Event("output", self._last, f"{type(output).__name__} failed: {_said(error)}")
                )

    def _finish(self) -> None:
        for output in self._outputs:
            try:
                output.close()
            except Exception as error:  # a full disk; the others are closed all the same
                self._broken = self._broken or error


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no reason given"
    return text if isinstance(error, EEGEmotionError) else f"{type(error).__name__}: {text}"


def stepped(chain: LiveChain, source: Source) -> Iterator[Step | Event]:
    """Run a chain on a source in this thread, without a queue or a clock.

    Parameters
    ----------
    chain : LiveChain
        The chain.
    source : Source
        Where samples come from.
    """
    for chunk in source.chunks():
        if len(chunk.timestamps):
            yield from chain.take(chunk)
