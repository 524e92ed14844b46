"""What passes through a live run: chunks of samples in, steps and events out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError

FloatArray = NDArray[np.float32]

OK, MARKED, WITHHELD, CALIBRATING = "ok", "marked", "withheld", "calibrating"
"""Status of a step. Predictions of marked steps are given, with what is odd about them; those of
withheld and calibrating steps are not."""


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal: anyone in the network names its streams."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


@dataclass(frozen=True)
class StreamInfo:
    """What a stream says about itself; what cannot be printed in its names is replaced.

    Attributes
    ----------
    name : str
        For people.
    channels : tuple of str
        Names of the columns.
    sfreq : float
        Nominal rate, Hz.
    unit : str or None
        ``"uV"``, ``"mV"`` or ``"V"``; None where it does not say.
    positions : dict of str to tuple of float
        Positions of channels, any unit of length, head coordinates (x right, y front, z up);
        empty where not known.
    live : bool
        Whether samples are lost if nobody takes them in time. A file can wait.
    """

    name: str
    channels: tuple[str, ...]
    sfreq: float
    unit: str | None = "uV"
    positions: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    live: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", printable(self.name))
        object.__setattr__(self, "channels", tuple(map(printable, self.channels)))
        positions = {printable(name): place for name, place in self.positions.items()}
        object.__setattr__(self, "positions", positions)
        if not (np.isfinite(self.sfreq) and self.sfreq > 0):
            raise ConfigError(
                f"{self.name}: the stream says no sampling rate ({self.sfreq:g} Hz); EEG needs a "
                "regular rate: set it in the amplifier's software"
            )
        if not self.channels:
            raise ConfigError(f"{self.name}: the stream has no channels")


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some consecutive samples.

    Attributes
    ----------
    samples : ndarray, shape (n, n_channels), float
        In the unit of the stream; NaN where lost. n = 0 says that nothing came for a while.
    timestamps : ndarray, shape (n,), float64
        Seconds, one a sample.
    received : float
        When the chunk came, seconds on a clock that runs with the timestamps.
    begins : str or None
        Name of a new part of a recording (a trial) that begins with this chunk.
    """

    samples: NDArray[np.floating]
    timestamps: NDArray[np.float64]
    received: float
    begins: str | None = None


class Source(Protocol):
    """Where samples come from; a test can script one."""

    @property
    def info(self) -> StreamInfo:
        """What the stream says about itself."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Give chunks until the stream ends."""
        ...

    def close(self) -> None:
        """Let go of the stream; `chunks` ends soon after."""
        ...


@dataclass(frozen=True)
class Event:
    """Something that happened to the stream, or that somebody marked.

    Attributes
    ----------
    kind : str
        One of `EVENTS`.
    time : float
        Timestamp in the stream, seconds; NaN where there is none yet.
    detail : str
        One line for people.
    count : int
        Samples or channels concerned.
    """

    kind: str
    time: float
    detail: str
    count: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", printable(self.detail))


EVENTS: dict[str, str] = {
    "started": "the first samples came",
    "channels": "how channels of the stream became those of the model",
    "model": "something to know about the model",
    "unit": "the unit is not said, or values cannot be in it",
    "rate": "the stream is resampled, or its clock runs at another rate than it says",
    "begins": "a part of a recording begins; the model forgets the part before",
    "gap": "samples were lost",
    "clock": "timestamps jumped although no samples were lost",
    "jitter": "timestamps are uneven",
    "stalled": "nothing comes any more",
    "resumed": "samples come again",
    "dropped": "samples were thrown away because they were not used in time",
    "bad-channels": "the set of channels that cannot be used has changed",
    "shift": "the stream does not look like what the model was trained on, or does again",
    "calibrated": "the calibration is over",
    "paused": "somebody paused the run; samples are passed over, or the file waits",
    "continued": "the run goes on; how many samples were passed over",
    "note": "somebody marked this moment",
    "output": "an output failed and was switched off",
    "failed": "the source failed",
    "ended": "the stream ended",
}
"""Kinds of events and what they mean."""


@dataclass(frozen=True)
class Step:
    """One step: a prediction, or why there is none.

    Attributes
    ----------
    number : int
        Steps since the start, from 0.
    segment : int
        Parts since the start, from 0: the model's memory begins anew with each.
    time : float
        Timestamp of the end of the step, seconds.
    status : str
        ``"ok"``, ``"marked"``, ``"withheld"`` or ``"calibrating"``.
    prediction : tuple of float
        In [-1, 1]; empty where withheld or calibrating.
    marks : tuple of str
        What is odd about the step, or why it is withheld.
    bad_channels : tuple of str
        Channels that were not used.
    n_lost : int
        Samples lost in it.
    compute_ms : float
        Time that the chain took.
    latency_ms : float
        Time from its last sample to its prediction.
    prototype : int
        Entry of the codebook; -1 where there is none.
    shift : float
        Share of late steps that are unlike the training, 0 to 1; NaN where not known.
    bad_reasons : tuple of str
        What is wrong with each of `bad_channels`.
    low, high : tuple of float
        Ends of the 80 % interval of each dimension, in [-1, 1]; empty where there is no
        prediction or the model holds no intervals.
    """

    number: int
    segment: int
    time: float
    status: str
    prediction: tuple[float, ...] = ()
    marks: tuple[str, ...] = ()
    bad_channels: tuple[str, ...] = ()
    n_lost: int = 0
    compute_ms: float = 0.0
    latency_ms: float = 0.0
    prototype: int = -1
    shift: float = float("nan")
    bad_reasons: tuple[str, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class Output(Protocol):
    """What is told of steps and events, in order."""

    def step(self, step: Step) -> None:
        """Take a step."""
        ...

    def event(self, event: Event) -> None:
        """Take an event."""
        ...

    def close(self) -> None:
        """Finish."""
        ...


def as_row(step: Step, label_names: tuple[str, ...]) -> dict[str, Any]:
    """Return a step as flat values, for tables.

    Parameters
    ----------
    step : Step
        A step.
    label_names : tuple of str
        Dimensions of the prediction.
    """
    row: dict[str, Any] = {
        "step": step.number,
        "segment": step.segment,
        "time_s": round(step.time, 6),
        "status": step.status,
    }
    for suffix, given in (("pred", step.prediction), ("low", step.low), ("high", step.high)):
        values = given or (float("nan"),) * len(label_names)
        row |= {f"{n}_{suffix}": float(v) for n, v in zip(label_names, values, strict=True)}
    return row | {
        "marks": ";".join(step.marks),
        "bad_channels": ";".join(step.bad_channels),
        "n_lost": step.n_lost,
        "prototype": step.prototype,
        "shift": round(step.shift, 3),
        "compute_ms": round(step.compute_ms, 3),
        "latency_ms": round(step.latency_ms, 3),
    }


_FORMULA = re.compile(r"(^|;)(?='*[=+\-@\t\r])")
_KEPT_TEXT = re.compile(r"(^|;)'(?='*[=+\-@\t\r])")


def as_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose texts no spreadsheet takes for formulas, for CSV files.

    Names come from the network and notes from a page. A text that begins like a formula, at its
    start or after ``;`` (which many spreadsheets take as the end of a cell), gets an apostrophe
    before it; `from_cell` takes it away again.

    Parameters
    ----------
    row : mapping
        Values by column; numbers stay as they are.
    """
    return {k: _FORMULA.sub(r"\1'", v) if isinstance(v, str) else v for k, v in row.items()}


def from_cell(text: str) -> str:
    """Return the text that `as_cells` made a cell of."""
    return _KEPT_TEXT.sub(r"\1", text)
