"""Bring a stream to what a model expects: channels, unit, rate."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from agents.live.records import StreamInfo
from agents.live.timeline import Block
from eeg_emotion_env.datasets.recording import UNITS, check_unit
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.montage import directions, is_electrode

LEAST_SHARE = 0.75
"""Share of its channels that a model without sites needs."""

LEAST_SITED = 4
"""Electrodes that a model with sites needs."""

FEW_SITED = 20
"""Electrodes below which less is to be expected of sites kriged from them."""

NEAR_DEG = 10.0
"""A channel of unknown name is the electrode that it lies so near to."""

LEAST_FOR_CENTRE = 8
"""Positions from which the centre of the head can be told."""

_UNITS = {
    "uv": "uV", "µv": "uV", "μv": "uV", "microvolt": "uV", "microvolts": "uV", "-6": "uV",
    "mv": "mV", "millivolt": "mV", "millivolts": "mV", "-3": "mV",
    "v": "V", "volt": "V", "volts": "V", "0": "V",
}  # fmt: skip
_PREFIXES, _SUFFIXES = ("EEG ", "EEG-", "EEG_"), ("-REF", "-LE", "-AVG", "-A1", "-A2", "-M1", "-M2")
_SAME = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}


def unit_named(text: str | None) -> str | None:
    """Return the unit, one of `UNITS`, that a stream's description means; None if unknown."""
    return _UNITS.get(str(text).strip().lower()) if text is not None else None


def electrode_name(channel: str) -> str:
    """Return a channel's name as the 10-10 system spells it: ``"EEG Fp1-REF"`` is ``"FP1"``."""
    name = channel.strip().upper()
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return _SAME.get(name.strip(" ."), name.strip(" ."))


@dataclass(frozen=True)
class ChannelMap:
    """How columns of a stream become channels of the model.

    Attributes
    ----------
    channels : tuple of str
        Names of the model's input, in its order.
    columns : tuple of int
        Column of the stream for each; -1 where it has none.
    twice : tuple of str
        What was left out because another column is the same electrode, with that column.
    """

    channels: tuple[str, ...]
    columns: tuple[int, ...]
    twice: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Channels that the stream does not have."""
        return tuple(n for n, c in zip(self.channels, self.columns, strict=True) if c < 0)

    def __call__(self, samples: NDArray[np.floating]) -> NDArray[np.float64]:
        """Bring samples, shape (n, n_columns), to the model's channels; missing ones are NaN."""
        chosen = np.asarray(samples[:, list(self.columns)], dtype=np.float64)
        absent = [place for place, column in enumerate(self.columns) if column < 0]
        if absent:
            chosen[:, absent] = np.nan
        return chosen

    def describe(self, info: StreamInfo, n_sites: int = 0) -> str:
        """Say in a line what was matched, and with what sites of the head, if the model has any."""
        found = len(self.channels) - len(self.missing)
        among = f"among the {len(info.channels)} of the stream"
        if n_sites:
            text = f"{found} electrodes {among}, brought to the model's {n_sites} sites"
            return text + ("; so few: expect less (docs/live.md)" if found < FEW_SITED else "")
        text = f"{found} of the model's {len(self.channels)} channels found {among}"
        return text + (f"; without {', '.join(self.missing)}" if self.missing else "")


def match_channels(info: StreamInfo, wanted: tuple[str, ...], sited: bool) -> ChannelMap:
    """Match the channels of a stream with those of a model, by name, then by position.

    Parameters
    ----------
    info : StreamInfo
        The stream.
    wanted : tuple of str
        Channels that the model was trained on; empty where it does not say.
    sited : bool
        Whether the model works on sites of the head, and so on any electrodes.

    Returns
    -------
    ChannelMap
        With sites, and without all of `wanted`: every electrode of the stream whose place is
        known. Else `wanted`, in its order.

    Raises
    ------
    ConfigError
        If too few channels are left.
    """
    found = _electrodes(info, wanted)
    twice = _twice(info, found)
    keys = [electrode_name(name) for name in wanted]
    if wanted and (not sited or all(key in found for key in keys)):
        columns = tuple(found.get(key, -1) for key in keys)
        chosen = ChannelMap(tuple(wanted), columns, tuple(twice[k] for k in keys if k in twice))
        have = len(wanted) - len(chosen.missing)
        if have < LEAST_SHARE * len(wanted):
            raise ConfigError(
                f"{info.name}: has {have} of the {len(wanted)} channels that this model is tied to "
                f"(needs {LEAST_SHARE:.0%}): it names {_some(info.channels)}; name the channels as "
                "10-10 electrodes, or train on an encoder for any montage (eegdancer pretrain "
                "--sites 32)"
            )
        return chosen
    placed = {key: column for key, column in found.items() if is_electrode(key)}
    if len(placed) < LEAST_SITED:
        raise ConfigError(
            f"{info.name}: names {len(placed)} electrodes of the 10-10 system among "
            f"{_some(info.channels)}, and a model needs {LEAST_SITED}; name the channels"
        )
    left_out = tuple(twice[key] for key in placed if key in twice)
    return ChannelMap(tuple(placed), tuple(placed.values()), left_out)


