"""Columns of the plots that are no tracks: events, prototypes, the plane's place, channels."""

import itertools
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from agents.live.page.figures import BLUE, GREEN, GREY, PURPLE, VERMILLION
from agents.live.page.info import PageInfo
from agents.live.records import MARKED, Event, Step
from eeg_emotion_env.rendering import prototype_colour

NOTABLE = {"note": PURPLE, "gap": VERMILLION, "clock": VERMILLION, "dropped": VERMILLION}
"""Colours of events that matter; others are grey."""

SCALP = (
    "x", "y", "name", "reason", "colour", "marker", "size", "label", "align", "offset",
)  # fmt: skip
PLACE = ("x", "y", "left", "right", "bottom", "top", "colour")


def marks(events: Sequence[Event], began: float) -> dict[str, Any]:
    """Return a line for each event that has a time.

    Parameters
    ----------
    events : sequence of Event
        New ones.
    began : float
        Timestamp of the first sample: the plot's zero.
    """
    timed = [event for event in events if math.isfinite(event.time - began)]
    return {
        "t": [event.time - began for event in timed],
        "colour": [NOTABLE.get(event.kind, GREY) for event in timed],
        "kind": [event.kind for event in timed],
        "detail": [event.detail for event in timed],
    }


def codes(steps: Sequence[Step], began: float, step_s: float) -> dict[str, Any]:
    """Return a coloured piece for each step that has a prototype.

    Parameters
    ----------
    steps : sequence of Step
        New ones.
    began : float
        Timestamp of the first sample: the plot's zero.
    step_s : float
        Length of a step, seconds.
    """
    known = [step for step in steps if step.prototype >= 0]
    return {
        "left": [step.time - began - step_s for step in known],
        "right": [step.time - began for step in known],
        "colour": [_hex(step.prototype) for step in known],
        "number": [step.prototype for step in known],
    }


@cache
def _hex(prototype: int) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in prototype_colour(prototype))


def place(last: Step | None) -> dict[str, Any]:
    """Return where a step of two dimensions lies in their plane, and the ends of its intervals."""
    if last is None or not last.prediction:
        return {name: [] for name in PLACE}
    (x, y), low, high = last.prediction, last.low or last.prediction, last.high or last.prediction
    colour = VERMILLION if last.status == MARKED else BLUE
    values = (x, y, low[0], high[0], low[1], high[1], colour)
    return {name: [one] for name, one in zip(PLACE, values, strict=True)}


def scalp(info: PageInfo, last: Step | None) -> dict[str, Any]:
    """Return a dot for each channel whose place is known: good, bad (and why), or missing."""
    bad = dict(itertools.zip_longest(last.bad_channels, last.bad_reasons)) if last else {}
    rows = []
    for name, (x, y) in info.placed.items():
        if name in info.missing:
            look = ("not in the stream", GREY, "circle", 4, "")
        elif name in bad:
            look = (bad[name] or "bad", VERMILLION, "x", 13, name)
        else:
            look = ("ok", GREEN, "circle", 9, "")
        # names towards the middle, where there is room
        rows.append((x, y, name, *look, *(("right", -8) if x > 0 else ("left", 8))))
    return {key: [row[column] for row in rows] for column, key in enumerate(SCALP)}
