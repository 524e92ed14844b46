"""Any EEG that MNE reads, in a BIDS tree or a plain folder, with valence and arousal over time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey
from eeg_emotion_env.datasets.bids.events import parse_list, read_events, spans
from eeg_emotion_env.datasets.bids.files import (
    RecordingFile,
    doubles,
    find_recordings,
    holds_matlab,
    is_tree,
    recording_paths,
    sidecar,
    subject_number,
)
from eeg_emotion_env.datasets.bids.labels import Place, Range, check_range
from eeg_emotion_env.datasets.bids.runs import (
    Run,
    inspect_runs,
    label_source,
    labels_of_simulation,
)
from eeg_emotion_env.datasets.bids.signals import read_microvolts
from eeg_emotion_env.datasets.files import beside, is_marked_simulated, read_manifest
from eeg_emotion_env.datasets.recording import UNITS, Recording, Signal, SignalReader, checked_eeg
from eeg_emotion_env.datasets.simulated import feature_config, simulated_recordings, truth_of
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.labels import DIMENSIONS
from eeg_emotion_env.labels.annotations import read_table
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.tables.bids import EXTENSIONS, RATE
from eeg_emotion_env.trial import TrialKey

CARD = DatasetCard(
    name="bids",
    env_id="EEGEmotion-BIDS-v0",
    title="EEG with continuous labels in a BIDS tree or a folder (OpenNeuro ds002722 to ds002725)",
    licence="That of the data set that is read (ds002722 to ds002725: CC0 by their description, CC "
    "BY 4.0 by their README; name the authors).",
    citation="That of the data set that is read (ds002722 to ds002724: Daly et al., Neural and "
    "physiological data from participants listening to affective music. Scientific Data 7:177, "
    "2020)",
    access="Download a set with continuous labels, such as "
    "https://openneuro.org/datasets/ds002722, or convert your own recordings with MNE-BIDS",
    label_kind="continuous-self",
    label_names=DIMENSIONS,
    label_meaning="What the recordings hold: signals named VA1/VA2 (FEELTRACE, 0 to 9, neutral "
    "4.5), ft_valance/ft_arousal or valence/arousal; else a table beside each recording; else "
    "annotations.csv. Values are brought to [-1, 1]; a step has the mean of its samples.",
    sfreq=RATE,
    step_s=1.0,
    channels=SEED_CHANNELS,
    bands=tuple(BANDS),
    n_subjects=0,
    n_sessions=0,
    n_trials=0,
    stimuli_known=False,
    expected_tree="sub-<label>[/ses-<label>]/eeg/sub-<label>[_ses-<label>][_task-<label>]"
    f"[_run-<n>]_eeg.<{'|'.join(end[1:] for end in EXTENSIONS)}>\n"
    "…_channels.tsv, …_events.tsv   (optional)\n"
    "…_labels.tsv   (optional: time_s,valence,arousal; also _annotations, _beh, _physio; CSV)\n"
    "annotations.csv   (optional: subject,session,trial,time_s,valence,arousal)\n"
    "or any folder of such recordings",
    quirks=(
        "one recording is one trial unless trials='events' cuts it; trials of whole recordings do "
        "not tell the stimulus",
        "the durations in ds002722's events (21 s) are wrong, its clips last 40 s: give "
        "trials='events', clip_s=40 and event_types='100-999' (the music is the stimulus)",
        "units of label signals are meaningless: the stored numbers are used whatever they say",
        "EEG whose unit is no voltage counts as microvolts; unit=… overrides what the file says",
        "sub, ses, task and run are told from the file's name, else from folders; without them the "
        "subject is the folder, or the file's name where all recordings lie in one folder",
        "sessions that are not numbered are numbered alphabetically; a session's trials by run "
        "where runs are distinct, else by task and run",
        "only channels that all recordings share are kept; mastoids and ears are dropped",
        "the bad channels that channels.tsv names are kept, since the agent's input cannot change",
    ),
)


@dataclass(frozen=True)
class BIDSOptions:
    """Options of the data set.

    Attributes
    ----------
    labels : str
        ``"channels"`` (signals of the recording), ``"sidecar"`` (a table beside it), the path of
        an annotation CSV, or ``"auto"``: the first of these that there is, the last one as
        ``annotations.csv`` at the root.
    label_range : tuple of float or None
        Stored values that stand for -1 and 1. None: 0 and 9 for ``VA1``/``VA2``, and values of
        others as they are.
    trials : str
        ``"run"``: one recording is one trial; ``"events"``: one trial begins at each onset in
        ``events.tsv``.
    event_types : str
        Types of events that begin trials, separated by commas, or ranges such as ``"1-9"``; empty
        takes all.
    clip_s : float or None
        Seconds of a trial that an event begins. None: as long as the event says, else to the next.
    task : str
        Tasks to read, separated by commas; empty reads all.
    step_s : float
        Seconds a step.
    unit : str
        Unit of the stored EEG: ``"uV"``, ``"mV"``, ``"V"``, or ``"auto"``: what the file says.
    """

    labels: str = "auto"
    label_range: Range | None = None
    trials: str = "run"
    event_types: str = ""
    clip_s: float | None = None
    task: str = ""
    step_s: float = 1.0
    unit: str = "auto"

    def __post_init__(self) -> None:
        check_choice("trials", self.trials, ("run", "events"))
        check_choice("unit", self.unit, ("auto", *UNITS))
        object.__setattr__(self, "label_range", check_range(self.label_range))
        for name in ("event_types", "task"):
            # The command line turns 7 into a number.
            object.__setattr__(self, name, str(getattr(self, name)))
        if self.trials == "run" and (self.event_types or self.clip_s is not None):
            raise ConfigError("event_types and clip_s cut at events: give trials='events' too")
        for name in ("step_s", "clip_s"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 < value < np.inf):
                raise ConfigError(f"{name} must be positive seconds, not {value!r}")


class BIDS(Dataset):
    """Recordings that MNE reads, with labels inside or beside them."""

    card = CARD
    Options = BIDSOptions

    runs_show_stimulus: ClassVar[bool] = False
    """Whether the only event of a recording names the stimulus of a trial that is a whole run."""

    def recognises(self, root: Path) -> bool:
        """Say whether recordings lie below, in a BIDS tree or without MAT files beside them."""
        return bool(recording_paths(root)) and (is_tree(root) or not holds_matlab(root))

    def survey(self, root: Path, options: Any) -> Survey:
        """Look over headers and tables of all recordings."""
        found = Survey()
        files = self._files(root, options, found)
        trees = tuple(dict.fromkeys(file.tree for file in files))
        manifest = read_manifest(root, *trees)
        _note_absent(files, trees, found)
        runs = inspect_runs(files, options.step_s, found)
        segments = self._segments(runs, options, found)
        if not segments:
            return found
        places = {key: segment.place for key, segment in segments.items()}
        roots, kind = (root, *trees), self.card.label_kind
        try:
            labels = label_source(runs, places, roots, options, kind, found)
        except DataError as error:
            # The file that has the labels may be the one that is damaged.
            found.add_problem(error)
            return found
        # The truth of a simulated tree is by run.
        truth, simulation = truth_of(manifest if options.trials == "run" else None, labels.names)
        for _, keys in groupby(segments, key=lambda key: (key.subject, key.session)):
            own = {key: segments[key] for key in keys}
            paths = {segment.path for segment in own.values()}
            marked = bool(manifest) or any(map(is_marked_simulated, paths))
            reader = BIDSReader(
                feature_config(options.step_s), runs[0].electrodes, own, options.unit
            )
            found.recordings.append(
                Recording(
                    keys=tuple(own),
                    reader=reader,
                    labels=labels_of_simulation(labels, bool(manifest)) if marked else labels,
                    truth=truth,
                    simulation=simulation,
                    origin=_origin(own),
                    source="simulated" if marked else "recorded",
                )
            )
        return found

    def simulated(self, options: Any) -> list[Recording]:
        """List four simulated subjects in one session of 15 short clips, with SEED's channels."""
        return simulated_recordings(
            dataset=self.card.name,
            channels=self.card.channels,
            bands=self.card.bands,
            label_names=self.card.label_names,
            step_s=options.step_s,
        )

    def _files(self, root: Path, options: BIDSOptions, found: Survey) -> list[RecordingFile]:
        tasks = {task.lower() for task in parse_list(options.task)}
        files = [f for f in find_recordings(root) if not tasks or f.task.lower() in tasks]
        if not files:
            task = f" of the task {options.task}" if options.task else ""
            raise DataError(
                f"{root}: no recordings{task} that MNE reads ({', '.join(EXTENSIONS)}); expected "
                f"{self.card.expected_tree}".replace("\n", " | ")
            )
        for double, first in list(doubles(files)):
            found.add_problem(
                f"{double.path}: the same subject, session and run as {first.path}; keep one of "
                "them"
            )
            files.remove(double)
        return files

    def _segments(
        self, runs: list[Run], options: BIDSOptions, found: Survey
    ) -> dict[TrialKey, "Segment"]:
        """Cut the recordings into trials, in the order of subjects, sessions and trials."""
        segments: dict[TrialKey, Segment] = {}
        counts: Counter[tuple[object, int]] = Counter()
        for run in runs:
            file = run.file
            try:
                trials = self._trials(run, options, found)
            except DataError as error:
                found.add_problem(error)
                continue
            for place, stimulus in trials:
                who = file.subject, file.session_number
                counts[who] += 1
                number = file.number if options.trials == "run" else counts[who]
                segments[TrialKey(self.card.name, *who, number, stimulus)] = Segment(run, place)
        return segments

    def _trials(
        self, run: Run, options: BIDSOptions, found: Survey
    ) -> list[tuple[Place, str | None]]:
        """Return where the trials of a recording lie, and their stimuli."""
        path = sidecar(run.file, "_events.tsv")
        if options.trials == "run":
            events = read_events(path) if path and self.runs_show_stimulus else []
            stimulus = events[0].stimulus if len(events) == 1 else None
            return [(Place(run.file.path, 0.0, run.seconds), stimulus)]
        if path is None:
            raise DataError(
                f"{run.file.path}: has no events.tsv, which trials='events' needs; add it, or give "
                "trials='run'"
            )
        return cut_at_events(run, path, options, found)


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


