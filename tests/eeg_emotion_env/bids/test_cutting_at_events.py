"""BIDS: trials cut at events."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.bids.labels import Place
from eeg_emotion_env.errors import DataWarning
from eeg_emotion_env.features import log_band_power
from tests.eeg_emotion_env.bids.builders import (
    EVENTS,
    FIRST,
    SECOND,
    SFREQ,
    means,
    stored,
    table,
    table_for_all,
    without_labels,
)


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
    table_for_all(root, "_events.tsv", EVENTS)
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
    for name in (FIRST, second, SECOND):
        table(root / f"{name}_labels.tsv", f"time_s valence\n{ratings}\n")
    table(root / "task-x_events.tsv", "onset duration value\n1 0 a\n5 0 b\n")  # inherited
    trials = load("bids", root, trials="events")
    assert [(k.subject, k.trial, k.stimulus) for k in trials.keys] == [
        *((1, 1, "a"), (1, 2, "b"), (1, 3, "a"), (1, 4, "b"), (2, 1, "a"), (2, 2, "b")),
    ]
    np.testing.assert_allclose(trials[1].labels[:, 0], [0.115, 0.135, 0.155], atol=1e-6)


def test_types_that_are_not_given_name_no_stimulus(root):
    table_for_all(root, "_events.tsv", "onset duration trial_type\n1 2 n/a\n5 2 film\n")
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
    table_for_all(root, "_events.tsv", f"onset duration trial_type\n{rows}")
    with pytest.warns(DataWarning) as caught:
        trials = load("bids", root, trials="events", normalization="none", **options).select([1])
    messages = [str(warning.message) for warning in caught]
    for path in (root / f"{name}_events.tsv" for name in (FIRST, SECOND)):
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


@pytest.mark.parametrize("header", ["Onset DURATION TRIALTYPE", "ONSET duration Trial_Type"])
def test_columns_of_events_in_any_case(root, header):
    table_for_all(root, "_events.tsv", EVENTS.replace("onset duration trial_type", header))
    keys = load("bids", root, trials="events", event_types="1-9").keys
    assert [key.stimulus for key in keys] == ["5", "1"] * 2
