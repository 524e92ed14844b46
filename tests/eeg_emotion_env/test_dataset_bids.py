"""BIDS: round trip, label sources, cutting at events, names, formats, and what can be wrong."""

import json
import shutil
import struct
import sys
import warnings
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import gymnasium
import mne
import numpy as np
import pytest
from edfio import Edf, EdfSignal, Recording, read_edf
from scipy.io import loadmat, savemat

from eeg_emotion_env.datasets import detect, get_dataset, load
from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.files import RecordingFile, _entities
from eeg_emotion_env.datasets.bids.labels import Place
from eeg_emotion_env.datasets.bids.runs import Run
from eeg_emotion_env.datasets.bids.signals import Header
from eeg_emotion_env.datasets.bids.trials import segments_of
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError, DataWarning
from eeg_emotion_env.features import log_band_power
from eeg_emotion_env.simulation import simulate_labels, simulate_trial
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.tables.bids import CHANNELS

BIDS = get_dataset("bids")
SMALL = replace(LAYOUTS["bids"].config, n_subjects=2, n_trials=3, duration_scale=0.15, seed=3)
SFREQ, SECONDS = 200, 8
N_TIMES = SFREQ * SECONDS
RUN = "sub-{:02d}/eeg/sub-{:02d}_task-x_run-1"
FIRST = RUN.format(1, 1)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Simulated tree; not to be changed by tests."""
    return write_layout(LAYOUTS["bids"], SMALL, tmp_path_factory.mktemp("bids") / "S")


def noise(*seed, uv=10.0):
    return uv * np.random.default_rng(seed).standard_normal(N_TIMES)


def wave(phase=0.0, centre=4.5, reach=4.0):
    """Return a label that a converter of 2**-12 stores exactly."""
    values = centre + reach * np.sin(np.arange(N_TIMES) / 300 + phase)
    return np.rint(values * 4096) / 4096


def eeg(*names, unit="uV", seed=0):
    return {name: (noise(seed, i), unit, (-4000, 4000)) for i, name in enumerate(names)}


def rated(names=("VA1", "VA2"), unit="uV", **kwargs):
    reach = 4.5 if "centre" not in kwargs else 4.0
    span = (kwargs.get("centre", 4.5) - reach, kwargs.get("centre", 4.5) + reach)
    return {name: (wave(i, **kwargs), unit, span) for i, name in enumerate(names)}


def write(path, signals, sfreq=SFREQ, began=datetime(2020, 5, 5)):
    """Write an EDF file from name: (values, unit, physical range)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    largest = 18432
    Edf(
        [
            EdfSignal(
                values,
                sfreq * len(values) // N_TIMES,
                label=name,
                physical_dimension=unit,
                physical_range=span,
                digital_range=(-largest, largest)
                if name.lower()[:2] in ("va", "ft")
                else (-32000, 32000),
            )
            for name, (values, unit, span) in signals.items()
        ],
        recording=Recording(startdate=began.date()),
        starttime=began.time(),
    ).write(path)
    return path


@pytest.fixture
def root(tmp_path):
    """Two subjects with one run each, 200 Hz, three channels and VA labels."""
    for subject in (1, 2):
        path = tmp_path / "B" / f"{RUN.format(subject, subject)}_eeg.edf"
        write(path, {**eeg("Fp1", "Cz", "O2", seed=subject), **rated()})
    (tmp_path / "B" / "dataset_description.json").write_text('{"Name": "x"}')
    return tmp_path / "B"


def means(values, low=0.0, high=9.0, step=SFREQ):
    scaled = 2 * (np.asarray(values) - low) / (high - low) - 1
    return scaled.reshape(len(scaled), -1, step).mean(axis=2).T.astype(np.float32)


def stored(path):
    """Read channel names and stored values without MNE."""
    return {signal.label: signal.data for signal in read_edf(path).signals}


def table(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(" ", "\t" if path.suffix == ".tsv" else ","))
    return path


def without_labels(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, eeg("Fp1", "Cz", "O2", seed=seed))


# The simulated tree.


def test_files_are_those_of_the_release(written):
    path = written / "sub-01/eeg/sub-01_task-run2_eeg.edf"
    edf = read_edf(path)
    assert edf.labels == (*CHANNELS, "GSR", "ECG", "VA1", "VA2", "VAtarg")
    assert {signal.sampling_frequency for signal in edf.signals} == {1000}
    assert path.stat().st_size == 256 * (1 + 37) + 37 * 6 * 1000 * 2
    assert b"SIMULATED" in path.read_bytes()[:256]
    rows = path.with_name("sub-01_task-run2_channels.tsv").read_text().splitlines()
    assert rows[0].split("\t") == ["name", "type", "units"]
    assert [row.split("\t")[2] for row in rows[1:]] == ["microV"] * 37
    assert (edf.startdate.isoformat(), edf.starttime.isoformat()) == ("2000-01-01", "08:05:00")
    events = path.with_name("sub-01_task-run2_events.tsv").read_text()
    assert events == "onset\tduration\ttrial_type\n0.0\t21\t1\n0.0\t21\t102\n"
    facts = json.loads(path.with_suffix(".json").read_text())
    assert (facts["SamplingFrequency"], facts["EEGReference"]) == (1000, "FCz")
    assert "ft_valance" in stored(written / "sub-01/eeg/sub-01_task-genMusic01_eeg.edf")
    for name in ("dataset_description.json", "participants.tsv", "README"):
        assert (written / name).is_file()
        assert name in json.loads((written / "simulation.json").read_text())["files"]


def test_round_trip(written):
    trials = load("bids", written, normalization="none")
    assert [(k.subject, k.session, k.trial) for k in trials.keys] == [
        (subject, 1, trial) for subject in (1, 2) for trial in (1, 2, 3)
    ]
    for trial in trials:
        task = "genMusic01" if trial.trial == 3 else f"run{trial.trial}"
        name = f"sub-{trial.subject:02d}"
        values = stored(written / name / "eeg" / f"{name}_task-{task}_eeg.edf")
        raw = np.stack([values[channel] for channel in CHANNELS])
        np.testing.assert_array_equal(trial.features, log_band_power(raw, 1000.0))
        if trial.trial == 3:
            expected = means([values["ft_valance"], values["ft_arousal"]], -1, 1, 1000)
        else:
            expected = means([values["VA1"], values["VA2"]], step=1000)
        np.testing.assert_array_equal(trial.labels, expected)
        assert trial.channels == tuple(channel.upper() for channel in CHANNELS)
        assert (trial.n_steps, trial.step_s) == (6, 1.0)
        assert (trial.source, trial.label_kind) == ("simulated", "simulated")
        ids = SMALL, trial.subject, 1, trial.trial
        simulated = [x.reshape(6, 10, 2).mean(axis=1) for x in simulate_labels(*ids)]
        np.testing.assert_allclose(trial.labels, simulated[0], atol=1e-4)
        np.testing.assert_allclose(trial.truth, simulated[1], atol=1e-6)
        np.testing.assert_allclose(raw, simulate_trial(*ids).eeg, atol=1e-6)


def test_runs_may_be_entities_instead_of_tasks(written, tmp_path):
    shutil.copytree(written, tmp_path / "S")
    for path in (tmp_path / "S").rglob("*_task-run*"):
        path.rename(path.with_name(path.name.replace("task-run", "task-calibration_run-")))
    before, after = load("bids", written), load("bids", tmp_path / "S")
    assert (after.keys, len(after)) == (before.keys, 6)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new.features, old.features)
        np.testing.assert_array_equal(new.labels, old.labels)
        np.testing.assert_array_equal(new.truth, old.truth)


def test_writing_twice_gives_the_same_bytes(written, tmp_path):
    again = write_layout(LAYOUTS["bids"], SMALL, tmp_path / "T")
    names = [p.relative_to(again) for p in again.rglob("*") if p.is_file()]
    assert len(names) > 20
    for name in names:
        assert (again / name).read_bytes() == (written / name).read_bytes(), name


def test_sessions_have_folders(tmp_path):
    config = replace(SMALL, n_subjects=1, n_sessions=2, n_trials=2, duration_scale=0.1)
    tree = write_layout(LAYOUTS["bids"], config, tmp_path / "S")
    assert (tree / "sub-01/ses-02/eeg/sub-01_ses-02_task-genMusic01_eeg.edf").is_file()
    trials = load("bids", tree)
    assert [(k.session, k.trial) for k in trials.keys] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert len(trials.recordings) == 2
    _, truth = simulate_labels(config, 1, 2, 2)
    np.testing.assert_allclose(trials[3].truth, truth.reshape(4, 10, 2).mean(axis=1), atol=1e-6)
    # The number of a trial does not hang on which tasks are read.
    assert [k.trial for k in load("bids", tree, task="genMusic01").keys] == [2, 2]


def test_check_and_detect(written, root):
    assert detect(written).card.name == detect(root).card.name == "bids"
    report = check_folder(BIDS, written)
    assert (report.ok, report.warnings) == (True, [])
    assert len(report.found) == 6
    assert not any("order of recording" in note for note in report.notes)
    assert check_folder(BIDS, root).ok


def test_simulated_files_say_so_wherever_they_are_copied(written, tmp_path):
    shutil.copy(written / "sub-01/eeg/sub-01_task-run1_eeg.edf", tmp_path / "a.edf")
    trial = load("bids", tmp_path)[0]
    assert (trial.source, trial.label_kind, trial.subject) == ("simulated", "simulated", "a")


def test_environment(written):
    with pytest.warns(DataWarning, match="encoder"):
        env = gymnasium.make("EEGEmotion-BIDS-v0", data=str(written))
    env.reset(seed=0)
    _, reward, *_, info = env.step(env.action_space.sample())
    assert np.isfinite(reward)
    assert info["source"] == "simulated"
    env.close()


def test_survey_reads_no_signals(root, monkeypatch):
    monkeypatch.setattr(mne.io.BaseRaw, "get_data", None)
    assert len(load("bids", root).keys) == 2


