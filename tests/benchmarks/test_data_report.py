"""Report on a data folder: what it says, what it draws, and that it stays bounded and offline."""

import re
import warnings
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cli import main
from benchmarks.data_report import write_data_report
from benchmarks.data_report.figures import (
    GAP_COLOUR,
    label_distribution,
    label_reach,
    length_map,
    track_grid,
)
from benchmarks.data_report.scalp import mean_topographies, placed, subject_topographies
from benchmarks.data_report.summary import (
    MAX_SUBJECTS,
    MAX_TRIALS,
    BandPower,
    Track,
    spread,
    summarise,
)
from eeg_emotion_env.datasets import DATASETS
from eeg_emotion_env.datasets.base import Dataset, Survey
from eeg_emotion_env.datasets.checks import CheckReport, TrialCheck, check_folder
from eeg_emotion_env.datasets.recording import Reader, Recording
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels import WindowLabels
from eeg_emotion_env.simulation import SimulationConfig
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.trial import TrialKey

CHANNELS = ("FZ", "CZ", "PZ", "C3", "C4", "OZ")
BANDS = ("alpha", "beta")

FILM = r"$\sin{{$ <{}> 影"
"""A name that is no formula, with a sign that the font of the figures lacks."""


@dataclass(frozen=True, eq=False)
class MadeReader(Reader):
    """Features of six steps, whose mean tells subject and trial."""

    channels: tuple[str, ...] = CHANNELS
    bands: tuple[str, ...] = BANDS
    step_s: float = 2.0
    causal: bool = True
    files: tuple[Path, ...] = ()
    broken: frozenset = frozenset()
    read: list = field(default_factory=list)

    def features(self, key):
        self.read.append(key)
        if key in self.broken:
            raise DataError(f"{self.origin(key)}: damaged")
        shape = 6, len(self.channels), len(self.bands)
        rows = np.random.default_rng(key.trial).normal(size=shape)
        return (rows - rows.mean(axis=0) + 10 * key.subject + key.trial).astype(np.float32)

    def origin(self, key):
        return f"made/{key.subject}.mat: {key.trial}"

    def configuration(self):
        return {}


@dataclass(frozen=True)
class NoOptions:
    pass


class Made(Dataset):
    """Some subjects with three trials each; labels of the last trial are not there."""

    Options = NoOptions

    def __init__(self, n_subjects=2, n_trials=3, names=("valence", "arousal"), **reader):
        self.card = replace(DATASETS["seed"].card, name="made", title="Made & <shown>")
        self.reader = MadeReader(**reader)
        keys = [
            TrialKey("made", subject, 1, trial, FILM.format(trial))
            for subject in range(1, n_subjects + 1)
            for trial in range(1, n_trials + 1)
        ]
        rng = np.random.default_rng(0)
        tracks = {key: rng.uniform(-1, 1, (6, len(names))) for key in keys if key.trial < n_trials}
        labels = WindowLabels(tracks, 2.0, names, "continuous-self")
        self.recordings_made = [
            Recording(tuple(key for key in keys if key.subject == subject), self.reader, labels)
            for subject in range(1, n_subjects + 1)
        ]

    def recognises(self, root):
        return False

    def survey(self, root, options):
        return Survey(recordings=self.recordings_made)

    def simulated(self, options):
        return []


class Page(HTMLParser):
    """Text of a page, its sections, and what it would fetch."""

    def __init__(self, html):
        super().__init__()
        self.fetched, self.sections, self.words, self.styles = [], [], [], []
        self.n_images, self._inside = 0, ""
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._inside = tag
        if tag == "div" and "section" in attrs.get("class", "").split():
            self.sections.append(attrs["id"])
        if tag in ("script", "img", "iframe", "source"):
            self.fetched.append(attrs.get("src") or "data:")
        if tag == "link":
            self.fetched.append(attrs.get("href", ""))
        self.n_images += tag == "img" and "figure-img" in attrs.get("class", "")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "style":
            self.styles.append(data)
        elif self._inside != "script":
            self.words.append(data)


