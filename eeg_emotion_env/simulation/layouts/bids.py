"""A BIDS tree like OpenNeuro's ds002722: EDF files with FEELTRACE labels as signals.

One clip is one run, a task of its own. The last one of a session is one of ds002725's tasks
instead, whose labels have other names and another scale. Headers tell when each run began.
"""

import datetime
import json

import numpy as np
from edfio import Edf, EdfSignal, Patient, Recording
from numpy.typing import NDArray

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.layouts.tree import Layout, Tree
from eeg_emotion_env.simulation.recording import SimulatedTrial, simulate_trial
from eeg_emotion_env.tables.bids import (
    CHANNELS,
    CLIP_SECONDS,
    EVENT_SECONDS,
    LABEL_CENTRE,
    RATE,
    TARGETS,
)
from eeg_emotion_env.trial import FloatArray

RESOLUTION_UV = 1 / 8
"""Microvolts of one digit."""

DIGITS, LABEL_DIGITS = 32000, 18432
"""Digits of the largest EEG, and of a label of 1: whole, so that all values are exact."""

STARTED, APART = datetime.datetime(2000, 1, 1, 8), datetime.timedelta(minutes=5)
"""When the first run of a session began, and how much later each other one did."""

UNIT = "microV"
"""Unit that ``channels.tsv`` of ds002722 gives to all signals, labels too."""

FIRST_MUSIC, START_CODE, PULSE_CODE, PULSE_S = 100, 768, 10, 2
"""Codes of events: music of ds002722; start and scanner pulses of ds002725, and their spacing."""

# Targets, 1 to 9, of the clips: neighbours on the grid are not neighbours in time.
_ORDER = (9, 1, 5, 7, 3, 4, 8, 2, 6)


def write(tree: Tree) -> None:
    """Write the tables of the set, and each run with its sidecars."""
    config = tree.config
    _write_tables(tree)
    for subject in tree.subjects:
        for session in tree.sessions:
            for number in tree.trials:
                trial = simulate_trial(config, subject, session, number)
                is_music_task = number == config.n_trials > 1
                task = "genMusic01" if is_music_task else f"run{number}"
                stem = _stem(config, subject, session, task)
                rng = config.stream("subject", subject, session, number)
                signals = (
                    _music(config, trial) if is_music_task else _calibration(config, trial, rng)
                )
                _write_run(tree, stem, signals, STARTED + (number - 1) * APART)
                _write_events(tree, stem, trial, is_music_task)
            tree.advance()


def _stem(config: SimulationConfig, subject: int, session: int, task: str) -> str:
    """Return path and name of a run without suffix; one session gets no name, as in ds002722."""
    who = [f"sub-{subject:02d}"] + ([f"ses-{session:02d}"] if config.n_sessions > 1 else [])
    return "/".join([*who, "eeg", "_".join([*who, f"task-{task}"])])


def _calibration(
    config: SimulationConfig, trial: SimulatedTrial, rng: np.random.Generator
) -> dict[str, EdfSignal]:
    """Return the 37 signals of ds002722."""
    n_samples = trial.eeg.shape[1]
    valence, arousal = _held(config, trial.labels).T
    target = np.full(n_samples, _target(trial.trial), dtype=np.int16)
    return {
        **_eeg(trial.eeg),
        "GSR": _signal("GSR", _skin(rng, n_samples)),
        "ECG": _signal("ECG", _heart(n_samples)),
        "VA1": _label("VA1", valence, LABEL_CENTRE, LABEL_CENTRE),
        "VA2": _label("VA2", arousal, LABEL_CENTRE, LABEL_CENTRE),
        "VAtarg": EdfSignal.from_digital(
            target, RATE, label="VAtarg", physical_range=(0, 9), digital_range=(0, 9)
        ),
    }


def _music(config: SimulationConfig, trial: SimulatedTrial) -> dict[str, EdfSignal]:
    """Return the signals of a task of ds002725, with the cap of ds002722."""
    n_samples = trial.eeg.shape[1]
    valence, arousal = _held(config, trial.labels).T
    still = np.zeros(n_samples, dtype=np.int16)
    tracks = {"ft_valance": valence, "ft_arousal": arousal, "ft_x": valence, "ft_y": arousal}
    others = ("ft_ghostvalence", "ft_ghostarousal", "music", "trialtype")
    return {
        **_eeg(trial.eeg),
        "ECG": _signal("ECG", _heart(n_samples)),
        **{name: _label(name, track, 0.0, 1.0) for name, track in tracks.items()},
        **{name: _signal(name, still) for name in others},
    }


def _held(config: SimulationConfig, labels: FloatArray) -> NDArray[np.int16]:
    """Return the labels in digits at each sample, each value held for its step."""
    digits = np.rint(LABEL_DIGITS * labels.astype(np.float64)).astype(np.int16)
    return np.repeat(digits, round(config.step_s * config.sfreq), axis=0)