# Labels.


@pytest.mark.parametrize("unit", ["uV", "mV", "V", "n/a", "", "microV", "degC"])
def test_units_of_labels_are_ignored(root, unit):
    path = write(root / f"{FIRST}_eeg.edf", {**eeg("Fp1", "Cz", "O2"), **rated(unit=unit)})
    values = stored(path)
    trial = load("bids", root)[0]
    np.testing.assert_array_equal(trial.labels, means([values["VA1"], values["VA2"]]))
    assert (trial.label_kind, trial.source) == ("continuous-self", "recorded")


@pytest.mark.parametrize(
    "names",
    [("ft_valance", "ft_arousal"), ("FT_VALENCE", "FT_AROUSAL"), ("valence", "Arousal")],
)
def test_other_label_channels_within_one(root, names):
    for seed, path in enumerate(root.rglob("*.edf")):
        labels = rated(names, centre=0.0, reach=0.75)
        write(path, {**eeg("Fp1", "Cz", "O2", seed=seed), **dict(reversed(labels.items()))})
    trial = load("bids", root)[0]
    expected = [stored(path)[name] for name in names]
    np.testing.assert_array_equal(trial.labels, means(expected, -1, 1))
    assert trial.label_names == ("valence", "arousal")


def test_unknown_range_is_asked_for(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg("Fp1", "Cz", "O2", seed=seed), **rated(("ft_valance", "ft_arousal"))})
    with pytest.raises(DataError, match=r"ft_valance reaches from .* label_range=") as error:
        list(load("bids", root))
    assert "\n" not in str(error.value)
    trial = load("bids", root, label_range=[0, 9])[0]
    np.testing.assert_array_equal(trial.labels, means([wave(0), wave(1)]))


def test_one_dimension_alone(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(
            path,
            {**eeg("Fp1", "Cz", "O2", seed=seed), **rated(("arousal",), centre=0.0, reach=0.5)},
        )
    trial = load("bids", root)[0]
    assert (trial.label_names, trial.labels.shape) == (("arousal",), (SECONDS, 1))


def test_slower_labels_are_not_resampled(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        labels = {name: (v[::20], unit, span) for name, (v, unit, span) in rated().items()}
        write(path, {**eeg("Fp1", "Cz", "O2", seed=seed), **labels})
    values = stored(root / f"{FIRST}_eeg.edf")
    assert len(values["VA1"]) == 10 * SECONDS
    trial = load("bids", root, step_s=0.5)[0]
    np.testing.assert_array_equal(trial.labels, means([values["VA1"], values["VA2"]], step=5))
    with pytest.raises(DataError, match=r"label channel VA1 .*choose a step_s"):
        load("bids", root, step_s=0.75)


def test_rounding_beyond_the_range_is_clipped(root):
    high = np.where(np.arange(N_TIMES) < 4 * SFREQ, 9.005, wave())
    labels = {"VA1": (high, "", (0, 9.1)), "VA2": (wave(1), "", (0, 9))}
    write(root / f"{FIRST}_eeg.edf", {**eeg("Fp1", "Cz", "O2"), **labels})
    assert (load("bids", root)[0].labels[:4, 0] == 1.0).all()


def test_nan_labels_are_not_annotated(tmp_path):
    labels = np.stack([wave(0, 0.0, 0.5), wave(1, 0.0, 0.5)])
    labels[0, 450:460] = np.nan
    write_fif(tmp_path / "s3_raw.fif", labels)
    trial = load("bids", tmp_path)[0]
    np.testing.assert_array_equal(np.isnan(trial.labels[:, 0]), np.arange(SECONDS) == 2)
    assert not np.isnan(trial.labels[:, 1]).any()


@pytest.mark.parametrize(
    ("ending", "header"),
    [
        ("_labels.tsv", "time_s valence arousal"),
        ("_Annotations.CSV", "Time Valence Arousal"),
        ("_beh.tsv", "onset valence arousal"),
        ("_physio.tsv", "time valence arousal"),
        ("_eeg_labels.csv", "time_s valence arousal"),
    ],
)
def test_tables_beside_recordings(root, ending, header):
    without_labels(root)
    ratings = np.round(np.random.default_rng(5).uniform(-1, 1, (4 * SECONDS, 2)), 6)
    rows = [f"{(i + 1) / 4} {v} {a}" for i, (v, a) in enumerate(ratings)]
    for subject in (1, 2):
        path = root / (RUN.format(subject, subject) + ending)
        suffix = "\t" if ending.endswith("tsv") else ","
        path.write_text("\n".join([header, *rows]).replace(" ", suffix))
    trial = load("bids", root)[0]
    expected = ratings.reshape(SECONDS, 4, 2).mean(axis=1).astype(np.float32)
    np.testing.assert_array_equal(trial.labels, expected)
    assert trial.label_kind == "continuous-self"
    table = load("bids", root, labels="sidecar", label_range=(-2, 2))[0].labels
    np.testing.assert_allclose(table, expected / 2, atol=1e-6)


def test_table_in_the_folder_of_behaviour(root):
    without_labels(root)
    for subject in (1, 2):
        name = RUN.format(subject, subject).replace("/eeg/", "/beh/")
        table(root / f"{name}_beh.tsv", "time_s valence\n1 0.25\n2 n/a\n3 0.5\n")
    trial = load("bids", root)[0]
    assert trial.label_names == ("valence",)
    np.testing.assert_array_equal(trial.labels[:3, 0], [0.25, 0.25, 0.5])
    assert np.isnan(trial.labels[-1, 0])


def test_behaviour_without_ratings_is_no_label(root):
    table(root / f"{FIRST}_beh.tsv", "trial rt\n1 0.2\n")
    assert load("bids", root)[0].label_names == ("valence", "arousal")
    without_labels(root)
    with pytest.raises(DataError, match="no labels"):
        load("bids", root)


def test_annotation_file(root, tmp_path):
    rows = "1 1 1 1 0.5 -0.5\n1 1 1 2 0.6 -0.6\nsub-02 1 1 1 0.1 0\nsub-02 1 1 2 0.2 0.3\n"
    path = table(tmp_path / "mine.csv", f"subject session trial time_s valence arousal\n{rows}")
    trials = load("bids", root, labels=str(path))
    np.testing.assert_array_equal(trials[0].labels[0], np.float32([0.5, -0.5]))
    np.testing.assert_array_equal(trials[1].labels[0], np.float32([0.1, 0.0]))
    assert trials[0].label_kind == "continuous-external"
    shutil.copy(path, root / "Annotations.csv")
    assert load("bids", root)[0].label_kind == "continuous-self"  # signals come first
    without_labels(root)
    assert load("bids", root)[0].label_kind == "continuous-external"


# Trials.


EVENTS = "onset duration trial_type\n1 2.5 5\n1 2.5 103\n5.0 n/a 1\n5.0 n/a 101\n7 0 start\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(1, 3.5, "5+103"), (5, 7, "1+101"), (7, 8, "start")]),
        ({"event_types": "1-9"}, [(1, 3.5, "5"), (5, 8, "1")]),
        ({"event_types": "1-9", "clip_s": 3}, [(1, 4, "5"), (5, 8, "1")]),
        ({"event_types": "START, 103"}, [(1, 3.5, "103"), (7, 8, "start")]),
        ({"event_types": 5, "clip_s": 2.0}, [(1, 3, "5")]),
        ({"event_types": "100-102"}, [(5, 8, "101")]),
    ],
)
def test_cutting_at_events(root, options, expected):
    for subject in (1, 2):
        table(root / f"{RUN.format(subject, subject)}_events.tsv", EVENTS)
    trials = load("bids", root, trials="events", normalization="none", **options)
    first = trials.select([1])
    assert [key.trial for key in first.keys] == list(range(1, len(expected) + 1))
    values = stored(root / f"{FIRST}_eeg.edf")
    raw = np.stack([values[name] for name in ("Fp1", "Cz", "O2")])
    labels = np.stack([values["VA1"], values["VA2"]])
    for trial, (start, stop, stimulus) in zip(first, expected, strict=True):
        piece = slice(round(start * SFREQ), round(start * SFREQ) + int(stop - start) * SFREQ)
        assert trial.stimulus == stimulus
        np.testing.assert_array_equal(trial.features, log_band_power(raw[:, piece], SFREQ))
        np.testing.assert_array_equal(trial.labels, means(labels[:, piece]))


def test_events_with_tables_and_across_runs(root):
    without_labels(root)
    second = FIRST.replace("run-1", "run-2")
    shutil.copy(root / f"{FIRST}_eeg.edf", root / f"{second}_eeg.edf")
    ratings = "\n".join(f"{t / 2} {t / 100}" for t in range(1, 17))
    for name in (FIRST, second, RUN.format(2, 2)):
        table(root / f"{name}_labels.tsv", f"time_s valence\n{ratings}\n")
    table(root / "task-x_events.tsv", "onset duration value\n1 0 a\n5 0 b\n")  # inherited
    trials = load("bids", root, trials="events")
    assert [(k.subject, k.trial, k.stimulus) for k in trials.keys] == [
        *((1, 1, "a"), (1, 2, "b"), (1, 3, "a"), (1, 4, "b"), (2, 1, "a"), (2, 2, "b")),
    ]
    np.testing.assert_allclose(trials[1].labels[:, 0], [0.115, 0.135, 0.155], atol=1e-6)


def test_types_that_are_not_given_name_no_stimulus(root):
    for subject in (1, 2):
        rows = "onset duration trial_type\n1 2 n/a\n5 2 film\n"
        table(root / f"{RUN.format(subject, subject)}_events.tsv", rows)
    assert [k.stimulus for k in load("bids", root, trials="events").keys] == [None, "film"] * 2


