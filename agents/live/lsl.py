"""Lab Streaming Layer: a stream as a source, predictions as an outlet (extra ``live``)."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from agents.live.alignment import unit_named
from agents.live.records import Chunk, Event, Step, StreamInfo, printable
from eeg_emotion_env.errors import ConfigError, DataError

POLL_S, SILENCE_S = 0.004, 0.2
"""Time between looks for samples, and after which an empty chunk says that nothing came."""

BROKEN_S = 2.0
"""Time without samples after which the sender is looked for again."""

UNCERTAIN_S = 0.9
"""Time without samples after which they may come from another sender; the library needs 1 s."""

SEEN_S, MOST_SEEN = 1.0, 8
"""Time to look for other streams when the one that is meant is not there; how many are told."""

OTHER_TYPES = ("stim", "trig", "trigger", "aux", "misc", "eog", "ecg", "emg", "bio", "acc", "gyro")
"""Types of channels that are no EEG."""

STATUS_CODES = {"ok": 0, "marked": 1, "withheld": 2, "calibrating": 3}
"""How the status of a step is told in the last channel of the outlet."""


PERSONAL = "lsl_api.cfg"
"""Name of liblsl's configuration file."""

QUIET = "[log]\nlevel = -3\n"
"""Configuration of liblsl: its usual one, but for lines less than fatal."""


def _library() -> Any:
    try:
        import mne_lsl.lsl as library
    except ImportError as error:
        raise ConfigError("LSL needs mne-lsl: pip install mne-lsl (extra 'live')") from error
    return library


def quieten(environment: Mapping[str, str] = os.environ) -> None:
    """Keep liblsl's own lines off the terminal: a run tells what happens to its stream.

    Before anything else is asked of liblsl. A configuration of the user's own stays as it is,
    where liblsl looks for one.

    Parameters
    ----------
    environment : mapping
        Variables of the process.
    """
    places = (Path(PERSONAL), Path.home() / "lsl_api" / PERSONAL, Path("/etc/lsl_api") / PERSONAL)
    if "LSLAPICFG" in environment or any(path.exists() for path in places):
        return
    with suppress(NotImplementedError):  # an older liblsl; it goes on as before
        _library().set_config_content(QUIET)