def _label(name: str, digits: NDArray[np.int16], centre: float, reach: float) -> EdfSignal:
    return EdfSignal.from_digital(
        np.ascontiguousarray(digits),
        RATE,
        label=name,
        physical_dimension="uV",
        physical_range=(centre - reach, centre + reach),
        digital_range=(-LABEL_DIGITS, LABEL_DIGITS),
    )


def _eeg(eeg: FloatArray) -> dict[str, EdfSignal]:
    digits = np.clip(np.rint(eeg / RESOLUTION_UV), -DIGITS, DIGITS).astype(np.int16)
    return {name: _signal(name, row) for name, row in zip(CHANNELS, digits, strict=True)}


def _signal(name: str, digits: NDArray[np.int16]) -> EdfSignal:
    reach = DIGITS * RESOLUTION_UV
    return EdfSignal.from_digital(
        np.ascontiguousarray(digits),
        RATE,
        label=name,
        physical_dimension="uV",
        physical_range=(-reach, reach),
        digital_range=(-DIGITS, DIGITS),
    )


def _skin(rng: np.random.Generator, n_samples: int) -> NDArray[np.int16]:
    drift = rng.standard_normal(n_samples).cumsum()
    return np.asarray(np.clip(drift, -DIGITS, DIGITS), dtype=np.int16)


def _heart(n_samples: int) -> NDArray[np.int16]:
    """Return a spike of 1 mV 70 times a minute."""
    phase = np.arange(n_samples) % round(RATE * 60 / 70)
    return np.asarray(np.rint(8000 * np.exp(-(((phase - 100) / 12) ** 2))), dtype=np.int16)


def _target(trial: int) -> int:
    return _ORDER[(trial - 1) % len(_ORDER)]


def _write_run(
    tree: Tree, stem: str, signals: dict[str, EdfSignal], began: datetime.datetime
) -> None:
    path = tree.root / f"{stem}_eeg.edf"
    path.parent.mkdir(parents=True, exist_ok=True)
    Edf(
        list(signals.values()),
        # Within the first 256 bytes, where it stays with the file.
        patient=Patient(code="SIMULATED", additional=("written", "by", "eeg_emotion_env")),
        recording=Recording(startdate=began.date()),
        starttime=began.time(),
    ).write(path)
    kinds = {"GSR": "GSR", "ECG": "ECG"} | dict.fromkeys(CHANNELS, "EEG")
    rows = [f"{name}\t{kinds.get(name, 'MISC')}\t{UNIT}" for name in signals]
    tree.text(f"{stem}_channels.tsv", "\n".join(["name\ttype\tunits", *rows]) + "\n")
    facts = {
        "TaskName": stem.split("task-")[1].split("_")[0],
        "SamplingFrequency": RATE,
        "EEGReference": "FCz",
        "PowerLineFrequency": 50,
        "SoftwareFilters": "n/a",
        "EEGChannelCount": len(CHANNELS),
        "RecordingType": "continuous",
    }
    tree.text(f"{stem}_eeg.json", json.dumps(facts, indent=1) + "\n")


def _write_events(tree: Tree, stem: str, trial: SimulatedTrial, is_music_task: bool) -> None:
    rows = [
        f"0.0\t{EVENT_SECONDS}\t{_target(trial.trial)}",
        f"0.0\t{EVENT_SECONDS}\t{FIRST_MUSIC + trial.trial}",
    ]
    if is_music_task:
        seconds = range(PULSE_S, int(trial.eeg.shape[1] / RATE), PULSE_S)
        rows = [f"0.0\t0\t{START_CODE}", *(f"{s:.1f}\t0\t{PULSE_CODE}" for s in seconds)]
    tree.text(f"{stem}_events.tsv", "\n".join(["onset\tduration\ttrial_type", *rows]) + "\n")


def _write_tables(tree: Tree) -> None:
    description = {
        "Name": "SIMULATED: affective brain-computer music interface, calibration session",
        "BIDSVersion": "1.0.2",
        "License": "n/a",
        "Authors": ["eeg_emotion_env.simulation"],
    }
    tree.text("dataset_description.json", json.dumps(description, indent=1) + "\n")
    rows = [f"sub-{subject:02d}\t25\t{'FM'[subject % 2]}" for subject in tree.subjects]
    tree.text("participants.tsv", "\n".join(["participant_id\tage\tsex", *rows]) + "\n")
    tree.text(
        "README",
        "SIMULATED EEG in the layout of OpenNeuro's ds002722. Nothing here was recorded.\n"
        "VA1 is felt valence and VA2 felt arousal, 0 to 9; VAtarg is the target, 1 to 9.\n",
    )


LAYOUT = Layout(
    name="bids",
    title="OpenNeuro's ds002722 (BIDS)",
    config=SimulationConfig(
        n_sessions=1,
        n_trials=6,
        clip_durations_s=(CLIP_SECONDS,),
        clip_attractors=tuple(TARGETS[target - 1] for target in _ORDER),
        extra_samples=0,
        sfreq=RATE,
        step_s=0.1,
        channels=CHANNELS,
        resolution_uv=RESOLUTION_UV,
    ),
    write=write,
    fixed=("channels", "sfreq", "step_s", "extra_samples", "resolution_uv"),
)