@pytest.mark.parametrize(
    ("rows", "options", "expected", "first"),
    [
        ("0 3 a\n2 3 b\n4 3 c\n", {}, [(0, 2), (2, 4), (4, 7)], 2),  # like ds002723
        ("1 9 a\n5 1 b\n", {}, [(1, 5), (5, 6)], 5),
        ("1 9 a\n5 9 b\n", {}, [(1, 5), (5, 8)], 5),
        ("1 1 a\n5 1 b\n", {"clip_s": 5.0}, [(1, 5), (5, 8)], 5),
        ("0 9 a\n2 1 press\n4 1 a\n", {"event_types": "a"}, [(0, 4), (4, 5)], 4),
    ],
)
def test_a_trial_ends_where_the_next_one_begins(root, rows, options, expected, first):
    without = [root / f"{RUN.format(n, n)}_events.tsv" for n in (1, 2)]
    for path in without:
        table(path, f"onset duration trial_type\n{rows}")
    with pytest.warns(DataWarning) as caught:
        trials = load("bids", root, trials="events", normalization="none", **options).select([1])
    messages = [str(warning.message) for warning in caught]
    for path in without:
        (said,) = [text for text in messages if f"{path}: trials overlap" in text]
        assert f"first at {first} s" in said
    short = options.get("clip_s") is not None
    assert any("ends before its last trial is 5 s long" in text for text in messages) == short
    raw = np.stack([stored(root / f"{FIRST}_eeg.edf")[name] for name in ("Fp1", "Cz", "O2")])
    for trial, (start, stop) in zip(trials, expected, strict=True):
        piece = raw[:, start * SFREQ : stop * SFREQ]
        np.testing.assert_array_equal(trial.features, log_band_power(piece, SFREQ))


def test_places_share_no_sample_and_keep_their_length():
    rng = np.random.default_rng(0)
    for sfreq in (200.0, 1000.0, 512.0):
        # Onsets on, between and just beside samples; some trials end exactly where others begin.
        onsets = np.cumsum(rng.integers(300, 900, 500) / 2) / sfreq
        onsets += rng.choice([0, 1e-12, -1e-12], 500)
        pieces = [Place(Path("x"), *pair).samples(sfreq, 10**9) for pair in pairwise(onsets)]
        assert all(stop == start for (_, stop), (start, _) in pairwise(pieces))
        for onset in onsets:
            start, stop = Place(Path("x"), onset, onset + 1.0).samples(sfreq, 10**9)
            assert stop - start == sfreq


# Names and places.


def test_subjects_sessions_and_runs_are_sorted_as_numbers(tmp_path):
    for subject in (10, 2):
        for session in ("10", "02"):
            for run in (10, 9):
                name = f"sub-{subject}_ses-{session}_task-x_run-{run}_eeg.edf"
                path = tmp_path / f"sub-{subject}/ses-{session}/eeg/{name}"
                write(path, {**eeg("Cz"), **rated()})
    assert [(k.subject, k.session, k.trial) for k in load("bids", tmp_path).keys] == [
        (subject, session, run) for subject in (2, 10) for session in (2, 10) for run in (9, 10)
    ]


def test_runs_that_are_tasks_and_sessions_that_are_words(tmp_path):
    for session, run in (("pre", 10), ("pre", 2), ("post", 2)):
        name = f"sub-A7_ses-{session}_task-run{run}_eeg.edf"
        write(tmp_path / f"sub-A7/ses-{session}/eeg/{name}", {**eeg("Cz"), **rated()})
    keys = load("bids", tmp_path).keys
    assert [(k.subject, k.session, k.trial) for k in keys] == [
        *(("A7", 1, 2), ("A7", 2, 2), ("A7", 2, 10)),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["s2.edf", "s10.edf"], [(2, 1), (10, 1)]),
        (["Anna_raw.edf", "Ömer 2.edf"], [("Anna", 1), ("Ömer 2", 1)]),
        (["s1.edf", "p1.edf"], [("p1", 1), ("s1", 1)]),
        (["01/film 2.edf", "01/film 10.edf", "02/film 2.edf"], [(1, 1), (1, 2), (2, 1)]),
        (["eeg/sub-3_run-2.edf", "eeg/sub-3_run-1.edf"], [(3, 1), (3, 2)]),
        (["sub-3_task-a_run-2_eeg.edf", "sub-3_task-b_run-1_eeg.edf"], [(3, 1), (3, 2)]),
        (["sub-3_task-b_run-1_eeg.edf", "sub-3_task-a_run-1_eeg.edf"], [(3, 1), (3, 2)]),
        (["sub-4/a.edf", "sub-4/b.edf"], [(4, 1), (4, 2)]),
    ],
)
def test_names_of_a_plain_folder(tmp_path, names, expected):
    for name in names:
        write(tmp_path / name, {**eeg("Cz"), **rated()})
    assert BIDS.recognises(tmp_path)
    assert [(k.subject, k.trial) for k in load("bids", tmp_path).keys] == expected


@pytest.mark.parametrize("place", ["Übung 1/data (copy)", "a/b/c", "."])
@pytest.mark.parametrize("ending", ["edf", "EDF"])
def test_roots_and_endings(root, tmp_path, place, ending):
    base = tmp_path / "base dir"
    for path in root.rglob("*_eeg.edf"):
        path.rename(path.with_suffix(f".{ending}"))
    shutil.copytree(root, base / place, dirs_exist_ok=True)
    assert BIDS.recognises(base)
    assert len(list(load("bids", base))) == 2
    assert len(load("bids", base / place / "sub-01")) == 1


def test_links_are_followed(root, tmp_path):
    base = tmp_path / "links"
    base.mkdir()
    (base / "set").symlink_to(root)
    (root / "loop").symlink_to(root)
    assert len(list(load("bids", base))) == 2


def test_what_is_no_recording_of_the_set(root):
    extra = [
        "derivatives/clean/sub-01/eeg/sub-01_task-x_run-1_eeg.edf",
        "sub-01/eeg/sub-01_task-x_run-1-epo.fif",
        "sub-01/meg/sub-01_task-x_run-1_meg.fif",
        "sub-01/ieeg/sub-01_task-x_run-1_ieeg.edf",
        "sub-01/eeg/.sub-09_task-x_eeg.edf",
    ]
    for name in extra:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not read")
    assert len(load("bids", root)) == 2


def test_other_sets_are_not_recognised(written_seed, tmp_path):
    assert not BIDS.recognises(written_seed)
    assert not BIDS.recognises(tmp_path)
    (tmp_path / "1_1.cnt").write_bytes(b"x")
    assert not BIDS.recognises(tmp_path)
    (tmp_path / "film.edf").write_bytes(b"x")
    assert BIDS.recognises(tmp_path)
    savemat(tmp_path / "1_20131027.mat", {"djc_eeg1": np.ones((2, 2))})
    assert not BIDS.recognises(tmp_path)
    with pytest.raises(DataError, match="no recordings of the task y that MNE reads"):
        load("bids", tmp_path, task="y")


def test_participants_without_recordings_are_noted(root):
    table(root / "participants.tsv", "participant_id age\nsub-01 20\nsub-02 20\nsub-03 20\n")
    notes = check_folder(BIDS, root).notes
    assert any("participants.tsv: no recordings of sub-03" in note for note in notes)


def test_mne_bids_is_not_needed(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "mne_bids", None)
    assert len(load("bids", root)) == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sub-01_ses-pre_task-x_acq-hi_run-02_eeg.edf", ("01", "pre", "x", "hi", "02")),
        ("sub-A7_task-rest_desc-clean_split-01_eeg.fif.gz", ("A7", None, "rest", None, None)),
        ("SUB-3_Task-x_RUN-1.EDF", ("3", None, "x", None, "1")),
        ("a-b-c_run-4_x.y.vhdr", (None, None, None, None, "4")),
        ("film 2.edf", (None,) * 5),
        ("sub-.edf", (None,) * 5),
    ],
)
def test_entities_of_names(name, told):
    found = _entities(Path("sub-99/ses-99") / name)
    assert tuple(found.get(key) for key in ("sub", "ses", "task", "acq", "run")) == told


@pytest.mark.parametrize("run", ["01", "02"])
@pytest.mark.parametrize(("one", "other"), [("", "01"), ("", "pre"), ("", "1")])
def test_sessions_of_the_same_number_are_refused(tmp_path, run, one, other):
    paths = []
    for session, number in ((one, "01"), (other, run)):
        who = [f"ses-{session}"] if session else []
        name = "_".join(["sub-01", *who, f"task-x_run-{number}_eeg.edf"])
        paths.append(
            write(tmp_path.joinpath("sub-01", *who, "eeg", name), {**eeg("Cz"), **rated()})
        )
    (problem,) = check_folder(BIDS, tmp_path).problems
    assert all(str(path) in problem for path in paths)
    assert "\n" not in problem
    with pytest.raises(DataError, match="its session counts as number 1"):
        load("bids", tmp_path)
    # Alone they are sound.
    shutil.rmtree(paths[1].parent)
    assert [(k.session, k.trial) for k in load("bids", tmp_path).keys] == [(1, 1)]


@pytest.mark.parametrize("trials", ["run", "events"])
def test_no_two_trials_get_the_same_key(tmp_path, trials):
    runs, found = [], Survey()
    for name in ("a", "b"):
        file = RecordingFile(tmp_path / f"{name}.edf", 1, "", "", None, name, tmp_path)
        header = Header(file.path, (file.path,), ("Cz",), ("eeg",))
        runs.append(Run(file, header, {"Cz": "Cz"}, 200.0, 4000))
        table(tmp_path / f"{name}_events.tsv", f"onset duration trial_type\n1 2 {name}\n")
    options = BIDS.Options(trials=trials)
    segments = segments_of(runs, "bids", options, True, found)
    if trials == "events":  # counted through
        assert ([key.trial for key in segments], found.problems) == ([1, 2], [])
        return
    (problem,) = found.problems
    assert problem.startswith(f"{runs[1].file.path}: holds bids subject 1 session 1 trial 1, as")
    assert str(runs[0].file.path) in problem
    assert [key.stimulus for key in segments] == ["a"]