class LSLSource:
    """An EEG stream of the Lab Streaming Layer.

    Timestamps are corrected for the offset between the clocks of sender and receiver. A sender
    that comes back, under the same name and source id, is heard again: its channels are matched
    by name, and it must have the same rate and unit.

    Parameters
    ----------
    name : str or None
        Name of the stream; None takes the only one of type EEG.
    wait_s : float
        Seconds to look for it, and without samples after which it has ended.
    """

    def __init__(self, name: str | None = None, wait_s: float = 30.0) -> None:
        self._lsl = _library()
        self._wait_s, self._open = wait_s, True
        found = _resolved(self._lsl, name, wait_s)
        self._inlet = self._opened(found, wait_s)
        self._stream = self._inlet.get_sinfo(timeout=wait_s)
        self._columns, self._info = _described(self._stream)

    def _opened(self, found: Any, wait_s: float) -> Any:
        # no "dejitter": lost samples would be smeared over the seconds around them
        inlet = self._lsl.StreamInlet(
            found, max_buffered=60, processing_flags=["clocksync"], recover=True
        )
        inlet.open_stream(timeout=wait_s)
        return inlet

    @property
    def info(self) -> StreamInfo:
        """What the stream says about itself."""
        return self._info

    def chunks(self) -> Iterator[Chunk]:
        """Give chunks as they come, until `close`, or `wait_s` seconds without samples.

        LSL does not tell a sender that was closed from one that was killed: either has ended.
        """
        last = told = looked = time.monotonic()
        while self._open:
            samples, times = self._pulled()
            now, clock = time.monotonic(), float(self._lsl.local_clock())
            if len(times):
                if now - last > UNCERTAIN_S:
                    self._make_sure()
                last = told = looked = now
                chosen = np.asarray(samples, np.float64)[:, self._columns]
                yield Chunk(chosen, np.array(times), clock)  # the library reuses its memory
                continue
            if now - last > self._wait_s:
                return
            if now - looked > BROKEN_S:
                self._look_for_the_sender()
                looked = time.monotonic()
            if now - told >= SILENCE_S:
                told = now
                yield Chunk(np.empty((0, len(self._columns))), np.empty(0), clock)
            time.sleep(POLL_S)

    def _pulled(self) -> Any:
        """Return samples that wait and their timestamps."""
        try:
            return self._inlet.pull_chunk(timeout=0.0, max_samples=4096)
        except TimeoutError:  # the sender went before its clock was known: samples without a time
            return (), ()

    def _others(self) -> list[Any]:
        """Find senders of this name and source id, unless the one that was heard is among them."""
        mine = self._stream
        found = [
            one
            for one in self._lsl.resolve_streams(timeout=0.5, name=mine.name)
            if (one.stype, one.source_id) == (mine.stype, mine.source_id)
        ]
        return [] if any(one.uid == mine.uid for one in found) else found

    def _make_sure(self) -> None:
        """Look who sends now: the library takes up another sender, whatever its channels, unasked.

        It cannot do so without finding it on the network, nor within `UNCERTAIN_S`; and what it
        tells of the sender is from before.
        """
        others = self._others()
        if len(others) > 1:
            name = printable(self._stream.name)
            raise DataError(f"several streams named {name} came back; start again")
        for other in others:
            self._take_up(self._opened(other, self._wait_s).get_sinfo(timeout=self._wait_s))

    def _look_for_the_sender(self) -> None:
        """Change over to a sender that came back.

        The library does so too, but where the connection was not closed properly it needs half a
        minute.
        """
        others = self._others()
        if len(others) != 1:
            return
        try:
            inlet = self._opened(others[0], BROKEN_S)
            self._take_up(inlet.get_sinfo(timeout=BROKEN_S))
        except TimeoutError:
            return  # gone again; the next look finds it or not
        self._inlet = inlet

    def _take_up(self, stream: Any) -> None:
        """Match the channels of a sender that came back with those from before."""
        columns, info = _described(stream)
        self._columns = [columns[place] for place in places_of(self._info, info)]
        self._stream = stream

    def close(self) -> None:
        """End the stream on this side."""
        self._open = False


def places_of(before: StreamInfo, now: StreamInfo) -> list[int]:
    """Return where the channels from before are in a stream that came back.

    Raises
    ------
    DataError
        If it has another rate or unit, or lacks channels.
    """
    for what, new, old in (
        ("rate", f"{now.sfreq:g} Hz", f"{before.sfreq:g} Hz"),
        ("unit", now.unit, before.unit),
    ):
        if new != old:
            raise DataError(f"came back with another {what}, {new} and not {old}; start again")
    if now.channels == before.channels:
        return list(range(len(now.channels)))
    gone = [name for name in before.channels if name not in now.channels]
    if gone:
        raise DataError(f"came back without channels {', '.join(gone)}; start again")
    return [now.channels.index(name) for name in before.channels]


def _resolved(library: Any, name: str | None, wait_s: float) -> Any:
    """Find the stream that is meant."""
    ends = time.monotonic() + wait_s
    found: list[Any] = []
    while not found and time.monotonic() < ends:
        found = library.resolve_streams(timeout=0.5, name=name)
        if name is None:
            found = [one for one in found if one.stype.lower() == "eeg" and one.sfreq > 0]
    if not found:
        what = f"named {name!r}" if name else "of type EEG"
        seen = library.resolve_streams(timeout=SEEN_S)
        raise DataError(f"no LSL stream {what} in {wait_s:g} s; {_seen(seen)}")
    if len(found) > 1:
        names = ", ".join(sorted(printable(one.name) for one in found))
        raise DataError(f"several LSL streams: {names}; choose one with --source lsl:NAME")
    return found[0]


