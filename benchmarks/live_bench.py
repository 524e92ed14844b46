"""How fast a model works on a stream, on this machine: `eegdancer live --bench`."""

import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.live import Chunk, Event, LiveChain, LiveModel, LiveRun, Step, StreamInfo, stepped
from benchmarks.speed.timing import Row

SFREQ = 200.0
STEPS, WARM_UP = 4 * 3600, 100
"""Steps at full speed: a stream of four hours; and those that do not count."""
REAL_STEPS = 15
"""Steps at real speed, for the latency."""
CHUNK = 10
"""Samples of a chunk at real speed: 50 ms, as amplifiers give them."""


def measure(model: LiveModel) -> list[Row]:
    """Measure step times at full speed and latency at real speed, on random EEG.

    Parameters
    ----------
    model : LiveModel
        The model.
    """
    import torch

    torch.set_num_threads(1)
    form = f"exported, {model.exported}" if model.exported else "torch"
    latency = _latencies(model)
    chain = LiveChain(model, _info(model))
    parts = stepped(chain, _Noise(model, STEPS + WARM_UP))
    steps = (part for part in parts if isinstance(part, Step))
    for _ in range(WARM_UP):
        next(steps)
    before, begun = resident_mb(), time.process_time()
    taken, core, last, used = np.empty(STEPS), np.empty(STEPS), math.nan, time.thread_time()
    for place, step in enumerate(steps):
        taken[place], last = step.compute_ms, step.time
        used, earlier = time.thread_time(), used
        core[place] = 1e3 * (used - earlier)
    busy, seconds = time.process_time() - begun, STEPS * model.features.step_s
    drift = last - (STEPS + WARM_UP) * model.features.step_s
    return [
        Row("live.step_ms", f"one step, median ({form})", float(np.median(taken))),
        Row("live.step_p99_ms", "one step, 99th percentile", _p99(taken), "≤ 5"),
        Row(
            "live.step_cpu_p99_ms",
            "the same in time of its core: without waiting for other programs",
            _p99(core),
            "≤ 5",
        ),
        Row(
            "live.real_time_factor",
            "seconds of stream that a second of one core handles",
            seconds / busy,
            "≥ 1",
            f"{seconds:.0f} s in {busy:.1f} s",
        ),
        Row("live.growth_mb", "memory that these steps added", resident_mb() - before, "≤ 20"),
        Row("live.drift_ms", "stream time against time of the last step", 1e3 * abs(drift), "≤ 5"),
        Row(
            "live.latency_ms",
            "last sample of a second to its prediction, real speed, median",
            float(np.median(latency)),
        ),
        Row(
            "live.latency_max_ms",
            f"the same, longest of {len(latency)}",
            float(latency.max()),
            "≤ 50",
            f"chunks of {1e3 * CHUNK / SFREQ:g} ms",
        ),
    ]


def resident_mb() -> float:
    """Return the memory that this process has in use now, MiB.

    Elsewhere than on Linux it is the largest that it has had; 0 where the system does not say.
    """
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    try:
        import resource
    except ImportError:  # on Windows
        return 0.0
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def _p99(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.99))


def _info(model: LiveModel) -> StreamInfo:
    from eeg_emotion_env.montage import SEED_CHANNELS

    return StreamInfo("random EEG", model.channels or SEED_CHANNELS, SFREQ)


class _Noise:
    """Random EEG; at real speed, samples are stamped when they would have been taken."""

    def __init__(self, model: LiveModel, n_steps: int, real: bool = False) -> None:
        self.info, self._real = _info(model), real
        self._n = round(n_steps * model.features.step_s * SFREQ)
        self._size = CHUNK if real else round(SFREQ)
        rng = np.random.default_rng(0)
        self._block = rng.normal(0, 20, (64 * self._size, len(self.info.channels)))
        self._ended = threading.Event()

    def chunks(self) -> Iterator[Chunk]:
        begun = time.perf_counter()
        for start in range(0, self._n, self._size):
            place = start % len(self._block)
            samples = self._block[place : place + self._size]
            times = (start + np.arange(len(samples))) / SFREQ
            now = float(times[-1] + 1 / SFREQ)
            if self._real:
                self._ended.wait(max(0.0, begun + now - time.perf_counter()))
                now = time.perf_counter() - begun
            if self._ended.is_set():
                return
            yield Chunk(samples, times, now)

    def close(self) -> None:
        self._ended.set()


@dataclass
class _Latencies:
    values: list[float]

    def step(self, step: Step) -> None:
        self.values.append(step.latency_ms)

    def event(self, event: Event) -> None:
        """Nothing to measure."""

    def close(self) -> None:
        """Nothing is held."""


def _latencies(model: LiveModel) -> np.ndarray:
    kept = _Latencies([])
    source = _Noise(model, REAL_STEPS, real=True)
    LiveRun(source, LiveChain(model, source.info), [kept]).run()
    return np.array(kept.values)[1:]