# The order of recording.

NOON = datetime(2021, 3, 4, 12)


def session(root, names, times=None, seed=0):
    """Write recordings of one session, whose headers say when they began."""
    paths = []
    for number, name in enumerate(names):
        path = root / f"sub-01/eeg/sub-01_{name}_eeg.edf"
        signals = {**eeg("Fp1", "Cz", seed=seed + number), **rated()}
        paths.append(write(path, signals, began=times[number] if times else NOON))
    return paths


def scans(root, names, times, ending="_eeg.edf", folder="eeg/"):
    rows = "".join(
        f"{folder}sub-01_{name}{ending} {time}\n" for name, time in zip(names, times, strict=True)
    )
    return table(root / "sub-01/sub-01_scans.tsv", f"filename acq_time\n{rows}")


def order(root, **options):
    """Return names and numbers of the trials in order."""
    trials = load("bids", root, **options)
    named = {trial.key: Path(trial.origin.split(": EEG")[0]) for trial in trials}
    return [(path.name[7:-8], key.trial) for key, path in named.items()]


def after(*minutes):
    return [NOON + timedelta(minutes=number) for number in minutes]


def iso(*minutes):
    return [time.isoformat() for time in after(*minutes)]


def notes(root):
    report = check_folder(BIDS, root)
    assert not report.problems
    assert not report.warnings
    return " ".join(note for note in report.notes if " order of " in note)


@pytest.mark.parametrize("zone", ["", "Z", ".250000", "+01:00"])
@pytest.mark.parametrize("ending", ["_eeg.edf", "_eeg.EDF", "_eeg.vhdr"])
def test_scans_tell_the_order(tmp_path, zone, ending):
    names = ["task-a", "task-b", "task-c"]
    session(tmp_path, names, times=after(1, 2, 3))
    scans(tmp_path, names, [time + zone for time in iso(8, 5, 7)], ending)
    assert order(tmp_path) == [("task-b", 1), ("task-c", 2), ("task-a", 3)]
    assert notes(tmp_path) == ""
    # The number of a trial does not hang on which tasks are read.
    assert order(tmp_path, task="a,c") == [("task-c", 2), ("task-a", 3)]


def test_scans_of_a_session(tmp_path):
    for name, minute in (("a", 2), ("b", 1)):
        path = tmp_path / f"sub-1/ses-2/eeg/sub-1_ses-2_task-{name}_eeg.edf"
        write(path, {**eeg("Cz"), **rated()}, began=NOON + timedelta(minutes=9 - minute))
    rows = f"eeg/sub-1_ses-2_task-b_eeg.edf {iso(1)[0]}\neeg/sub-1_ses-2_task-a_eeg.edf {iso(2)[0]}"
    table(tmp_path / "sub-1/ses-2/sub-1_ses-2_scans.tsv", f"filename acq_time\n{rows}\n")
    trials = load("bids", tmp_path)
    assert [(t.session, t.trial, "task-b" in t.origin) for t in trials] == [
        (2, 1, True),
        (2, 2, False),
    ]


def test_shifted_dates_of_scans_count(tmp_path):
    names = ["task-a", "task-b"]
    session(tmp_path, names)
    scans(tmp_path, names, ["1867-06-15T13:45:30", "1867-06-15T13:15:30"])
    assert order(tmp_path) == [("task-b", 1), ("task-a", 2)]


@pytest.mark.parametrize(
    "times",
    [
        ["n/a", "n/a", "n/a"],
        ["n/a", *iso(5, 7)],
        [*iso(5, 5), "2021-03-04T11:00:00"],
        ["soon", *iso(5, 7)],
        ["0900-01-01T00:00:00", *iso(5, 7)],
    ],
)
def test_headers_tell_the_order_where_scans_do_not(tmp_path, times):
    names = ["task-a", "task-b", "task-c"]
    session(tmp_path, names, times=after(3, 1, 2))
    expected = [("task-b", 1), ("task-c", 2), ("task-a", 3)]
    assert order(tmp_path) == expected
    scans(tmp_path, names, times)
    assert order(tmp_path) == expected
    assert notes(tmp_path) == ""


@pytest.mark.parametrize(
    "times",
    [
        after(0, 0, 0),
        after(5, 0, 0),
        [*after(5, 1), datetime(1985, 1, 1)],  # one of them is anonymised
    ],
)
def test_the_order_is_assumed_where_nothing_tells_it(tmp_path, times):
    session(tmp_path, ["task-c", "task-a_run-2", "task-a_run-1"], times=times)
    expected = [("task-a_run-1", 1), ("task-a_run-2", 2), ("task-c", 3)]
    assert order(tmp_path) == expected
    said = notes(tmp_path)
    assert said.startswith(f"{tmp_path}/sub-01/eeg: order of recording assumed")
    assert "more session" not in said
    shutil.copytree(tmp_path / "sub-01", tmp_path / "ses-2/sub-01")
    shutil.move(tmp_path / "ses-2/sub-01", tmp_path / "sub-02")
    shutil.rmtree(tmp_path / "ses-2")
    for seed, path in enumerate((tmp_path / "sub-02").rglob("*.edf"), 9):
        signals = {**eeg("Fp1", "Cz", seed=seed), **rated()}
        write(path, signals, began=read_edf(path).startdatetime)
        path.rename(path.with_name(path.name.replace("sub-01", "sub-02")))
    assert "here and in 1 more session;" in notes(tmp_path)


def test_one_recording_needs_no_order(root):
    assert notes(root) == ""


def test_runs_number_the_trials_if_they_are_in_order(tmp_path):
    names = ["task-a_run-5", "task-b_run-2"]
    session(tmp_path, names, times=after(9, 1))
    assert order(tmp_path) == [("task-b_run-2", 2), ("task-a_run-5", 5)]
    assert notes(tmp_path) == ""
    scans(tmp_path, names, iso(1, 9))
    assert order(tmp_path) == [("task-a_run-5", 1), ("task-b_run-2", 2)]
    assert "sub-01/eeg: not recorded in the order of runs; trials are counted" in notes(tmp_path)


def test_damage_in_other_tasks_does_not_matter_to_the_order(tmp_path):
    names = ["task-a", "task-b", "task-c"]
    paths = session(tmp_path, names, times=after(3, 2, 1))
    paths[2].write_bytes(b"")
    assert order(tmp_path, task="a,b") == [("task-a", 1), ("task-b", 2)]


def test_scans_that_are_no_table(tmp_path):
    names = ["task-a", "task-b"]
    session(tmp_path, names, times=after(2, 1))
    path = table(tmp_path / "sub-01/sub-01_scans.tsv", "filename operator\nx me\n")
    assert order(tmp_path)[0] == ("task-b", 1)
    path.write_bytes(b"filename\tacq_time\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"sub-01_scans\.tsv: not a CSV file"):
        load("bids", tmp_path)


def test_trials_at_events_are_counted_in_the_order_of_recording(tmp_path):
    names = ["task-a", "task-b"]
    session(tmp_path, names)
    scans(tmp_path, names, iso(2, 1))
    for name in names:
        rows = f"onset duration trial_type\n1 2 {name}1\n5 2 {name}2\n"
        table(tmp_path / f"sub-01/eeg/sub-01_{name}_events.tsv", rows)
    keys = load("bids", tmp_path, trials="events").keys
    assert [(key.trial, key.stimulus) for key in keys] == [
        *((1, "task-b1"), (2, "task-b2"), (3, "task-a1"), (4, "task-a2")),
    ]


# The past alone.


def changed_from(path, second, began=NOON):
    """Change the EEG of a recording from a second on; nothing else."""
    signals = stored(path)
    scale = np.where(np.arange(N_TIMES) < second * SFREQ, 1.0, 0.3)
    eeg_too = {
        name: (values * scale, "uV", (-4000, 4000))
        for name, values in signals.items()
        if name not in ("VA1", "VA2")
    }
    write(path, {**eeg_too, **rated()}, began=began)


def features(root, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return [trial.features for trial in load("bids", root, normalization="past", **options)]


@pytest.mark.parametrize("by", ["scans", "headers", "runs"])
def test_runs_depend_on_the_past_alone(tmp_path, by):
    # Recorded as third, first, second; alphabetical order is another one.
    names = ["task-a", "task-b", "task-c"] if by != "runs" else ["task-a_run-3", "task-b_run-1"]
    names += ["task-a_run-2"] if by == "runs" else []
    times = after(3, 1, 2) if by == "headers" else [NOON] * 3
    third, _, second = session(tmp_path, names, times=times)
    if by == "scans":
        scans(tmp_path, names, iso(3, 1, 2))
    before = features(tmp_path)
    changed_from(second, 5, began=times[2])
    changed_from(third, 0, began=times[0])
    after_it = features(tmp_path)
    np.testing.assert_array_equal(after_it[0], before[0])
    np.testing.assert_array_equal(after_it[1][:5], before[1][:5])
    assert not np.array_equal(after_it[1][5:], before[1][5:])
    assert not np.array_equal(after_it[2], before[2])


@pytest.mark.parametrize("second", [3, 4, 7])  # 7: second 5 of the second trial
@pytest.mark.parametrize("clip_s", [None, 6.0])
def test_trials_at_events_depend_on_the_past_alone(tmp_path, second, clip_s):
    names = ["task-a", "task-b"]
    later, earlier = session(tmp_path, names)
    scans(tmp_path, names, iso(2, 1))
    for name in names:  # the trials are said to overlap
        rows = "onset duration trial_type\n0 5 x\n2 9 y\n"
        table(tmp_path / f"sub-01/eeg/sub-01_{name}_events.tsv", rows)
    before = features(tmp_path, trials="events", clip_s=clip_s)
    assert [len(rows) for rows in before] == [2, 6, 2, 6]
    changed_from(earlier, second)
    changed_from(later, 0)
    after_it = features(tmp_path, trials="events", clip_s=clip_s)
    np.testing.assert_array_equal(after_it[0], before[0])
    steps = second - 2
    np.testing.assert_array_equal(after_it[1][:steps], before[1][:steps])
    assert not np.array_equal(after_it[1][steps:], before[1][steps:])
    assert not np.array_equal(after_it[2], before[2])


# Channels and formats.


def test_names_of_electrodes_are_cleaned(root):
    names = ("EEG Fp1-REF", "Cz..", "EEG O2-A1", "EEG A1", "M2", "EOG", "Status", "C3-P3")
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg(*names, seed=seed), **rated()})
    assert load("bids", root)[0].channels == ("FP1", "CZ", "O2")
    said = " ".join(check_folder(BIDS, root).notes)
    assert "A1, M2 are not used" in said
    assert "not used as EEG, since no electrodes have such names: C3-P3; the type EEG" in said