def _twice(info: StreamInfo, found: dict[str, int]) -> dict[str, str]:
    """Say for each electrode that has several columns which were left out, and for which."""
    said: dict[str, str] = {}
    for column, name in enumerate(info.channels):
        key = electrode_name(name)
        if found.get(key, column) != column:
            others = f"{said[key].partition(' (')[0]} and {name}" if key in said else name
            said[key] = f"{others} ({info.channels[found[key]]} is used)"
    return said


def _electrodes(info: StreamInfo, wanted: tuple[str, ...]) -> dict[str, int]:
    """Return the column of each electrode."""
    found: dict[str, int] = {}
    for column, name in enumerate(info.channels):
        found.setdefault(electrode_name(name), column)
    known = [electrode_name(w) for w in wanted if is_electrode(electrode_name(w))]
    free = [name for name in known if name not in found]
    # also channels that are not among the columns may have a place (EOG)
    positions = {n: p for n, p in info.positions.items() if n in info.channels}
    strangers = [n for n in positions if not is_electrode(electrode_name(n))]
    if not free or not strangers:
        return found
    every = np.array(list(positions.values()), dtype=np.float64)
    if len(every) < LEAST_FOR_CENTRE:
        return found
    vectors = np.array([positions[name] for name in strangers]) - _centre(every)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    angles = np.degrees(np.arccos(np.clip(directions(free) @ vectors.T, -1, 1)))
    for place in np.argsort(angles, axis=None):
        row, column = divmod(int(place), len(strangers))
        name, stranger = free[row], strangers[column]
        if angles[row, column] <= NEAR_DEG and name not in found and stranger:
            found[name] = info.channels.index(stranger)
            strangers[column] = ""
    return found


def _centre(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centre of the sphere that fits points, shape (n, 3), best."""
    design = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(design, np.square(points).sum(axis=1), rcond=None)[0]
    return np.asarray(solution[:3])


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")


def microvolts(info: StreamInfo, asked: str | None) -> float:
    """Return the factor that makes samples microvolts.

    Parameters
    ----------
    info : StreamInfo
        The stream; without a unit, values are taken as microvolts.
    asked : str or None
        Unit that the user gave; it has precedence.
    """
    return UNITS[check_unit(asked or info.unit or "uV")]


def step_rate(sfreq: float, step_s: float) -> float:
    """Return the nearest rate, Hz, at which a step is a whole number of samples."""
    n = round(sfreq * step_s)
    exact = abs(n - sfreq * step_s) <= 1e-6 * max(n, 1)
    return sfreq if exact else max(n, 1) / step_s


class Resampler:
    """Causal resampling with carried state: a low-pass filter evaluated at the new times.

    An output is made of inputs up to its own time alone; the filter delays by `delay_s`.

    Parameters
    ----------
    sfreq, target : float
        Rates, Hz. Equal rates pass samples through unchanged.
    n_channels : int
        Columns.

    Attributes
    ----------
    delay_s : float
        What it delays by.
    left : float
        Relative deviation from the ratio of the rates: it is of whole numbers below 4096.
    """

    HALF_TAPS = 8
    """Half the length of the filter, samples of the slower rate."""

    def __init__(self, sfreq: float, target: float, n_channels: int) -> None:
        self.target, self.n_channels = target, n_channels
        ratio = Fraction(target / sfreq).limit_denominator(4096)
        self._up, self._down = ratio.numerator, ratio.denominator
        self.passes = self._up == self._down
        self.left = float(ratio) * sfreq / target - 1
        slower = max(self._up, self._down)
        self.delay_s = 0.0 if self.passes else self.HALF_TAPS / min(sfreq, target)
        if not self.passes:
            from scipy.signal import firwin

            length = 2 * self.HALF_TAPS * slower + 1
            taps = firwin(length, 0.9 / slower) * self._up
            width = -(-length // self._up)
            padded = np.pad(taps, (0, width * self._up - length))
            phases = padded.reshape(width, self._up).T
            # a constant stays what it is at every phase
            self._phases = phases / phases.sum(axis=1, keepdims=True)
        self._reset()

    def _reset(self) -> None:
        self._taken, self._given = 0, 0
        self._past: NDArray[np.float64] | None = None

    def take(self, block: Block) -> Block:
        """Resample a block; lost samples (NaN) make all outputs lost that they reach."""
        if self.passes:
            return block
        if block.fresh:
            self._reset()
        samples = np.asarray(block.samples, dtype=np.float64)
        width = self._phases.shape[1]
        if self._past is None:
            # before the first sample, the signal is as it is there
            first = np.nan_to_num(samples[:1]) if len(samples) else np.zeros((1, self.n_channels))
            self._past = np.repeat(first, width, axis=0)
        known = np.concatenate([self._past, samples])
        total = self._taken + len(samples)
        last = -(-total * self._up // self._down)
        places = np.arange(self._given, last) * self._down
        # rows of `known` count from sample `taken - width`
        newest = places // self._up - self._taken + width
        rows = newest[:, None] - np.arange(width)
        out = np.einsum("ok,okc->oc", self._phases[places % self._up], known[rows])
        start = (
            block.time
            + (places[0] / self._up - self._taken) * self._up / (self._down * self.target)
            if len(places)
            else block.time
        )
        self._past, self._taken, self._given = known[-width:], total, last
        self._shrink()
        return Block(out, float(start), block.fresh)

    def _shrink(self) -> None:
        """Count from a later common sample of both rates: numbers stay small for ever."""
        periods = min(self._taken // self._down, self._given // self._up)
        self._taken -= periods * self._down
        self._given -= periods * self._up
