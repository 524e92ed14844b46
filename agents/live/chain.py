"""One step: raw samples, features, normaliser, encoder, policy; memory that never grows."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.live.alignment import Resampler, microvolts, step_rate
from agents.live.model import LiveModel, input_of
from agents.live.quality import Quality, assess, filled, voltages
from agents.live.rate import DOUBTFUL, WRONG
from agents.live.records import (
    CALIBRATING,
    MARKED,
    OK,
    WITHHELD,
    Chunk,
    Event,
    FloatArray,
    Step,
    StreamInfo,
)
from agents.live.reference import ShiftWatch
from agents.live.timeline import Block, StepCutter, Timeline
from agents.online import OnlinePredictor, StreamEncoder
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.features import BandPowerStream
from eeg_emotion_env.normalization import PastNormalizer

MARKING = ("gap", "clock", "dropped", "paused")
"""Kinds of events that mark the step in which they happen."""

RATIO_TOLERANCE = 1e-6
"""Relative deviation of the rate that is used from the stream's that is worth a word."""

SAID_BAD_S = 60.0
"""A set of bad channels that was reported is not reported again for so long."""


class _Tap:
    """An encoder that keeps its last latent at hand."""

    def __init__(self, encoder: StreamEncoder) -> None:
        self._encoder = encoder
        self.latent: FloatArray | None = None

    def initial_state(self) -> Any:
        return self._encoder.initial_state()

    def step(self, frame: NDArray[np.floating], state: Any) -> tuple[FloatArray, Any]:
        self.latent, state = self._encoder.step(frame, state)
        return self.latent, state