def test_only_channels_of_all_recordings_are_kept(root):
    write(root / f"{RUN.format(2, 2)}_eeg.edf", {**eeg("O2", "Pz", "FP1", "GSR"), **rated()})
    with pytest.warns(DataWarning, match=r"2 that all .*, without CZ, PZ"):
        trials = load("bids", root, normalization="none")
    assert {trial.channels for trial in trials} == {("FP1", "O2")}
    values = stored(root / f"{RUN.format(2, 2)}_eeg.edf")
    expected = log_band_power(np.stack([values["FP1"], values["O2"]]), SFREQ)
    np.testing.assert_array_equal(trials[1].features, expected)


def test_channel_table_decides(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg("Fp1", "Cz", "E1", "E2", "Pz", seed=seed), **rated()})
    assert load("bids", root)[0].channels == ("FP1", "CZ", "PZ")
    rows = "name type status\nFp1 EEG good\nCz EOG good\nE1 EEG bad\nE2 n/a good\nPz n/a good\n"
    table(root / "task-x_channels.tsv", rows)
    assert load("bids", root)[0].channels == ("FP1", "E1", "PZ")
    assert any("calls E1 bad" in note for note in check_folder(BIDS, root).notes)


def test_unknown_names_are_kept_where_there_are_no_others(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg("E1", "E2", "ECG", seed=seed), **rated()})
    assert load("bids", root)[0].channels == ("E1", "E2")


def test_channels_that_are_bad_in_the_table_are_noted(root):
    table(root / f"{FIRST}_channels.tsv", "name type status\nCz EEG bad\n")
    assert any("calls Cz bad" in note for note in check_folder(BIDS, root).notes)


def test_recordings_of_different_rates(root):
    path = root / f"{RUN.format(2, 2)}_eeg.edf"
    write(path, {**eeg("Fp1", "Cz", "O2"), **rated()}, sfreq=2 * SFREQ)
    trials = load("bids", root, normalization="none")
    assert [trial.n_steps for trial in trials] == [SECONDS, SECONDS // 2]
    values = stored(path)
    raw = np.stack([values[name] for name in ("Fp1", "Cz", "O2")])
    np.testing.assert_array_equal(trials[1].features, log_band_power(raw, 2 * SFREQ))


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e-3), ("V", 1e-6), ("uV", 1), ("microV", 1)])
def test_units_of_eeg(root, unit, factor):
    path = root / f"{FIRST}_eeg.edf"
    span = (-4000 * factor, 4000 * factor)
    signals = {n: (v * factor, unit, span) for n, (v, _, _) in eeg("Fp1", "Cz", "O2").items()}
    write(path, {**signals, **rated()})
    features = load("bids", root, normalization="none")[0].features
    values = np.stack([stored(path)[name] for name in ("Fp1", "Cz", "O2")]) / factor
    np.testing.assert_allclose(features, log_band_power(values, SFREQ), atol=1e-4)


@pytest.mark.parametrize(
    ("said", "scale", "message", "unit"),
    [("uV", 1e-6, "looks like volts", "V"), ("V", 1, "too much for EEG", "uV")],
)
def test_wrong_units_of_eeg(root, said, scale, message, unit):
    for seed, path in enumerate(root.rglob("*.edf")):
        reach = 4000 * scale
        values = {
            n: (v * scale, said, (-reach, reach))
            for n, (v, *_) in eeg("Fp1", "O2", seed=seed).items()
        }
        write(path, {**values, **rated()})
    with pytest.raises(DataError, match=message):
        list(load("bids", root))
    trial = load("bids", root, unit=unit, normalization="none")[0]
    assert 0 < trial.features.mean() < 10


def write_fif(path, labels, signals=None):
    names = ["Fp1", "Cz", "valence", "arousal"]
    info = mne.create_info(names, SFREQ, ["eeg"] * 2 + ["misc"] * 2)
    signals = np.stack([noise(1), noise(2)]) if signals is None else signals
    raw = mne.io.RawArray(np.vstack([signals * 1e-6, labels]), info, verbose="error")
    raw.save(path, fmt="double", verbose="error")


