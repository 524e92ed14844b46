"""``python -m benchmarks.live_stream``: hours of stream at many times real speed, then the account.

The whole of a live run: source in a thread of its own, queue, chain, log, state. Reported are the
growth of memory, drift, samples lost and dropped, step times, and how far predictions are from
those of the same samples offline.
"""

import contextlib
import math
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.live_bench import resident_mb
from benchmarks.live_stream_offline import predicted_offline
from benchmarks.live_stream_source import SFREQ, Paced, Signal, Timed, send
from benchmarks.script import run_script
from eeg_emotion_env.errors import ConfigError, DataError

if TYPE_CHECKING:
    from agents.live import Event, LiveModel, Source, Step, Summary
    from benchmarks.speed.timing import Row

WARM_UP_STEPS = 600
"""Steps before memory is looked at: allocators and caches have settled."""

MEMORY_EVERY = 30
"""Steps between two looks at memory."""


@dataclass(frozen=True)
class Options:
    """Stream hours of made EEG through a model at many times real speed, and check it."""

    model: Path
    """Folder written by `eegdancer train`."""
    exported: Path | None = None
    """Folder written by `eegdancer export` from the same model."""
    hours: float = 4.0
    """Length of the stream."""
    speed: float = 50.0
    """Factor on real time."""
    lsl: bool = False
    """Through the Lab Streaming Layer, from another process (extra: live)."""
    out: Path | None = None
    """Folder for live-stream.csv and live-stream.md."""


