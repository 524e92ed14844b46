"""Looking over the recordings of a set: channels that they share, rates, and their labels."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.channels import (
    choose_channels,
    clean_name,
    left_out,
    read_channel_table,
)
from eeg_emotion_env.datasets.bids.files import RecordingFile, sidecar
from eeg_emotion_env.datasets.bids.labels import (
    ChannelLabels,
    LabelChannels,
    LabelTable,
    Place,
    TableLabels,
    find_channels,
    find_table,
    like_labels,
)
from eeg_emotion_env.datasets.bids.signals import Header, extent, read_header
from eeg_emotion_env.datasets.files import beside
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels import Annotations, LabelSource, read_annotations
from eeg_emotion_env.labels.annotations import read_table
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.tables.bids import EARS
from eeg_emotion_env.trial import TrialKey

MOST_NAMED = 8
"""Channels that a message names."""

Labels = TypeVar("Labels", LabelChannels, LabelTable)

LATE_S = 1.0
"""Seconds that a table of labels may go on after its recording."""

RATE_SHARE, LENGTH_SHARE = 1e-3, 1e-2
"""Shares by which rate and length of a recording may differ from their description."""


@dataclass(frozen=True)
class Run:
    """A recording whose header was read.

    Attributes
    ----------
    file : RecordingFile
        Who and what it records.
    header : Header
        Its channels.
    channels : mapping of str to str
        The file's name of each EEG channel, by the name that the features have.
    sfreq : float
        Rate of the EEG, Hz.
    n_samples : int
        Length of the EEG.
    """

    file: RecordingFile
    header: Header
    channels: Mapping[str, str]
    sfreq: float = 0.0
    n_samples: int = 0

    @property
    def electrodes(self) -> tuple[str, ...]:
        """Names of the EEG channels in the features."""
        return tuple(self.channels)

    @property
    def seconds(self) -> float:
        """Length, seconds."""
        return self.n_samples / self.sfreq


def inspect_runs(files: Sequence[RecordingFile], step_s: float, found: Survey) -> list[Run]:
    """Read the headers of recordings and reduce them to the EEG channels that all have.

    Parameters
    ----------
    files : sequence of RecordingFile
        The recordings.
    step_s : float
        Seconds a step.
    found : Survey
        Takes problems, warnings and notes.

    Returns
    -------
    list of Run
        Those that are sound, all with the same channels in the same order.
    """
    opened: list[Run] = []
    bad: dict[Path, list[str]] = {}
    ears: set[str] = set()
    unused: dict[str, None] = {}
    for file in files:
        try:
            run, marked, left = _opened(file, found)
        except DataError as error:
            found.add_problem(error)
            continue
        opened.append(run)
        unused |= dict.fromkeys(left)
        ears |= {clean_name(name) for name in run.header.names} & set(EARS)
        if marked:
            bad[file.path] = marked
    if ears:
        found.notes.append(f"references {', '.join(sorted(ears))} are not used as EEG")
    if unused:
        more = len(unused) - MOST_NAMED
        found.notes.append(
            f"not used as EEG, since no electrodes have such names: "
            f"{', '.join([*unused][:MOST_NAMED])}{f' and {more} more' if more > 0 else ''}; "
            "the type EEG in channels.tsv would include them"
        )
    for path, names in bad.items():
        found.notes.append(f"{path}: channels.tsv calls {', '.join(names)} bad; they are kept")
    runs = []
    for run in _with_common_channels(opened, found):
        try:
            runs.append(_measured(run, step_s))
            _compare_facts(runs[-1], found)
        except DataError as error:
            found.add_problem(error)
    return runs


def _opened(file: RecordingFile, found: Survey) -> tuple[Run, list[str], list[str]]:
    """Return a recording, its channels that are called bad, and those that are left out."""
    header = read_header(file.path)
    table = read_channel_table(sidecar(file, "_channels.tsv"))
    unlike = table.unlike(header)
    channels = choose_channels(header, table.types)
    for oddity in (*header.oddities, *([unlike] if unlike else [])):
        found.warn(oddity)
    bad = [name for name in table.bad if clean_name(name) in channels]
    return Run(file, header, channels), bad, left_out(header, table, channels)


def _with_common_channels(runs: list[Run], found: Survey) -> list[Run]:
    if not runs:
        return []
    first, odd = runs[0], next((r for r in runs if set(r.channels) != set(runs[0].channels)), None)
    common = [name for name in first.channels if all(name in run.channels for run in runs)]
    if odd is not None and not common:
        found.add_problem(
            f"{odd.file.path}: shares no EEG channel with {first.file.path} and the others; load "
            "such recordings apart (task=…, or a folder of their own)"
        )
        return []
    if odd is not None:
        names = dict.fromkeys(name for run in runs for name in run.channels)
        dropped = [name for name in names if name not in common]
        more = len(dropped) - MOST_NAMED
        found.warn(
            f"{odd.file.path}: has not the same channels as {first.file.path}; only the "
            f"{len(common)} that all recordings share are kept, without "
            f"{', '.join(dropped[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''}"
        )
    return [replace(run, channels={n: run.channels[n] for n in common}) for run in runs]


def _measured(run: Run, step_s: float) -> Run:
    path = run.file.path
    sfreq, n_samples = extent(path, tuple(run.channels.values()))
    _check_steps(f"{path}: EEG", sfreq, step_s)
    if n_samples < round(step_s * sfreq):
        raise DataError(
            f"{path}: lasts {n_samples / sfreq:g} s, less than one step of {step_s:g} s; take it "
            "away, or choose a shorter step_s"
        )
    return replace(run, sfreq=sfreq, n_samples=n_samples)


def _compare_facts(run: Run, found: Survey) -> None:
    """Warn where the description beside a recording contradicts it."""
    path = sidecar(run.file, "_eeg.json")
    if path is None:
        return
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        facts = None
    if not isinstance(facts, dict):
        found.warn(f"{path}: no description in JSON, and not used; restore it from the data set")
        return
    for name, unit, value, tolerance in (
        ("SamplingFrequency", "Hz", run.sfreq, RATE_SHARE * run.sfreq),
        ("RecordingDuration", "s", run.seconds, LATE_S + LENGTH_SHARE * run.seconds),
    ):
        told = facts.get(name)
        if isinstance(told, int | float) and abs(told - value) > tolerance:
            found.warn(
                f"{run.file.path}: has {value:g} {unit}, but {path.name} says {name} {told:g}; the "
                "recording's own header counts: check that both are whole and belong together"
            )


def _check_steps(origin: str, sfreq: float, step_s: float, slower: bool = False) -> None:
    samples = step_s * sfreq
    ratio = 1 / samples if slower and samples < 1 else samples
    if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6 * ratio:
        raise DataError(
            f"{origin} has {sfreq:g} samples a second, {samples:g} a step; choose a step_s of "
            "whole samples"
        )


def label_source(
    runs: Sequence[Run],
    places: Mapping[TrialKey, Place],
    roots: Sequence[Path],
    options: Any,
    kind: str,
    found: Survey,
) -> LabelSource:
    """Find the labels that the options ask for.

    Parameters
    ----------
    runs : sequence of Run
        The recordings.
    places : mapping of TrialKey to Place
        Where the trials lie.
    roots : sequence of Path
        Folders in which ``annotations.csv`` may lie.
    options : BIDSOptions
        ``labels``, ``label_range`` and ``step_s`` are used.
    kind : str
        Origin of labels that lie in or beside the recordings.
    found : Survey
        Takes problems.

    Returns
    -------
    LabelSource
        Labels of all trials.

    Raises
    ------
    DataError
        If there are none.
    """
    own = _own_labels(runs, places, options, kind, found)
    if own is not None:
        return own
    if options.labels in ("auto", "channels", "sidecar"):
        path = beside("annotations.csv", *roots) if options.labels == "auto" else None
    else:
        path = home_expanded(options.labels, f"labels={options.labels}")
    if path is None:
        first = runs[0].file
        raise DataError(
            f"{first.path}: no labels; expected channels VA1 and VA2 (or ft_valence, valence, …), "
            f"a table such as {first.stem.removesuffix('_eeg')}_labels.tsv, or "
            f"{roots[0]}/annotations.csv{_hint(runs[0])}"
        )
    return read_annotations(path, "continuous-external", options.label_range or (-1.0, 1.0))


def _hint(run: Run) -> str:
    """Name channels, or columns of events, that look like labels and are none by their names."""
    channels = like_labels(run.header.names)
    if channels:
        return f"; rename {', '.join(channels[:4])} in the file if they are the labels"
    path = sidecar(run.file, "_events.tsv")
    columns = like_labels(list(map(str, read_table(path)))) if path else []
    if columns:
        return f"; {path} has {', '.join(columns[:4])}: copy it to that table if they are labels"
    return ""


def _own_labels(
    runs: Sequence[Run],
    places: Mapping[TrialKey, Place],
    options: Any,
    kind: str,
    found: Survey,
) -> LabelSource | None:
    """Return the labels in the recordings, or in tables beside them."""
    if options.labels in ("auto", "channels"):
        channels = _found(runs, lambda run: _channels(run, options), found)
        if channels:
            return ChannelLabels(places, channels, _shared(channels, runs, found), kind)
    if options.labels in ("auto", "sidecar"):
        tables = _found(runs, lambda run: _table(run, options), found)
        if tables:
            return TableLabels(places, tables, _shared(tables, runs, found), kind)
    return None


def labels_of_simulation(labels: LabelSource, is_tree: bool) -> LabelSource:
    """Say of labels that they are simulated; a user's own annotation of a lone file is not."""
    if isinstance(labels, ChannelLabels | TableLabels) or (
        is_tree and isinstance(labels, Annotations)
    ):
        return replace(labels, kind="simulated")
    return labels