def page_of(path):
    return Page(path.read_text(encoding="utf-8"))


def check_of(trial=1, seconds=10.0, expected_s=None, subject=1, **changes):
    known = {
        "key": TrialKey("made", subject, 1, trial),
        "variant": "made",
        "annotated": 1.0,
        "labels": {"valence": (-0.5, 0.0, 0.5)},
        "amplitude_uv": None,
        "flat": (),
    }
    return TrialCheck(**{**known, "seconds": seconds, "expected_s": expected_s, **changes})


def track_of(values, trial=1, step_s=2.0, names=("valence",)):
    values = np.asarray(values, np.float32).reshape(-1, len(names))
    return Track(TrialKey("made", 1, 1, trial), names, values, step_s, "continuous-self")


@pytest.fixture(scope="module")
def seed_root(tmp_path_factory):
    config = SimulationConfig(n_subjects=2, n_trials=3, duration_scale=0.035, seed=3)
    return write_layout(LAYOUTS["seed"], config, tmp_path_factory.mktemp("tree") / "S")


@pytest.fixture(scope="module")
def seed_page(seed_root, tmp_path_factory):
    """Page of a simulated tree, written through the command line."""
    path = tmp_path_factory.mktemp("out") / "new" / "report.html"
    assert main(["check-data", str(seed_root), "--report", str(path)]) == 0
    return path


def test_page_of_a_simulated_tree(seed_page, seed_root):
    html, page = seed_page.read_text(encoding="utf-8"), page_of(seed_page)
    title = re.search(r"<title>(.*?)</title>", html)[1]
    assert title == "SIMULATED: SEED (SJTU Emotion EEG Dataset)"
    assert "SIMULATED DATA" in page.text
    assert "Complete and readable" in page.text
    assert f"2 subjects, 2 sessions, 6 trials in {seed_root}" in page.text
    for said in ("Zheng, Lu", "SEED licence agreement", "One class a clip", "(simulated)"):
        assert said in page.text
    assert page.sections == [
        *("Overview", "Trial_lengths", "Electrodes", "Band_power_on_the_scalp", "Labels")
    ]
    assert "62 electrodes" in page.text
    assert "Preprocessed_EEG (raw) mean of" not in page.text  # that is in the figure
    assert "Each subject: Preprocessed_EEG (raw)" in page.text
    assert page.n_images == 6 + 1  # the last figure has a slide for each of two subjects
    assert "Subject 2. Panels" in page.text


def test_page_fetches_nothing(seed_page):
    page = page_of(seed_page)
    assert page.fetched
    assert all(source.startswith("data:") for source in page.fetched)
    styles = "".join(page.styles)
    assert ".data-report" in styles
    assert "@import" not in styles
    addresses = re.findall(r"url\(\s*[\"']?(.{5})", styles)
    assert set(addresses) <= {"data:"}


def test_same_folder_makes_the_same_page(tmp_path):
    pages = []
    for name in ("a.html", "b.html"):
        dataset = Made(n_subjects=1)
        write_data_report(tmp_path / name, dataset, check_folder(dataset, tmp_path / "made"))
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_page_of_recorded_data(tmp_path, capsys):
    import matplotlib.pyplot as plt

    dataset = Made(names=("valence",), channels=(*CHANNELS, "X<1>", "fz"))
    path = tmp_path / "report.html"
    said = []
    write_data_report(path, dataset, check_folder(dataset, tmp_path), said.append)
    page = page_of(path)
    assert "SIMULATED" not in path.read_text(encoding="utf-8")
    assert "Made & <shown>" in page.text
    assert "8 channels" in page.text
    assert "6 electrodes from above" in page.text
    assert "Without a known position: X<1>, fz." in page.text
    assert "valence (continuous-self)" in page.text
    assert "Steps of 4 trials with labels" in page.text
    assert "67%" in page.text  # of the steps are annotated
    assert len(said) == 2
    assert not plt.get_fignums()
    assert capsys.readouterr() == ("", "")


