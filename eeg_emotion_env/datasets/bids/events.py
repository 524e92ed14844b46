"""Cutting recordings at the events that ``events.tsv`` lists."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels.annotations import numeric_column, read_table

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {name.replace("_", ""): name for name in ("onset", "duration", "trial_type", "value")}

STIMULUS_JOINT = "+"
"""Between the types of events that begin at the same time."""


@dataclass(frozen=True)
class Event:
    """Events that begin at the same time.

    Attributes
    ----------
    onset_s : float
        Seconds from the start of the recording.
    duration_s : float
        The longest of their durations, seconds; 0 where none is given.
    stimulus : str or None
        Their types, in the order of the file; None where the file has no types.
    """

    onset_s: float
    duration_s: float
    stimulus: str | None


def read_events(path: Path, wanted: Sequence[str] = ()) -> list[Event]:
    """Read ``events.tsv``: one event for each onset, in order of time.

    Parameters
    ----------
    path : Path
        The file: columns ``onset``, ``duration`` and ``trial_type`` (or ``value``), in upper or
        lower case, ``trial_type`` with or without what joins its words.
    wanted : sequence of str
        Types to keep, or ranges of numbers such as ``"1-9"``; empty keeps all.

    Returns
    -------
    list of Event
        May be empty.

    Raises
    ------
    DataError
        If the file is no such table, an onset is no number or negative, or a duration is negative.
    """
    table, kind = _columns(path)
    if "onset" not in table or (wanted and kind is None):
        raise DataError(
            f"{path}: lacks a column; expected onset, duration and trial_type, not "
            f"{', '.join(map(str, table.columns))}"
        )
    onsets = numeric_column(path, table["onset"]).to_numpy(dtype=np.float64)
    if (onsets < 0).any():
        raise DataError(f"{path}: an event begins before the recording; correct its onset")
    durations = np.zeros(len(table))
    if "duration" in table:
        durations = numeric_column(path, table["duration"]).fillna(0).to_numpy(dtype=np.float64)
    kinds = [""] * len(table) if kind is None else [_text(value) for value in table[kind]]
    if (durations < 0).any():
        raise DataError(f"{path}: an event has a negative duration; correct it, or write n/a")
    merged: dict[float, tuple[float, list[str]]] = {}
    for line, (onset, duration, text) in enumerate(zip(onsets, durations, kinds, strict=True), 2):
        if wanted and not any(_matches(text, item) for item in wanted):
            continue
        if np.isnan(onset):
            raise DataError(
                f"{path}: line {line} has no onset, so its trial cannot be cut; fill it in or "
                "remove the line"
            )
        longest, texts = merged.get(onset, (0.0, []))
        merged[onset] = max(longest, duration), [*texts, text]
    return [
        Event(float(onset), float(duration), STIMULUS_JOINT.join(filter(None, texts)) or None)
        for onset, (duration, texts) in sorted(merged.items())
    ]


def _columns(path: Path) -> tuple["pd.DataFrame", str | None]:
    """Read the table with its columns named as BIDS names them, and tell which has the types."""
    table = read_table(path)
    names: dict[str, str] = {}
    for column in map(str, table.columns):
        known = _COLUMNS.get(re.sub(r"[\W_]+", "", column).lower())
        if known in names.values():
            raise DataError(f"{path}: has two columns {known}; remove one of them")
        if known is not None:
            names[column] = known
    table = table.rename(columns=names)
    return table, next((column for column in ("trial_type", "value") if column in table), None)


def spans(events: Sequence[Event], end_s: float, clip_s: float | None) -> list[tuple[float, float]]:
    """Return where the trials that events begin would start and stop, seconds.

    A trial lasts `clip_s`; without it, as long as the event says; and where that says nothing, to
    the next event. None lasts beyond the end of the recording. They may overlap.
    """
    onsets = [event.onset_s for event in events]
    found = []
    for event, (onset, following) in zip(events, pairwise([*onsets, end_s]), strict=True):
        length = clip_s or event.duration_s
        found.append((onset, min(onset + length if length > 0 else following, end_s)))
    return found


def without_overlap(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """End each span where the next one starts, at the latest."""
    starts = [start for start, _ in places]
    nexts = [*starts[1:], np.inf]
    return [(start, min(stop, after)) for (start, stop), after in zip(places, nexts, strict=True)]


def parse_list(text: str) -> tuple[str, ...]:
    """Split comma-separated names."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _matches(text: str, item: str) -> bool:
    if text.lower() == item.lower():
        return True
    span, number = re.fullmatch(r"(\d+)-(\d+)", item), re.fullmatch(r"\d+", text)
    return bool(span and number and int(span[1]) <= int(text) <= int(span[2]))


def _text(value: object) -> str:
    """Write a type as the file does: pandas turns 5 into 5.0 where a row has none."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    text = str(value).strip()
    return "" if text.lower() == "n/a" else text
