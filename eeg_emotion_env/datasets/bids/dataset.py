"""Any EEG that MNE reads, in a BIDS tree or a plain folder, with valence and arousal over time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eeg_emotion_env.datasets.base import Dataset, DatasetCard, Survey
from eeg_emotion_env.datasets.bids.events import parse_list
from eeg_emotion_env.datasets.bids.files import (
    RecordingFile,
    conflicts,
    find_recordings,
    holds_matlab,
    is_tree,
    recording_paths,
    subject_number,
)
from eeg_emotion_env.datasets.bids.labels import Range, check_range
from eeg_emotion_env.datasets.bids.order import in_order
from eeg_emotion_env.datasets.bids.runs import inspect_runs, label_source, labels_of_simulation
from eeg_emotion_env.datasets.bids.trials import BIDSReader, Segment, segments_of
from eeg_emotion_env.datasets.files import beside, is_marked_simulated, read_manifest
from eeg_emotion_env.datasets.recording import UNITS, Recording
from eeg_emotion_env.datasets.simulated import feature_config, truth_of
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.labels import DIMENSIONS, LabelSource
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
    "…_channels.tsv, …_events.tsv, …_scans.tsv   (optional)\n"
    "…_labels.tsv   (optional: time_s,valence,arousal; also _annotations, _beh, _physio; CSV)\n"
    "annotations.csv   (optional: subject,session,trial,time_s,valence,arousal)\n"
    "or any folder of such recordings",
    quirks=(
        "one recording is one trial unless trials='events' cuts it; trials of whole recordings do "
        "not tell the stimulus",
        "the durations in ds002722's events (21 s) are wrong, its clips last 40 s: give "
        "trials='events', clip_s=40 and event_types='100-999' (the music is the stimulus)",
        "trials='events': a trial ends where the next one begins, at the latest, with a warning "
        "where its length says otherwise (ds002723: 21 s, but every 20 s)",
        "units of label signals are meaningless: the stored numbers are used whatever they say",
        "EEG whose unit is no voltage counts as microvolts; unit=… overrides what the file says",
        "sub, ses, task and run are told from the file's name, else from folders; without them the "
        "subject is the folder, or the file's name where all recordings lie in one folder",
        "sessions that are not numbered are numbered alphabetically; recordings without one are "
        "session 1, which no other may be then",
        "recordings of a session are in the order of acq_time in …_scans.tsv, else of the dates in "
        "their headers (where each has one of its own), else that of runs, or of task and run, is "
        "assumed: check-data notes it; trial numbers and normalisation by the past follow it",
        "a trial's number is its run where runs are distinct and in that order, else a count",
        "only channels that all recordings share are kept; mastoids and ears are dropped",
        "the bad channels that channels.tsv names are kept, since the agent's input cannot change",
        "runs in which nobody rated (such as washout in ds002725), or the rater did not move, have "
        "flat labels, so no correlation within them is defined: check-data --verbose shows them, "
        "task=… leaves them out; labels that never move in a whole session are warned of",
        "EDF and BDF: a file that is not as long as its header says, has gaps (EDF+D) or no ranges "
        "or rate is an error; a recorder that was not stopped (number of records -1) and inverted "
        "physical ranges are tolerated with a warning; changed bytes within the samples cannot be "
        "noticed, since no format but FIF.GZ has checksums",
        "channels.tsv, …_eeg.json and events.tsv of another recording are errors or warnings where "
        "they contradict it; events.tsv may spell its columns in upper or lower case",
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
        ``events.tsv``, and ends where the next one begins, at the latest.
    event_types : str
        Types of events that begin trials, separated by commas, or ranges such as ``"1-9"``; empty
        takes all.
    clip_s : float or None
        Seconds of a trial that an event begins, at most. None: as long as the event says, else to
        the next.
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
        segments = segments_of(runs, self.card.name, options, self.runs_show_stimulus, found)
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
        found.recordings += _recordings(segments, labels, manifest, options)
        return found

    def _files(self, root: Path, options: BIDSOptions, found: Survey) -> list[RecordingFile]:
        tasks = {task.lower() for task in parse_list(options.task)}
        every = in_order(find_recordings(root), found)
        files = [file for file in every if not tasks or file.task.lower() in tasks]
        if not files:
            task = f" of the task {options.task}" if options.task else ""
            raise DataError(
                f"{root}: no recordings{task} that MNE reads ({', '.join(EXTENSIONS)}); expected "
                f"{self.card.expected_tree}".replace("\n", " | ")
            )
        odd = dict(conflicts(files))
        for problem in odd.values():
            found.add_problem(problem)
        return [file for file in files if file not in odd]


def _recordings(
    segments: Mapping[TrialKey, Segment],
    labels: LabelSource,
    manifest: dict[str, Any] | None,
    options: BIDSOptions,
) -> Iterator[Recording]:
    """Yield one recording for each subject and session."""
    # The truth of a simulated tree is by run.
    truth, simulation = truth_of(manifest if options.trials == "run" else None, labels.names)
    config, simulated = feature_config(options.step_s), labels_of_simulation(labels, bool(manifest))
    for _, keys in groupby(segments, key=lambda key: (key.subject, key.session)):
        own = {key: segments[key] for key in keys}
        marked = bool(manifest) or any(map(is_marked_simulated, {s.path for s in own.values()}))
        electrodes = next(iter(own.values())).run.electrodes
        yield Recording(
            keys=tuple(own),
            reader=BIDSReader(config, electrodes, own, options.unit),
            labels=simulated if marked else labels,
            truth=truth,
            simulation=simulation,
            origin=_origin(own),
            source="simulated" if marked else "recorded",
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