def _found(
    runs: Sequence[Run], find: Callable[[Run], Labels | None], found: Survey
) -> dict[Path, Labels]:
    """Return what is found for each recording; errors are problems, unless nothing else is."""
    items, errors = {}, []
    for run in runs:
        try:
            item = find(run)
        except DataError as error:
            errors.append(error)
            continue
        if item is not None:
            items[run.file.path] = item
    if errors and not items:
        raise errors[0]
    for problem in errors:
        found.add_problem(problem)
    return items


def _channels(run: Run, options: Any) -> LabelChannels | None:
    channels = find_channels(run.header, options.label_range)
    if channels is not None:
        origin = f"{channels.path}: label channel {channels.by_name[channels.names[0]]}"
        _check_steps(origin, channels.sfreq, options.step_s, slower=True)
    return channels


def _table(run: Run, options: Any) -> LabelTable | None:
    table = find_table(run.file, options.label_range)
    if table is not None and not 0 < table.times[-1] <= run.seconds + LATE_S:
        raise DataError(
            f"{table.path}: its times end at {table.times[-1]:g} s, but the recording lasts "
            f"{run.seconds:g} s; give seconds from the start of the recording"
        )
    return table


def _shared(
    items: Mapping[Path, LabelChannels | LabelTable], runs: Sequence[Run], found: Survey
) -> tuple[str, ...]:
    """Return the dimensions of the first recording's labels; others must have the same."""
    path, first = next(iter(items.items()))
    kind = "channel" if isinstance(first, LabelChannels) else "table"
    for run in runs:
        item = items.get(run.file.path)
        lacking = [name for name in first.names if item is None or name not in item.names]
        if lacking and not any(str(run.file.path) in line for line in found.problems):
            found.add_problem(
                f"{run.file.path}: has no label {kind} for {' and '.join(lacking)}, unlike "
                f"{path.name}; add it, or leave the recording out (task=…)"
            )
    return first.names