def test_channels_without_positions(tmp_path):
    dataset = Made(channels=("E1", "E2"))
    write_data_report(tmp_path / "r.html", dataset, check_folder(dataset, tmp_path))
    page = page_of(tmp_path / "r.html")
    assert "No map: Without a known position: E1, E2." in page.text
    assert "No map: fewer than 4 of its channels have a known position." in page.text
    assert page.sections[-1] == "Labels"


def test_page_of_a_broken_folder(tmp_path):
    problems = [f"/data/<{i}>.mat: trials 1 & 2 are missing" for i in range(130)]
    report = CheckReport("seed", tmp_path, problems=problems, warnings=["odd", "odder"])
    write_data_report(tmp_path / "r.html", DATASETS["seed"], report)
    page = page_of(tmp_path / "r.html")
    assert page.text.index("130 problems") < page.text.index("2 warnings")
    assert problems[0] in page.text
    assert problems[99] in page.text
    assert problems[100] not in page.text
    assert "and 30 more" in page.text
    assert "62 channels (of the full set)" in page.text
    assert page.text.count("No trial could be read.") == 3
    assert "SIMULATED" not in page.text


def test_page_of_a_folder_with_nothing(tmp_path):
    write_data_report(tmp_path / "r.html", DATASETS["seed"], CheckReport("seed", tmp_path))
    assert "No trials found" in page_of(tmp_path / "r.html").text


def test_odd_lengths_and_constant_channels_stand_out(tmp_path):
    report = CheckReport("made", tmp_path)
    report.trials = [
        check_of(1, 100.0, 100.0, flat=("FZ",), amplitude_uv=20.0),
        check_of(2, 80.0, 100.0, flat=("FZ", "CZ"), amplitude_uv=10.0, annotated=0.5),
    ]
    write_data_report(tmp_path / "r.html", Made(n_subjects=0), report)
    html, page = (tmp_path / "r.html").read_text(encoding="utf-8"), page_of(tmp_path / "r.html")
    assert '<span class="low">1</span>' in html
    assert '<span class="low">FZ (2), CZ (1)</span>' in html
    assert "90 (80 to 100)" in page.text
    assert "15.0 (10.0 to 20.0)" in page.text
    assert "78%" in page.text  # of the seconds, not of the trials
    assert "Cross: not as long as published" in page.text