def write_vhdr(path, labels):
    stored = np.vstack([noise(1), noise(2), labels]).astype("<f4")
    path.with_suffix(".eeg").write_bytes(stored.T.tobytes())
    channels = [f"Ch{n}={name},,1,µV" for n, name in enumerate(("Fp1", "Cz", "valence"), 1)]
    lines = [
        "Brain Vision Data Exchange Header File Version 1.0",
        "[Common Infos]",
        *("Codepage=UTF-8", f"DataFile={path.stem}.eeg", "DataFormat=BINARY"),
        *("DataOrientation=MULTIPLEXED", "NumberOfChannels=4", "SamplingInterval=5000"),
        *("[Binary Infos]", "BinaryFormat=IEEE_FLOAT_32", "[Channel Infos]"),
        *(*channels, "Ch4=arousal,,1,n/a"),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_set(path, labels):
    names = np.array([("Fp1",), ("Cz",), ("valence",), ("arousal",)], dtype=[("labels", object)])
    unused = ("event", "epoch", "icawinv", "icasphere", "icaweights", "icaact")
    nothing = {name: [] for name in unused}
    facts = {"nbchan": 4.0, "trials": 1.0, "pnts": float(N_TIMES), "srate": float(SFREQ)}
    data = np.vstack([noise(1), noise(2), labels])
    limits = {"xmin": 0.0, "xmax": SECONDS - 1 / SFREQ, "icachansind": [], "ref": "common"}
    content = {"setname": "x", "data": data, "chanlocs": names, **facts, **nothing, **limits}
    savemat(path, {"EEG": content}, oned_as="row", appendmat=False)


@pytest.mark.parametrize(
    ("writer", "name", "n_files"),
    [(write_fif, "s3_raw.fif", 1), (write_vhdr, "s3.vhdr", 2), (write_set, "s3.set", 1)],
)
def test_other_formats(tmp_path, writer, name, n_files):
    labels = np.stack([wave(0, 0.0, 0.5), wave(1, 0.0, 0.5)])
    writer(tmp_path / name, labels)
    trials = load("bids", tmp_path, normalization="none")
    assert (trials[0].subject, trials[0].channels) == (3, ("FP1", "CZ"))
    expected = log_band_power(np.stack([noise(1), noise(2)]), SFREQ)
    np.testing.assert_allclose(trials[0].features, expected, atol=1e-4)
    np.testing.assert_allclose(trials[0].labels, means(labels, -1, 1), atol=1e-6)
    assert len(trials.recordings[0].reader.files) == n_files


def test_features_are_cached_by_content_and_choice(root, monkeypatch):
    before = load("bids", root, normalization="none")[0].features
    monkeypatch.setattr("eeg_emotion_env.datasets.bids.trials.read_microvolts", None)
    again = load("bids", root, normalization="none")[0].features
    np.testing.assert_array_equal(before, again)
    with pytest.raises(TypeError):
        list(load("bids", root, normalization="none", unit="mV"))
    table(root / f"{FIRST}_channels.tsv", "name type\nCz EOG\n")
    with pytest.warns(DataWarning, match="without CZ"), pytest.raises(TypeError):
        list(load("bids", root, normalization="none"))


def test_later_samples_do_not_change_earlier_steps(root):
    before = load("bids", root)[0]
    path = root / f"{FIRST}_eeg.edf"
    signals = {**eeg("Fp1", "Cz", "O2", seed=1), **rated()}
    for name, (values, unit, span) in signals.items():
        changed = values.copy()
        changed[5 * SFREQ :] *= 0.5
        signals[name] = changed, unit, span
    write(path, signals)
    after = load("bids", root)[0]
    np.testing.assert_array_equal(after.features[:5], before.features[:5])
    np.testing.assert_array_equal(after.labels[:5], before.labels[:5])
    assert not np.array_equal(after.features[5:], before.features[5:])


# What can be wrong.


def _rewritten(**signals):
    def damage(path):
        everything = {**eeg("Fp1", "Cz", "O2"), **rated(), **signals}
        write(path, {name: value for name, value in everything.items() if value is not None})

    return damage


def _bytes(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
NAMES, LOW, HIGH, DIGITAL_LOW, DIGITAL_HIGH, PER_RECORD = 0, 3, 4, 5, 6, 8


def _header(place, text):
    """Change a field of 8 bytes in the fixed part of the header."""
    return _bytes(lambda b: b[:place] + text.encode().ljust(8) + b[place + 8 :])


def _signal(field, number, text, n_signals=5):
    """Change a field of the signal of that number: Fp1, Cz, O2, VA1, VA2."""
    start = 256 + n_signals * sum(WIDTHS[:field]) + number * WIDTHS[field]
    stop = start + WIDTHS[field]
    return _bytes(lambda b: b[:start] + text.encode().ljust(stop - start) + b[stop:])


def _dangling(path):
    path.unlink()
    path.symlink_to(path.with_name("gone.edf"))


def _doubled(path):
    shutil.copy(path, path.with_name(path.name.replace("run-1", "run-01")))


def _beside(ending, text):
    def damage(path):
        table(path.with_name(path.name.replace("_eeg.edf", ending)), text)

    return damage


LABELS = "_labels.tsv"
SIDE = {"labels": "sidecar"}
CUT = {"trials": "events"}
DAMAGES = {
    "truncated": (_bytes(lambda b: b[:-700]), "is cut short", {}),
    "half a header": (_bytes(lambda b: b[:600]), "ends within its header", {}),
    "empty": (_bytes(lambda b: b""), "is empty", {}),
    "no EDF": (_bytes(lambda b: b"not EDF at all, just text. " * 99), "not an EDF", {}),
    "zeros": (_bytes(lambda b: bytes(len(b))), "not an EDF", {}),
    "garbled header": (
        _bytes(lambda b: b[:900] + b"?" * 300 + b[1200:]),
        "the range of Fp1 is",
        {},
    ),
    "no arousal": (_rewritten(VA2=None), r"no channel VA2 \(arousal\) beside VA1", {}),
    "no labels": (_rewritten(VA1=None, VA2=None), "no label channel for valence and arousal", {}),
    "too high": (_rewritten(VA1=(wave() + 3, "", (0, 12))), r"VA1 reaches .*\[0, 9\]", {}),
    "flat": (
        _rewritten(**{n: (np.zeros(N_TIMES), "uV", (-9, 9)) for n in ("Fp1", "Cz", "O2")}),
        "is flat",
        {},
    ),
    "no EEG": (lambda p: write(p, {**eeg("GSR", "ECG"), **rated()}), "no EEG among", {}),
    "no common": (lambda p: write(p, {**eeg("C3", "C4"), **rated()}), "shares no EEG", {}),
    "twice": (_rewritten(**eeg("EEG Cz-REF")), "Cz and EEG Cz-REF are the same electrode", {}),
    "version": (_bytes(lambda b: b"1" + b[1:]), "not an EDF or BDF file", {}),
    "other format": (_bytes(lambda b: b"\xffBIOSEMI" + b[8:]), r"is BDF .* name it \.bdf", {}),
    "longer": (_bytes(lambda b: b + b"\0" * 50), "longer than its header says", {}),
    "twice as long": (_bytes(lambda b: b + b[256 * 6 :]), "longer than its header says", {}),
    "text mode": (
        _bytes(lambda b: b[:3000] + b"\r" + b[3000:]),
        "so samples may be shifted",
        {},
    ),
    "more records": (_header(236, "9"), "is cut short", {}),
    "fewer records": (_header(236, "7"), "longer than its header says", {}),
    "no records": (_header(236, "0"), "holds 0 records", {}),
    "record number": (_header(236, "x"), "number of records is 'x'", {}),
    "header length": (_header(184, "1000"), "contradicts itself", {}),
    "record length": (_header(244, "0"), "its records last 0 s", {}),
    "record length below 0": (_header(244, "-1"), "its records last -1 s", {}),
    "record length nan": (_header(244, "nan"), "its records last nan s", {}),
    "physical range": (_signal(HIGH, 1, "-4000"), "physical range of Cz is -4000 to -4000", {}),
    "physical nan": (_signal(HIGH, 1, "nan"), "physical range of Cz is -4000 to nan", {}),
    "digital range": (_signal(DIGITAL_HIGH, 0, "-32000"), "digital range of Fp1 is -32000", {}),
    "digital order": (_signal(DIGITAL_LOW, 2, "32767"), "range of O2 is upside down", {}),
    "digital reach": (
        _signal(DIGITAL_LOW, 2, "-42000"),
        "range of O2 is -42000 to 32000, more",
        {},
    ),
    "label range": (_signal(LOW, 3, "9"), "physical range of VA1 is 9 to 9", {}),
    "label digits": (_signal(DIGITAL_HIGH, 4, "-18432"), "digital range of VA2 is", {}),
    "samples": (_signal(PER_RECORD, 1, "-5"), "samples of Cz is '-5'", {}),
    "same name": (_signal(NAMES, 1, "Fp1"), "2 channels are named FP1; rename", {}),
    "same label": (_signal(NAMES, 4, "VA1"), "several label channels are named VA1", {}),
    "pointer": (
        _bytes(lambda b: b"/annex/objects/MD5E-s1--a.edf\n"),
        "git annex get",
        {},
    ),
    "other channel table": (
        _beside("_channels.tsv", "name type\nA1x EEG\nA2x EEG\n"),
        r"lists none of the channels of .* \(Fp1, Cz, O2…\)",
        {},
    ),
    "two types": (
        _beside("_channels.tsv", "name type\nCz EEG\nCz EOG\nFp1 EEG\n"),
        "gives Cz two types",
        {},
    ),
    "dangling": (_dangling, "leads nowhere", {}),
    "doubled": (_doubled, "the same subject, session and run as", {}),
    "short": (lambda p: None, "less than one step", {"step_s": 10.0}),
    "steps": (lambda p: None, "has 200 samples a second, 66.6 a step", {"step_s": 0.333}),
    "channel table": (_beside("_channels.tsv", "channel type\nCz EEG\n"), "no column name", {}),
    "table columns": (_beside(LABELS, "when valence\n1 0\n"), "lacks a column", SIDE),
    "table text": (_beside(LABELS, "time_s valence\n1 high\n"), "line 2 .* not a number", SIDE),
    "table range": (_beside(LABELS, "time_s valence\n1 7\n"), "label_range", SIDE),
    "table order": (_beside(LABELS, "time_s valence\n2 0\n1 0\n"), "does not increase", SIDE),
    "table length": (_beside(LABELS, "time_s valence\n1 0\n3000 0\n"), "lasts 8 s", SIDE),
    "table empty": (_beside(LABELS, "time_s valence\n"), "no complete row", SIDE),
    "no events": (lambda p: None, r"no events\.tsv", CUT),
    "event columns": (_beside("_events.tsv", "time kind\n1 2\n"), "lacks a column", CUT),
    "event text": (_beside("_events.tsv", "onset duration\nsoon 1\n"), "not a number", CUT),
    "event early": (_beside("_events.tsv", "onset duration\n-1 1\n"), "before the recording", CUT),
    "event onset": (
        _beside("_events.tsv", "onset duration trial_type\n1 1 a\nn/a 1 b\n"),
        "line 3 has no onset",
        CUT,
    ),
    "event duration": (
        _beside("_events.tsv", "onset duration\n1 -2\n"),
        "negative duration",
        CUT,
    ),
    "event columns twice": (
        _beside("_events.tsv", "onset trial_type TRIALTYPE\n1 a b\n"),
        "two columns trial_type",
        CUT,
    ),
    "event late": (_beside("_events.tsv", "onset duration\n99 1\n"), "less than one step", CUT),
    "event types": (
        _beside("_events.tsv", EVENTS),
        "no events of the types 8-9",
        {**CUT, "event_types": "8-9"},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(root, name):
    damage, message, options = DAMAGES[name]
    path = root / f"{RUN.format(2, 2)}_eeg.edf"
    if options is SIDE:
        table(root / f"{FIRST}{LABELS}", "time_s valence\n1 0\n2 0\n")
    elif "trials" in options:
        table(root / f"{FIRST}_events.tsv", EVENTS.replace("\n7 0 start", "\n7 0 8"))
    damage(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(DataError, match=message) as error:
            list(load("bids", root, **options))
    assert "\n" not in str(error.value)
    stem = "sub-01" if name in ("steps", "short") else "sub-02_task-x_run-"
    assert stem in str(error.value)
    if not options:
        problems = check_folder(BIDS, root).problems
        assert any("sub-02_task-x_run-" in problem for problem in problems)


def _tolerated(root, options=None):
    """Load all trials; return them and what was said."""
    with pytest.warns(DataWarning) as caught:
        trials = list(load("bids", root, normalization="none", **(options or {})))
    return trials, " ".join(str(warning.message) for warning in caught)


@pytest.mark.parametrize("rest", [0, 300])
def test_a_recorder_that_was_not_stopped(root, rest):
    expected = [trial.features for trial in load("bids", root, normalization="none")]
    path = root / f"{RUN.format(2, 2)}_eeg.edf"
    _header(236, "-1")(path)
    path.write_bytes(path.read_bytes() + bytes(rest))
    trials, said = _tolerated(root)
    assert f"{path}: its recorder was not stopped" in said
    np.testing.assert_array_equal(trials[1].features, expected[1])
    path.write_bytes(path.read_bytes()[: 256 * 6 + 100])
    with pytest.raises(DataError, match="holds no whole record"):
        load("bids", root)


def test_inverted_physical_ranges(root):
    before = load("bids", root, normalization="none")[1]
    path = root / f"{RUN.format(2, 2)}_eeg.edf"
    for number, span in ((0, "4000"), (3, "9")):
        _signal(LOW, number, span)(path)
        _signal(HIGH, number, "0" if number == 3 else "-4000")(path)
    trials, said = _tolerated(root)
    assert f"{path}: the physical range of Fp1, VA1 runs from high to low" in said
    np.testing.assert_allclose(trials[1].features, before.features, atol=1e-5)
    np.testing.assert_allclose(trials[1].labels[:, 0], -before.labels[:, 0], atol=1e-6)


def test_signals_that_are_not_used_may_lack_ranges_and_rates(root):
    for subject in (1, 2):
        path = root / f"{RUN.format(subject, subject)}_eeg.edf"
        signals = {**eeg("Fp1", "Cz", "O2", seed=subject), **rated(), "GSR": eeg("GSR")["GSR"]}
        write(path, signals)
        _signal(HIGH, 5, "-4000", n_signals=6)(path)
    assert len(list(load("bids", root))) == 2


@pytest.mark.parametrize("names", [("Cz",), ("VA1",)])
def test_channels_of_different_rates_are_not_mixed(root, names):
    path = root / f"{RUN.format(2, 2)}_eeg.edf"
    signals = {**eeg("Fp1", "Cz", "O2"), **rated()}
    for name in names:
        values, unit, span = signals[name]
        signals[name] = values[::2], unit, span
    write(path, signals)
    with pytest.raises(DataError, match=r"(VA|Cz).* and .* have different rates"):
        load("bids", root)
    if names == ("Cz",):
        table(root / f"{RUN.format(2, 2)}_channels.tsv", "name type\nCz MISC\n")
        with pytest.warns(DataWarning, match="without CZ"):
            assert len(load("bids", root)) == 2


def write_plus(path, onsets, kind="EDF+D"):
    """Write an EDF+ file by hand: records of a second with annotations that say when."""
    rows = [noise(1), noise(2), wave(), wave(1)]
    reach = [4000, 4000, 9, 9]
    names = ["Fp1", "Cz", "VA1", "VA2", "EDF Annotations"]
    columns = [
        names,
        [""] * 5,
        ["uV"] * 4 + [""],
        *([-4000, -4000, 0, 0, -1], [*reach, 1]),
        *([-32768] * 5, [32767] * 5),
        [""] * 5,
        [SFREQ] * 4 + [30],
        [""] * 5,
    ]
    fixed = ["0", *("X X X X", "Startdate 05-MAY-2020 X X X"), *("05.05.20", "00.00.00", 256 * 6)]
    fixed += [kind, len(onsets), 1, 5]
    widths = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
    head = "".join(str(text).ljust(width) for text, width in zip(fixed, widths, strict=True))
    head += "".join(
        str(text).ljust(width)
        for column, width in zip(columns, WIDTHS, strict=True)
        for text in column
    )
    data = b""
    for record, onset in enumerate(onsets):
        for values, high, low in zip(rows, reach, (-4000, -4000, 0, 0), strict=True):
            piece = values[record * SFREQ : (record + 1) * SFREQ]
            digits = np.rint((piece - low) / (high - low) * 65535 - 32768)
            data += digits.astype("<i2").tobytes()
        data += f"+{onset}\x14\x14\x00".encode().ljust(60, b"\0")
    path.write_bytes(head.encode() + data)


def test_discontinuous_files(tmp_path):
    path = tmp_path / "s3.edf"
    write_plus(path, [0, 1, 2, 3], "EDF+C")
    expected = load("bids", tmp_path, normalization="none")[0].features
    write_plus(path, [0, 1, 2, 3])  # said to have gaps, but has none
    features = load("bids", tmp_path, normalization="none")[0].features
    np.testing.assert_array_equal(features, expected)
    write_plus(path, [0, 1, 12.5, 13.5])
    with pytest.raises(DataError, match=r"s3\.edf: is discontinuous: record 3 begins 11\.5 s"):
        load("bids", tmp_path)
    _bytes(lambda b: b.replace(b"+12.5", b"?????"))(path)
    with pytest.raises(DataError, match="record 3 does not say when it begins"):
        load("bids", tmp_path)
    write(path, {**eeg("Cz"), **rated()})
    _bytes(lambda b: b[:192] + b"EDF+D" + b[197:])(path)
    with pytest.raises(DataError, match="discontinuous without annotations"):
        load("bids", tmp_path)


def test_a_part_in_which_nothing_moves(root):
    path = root / f"{RUN.format(2, 2)}_eeg.edf"
    signals = {**eeg("Fp1", "Cz", "O2"), **rated()}
    for values, *_ in list(signals.values())[:3]:
        values[500:900] = values[500]
    write(path, signals)
    _, said = _tolerated(root)
    assert "no channel changes for 2 s, from 2.5 s of the trial" in said


def test_descriptions_that_contradict_the_recording(root):
    path = root / f"{FIRST}_eeg.json"
    path.write_text(json.dumps({"SamplingFrequency": SFREQ, "RecordingDuration": SECONDS}))
    assert len(load("bids", root)) == 2
    path.write_text(json.dumps({"SamplingFrequency": 500, "RecordingDuration": 60}))
    _, said = _tolerated(root)
    assert "has 200 Hz, but sub-01_task-x_run-1_eeg.json says SamplingFrequency 500" in said
    assert "has 8 s, but sub-01_task-x_run-1_eeg.json says RecordingDuration 60" in said
    for text in ("{", "[]", ""):
        path.write_text(text)
        assert f"{path}: no description in JSON" in _tolerated(root)[1]


def test_channel_tables_of_more_channels(root):
    path = table(root / "task-x_channels.tsv", "Name TYPE\nFp1 EEG\nPz EEG\nX9 MISC\n")
    trials, said = _tolerated(root)
    assert f"{path}: lists EEG channels that sub-01_task-x_run-1_eeg.edf does not have: Pz" in said
    assert trials[0].channels == ("FP1", "CZ", "O2")


@pytest.mark.parametrize("header", ["Onset DURATION TRIALTYPE", "ONSET duration Trial_Type"])
def test_columns_of_events_in_any_case(root, header):
    for subject in (1, 2):
        rows = EVENTS.replace("onset duration trial_type", header)
        table(root / f"{RUN.format(subject, subject)}_events.tsv", rows)
    keys = load("bids", root, trials="events", event_types="1-9").keys
    assert [key.stimulus for key in keys] == ["5", "1"] * 2


def test_channels_of_codes_are_neither_eeg_nor_events(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg("E1", "E2", "trialtype", "AUXILIARY1", seed=seed), **rated()})
    assert load("bids", root)[0].channels == ("E1", "E2")
    message = r"no events\.tsv, which .* \(its channels trialtype are not read as events\)"
    with pytest.raises(DataError, match=message):
        load("bids", root, trials="events")


def test_labels_of_any_type_are_found_by_their_names(root):
    table(root / "task-x_channels.tsv", "name type\nFp1 EEG\nCz EEG\nVA1 AUX\nVA2 TRIG\n")
    assert load("bids", root)[0].label_names == ("valence", "arousal")


def test_names_that_are_almost_labels_are_named(root):
    for seed, path in enumerate(root.rglob("*.edf")):
        write(path, {**eeg("Fp1", "AUX_valence", "felt arousal", seed=seed)})
    with pytest.raises(DataError, match=r"no labels.*; rename AUX_valence, felt arousal in"):
        load("bids", root)
    without_labels(root)
    path = table(root / "task-x_events.tsv", "onset duration Valence\n1 0 0.5\n")
    with pytest.raises(DataError, match=rf"{path} has valence: copy it"):
        load("bids", root)


def test_homes_of_nobody(root):
    with pytest.raises(ConfigError, match=r"labels=~nobody-here/x\.csv: no such user"):
        load("bids", root, labels="~nobody-here/x.csv")


def _markers(path, last):
    """Name a marker file in a header, and write it."""
    path.write_text(path.read_text("utf-8").replace("DataFormat", "MarkerFile=s3.vmrk\nDataFormat"))
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        "DataFile=s3.eeg\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101000000000000\n"
        f"Mk2=Stimulus,S  1,1500,1,0\n{last}"
    )


LABELS_TWICE = np.stack([wave(0, 0.0, 0.5), wave(1, 0.0, 0.5)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-1], "ends within a sample"),
        (lambda b: b[: 16 * 1400], "its markers go on to sample 1500, its data end at 1400"),
        (lambda b: b"", "is cut short"),
    ],
)
def test_data_of_brainvision_that_are_cut_short(tmp_path, change, message):
    path = tmp_path / "s3.vhdr"
    write_vhdr(path, LABELS_TWICE)
    _markers(path, "")
    assert len(list(load("bids", tmp_path))) == 1
    data = path.with_suffix(".eeg")
    data.write_bytes(change(data.read_bytes()))
    with pytest.raises(DataError, match=rf"s3\.eeg: .*{message}"):
        load("bids", tmp_path)


@pytest.mark.parametrize(("points", "message"), [(1601, "is cut short"), (1500, "is longer than")])
def test_length_in_the_header_of_brainvision(tmp_path, points, message):
    path = tmp_path / "s3.vhdr"
    write_vhdr(path, LABELS_TWICE)
    text = path.read_text("utf-8")
    path.write_text(text.replace("DataFormat", f"DataPoints={N_TIMES}\nDataFormat"))
    assert len(list(load("bids", tmp_path))) == 1
    path.write_text(text.replace("DataFormat", f"DataPoints={points}\nDataFormat"))
    with pytest.raises(DataError, match=rf"s3\.eeg: {message}"):
        load("bids", tmp_path)


def test_interrupted_recordings(tmp_path):
    path = tmp_path / "s3.vhdr"
    write_vhdr(path, LABELS_TWICE)
    _markers(path, "Mk3=New Segment,,801,1,0,20200101000100000000\n")
    with pytest.warns(DataWarning, match="s3.vhdr: was interrupted 1 times, first at 4 s"):
        load("bids", tmp_path)


def write_fdt(path, labels):
    write_set(path, labels)
    data = np.vstack([noise(1), noise(2), labels]).astype("<f4")
    path.with_suffix(".fdt").write_bytes(data.T.tobytes())
    content = loadmat(path, appendmat=False)["EEG"]
    content["data"][0, 0] = content["setname"][0, 0] = path.with_suffix(".fdt").name
    savemat(path, {"EEG": content}, appendmat=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-1], r"s3\.fdt: is cut short"),
        (lambda b: b + bytes(16), r"s3\.fdt: is longer than its header says"),
        (None, r"s3\.set: cannot be read"),
    ],
)
def test_data_beside_eeglab_headers(tmp_path, change, message):
    path = tmp_path / "s3.set"
    write_fdt(path, LABELS_TWICE)
    assert len(list(load("bids", tmp_path))) == 1
    data = path.with_suffix(".fdt")
    data.unlink() if change is None else data.write_bytes(change(data.read_bytes()))
    with pytest.raises(DataError, match=message):
        load("bids", tmp_path)