class Account:
    """Keeps what is asked about each step; its memory is taken at once.

    Parameters
    ----------
    n_steps, n_dims : int
        Steps that will come, and dimensions of a prediction.
    """

    def __init__(self, n_steps: int, n_dims: int) -> None:
        self.predictions = np.full((n_steps, n_dims), np.nan)
        self.times, self.wall, self.busy = (np.full(n_steps, np.nan) for _ in range(3))
        self.memory: NDArray[np.float64] = np.full(n_steps // MEMORY_EVERY + 1, np.nan)
        self.n = 0

    def step(self, step: "Step") -> None:
        """Keep a step; later ones than expected are counted alone."""
        if self.n < len(self.times):
            self.predictions[self.n] = step.prediction or np.nan
            self.times[self.n], self.busy[self.n] = step.time, step.compute_ms
            self.wall[self.n] = time.monotonic()
            if self.n % MEMORY_EVERY == 0:
                self.memory[self.n // MEMORY_EVERY] = resident_mb()
        self.n += 1

    def event(self, event: "Event") -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is held."""


def measure(options: Options) -> "list[Row]":
    """Stream, then compare.

    Parameters
    ----------
    options : Options
        Model, length, speed and way.
    """
    import torch

    from agents.live import load_live_model
    from eeg_emotion_env.montage import SEED_CHANNELS

    torch.set_num_threads(1)
    model = load_live_model(options.model, options.exported)
    channels = model.channels or SEED_CHANNELS
    signal = Signal(len(channels), options.hours)
    n_steps = int(signal.n_samples / (model.features.step_s * SFREQ))
    account = Account(n_steps, len(model.label_names))
    with _source(options, signal, channels) as source:
        summary = _streamed(model, source, account, n_steps * model.features.step_s, options.speed)
    # torch, also where graphs were used on the stream
    offline = predicted_offline(load_live_model(options.model), signal, channels)
    return _rows(options, account, summary, offline, model.features.step_s)


@contextlib.contextmanager
def _source(options: Options, signal: Signal, channels: tuple[str, ...]) -> "Iterator[Source]":
    if not options.lsl:
        yield Paced(signal, channels, options.speed)
        return
    from agents.live.lsl import LSLSource

    name = f"eegdancer-live-stream-{os.getpid()}"
    context = multiprocessing.get_context("spawn")
    sender = context.Process(target=send, args=(name, signal, channels, options.speed))
    sender.start()
    try:
        yield Timed(LSLSource(name, wait_s=30), options.speed)
    finally:
        sender.terminate()
        sender.join()


def _streamed(
    model: "LiveModel", source: "Source", account: Account, seconds: float, speed: float
) -> "Summary":
    from agents.live import CSVLog, LiveChain, LiveRun, LiveState
    from agents.live.runner import QUEUE_S

    with tempfile.TemporaryDirectory() as folder:
        log, state = CSVLog(Path(folder), model.label_names), LiveState(model.label_names)
        chain = LiveChain(model, source.info)
        # as long on the clock as at real speed
        queue_s = QUEUE_S * max(speed, 1.0)
        return LiveRun(source, chain, [log, state, account], seconds, queue_s).run()


def _rows(
    options: Options,
    account: Account,
    summary: "Summary",
    offline: NDArray[np.floating],
    step_s: float,
) -> "list[Row]":
    from benchmarks.speed.timing import Row

    n = min(account.n, len(account.times))
    warm = min(WARM_UP_STEPS, n // 3)
    memory = account.memory[warm // MEMORY_EVERY : (n - 1) // MEMORY_EVERY + 1]
    counted = (account.times[:n] - account.times[0]) - np.arange(n) * step_s
    behind = account.wall[:n] - np.arange(n) * step_s / options.speed
    tenth = max(1, (n - warm) // 10)
    late = float(np.median(behind[-tenth:]) - np.median(behind[warm : warm + tenth]))
    missing = len(offline) - n if n < len(offline) else account.n - len(offline)
    apart = np.abs(account.predictions[:n] - offline[:n])
    way = "LSL, from another process" if options.lsl else "a thread that paces"
    return [
        Row("steps", f"steps ({options.hours:g} h at {options.speed:g} ×, {way})", n),
        Row("steps_missing", "steps more or fewer than offline", abs(missing), "≤ 0"),
        Row(
            "growth_mb",
            "memory: largest after the warm-up less that at the end of the warm-up, MiB",
            float(memory.max() - memory[0]),
            "≤ 20",
            f"{memory[0]:.1f} after {warm} steps, {memory[-1]:.1f} at the end",
        ),
        Row(
            "drift_ms",
            "time of a step against samples counted, largest, ms",
            float(1e3 * np.abs(counted).max()),
            "≤ 5",
        ),
        Row(
            "late_ms",
            "predictions against the clock, last tenth less first, ms",
            1e3 * late,
            "≤ 100",
        ),
        Row(
            "difference",
            "largest difference to offline predictions",
            float(np.nan_to_num(apart, nan=np.inf).max()),
            "≤ 0.0001",
        ),
        Row("lost", "samples lost", summary.n_lost, "≤ 0"),
        Row("dropped", "samples not used in time", summary.n_dropped, "≤ 0"),
        Row("step_ms", "one step, median, ms", float(np.median(account.busy[warm:n]))),
        Row("step_p99_ms", "one step, 99th percentile, ms", _p99(account.busy[warm:n])),
        Row("wall_s", "seconds that the stream took", summary.wall_s),
    ]


def _p99(values: NDArray[np.float64]) -> float:
    return float(np.quantile(values, 0.99))


def write(rows: "list[Row]", out: Path, command: str) -> None:
    """Write the table as CSV and Markdown.

    Parameters
    ----------
    rows : list of Row
        Results.
    out : Path
        Folder; made where it is not there.
    command : str
        What was run.
    """
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([vars(row) | {"holds": row.holds} for row in rows])
    table["value"] = table["value"].round(6)
    table.to_csv(out / "live-stream.csv", index=False)
    lines = [f"| {r.what} | {r.value:.6g} | {r.target} | {r.detail} |" for r in rows]
    head = ["| what | value | limit | |", "|---|---|---|---|"]
    text = "\n".join(["# Live stream", "", f"`{command}`", "", *head, *lines, ""])
    (out / "live-stream.md").write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 if a limit is broken."""
    return run_script("benchmarks.live_stream", Options, _body, arguments)


def _body(options: Options, command: str) -> None:
    from benchmarks.speed.timing import print_rows

    for name in ("hours", "speed"):
        value = getattr(options, name)
        if not 0 < value < math.inf:
            raise ConfigError(f"--{name} must be a positive number, not {value:g}")
    rows = measure(options)
    print_rows(rows)
    if options.out is not None:
        write(rows, options.out, command)
    broken = [row.key for row in rows if not row.holds]
    if broken:
        raise DataError(f"limits broken: {', '.join(broken)}; see the table")


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    sys.exit(main())