def test_unwritable_path(tmp_path, seed_root, capsys):
    (tmp_path / "file").touch()
    for path, reason in ((tmp_path, "is a folder"), (tmp_path / "file" / "r.html", "cannot be")):
        assert main(["check-data", str(seed_root), "--report", str(path)]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"eegdancer: error: {path}: {reason}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_summary_is_bounded_and_exact(tmp_path):
    dataset = Made(n_subjects=MAX_SUBJECTS + 5, n_trials=MAX_TRIALS + 3)
    report = check_folder(dataset, tmp_path)
    dataset.reader.read.clear()
    summary = summarise(dataset, report)
    assert len(summary.subjects) == MAX_SUBJECTS + 5
    assert len(summary.shown) == MAX_SUBJECTS
    assert {summary.shown[0], summary.shown[-1]} == {1, MAX_SUBJECTS + 5}
    assert len(dataset.reader.read) == len(set(dataset.reader.read)) == MAX_SUBJECTS * MAX_TRIALS
    assert len(summary.tracks) == len(report.trials)
    power = summary.powers[0]
    chosen = [key.trial for key in dataset.reader.read if key.subject == 1]
    np.testing.assert_allclose(power.of(1), 10 + np.mean(chosen), rtol=1e-5)
    of_subjects = [power.of(subject) for subject in summary.shown]
    np.testing.assert_allclose(power.mean(), np.mean(of_subjects, axis=0))
    for recording in dataset.recordings_made:
        for key in recording.keys:
            expected = recording.labels.at_steps(key, 6, 2.0)
            np.testing.assert_array_equal(summary.tracks[key].values, expected)


def test_trials_that_cannot_be_read_any_more_are_left_out(tmp_path):
    report = check_folder(Made(), tmp_path)
    damaged = Made(broken=frozenset([TrialKey("made", 1, 1, 1, FILM.format(1))]))
    power = summarise(damaged, report).powers[0]
    np.testing.assert_allclose(power.of(1), 10 + 2.5, rtol=1e-5)


def test_spread():
    assert spread([1, 2, 3], 5) == (1, 2, 3)
    assert spread(range(10), 4) == (0, 3, 6, 9)
    assert spread([], 4) == ()


def test_topographies_show_means_and_scales():
    power = BandPower("made", CHANNELS, BANDS, is_raw=True)
    features = np.arange(12, dtype=np.float32).reshape(1, 6, 2)
    power.add("a", features)
    power.add("b", features + 2)
    figure = mean_topographies([power])
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "1.0 … 11.0" in texts
    assert "made\nmean of 2 subjects" in texts
    figure = subject_topographies(power)
    titles = [axes.get_title() for axes in figure.axes]
    assert [title for title in titles if title] == ["subject a", "subject b"]
    assert len(figure.axes) == 2 * 2 + 2  # maps and a scale a band


def test_electrodes_with_two_names_are_placed_once():
    assert placed(["T3", "X1", "FZ", "T7"]) == ["T3", "FZ"]


def test_length_map_marks_missing_and_odd_trials():
    checks = [check_of(1, 10.0, 10.0), check_of(3, 20.0, 40.0), check_of(3, 30.0, subject=2)]
    axes = length_map(checks).axes[0]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(shown, [[10, 20], [np.nan, 30]])
    crosses = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines}
    assert crosses == {(1, 0)}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3"]


def test_tracks_show_gaps():
    figure = track_grid([track_of([0.5, np.nan, 0.25, np.nan])], reach=0.5)
    axes = figure.axes[0]
    gaps = axes.patches[0]
    values, edges, _ = gaps.get_data()
    np.testing.assert_array_equal(edges, [0, 2, 4, 6, 8])
    np.testing.assert_array_equal(values > 0, [False, True, False, True])
    assert gaps.get_facecolor()[:3] == pytest.approx(
        [int(GAP_COLOUR[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    )
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.5, np.nan, 0.25, np.nan, np.nan])
    assert axes.get_ylim() == (-0.5, 0.5)


def test_label_distribution_counts_every_annotated_step():
    tracks = [track_of([0.5, np.nan, 0.25]), track_of([-0.1, 0.2], trial=2)]
    figure = label_distribution(tracks)
    axes = figure.subfigs[0].axes
    assert len(axes) == 1
    assert sum(patch.get_height() for patch in axes[0].patches) == 4
    both = ("valence", "arousal")
    plane = label_distribution([track_of([0.9, 0.9, np.nan, 0.1], names=both)])
    counts = plane.subfigs[0].axes[2].collections[0].get_array()
    assert counts.sum() == 1


@pytest.mark.parametrize(
    ("largest", "reach"), [(0.0, 0.25), (0.25, 0.25), (0.3, 0.5), (0.51, 1.0), (1.0, 1.0)]
)
def test_axes_hold_all_labels(largest, reach):
    assert label_reach([track_of([0.0, -largest, np.nan])]) == reach


def test_names_are_text_and_nothing_warns(tmp_path):
    dataset = Made(n_subjects=1, n_trials=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_data_report(tmp_path / "r.html", dataset, check_folder(dataset, tmp_path))
    assert page_of(tmp_path / "r.html").n_images == 6