def write_gdf(path, rows, spans):
    """Write a GDF 1.25 file by hand from name: values, with 16 bits over each span."""
    n_signals, n_records = len(rows), SECONDS
    head = b"GDF 1.25" + b" " * 160 + b"2020050500000000"
    head += struct.pack("<q", 256 * (n_signals + 1)) + bytes(44)
    head += struct.pack("<qIII", n_records, 1, 1, n_signals)
    head += b"".join(name.encode().ljust(16) for name in rows) + bytes(80 * n_signals)
    head += b"uV      " * n_signals + np.array(spans).T.astype("<f8").tobytes()
    head += np.repeat([-32768, 32767], n_signals).astype("<i8").tobytes()
    head += bytes(80 * n_signals) + np.repeat([SFREQ, 3], n_signals).astype("<i4").tobytes()
    data = b""
    for record in range(n_records):
        for values, (low, high) in zip(rows.values(), spans, strict=True):
            piece = values[record * SFREQ : (record + 1) * SFREQ]
            digits = np.rint((piece - low) / (high - low) * 65535 - 32768)
            data += digits.astype("<i2").tobytes()
    path.write_bytes(head + bytes(32 * n_signals) + data + bytes(8))


def test_scales_of_gdf_files(tmp_path):
    path, rows = (
        tmp_path / "s3.gdf",
        {"Fp1": noise(1), "Cz": noise(2), "VA1": wave(), "VA2": wave(1)},
    )
    write_gdf(path, rows, [(-4000, 4000), (-500, 500), (0, 9), (-9, 9)])
    trial = load("bids", tmp_path, normalization="none")[0]
    expected = log_band_power(np.stack([noise(1), noise(2)]), SFREQ)
    np.testing.assert_allclose(trial.features, expected, atol=0.05)
    np.testing.assert_allclose(trial.labels, means([wave(), wave(1)]), atol=1e-3)
    whole = path.read_bytes()
    for rest in (100, 6000, 12000):
        path.write_bytes(whole[:-rest])
        with pytest.raises(DataError, match=r"s3\.gdf: (cannot be read|is cut short)"):
            load("bids", tmp_path)