def cut_at_events(
    run: Run, path: Path, options: BIDSOptions, found: Survey
) -> list[tuple[Place, str | None]]:
    """Return the trials that the events of a recording begin, and their stimuli."""
    events = read_events(path, parse_list(options.event_types))
    if not events:
        types = f" of the types {options.event_types}" if options.event_types else ""
        raise DataError(f"{path}: has no events{types}; correct event_types or the file")
    places = spans(events, run.seconds, options.clip_s)
    for start, stop in places:
        if stop - start < options.step_s - 1e-9:
            raise DataError(
                f"{path}: the trial that begins at {start:g} s lasts {max(stop - start, 0):g} s, "
                "less than one step; choose events (event_types=…) or their length (clip_s=…)"
            )
    _warn_of_overlaps(path, places, options, found)
    return [
        (Place(run.file.path, *place), event.stimulus)
        for event, place in zip(events, places, strict=True)
    ]


def _warn_of_overlaps(
    path: Path, places: list[tuple[float, float]], options: BIDSOptions, found: Survey
) -> None:
    shared = [after for (_, stop), (after, _) in pairwise(places) if after < stop - 1e-9]
    if shared:
        found.warn(
            f"{path}: trials overlap, first where one begins at {shared[0]:g} s; choose events "
            "(event_types=…) or their length (clip_s=…)"
        )
    if options.clip_s and places[-1][1] - places[-1][0] < options.clip_s - 1e-9:
        found.warn(
            f"{path}: the recording ends before its last trial is {options.clip_s:g} s long; it "
            "is kept as it is"
        )


def _origin(segments: Mapping[TrialKey, Segment]) -> str:
    """Name a recording by its file, or by its folder where it has several."""
    key, first = next(iter(segments.items()))
    if all(segment.path == first.path for segment in segments.values()):
        return str(first.path)
    return f"{first.path.parent}: subject {key.subject}, session {key.session}"


def _note_absent(files: list[RecordingFile], trees: tuple[Path, ...], found: Survey) -> None:
    """Note participants of whom there is no recording."""
    table_path = beside("participants.tsv", *trees)
    if table_path is None:
        return
    table = read_table(table_path)
    if "participant_id" in table:
        present = {subject_number(str(file.subject)) for file in files}
        absent = [n for n in map(str, table["participant_id"]) if subject_number(n) not in present]
        if absent:
            found.notes.append(f"{table_path}: no recordings of {', '.join(absent)}")