def _seen(streams: list[Any]) -> str:
    """Say which streams there are, and what to do."""
    if not streams:
        return (
            "no stream at all was seen: start it in the amplifier's software (both computers in "
            "one network, no firewall between), or wait longer with --wait"
        )
    told = sorted(
        f"{printable(one.name)!r} (type {printable(one.stype) or 'not said'}, {one.n_channels} "
        f"channels, {f'{one.sfreq:g} Hz' if one.sfreq > 0 else 'no regular rate'})"
        for one in streams
    )
    more = f" and {len(told) - MOST_SEEN} more" if len(told) > MOST_SEEN else ""
    return (
        f"seen: {', '.join(told[:MOST_SEEN])}{more}; take one with --source lsl:NAME, its name "
        "spelt as here, or wait longer with --wait"
    )


def _described(stream: Any) -> tuple[list[int], StreamInfo]:
    """Read the columns of EEG, names, unit and positions from a stream's description."""
    n = stream.n_channels
    names = stream.get_channel_names() or [f"channel {k + 1}" for k in range(n)]
    types = [str(kind).lower() for kind in stream.get_channel_types() or ["eeg"] * n]
    columns = [k for k, kind in enumerate(types) if kind not in OTHER_TYPES]
    said = stream.get_channel_units() or [None] * n
    units = {unit_named(said[k]) for k in columns}
    if len(units) > 1:
        name = printable(stream.name)
        raise DataError(f"{name}: channels have several units ({said}); stream one unit")
    used = {names[k] for k in columns}
    return columns, StreamInfo(
        f"LSL {stream.name}",
        tuple(names[k] for k in columns),
        float(stream.sfreq),
        units.pop() if units else None,
        {name: place for name, place in _positions(stream).items() if name in used},
        live=True,
    )


def _positions(stream: Any) -> dict[str, tuple[float, float, float]]:
    """Read ``desc/channels/channel/location/X, Y, Z`` (millimetres), where they are."""
    found = {}
    channel = stream.desc.child("channels").child("channel")
    while not channel.empty():
        texts = [channel.child("location").child_value(axis) for axis in "XYZ"]
        try:
            place = (float(texts[0]), float(texts[1]), float(texts[2]))
        except ValueError:
            pass
        else:
            found[channel.child_value("label")] = place
        channel = channel.next_sibling("channel")
    return found


class LSLOutlet:
    """Predictions as an LSL stream.

    Channels: one a dimension, then the status (`STATUS_CODES`), then the low end of the interval of
    each dimension, then the high ends.

    Parameters
    ----------
    name : str
        Name of the stream; its type is ``Emotion``.
    label_names : tuple of str
        Dimensions of a prediction.
    """

    def __init__(self, name: str, label_names: tuple[str, ...]) -> None:
        library = _library()
        self._n_dims = len(label_names)
        info = library.StreamInfo(
            name, "Emotion", 3 * self._n_dims + 1, 0.0, "float32", f"eegdancer-{name}"
        )
        ends = [f"{label}_{end}" for end in ("low", "high") for label in label_names]
        info.set_channel_names([*label_names, "status", *ends])
        self._outlet = library.StreamOutlet(info)

    def step(self, step: Step) -> None:
        """Push a step, stamped with its end; NaN where there is no prediction or no interval."""
        none = (np.nan,) * self._n_dims
        values, low, high = (part or none for part in (step.prediction, step.low, step.high))
        row = np.array([*values, STATUS_CODES[step.status], *low, *high], dtype=np.float32)
        self._outlet.push_sample(row, timestamp=step.time)

    def event(self, event: Event) -> None:
        """Push nothing: events are in the log."""

    def close(self) -> None:
        """Take the stream down."""
        self._outlet = None
