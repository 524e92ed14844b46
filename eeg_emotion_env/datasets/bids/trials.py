"""Cutting recordings into trials, and reading the EEG of those."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.channels import CODES, clean_name
from eeg_emotion_env.datasets.bids.events import parse_list, read_events, spans, without_overlap
from eeg_emotion_env.datasets.bids.files import sidecar
from eeg_emotion_env.datasets.bids.labels import Place
from eeg_emotion_env.datasets.bids.runs import Run
from eeg_emotion_env.datasets.bids.signals import read_microvolts
from eeg_emotion_env.datasets.recording import Signal, SignalReader, checked_eeg
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.trial import TrialKey

STILL_S = 1.0
"""Seconds in which living EEG changes."""

Cut = list[tuple[Place, str | None]]
"""Where the trials of a recording lie, and their stimuli."""


@dataclass(frozen=True)
class Segment:
    """A trial: its recording and its place there."""

    run: Run
    place: Place

    @property
    def path(self) -> Path:
        """The recording."""
        return self.run.file.path

    @property
    def samples(self) -> tuple[int, int]:
        """First sample, and the one after the last."""
        return self.place.samples(self.run.sfreq, self.run.n_samples)


@dataclass(frozen=True, eq=False)
class BIDSReader(SignalReader):
    """EEG of one subject in one session, read trial by trial.

    Attributes
    ----------
    segments : mapping of TrialKey to Segment
        Where each trial lies.
    unit : str
        Unit of the stored numbers, or ``"auto"``.
    """

    segments: Mapping[TrialKey, Segment] = field(repr=False)
    unit: str

    @property
    def files(self) -> tuple[Path, ...]:  # type: ignore[override]
        """The recordings, with the files that belong to them."""
        paths = [path for s in self.segments.values() for path in s.run.header.files]
        return tuple(dict.fromkeys(paths))

    def origin(self, key: TrialKey) -> str:
        """Return the file, and where in it the trial begins."""
        segment = self.segments[key]
        start = segment.place.start_s
        return f"{segment.path}: EEG" + (f" from {start:g} s" if start else "")

    def signal(self, key: TrialKey) -> Signal:
        """Read the channels of a trial and nothing else."""
        segment = self.segments[key]
        names = [segment.run.channels[name] for name in self.channels]
        eeg = read_microvolts(segment.path, names, *segment.samples, self.unit)
        checked = checked_eeg(eeg, len(names), self.origin(key))
        _warn_of_stillness(checked, segment.run.sfreq, self.origin(key))
        return Signal(checked, segment.run.sfreq, self.channels)

    def configuration(self) -> dict[str, Any]:
        """Return channels, places, rates, unit and features."""
        order = {path: number for number, path in enumerate(self.files)}
        return {
            "channels": self.channels,
            "segments": [
                [order[s.path], [s.run.channels[n] for n in self.channels], s.samples, s.run.sfreq]
                for s in self.segments.values()
            ],
            "unit": self.unit,
            "features": vars(self.config),
        }


def _warn_of_stillness(eeg: NDArray[np.floating[Any]], sfreq: float, origin: str) -> None:
    """Warn where no channel changes for a while: filled up, paused or damaged."""
    still = np.ones(eeg.shape[1] - 1, dtype=bool)
    for row in eeg:
        still &= row[1:] == row[:-1]
    edges = np.flatnonzero(np.diff(still, prepend=False, append=False)).reshape(-1, 2)
    lengths = edges[:, 1] - edges[:, 0]
    if len(lengths) and lengths.max() >= STILL_S * sfreq - 1:
        longest = int(lengths.argmax())
        warnings.warn(
            f"{origin}: no channel changes for {(lengths[longest] + 1) / sfreq:.3g} s, from "
            f"{edges[longest, 0] / sfreq:.3g} s of the trial; the recording may be damaged there, "
            "or was paused: check it",
            DataWarning,
            stacklevel=3,
        )


def segments_of(
    runs: Sequence[Run], dataset: str, options: Any, shows_stimulus: bool, found: Survey
) -> dict[TrialKey, Segment]:
    """Cut recordings into trials.

    Parameters
    ----------
    runs : sequence of Run
        Sorted by subject and session, in the order of recording.
    dataset : str
        Name of the data set, for the keys.
    options : BIDSOptions
        ``trials``, ``event_types``, ``clip_s`` and ``step_s`` are used.
    shows_stimulus : bool
        Whether the only event of a recording names the stimulus of a trial that is a whole run.
    found : Survey
        Takes problems and warnings.

    Returns
    -------
    dict of TrialKey to Segment
        In the order of recording; no two keys differ by their stimulus alone.
    """
    segments: dict[TrialKey, Segment] = {}
    first: dict[TrialKey, Path] = {}
    counts: Counter[tuple[object, int]] = Counter()
    for run in runs:
        file = run.file
        who = file.subject, file.session_number
        for place, stimulus in _cut(run, options, shows_stimulus, found):
            counts[who] += 1
            number = file.number if options.trials == "run" else counts[who]
            key = TrialKey(dataset, *who, number)
            if key in first:
                found.add_problem(
                    f"{file.path}: holds {key}, as does {first[key]}; keep one of them"
                )
                continue
            first[key] = file.path
            segments[replace(key, stimulus=stimulus)] = Segment(run, place)
    return segments


def _cut(run: Run, options: Any, shows_stimulus: bool, found: Survey) -> Cut:
    """Return the trials of a recording; none, and a problem, where it cannot be cut."""
    try:
        path = sidecar(run.file, "_events.tsv")
        if options.trials == "run":
            events = read_events(path) if path and shows_stimulus else []
            stimulus = events[0].stimulus if len(events) == 1 else None
            return [(Place(run.file.path, 0.0, run.seconds), stimulus)]
        if path is None:
            codes = [name for name in run.header.names if CODES.match(clean_name(name))]
            signals = f" (its channels {', '.join(codes[:4])} are not read as events)"
            raise DataError(
                f"{run.file.path}: has no events.tsv, which trials='events' needs"
                f"{signals if codes else ''}; add it, or give trials='run'"
            )
        return _cut_at_events(run, path, options, found)
    except DataError as error:
        found.add_problem(error)
        return []


def _cut_at_events(run: Run, path: Path, options: Any, found: Survey) -> Cut:
    """Return a trial for each event; it ends where the next one begins, at the latest."""
    events = read_events(path, parse_list(options.event_types))
    if not events:
        types = f" of the types {options.event_types}" if options.event_types else ""
        raise DataError(f"{path}: has no events{types}; correct event_types or the file")
    wanted = spans(events, run.seconds, options.clip_s)
    places = without_overlap(wanted)
    for start, stop in places:
        if stop - start < options.step_s - 1e-9:
            raise DataError(
                f"{path}: the trial that begins at {start:g} s lasts {max(stop - start, 0):g} s, "
                "less than one step; choose events (event_types=…) or their length (clip_s=…)"
            )
    _warn_of_lengths(path, wanted, options.clip_s, found)
    return [
        (Place(run.file.path, *place), event.stimulus)
        for event, place in zip(events, places, strict=True)
    ]


def _warn_of_lengths(
    path: Path, wanted: list[tuple[float, float]], clip_s: float | None, found: Survey
) -> None:
    """Warn, once a file, of trials that overlap, and of a last one that is cut short."""
    cut = [after for (_, stop), (after, _) in pairwise(wanted) if after < stop - 1e-9]
    if cut:
        found.warn(
            f"{path}: trials overlap, so {len(cut)} of them end where the next one begins, first "
            f"at {cut[0]:g} s; choose events (event_types=…) or their length (clip_s=…)"
        )
    start, stop = wanted[-1]
    if clip_s and stop - start < clip_s - 1e-9:
        found.warn(
            f"{path}: the recording ends before its last trial is {clip_s:g} s long; it is kept "
            "as it is"
        )
