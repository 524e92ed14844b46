"""The parts of the page that are text: HTML, all words from outside escaped."""

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from agents.live.page.maps import PIXELS, REACH, PrototypeMaps
from agents.live.records import Event, Step

COUNTED = ("steps", "ok", "marked", "withheld", "calibrating", "lost samples", "dropped")
"""Counters of `LiveState`, in the order in which they are shown."""

INTERVAL = (
    "80 % interval: where 8 of 10 labels of new people lie. Predictions overshoot, so it leans "
    "towards the middle, and a prediction may lie at its edge."
)
"""What the interval beside a prediction is."""

SHOWN_EVENTS, RANKED = 40, 3
LISTED_CHANNELS = 8


def clock(seconds: float) -> str:
    """Write seconds as minutes:seconds, or hours:minutes:seconds."""
    if not math.isfinite(seconds):
        return "–"
    minutes, rest = divmod(math.floor(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
    return f"-{text}" if seconds <= -1 else text


def status(last: Step | None, paused: bool, silent: bool, end: Event | None) -> str:
    """Say in a word or two how the run is, the most important first.

    Parameters
    ----------
    last : Step or None
        The last step.
    paused, silent : bool
        Whether the run is paused, and whether samples have stopped coming.
    end : Event or None
        How the run ended, if it has.
    """
    if end is not None:
        kind = "withheld" if end.kind == "failed" else "ended"
        return _pill(kind, f"{end.kind}: {end.detail}" if end.kind == "failed" else end.detail)
    if paused:
        return _pill("paused", "paused")
    if silent:
        return _pill("withheld", "no samples come")
    if last is None:
        return _pill("calibrating", "waiting for samples")
    return _pill(last.status, " ".join((last.status, *last.marks)))


def _pill(kind: str, text: str) -> str:
    return f'<span class="pill {kind}">{escape(text)}</span>'


def value(name: str, place: int, last: Step | None) -> str:
    """Write one dimension of the last prediction, large, with its interval."""
    number, between = "–", ""
    if last is not None and last.prediction:
        number = _signed(last.prediction[place])
        if last.low:
            low, high = _signed(last.low[place]), _signed(last.high[place])
            between = f"{low} … {high}"
    kind = last.status if last is not None else "calibrating"
    return (
        f'<div class="value"><div class="name">{escape(name)}</div>'
        f'<div class="number {kind}">{number}</div>'
        f'<div class="between" title="{INTERVAL}"><span>{between or "&nbsp;"}</span></div></div>'
    )


def _signed(number: float) -> str:
    return f"{round(number, 2) + 0.0:+.2f}".replace("-", "−")  # + 0.0 turns -0.0 into 0.0


def counters(counts: dict[str, int], latencies: Sequence[float], stream_s: float) -> str:
    """Write stream time, latency and counters.

    Parameters
    ----------
    counts : dict
        Of `LiveState.snapshot`.
    latencies : sequence of float
        Of the last steps that count, milliseconds, the newest last.
    stream_s : float
        Seconds since the first sample.
    """
    rows = [("stream time", clock(stream_s))]
    if len(latencies):
        half, most = np.percentile(latencies, [50, 99])
        rows.append(("latency", f"{latencies[-1]:.0f} ms"))
        rows.append(("p50 / p99", f"{half:.0f} / {most:.0f} ms"))
    rows += [(name, f"{counts.get(name, 0):,}".replace(",", " ")) for name in COUNTED]
    cells = "".join(f'<dt>{name}</dt><dd data-counter="{name}">{text}</dd>' for name, text in rows)
    return f"<dl>{cells}</dl>"


def events(newest_last: Sequence[tuple[int, Event]], began: float) -> str:
    """Write the last events, the newest first."""
    rows = "".join(
        f'<tr class="{escape(event.kind)}"><td>{clock(event.time - began)}</td>'
        f"<td>{escape(event.kind)}</td><td>{escape(event.detail)}</td></tr>"
        for _, event in reversed(newest_last)
    )
    return f"<table><tbody>{rows}</tbody></table>"


def prototype(number: int, counts: dict[int, int], maps: PrototypeMaps | None) -> str:
    """Write the number of the active prototype, its share of time, and its maps."""
    if number < 0:
        return '<div class="head"><span class="number">–</span></div>'
    share = counts.get(number, 0) / max(sum(counts.values()), 1)
    head = (
        f'<div class="head"><span class="number">{number}</span>'
        f"<span>{_share(share)} of the time<br>{len(counts)} seen so far</span></div>"
    )
    return head + (_maps(number, maps) if maps is not None else "") + _ranked(counts)


def _share(share: float) -> str:
    return "&lt; 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _ranked(counts: dict[int, int]) -> str:
    """Write the prototypes that were active the longest."""
    total = max(sum(counts.values()), 1)
    first = sorted(counts, key=lambda number: (-counts[number], number))[:RANKED]
    items = ", ".join(f"<b>{number}</b> ({_share(counts[number] / total)})" for number in first)
    return f'<div class="ranked">most of the time: {items}</div>'


def _maps(number: int, maps: PrototypeMaps) -> str:
    """Lay outlines of heads and names of bands over the picture."""
    n, scale = len(maps.bands), PIXELS / (2 * REACH)
    heads = "".join(
        _head(PIXELS * (place + 0.5), PIXELS / 2, scale)
        + f'<text x="{PIXELS * (place + 0.5)}" y="{PIXELS + 15}">{escape(band)}</text>'
        for place, band in enumerate(maps.bands)
    )
    limit = f"{maps.limit:.1f}"
    return (
        f'<svg viewBox="0 -6 {PIXELS * n} {PIXELS + 24}" role="img" '
        f'aria-label="scalp maps of prototype {number}">'
        f'<image href="prototype/{number}.png" width="{PIXELS * n}" height="{PIXELS}"/>{heads}'
        f'</svg><div class="scale"><span>−{limit}</span><i></i><span>+{limit}</span>'
        f"<span>{escape(maps.unit)}</span></div>"
    )


def _head(x: float, y: float, radius: float) -> str:
    nose = f"M{x - 5} {y - radius + 1}L{x} {y - radius - 5}L{x + 5} {y - radius + 1}"
    return f'<circle cx="{x}" cy="{y}" r="{radius}"/><path d="{nose}"/>'


def channels(n: int, missing: Iterable[str], last: Step | None) -> str:
    """Write how many channels are used, and which are not and why."""
    gone, bad = tuple(missing), last.bad_channels if last is not None else ()
    why = last.bad_reasons if last is not None else ()
    reasons = why if len(why) == len(bad) else ("bad",) * len(bad)
    out = [(name, "not in the stream") for name in gone]
    out = [*zip(bad, reasons, strict=True), *out]
    items = "".join(
        f"<li><b>{escape(name)}</b> {escape(reason)}</li>" for name, reason in out[:LISTED_CHANNELS]
    )
    more = len(out) - LISTED_CHANNELS
    rest = f"<li>and {more} more</li>" if more > 0 else ""
    good = "" if out else "<li>all good</li>"
    return (
        f'<div class="head"><span class="number">{n - len(out)}</span><span>of {n}<br>used</span>'
        f"</div><ul>{items}{rest}{good}</ul>"
    )
