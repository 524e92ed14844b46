"""Annotation tracks: causal resampling, gaps, and files that are wrong."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels import ClassLabels, read_annotations, resample_track
from eeg_emotion_env.tables.seed import CLASS_AFFECT
from eeg_emotion_env.trial import TrialKey

HEADER = "stimulus,time_s,valence,arousal\n"


def column(values):
    return np.asarray(values, dtype=float)[:, None]


def test_samples_at_step_ends_are_kept():
    values = np.linspace(-1, 1, 10)
    out = resample_track(np.arange(1, 11) * 0.1, column(values), 10, 0.1)
    np.testing.assert_array_equal(out[:, 0], values.astype(np.float32))


def test_step_is_the_mean_of_its_samples():
    times = np.arange(1, 9) * 0.5
    out = resample_track(times, column(np.arange(8) / 10), 4, 1.0)
    np.testing.assert_allclose(out[:, 0], [0.05, 0.25, 0.45, 0.65], rtol=1e-6)


def test_values_are_held_then_missing():
    out = resample_track([2.0, 4.0, 12.0], column([0.1, 0.2, 0.3]), 14, 1.0)[:, 0]
    assert np.isnan(out[0])
    # The median spacing is 5 s, so a value counts for 10 s.
    np.testing.assert_allclose(out[1:], [0.1] * 2 + [0.2] * 8 + [0.3] * 3, rtol=1e-6)
    gap = resample_track([1.0, 2.0, 3.0], column([0.1, 0.2, 0.3]), 8, 1.0)[:, 0]
    np.testing.assert_array_equal(np.isnan(gap), [False] * 5 + [True] * 3)


@given(st.integers(1, 29), st.sampled_from([0.25, 0.5, 1.0, 2.0]))
def test_later_samples_do_not_count(cut, spacing):
    rng = np.random.default_rng(cut)
    times = spacing * np.arange(1, 61)
    values = rng.uniform(-1, 1, (60, 2))
    changed = values.copy()
    changed[times > cut] = 0.0
    before, after = (resample_track(times, v, 30, 1.0)[:cut] for v in (values, changed))
    np.testing.assert_array_equal(before, after)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "annotations.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_tracks_by_stimulus_serve_all_subjects(tmp_path):
    tracks = read_annotations(write(tmp_path, HEADER + "clip01,1,0.5,-0.5\n2,1,0.1,0.2\n"))
    for subject, session in ((1, 1), (7, 3)):
        key = TrialKey("seed", subject, session, 1, "clip01")
        np.testing.assert_allclose(tracks.at_steps(key, 1, 1.0), [[0.5, -0.5]])
    assert tracks.covers(TrialKey("seed", 1, 1, 2, "clip02"))
    absent = TrialKey("seed", 1, 1, 3, "clip03")
    assert not tracks.covers(absent)
    assert np.isnan(tracks.at_steps(absent, 4, 1.0)).all()


def test_tracks_by_subject_and_session(tmp_path):
    rows = "1,1,clip01,1,0.1,0\n1,2,clip01,1,0.2,0\n2,1,clip01,1,0.3,0\n"
    tracks = read_annotations(write(tmp_path, "subject,session," + HEADER + rows))
    values = [
        tracks.at_steps(TrialKey("seed", subject, session, 1, "clip01"), 1, 1.0)[0, 0]
        for subject, session in ((1, 1), (1, 2), (2, 1))
    ]
    np.testing.assert_allclose(values, [0.1, 0.2, 0.3], rtol=1e-6)


def test_rows_without_rating_are_skipped(tmp_path):
    tracks = read_annotations(write(tmp_path, HEADER + "clip01,1,,\nclip01,2,0.4,0.4\n"))
    labels = tracks.at_steps(TrialKey("seed", 1, 1, 1, "clip01"), 2, 1.0)
    assert np.isnan(labels[0]).all()
    np.testing.assert_allclose(labels[1], 0.4, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a CSV file"),
        ("stimulus,time_s\nclip01,1\n", "lacks a column; expected stimulus"),
        ("time_s,valence,arousal\n1,0,0\n", "lacks a column; expected stimulus"),
        (HEADER + "clip01,1,inf,0\n", "line 2 of column valence is not a number"),
        (HEADER, "no complete row"),
        (HEADER + "clip01,1,0,0\nclip01,2,3,0\n", r"line 3 has a rating outside \[-1, 1\]"),
        (HEADER + "clip01,1,high,0\n", "line 2 of column valence is not a number"),
        (HEADER + "clip01,2,0,0\nclip01,1,0,0\n", "time_s does not increase within stimulus = 1"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as error:
        read_annotations(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: cannot be read"):
        read_annotations(tmp_path / "none.csv")


def test_classes_are_constant():
    labels = ClassLabels({"clip01": 1, "clip02": 0, "clip03": -1}, CLASS_AFFECT)
    keys = [TrialKey("seed", 1, 1, trial, f"clip0{trial}") for trial in (1, 2, 3)]
    rows = [labels.at_steps(key, 2, 1.0)[1] for key in keys]
    np.testing.assert_array_equal(rows, [[1, 0.5], [0, -0.5], [-1, 0.5]])
    unknown = TrialKey("seed", 1, 1, 4, "clip04")
    assert not labels.covers(unknown)
    assert np.isnan(labels.at_steps(unknown, 2, 1.0)).all()


def test_dimensions_are_resampled_each_from_its_own_rows():
    """Valence ten times a second, arousal once: neither makes the other unannotated."""
    times = np.arange(1, 31) / 10
    values = np.full((30, 2), np.nan)
    values[:, 0] = np.linspace(-1, 1, 30)
    values[9::10, 1] = [0.1, 0.2, 0.3]
    labels = resample_track(times, values, 3, 1.0)
    np.testing.assert_allclose(labels[:, 0], values[:, 0].reshape(3, 10).mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(labels[:, 1], [0.1, 0.2, 0.3], rtol=1e-6)


def test_alternating_rows(tmp_path):
    rows = "".join(
        f"clip01,{t / 10},{0.5 if t % 2 else ''},{'' if t % 2 else -0.5}\n" for t in range(1, 21)
    )
    tracks = read_annotations(write(tmp_path, HEADER + rows))
    labels = tracks.at_steps(TrialKey("seed", 1, 1, 1, "clip01"), 2, 1.0)
    np.testing.assert_array_equal(labels, [[0.5, -0.5], [0.5, -0.5]])


@pytest.mark.parametrize("name", ["None", "NA", "null"])
def test_names_that_look_like_nothing_are_names(tmp_path, name):
    tracks = read_annotations(write(tmp_path, HEADER + f"{name},1,0.5,0\n"))
    assert tracks.covers(TrialKey("seed", 1, 1, 1, name))


def test_rows_that_do_not_say_whose_they_are(tmp_path):
    text = "subject," + HEADER + "1,clip01,1,0.5,0\n,clip01,2,0.5,0\n"
    with pytest.raises(DataError, match="line 3 has no subject"):
        read_annotations(write(tmp_path, text))


def test_byte_order_mark_and_spaces(tmp_path):
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbfstimulus, time_s, valence, arousal\r\nclip01, 1, 0.5, n/a\r\n")
    labels = read_annotations(path).at_steps(TrialKey("seed", 1, 1, 1, "clip01"), 1, 1.0)
    np.testing.assert_array_equal(labels, [[0.5, np.nan]])


TWO_ROWS = {
    "comma": "stimulus,time_s,valence\n3,1,0.5\n3,2,-0.25\n",
    "semicolon": "stimulus;time_s;valence\n3;1;0.5\n3;2;-0.25\n",
    "decimal comma": "stimulus;time_s;valence\n3;1,0;0,5\n3;2,0;-0,25\n",
    "tab": "stimulus\ttime_s\tvalence\n3\t1\t0.5\n3\t2\t-0.25\n",
    "upper case": "Stimulus,Time_s,VALENCE\n3,1,0.5\n3,2,-0.25\n",
    "numbers with a point": "stimulus,time_s,valence\n3.0,1,0.5\n3.0,2,-0.25\n",
}


@pytest.mark.parametrize("dialect", TWO_ROWS)
def test_dialects_of_tables(tmp_path, dialect):
    labels = read_annotations(write(tmp_path, TWO_ROWS[dialect]))
    track = labels.at_steps(TrialKey("seed", 1, 1, 3, "clip03"), 2, 1.0)
    np.testing.assert_array_equal(track, [[0.5], [-0.25]])


def test_two_columns_of_one_meaning_are_refused(tmp_path):
    path = write(tmp_path, "stimulus,time_s,valence,Valence\n3,1,0.5,0.1\n")
    with pytest.raises(DataError, match="two columns valence; remove one"):
        read_annotations(path)


def test_times_that_are_not_those_of_the_trial_are_refused(tmp_path):
    """Milliseconds, or times of a whole session, would leave all but the first steps empty."""
    rows = "".join(f"3,{1000 * second},0.5\n" for second in range(1, 60))
    labels = read_annotations(write(tmp_path, "stimulus,time_s,valence\n" + rows))
    with pytest.raises(DataError, match="end at 59000 s, but the trial lasts 60 s; give seconds"):
        labels.at_steps(TrialKey("seed", 1, 1, 3, "clip03"), 60, 1.0)
    assert not np.isnan(labels.at_steps(TrialKey("seed", 1, 1, 3, "clip03"), 59_000, 1.0)[-1]).any()