class LiveChain:
    """Chunks of a stream in, steps and events out.

    Predictions are those of ``eegdancer evaluate`` on the same samples: the normaliser goes on
    over all parts of a session, encoder and policy begin anew with each part (trial).

    Parameters
    ----------
    model : LiveModel
        The model.
    info : StreamInfo
        The stream.
    calibration_s : float
        Seconds at the start that only teach the normaliser what is usual for this person; steps
        that cannot be used do not count.
    unit : str or None
        Unit of the samples, if the stream's own word is not to be taken.

    Raises
    ------
    ConfigError
        If the stream cannot be used, or a model without a normaliser is to be calibrated.
    """

    def __init__(
        self,
        model: LiveModel,
        info: StreamInfo,
        calibration_s: float = 0.0,
        unit: str | None = None,
    ) -> None:
        self.model, self.info = model, info
        self._map = model.channel_map(info)
        self.channels = self._map.channels
        self._factor = microvolts(info, unit)
        config, n = model.features, len(info.channels)
        self.sfreq = step_rate(info.sfreq, config.step_s)
        self.timeline = Timeline(info.sfreq)
        self._resampler = Resampler(info.sfreq, self.sfreq, n)
        self._cutter = StepCutter(BandPowerStream(self.sfreq, config).n_samples, n, self.sfreq)
        self._normalizer = PastNormalizer()
        self._held: FloatArray | None = None
        self._encoder = _Tap(model.encoder_on(self.channels))
        self._inner = self._encoder._encoder
        self._predictor = OnlinePredictor(self._encoder, model.actor, config.step_s)
        self._watch = ShiftWatch(model.reference) if model.reference else None
        self._absent = np.array([column < 0 for column in self._map.columns])
        self._calibrate, self._usable = round(calibration_s / config.step_s), 0
        if self._calibrate and model.normalization == "none":
            raise ConfigError(
                "a calibration teaches the normaliser, and this model has none (it was trained "
                "with normalization 'none'): leave it out (--calibration 0)"
            )
        self._marks: set[str] = set()
        self._said: dict[tuple[str, ...], float] = {}
        self._bad: tuple[str, ...] = ()
        self._number, self._segment = 0, -1
        self._unit_told = unit is not None or info.unit is not None
        self._prototypes = model.encoder.prototypes() if _has_codes(model) else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Channels of the model that the stream does not have."""
        return self._map.missing

    def opening(self) -> Iterator[Event]:
        """Say how the stream is used, before its first sample."""
        detail = self._map.describe(self.info, self.model.encoder.config.n_sites)
        yield Event("channels", np.nan, detail, len(self._map.missing))
        if self._map.twice:
            detail = f"same electrode twice, left out: {'; '.join(self._map.twice)}"
            yield Event("channels", np.nan, detail, len(self._map.twice))
        if not self._unit_told:
            yield Event("unit", np.nan, "the stream says no unit; values are taken as microvolts")
        if not self._resampler.passes:
            detail = f"{self.info.sfreq:g} Hz is resampled to {self.sfreq:g} Hz, "
            delay = f"which delays by {1e3 * self._resampler.delay_s:.0f} ms"
            yield Event("rate", np.nan, detail + delay)
        if abs(self._resampler.left) > RATIO_TOLERANCE:
            hour = 3600 * abs(self._resampler.left)
            detail = f"{self.info.sfreq:g} Hz is near enough to {self.sfreq:g} Hz to be taken so: "
            yield Event("rate", np.nan, f"{detail}steps shift by {hour:.2g} s an hour")
        for detail in self._cautions():
            yield Event("model", np.nan, detail)

    def _cautions(self) -> Iterator[str]:
        if self.model.label_delay_s:
            yield (
                f"trained on labels freed from a delay of {self.model.label_delay_s:g} s: "
                "predictions are of the affect itself, before a rater would tell it"
            )
        if self.model.description.get("track", "causal") != "causal":
            yield "trained on features that look ahead; a stream's are others: do not trust it"
        if self.model.description.get("features") == "stored":
            yield "trained on stored features; a stream's are computed here: compare both first"
        if self.model.normalization == "none" and self._map.missing:
            yield "has no normaliser: channels that the stream lacks are taken as log power 0"
        if self.model.reference is None:
            yield "holds no reference: streams unlike its training are not noticed; train it anew"
        if self.model.intervals is None:
            yield "holds no intervals: how far predictions may be off is not told; train it anew"

    def take(self, chunk: Chunk) -> Iterator[Step | Event]:
        """Take a chunk that holds samples; give what follows from it."""
        yield from self._take(self.timeline.take(chunk))

    def pass_over(self, n: int, received: float, begins: str | None) -> Iterator[Step | Event]:
        """Take it that samples were passed over in a pause; see `Timeline.skip`."""
        if n:
            self._marks.add("paused")
        if begins is not None:
            yield Event("begins", received, begins)
        yield from self._take(self.timeline.skip(n, len(self.info.channels), received, begins))

    def _take(self, parts: Iterator[Block | Event]) -> Iterator[Step | Event]:
        for part in parts:
            if isinstance(part, Event):
                self.mark(part)
                if part.kind == "clock":
                    self._said.clear()  # these times are of the clock before
                yield part
                continue
            if part.fresh:
                self._restart()
            if part.untimed:
                self._marks.add("clock")
            part = replace(part, samples=voltages(part.samples, self._factor))
            for samples, end in self._cutter.take(self._resampler.take(part)):
                yield from self._steps(samples, end)

    def mark(self, event: Event) -> None:
        """Mark the step in which an event happened, if it can change what is predicted."""
        if event.kind in MARKING:
            self._marks.add(event.kind)

    def _restart(self) -> None:
        """Begin a new part: encoder and policy forget, the normaliser does not."""
        self._segment += 1
        self._features = BandPowerStream(self.sfreq, self.model.features)
        self._predictor.reset()

    def _steps(self, samples: NDArray[np.float64], end: float) -> Iterator[Step | Event]:
        start = time.perf_counter()
        eeg = self._map(samples) * self._factor
        quality = assess(eeg, self._absent)
        level = self.timeline.rate_level
        unusable = (*quality.unusable, *(("rate",) if level == WRONG else ()))
        frame = self._frame(eeg, quality, bool(unusable))
        calibrating = self._usable < self._calibrate
        self._usable += not unusable
        prediction: tuple[float, ...] = ()
        events = list(self._bad_channels(quality, end))
        if not calibrating:
            # also where it is withheld: time goes on for encoder and policy
            prediction = tuple(float(value) for value in self._predictor.step(frame))
            if self._watch is not None and not unusable:
                events += self._shift(frame, end)
        given = () if unusable else prediction
        low, high = self._ends(given)
        doubts = (*(("rate",) if level == DOUBTFUL else ()), *self._shift_marks())
        marks = (*unusable, *quality.marks, *sorted(self._marks), *doubts)
        step = Step(
            number=self._number,
            segment=self._segment,
            time=float(end),
            status=_status(calibrating, bool(unusable), marks),
            prediction=given,
            marks=tuple(dict.fromkeys(marks)),
            bad_channels=self._bad,
            bad_reasons=quality.reasons,
            n_lost=quality.n_lost,
            prototype=-1 if calibrating or unusable else self._prototype(),
            shift=self._watch.share if self._watch else float("nan"),
            low=low,
            high=high,
        )
        self._marks.clear()
        self._number += 1
        yield from events
        yield replace(step, compute_ms=1e3 * (time.perf_counter() - start))
        if calibrating and self._usable == self._calibrate:
            detail = f"the normaliser has seen {self._usable} usable steps; predictions begin"
            yield Event("calibrated", end, detail)

    def _ends(self, prediction: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the ends of the interval; empty where there is no prediction or no intervals."""
        if not prediction or self.model.intervals is None:
            return (), ()
        low, high = self.model.intervals.ends(np.asarray(prediction, np.float32))
        return tuple(low.tolist()), tuple(high.tolist())

    def _frame(self, eeg: NDArray[np.float64], quality: Quality, unusable: bool) -> FloatArray:
        """Return normalised features, shape (n_channels, n_bands); NaN where nothing is known."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of channels that are NaN throughout
            frame = self._features.step(filled(eeg).T)
        frame[quality.bad] = np.nan
        frame[~np.isfinite(frame) | unusable] = np.nan
        if self.model.normalization == "none":
            # no mean is known; what a channel last was is nearer to it than log power 0
            known = np.isfinite(frame)
            self._held = np.where(known, frame, frame if self._held is None else self._held)
            return self._held
        return self._normalizer.step(frame)

    def _shift(self, frame: FloatArray, end: float) -> Iterator[Event]:
        assert self._watch is not None
        if self._watch.step(input_of(self._inner, frame)):
            now = "does not look" if self._watch.warns else "looks again"
            share = f"{self._watch.share:.0%} of late steps are outside the usual"
            yield Event("shift", end, f"the stream {now} like the training data: {share}")

    def _shift_marks(self) -> tuple[str, ...]:
        return ("unlike-training",) if self._watch is not None and self._watch.warns else ()

    def _bad_channels(self, quality: Quality, end: float) -> Iterator[Event]:
        """Report the set of bad channels when it changes, and not again and again."""
        names = tuple(n for n, bad in zip(self.channels, quality.bad, strict=True) if bad)
        if names == self._bad:
            return
        self._bad = names
        if end - self._said.get(names, -np.inf) < SAID_BAD_S:
            return
        self._said[names] = end
        if len(self._said) > 64:
            self._said.pop(next(iter(self._said)))
        detail = f"not used: {', '.join(names)}" if names else "all channels are used again"
        yield Event("bad-channels", end, detail, len(names))

    def _prototype(self) -> int:
        if self._prototypes is None or self._encoder.latent is None:
            return -1
        mine = self._encoder.latent[self.model.encoder.layout["prototype"]]
        return int(np.square(self._prototypes - mine).sum(axis=1).argmin())


def _has_codes(model: LiveModel) -> bool:
    return model.encoder.config.quantizer != "none"


def _status(calibrating: bool, unusable: bool, marks: tuple[str, ...]) -> str:
    if calibrating:
        return CALIBRATING
    if unusable:
        return WITHHELD
    return MARKED if marks else OK