@pytest.mark.parametrize("rest", [30000, 10000, 20, 5])
def test_fif_files_that_are_cut_short(tmp_path, rest):
    path = tmp_path / "s3_raw.fif"
    write_fif(path, LABELS_TWICE)
    path.write_bytes(path.read_bytes()[:-rest])
    with pytest.raises(DataError, match=r"s3_raw\.fif: (is cut short|not a FIF file, or damaged)"):
        load("bids", tmp_path)


def test_types_that_crash_the_reader_of_eeglab_files(tmp_path):
    path = tmp_path / "s3.set"
    write_set(path, LABELS_TWICE)
    whole = path.read_bytes()
    for old, kind in ((9, 49), (9, 8), (14, 62), (6, 300)):
        # The first tag of that type in the file: values, array, flags.
        place = next(
            i for i in range(136, len(whole), 8) if struct.unpack_from("<I", whole, i)[0] == old
        )
        path.write_bytes(whole[:place] + struct.pack("<I", kind) + whole[place + 4 :])
        with pytest.raises(DataError, match=r"s3\.set: cannot be read \(an (element|array) of"):
            load("bids", tmp_path)
    path.write_bytes(whole)
    content = loadmat(path, appendmat=False)["EEG"]
    savemat(path, {"EEG": content}, appendmat=False, do_compression=True)
    assert len(list(load("bids", tmp_path))) == 1


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_checksum_of_compressed_files(tmp_path, share):
    path = tmp_path / "s3_raw.fif.gz"
    write_fif(path, LABELS_TWICE)
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"s3_raw\.fif\.gz: cannot be read"):
        load("bids", tmp_path)


# Damages of any kind on files of any format.

ANY_DAMAGE = {
    "half": lambda b: b[: len(b) // 2],
    "a tenth": lambda b: b[: len(b) // 10],
    "empty": lambda b: b"",
    "text": lambda b: b"hello world\n" * 500,
    "zeros": lambda b: bytes(len(b)),
    "random": lambda b: np.random.default_rng(0).bytes(len(b)),
    "page": lambda b: b"<html><body>404</body></html>",
    "pointer": lambda b: b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 12\n",
}


@pytest.mark.parametrize("damage", ANY_DAMAGE)
@pytest.mark.parametrize(
    ("writer", "name"),
    [
        (lambda path, labels: write_plus(path, range(8), "EDF+C"), "s3.edf"),
        (write_fif, "s3_raw.fif"),
        (write_fif, "s3_raw.fif.gz"),
        (write_vhdr, "s3.vhdr"),
        (write_set, "s3.set"),
        (write_fdt, "s3.set"),
    ],
)
def test_any_damage_of_any_format_is_one_line(tmp_path, writer, name, damage, capsys):
    writer(tmp_path / name, LABELS_TWICE)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(ANY_DAMAGE[damage](whole))
        is_half = damage == "half" and path.suffix == ".eeg"  # a shorter recording, to all it says
        if not is_half:
            with pytest.raises(DataError) as error:
                list(load("bids", tmp_path))
            assert "\n" not in str(error.value)
            assert str(error.value).startswith(str(tmp_path / "s3"))
            assert not check_folder(BIDS, tmp_path).ok
        path.write_bytes(whole)
    assert len(list(load("bids", tmp_path))) == 1


def test_nan_in_eeg_is_named(tmp_path):
    signals = np.stack([noise(1), noise(2)])
    signals[1, 900] = np.nan
    labels = np.zeros((2, N_TIMES))
    write_fif(tmp_path / "s3_raw.fif", labels, signals)
    with pytest.raises(DataError, match=r"s3_raw\.fif: EEG holds NaN .*row 2"):
        list(load("bids", tmp_path))


@pytest.mark.parametrize("name", ["a.fif", "a.vhdr", "a.set", "a.gdf", "a.bdf", "a.cnt", "a.cdt"])
@pytest.mark.parametrize("content", [b"", b"x" * 5000, bytes(5000)])
def test_files_of_other_formats_that_are_broken(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        load("bids", tmp_path)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("following", [-2, 16])
def test_tags_that_lead_back_are_not_followed_for_ever(tmp_path, following):
    path = tmp_path / "s3_raw.fif"
    write_fif(path, np.zeros((2, N_TIMES)))
    content = bytearray(path.read_bytes())
    place = 0 if following < 0 else 36  # the first tag, or the second
    content[place + 12 : place + 16] = struct.pack(">i", following)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"s3_raw\.fif: not a FIF file, or damaged"):
        load("bids", tmp_path)


def test_values_beyond_all_reason(tmp_path):
    signals = np.stack([noise(1), noise(2)])
    signals[0, 7] = 1e200
    write_fif(tmp_path / "s3_raw.fif", np.zeros((2, N_TIMES)), signals)
    with pytest.raises(DataError, match=r"EEG reaches 1e\+200 µV"):
        list(load("bids", tmp_path))


def test_missing_companion_is_named(tmp_path):
    write_vhdr(tmp_path / "s3.vhdr", np.zeros((2, N_TIMES)))
    (tmp_path / "s3.eeg").unlink()
    with pytest.raises(DataError, match=r"s3\.vhdr: cannot be read"):
        load("bids", tmp_path)


def test_every_double_and_every_damage_is_reported(root):
    first, second = (root / f"{RUN.format(n, n)}_eeg.edf" for n in (1, 2))
    for run in ("01", "001"):
        shutil.copy(first, first.with_name(first.name.replace("run-1", f"run-{run}")))
    write(first, eeg("Fp1", "Cz", "O2"))
    second.write_bytes(b"")
    problems = check_folder(BIDS, root).problems
    assert [any(text in line for line in problems) for text in ("run-01_", "run-001_")] == [
        True
    ] * 2
    assert any(f"{second}: is empty" in line for line in problems)


def test_file_that_shrinks_after_the_survey(root):
    trials = load("bids", root, cache=False)
    path = root / f"{FIRST}_eeg.edf"
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(DataError, match="is cut short"):
        list(trials)


def test_two_sets_below_a_folder(root, tmp_path):
    shutil.copytree(root, tmp_path / "C")
    with pytest.raises(DataError, match="a second data set beside"):
        load("bids", tmp_path)


def test_annotations_of_other_trials(root, tmp_path):
    path = table(tmp_path / "mine.csv", "subject trial time_s valence\n7 1 1 0.5\n")
    with pytest.raises(DataError, match="annotates none of the trials"):
        load("bids", root, labels=str(path))
    with pytest.raises(DataError, match=r"nowhere\.csv: cannot be read"):
        load("bids", root, labels=str(tmp_path / "nowhere.csv"))


def test_recordings_must_be_rated_alike(root):
    write(
        root / f"{RUN.format(2, 2)}_eeg.edf",
        {**eeg("Fp1", "Cz", "O2"), **rated(("valence",), centre=0.0, reach=0.5)},
    )
    with pytest.raises(DataError, match="no label channel for arousal, unlike sub-01"):
        load("bids", root)
    assert len(check_folder(BIDS, root).problems) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": "clips"}, "trials must be one of"),
        ({"unit": "nV"}, "unit must be one of"),
        ({"label_range": (9, 0)}, "label_range must be"),
        ({"label_range": "0-9"}, "label_range must be"),
        ({"clip_s": 40}, "give trials='events' too"),
        ({"trials": "events", "clip_s": -1}, "clip_s must be positive"),
        ({"step_s": 0}, "step_s must be positive"),
        ({"step_s": "soon"}, "step_s must be a number"),
    ],
)
def test_impossible_options(root, options, message):
    with pytest.raises(ConfigError, match=message):
        load("bids", root, **options)


def test_layout_keeps_its_channels(tmp_path):
    with pytest.raises(ConfigError, match="needs its own channels"):
        write_layout(LAYOUTS["bids"], replace(SMALL, channels=("FZ",)), Path(tmp_path / "T"))
