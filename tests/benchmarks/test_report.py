"""Report: a self-contained page that shows what was predicted."""

import base64
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from benchmarks.leaderboard import leaderboard_table
from benchmarks.predictions import TrialPrediction
from benchmarks.report import choose_trials, write_report
from eeg_emotion_env.metrics import ccc
from eeg_emotion_env.trial import TrialKey

CONTEXT = {
    "dataset": "made",
    "title": "Made <data>",
    "protocol": "subject",
    "command": "eegdancer leaderboard --dataset made > log",
    "versions": {"numpy": "2.0"},
    "config": {"note": "</script><b>"},
    "fingerprint": "abc123",
    "source": "recorded",
}


def run_of(entries, n_subjects=3, n_trials=2, n_steps=12, **changes):
    rng = np.random.default_rng(0)
    known = {"label_names": ("valence", "arousal"), "step_s": 2.0, "track": "causal"}
    known |= {"source": "recorded", "seed": 0, "fold": 0} | changes
    run = []
    for subject in range(1, n_subjects + 1):
        for trial in range(1, n_trials + 1):
            labels = rng.uniform(-1, 1, (n_steps, 2)).astype(np.float32)
            labels[0] = math.nan
            key = TrialKey("made", subject, 1, trial, f"clip <{trial}>")
            for entry in entries:
                values = rng.uniform(-1, 1, labels.shape).astype(np.float32)
                run.append(
                    TrialPrediction(
                        entry=entry, key=key, labels=labels, predictions=values, **known
                    )
                )
    return run


def page_of(tmp_path, run, **context):
    path = tmp_path / "report.html"
    write_report(path, leaderboard_table(run), run, {**CONTEXT, **context})
    return path.read_text(encoding="utf-8")


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(found.group(1))


class Outline(HTMLParser):
    """Collects start tags, and checks that elements are closed in order."""

    VOID = ("meta", "img", "input", "br")

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page):
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser.tags


def test_page_is_self_contained_and_well_formed(tmp_path):
    tags = outline(page_of(tmp_path, run_of(["a", "b"])))
    for tag, attributes in tags:
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert tag != "link"
        if tag == "img":
            assert attributes["alt"]
        if tag == "th":
            assert attributes["scope"] in ("col", "row")


def test_names_are_escaped(tmp_path):
    page = page_of(tmp_path, run_of(["<i>a</i>"]))
    assert "Made &lt;data&gt;" in page
    assert "<i>a</i>" not in page
    assert "&lt;/script&gt;&lt;b&gt;" in page
    assert data_of(page)["entries"][0]["name"] == "<i>a</i>"


def test_every_trial_is_an_option(tmp_path):
    page = page_of(tmp_path, run_of(["a"]))
    for subject in (1, 2, 3):
        assert f'<optgroup label="Subject {subject}">' in page
        for trial in (1, 2):
            text = f"subject {subject}, session 1, trial {trial} (clip &lt;{trial}&gt;)"
            assert page.count(f"<option>{text}</option>") == 1
    assert "6 of 6 trials" in page


def test_embedded_trajectories_are_the_predictions(tmp_path):
    run = run_of(["a", "b"])
    data = data_of(page_of(tmp_path, run))
    assert data["dims"] == ["valence", "arousal"]
    names = [entry["name"] for entry in data["entries"]]
    assert sorted(names) == ["a", "b"]
    assert len(data["trials"]) == 6
    first = data["trials"][0]
    assert first["step_s"] == 2.0
    truth = np.array(first["truth"], dtype=float)
    np.testing.assert_allclose(truth, run[0].labels.T, atol=5.1e-4)
    assert first["truth"][0][0] is None
    for p in run[:2]:
        drawn = np.array(first["predictions"][names.index(p.entry)])
        np.testing.assert_allclose(drawn, p.predictions.T, atol=5.1e-4)
        mean = np.mean([ccc(p.labels[:, d], p.predictions[:, d]) for d in range(2)])
        assert first["ccc"][names.index(p.entry)] == pytest.approx(mean, abs=5.1e-4)


def test_entry_without_a_trial_and_constant_trial_are_null(tmp_path):
    run = [p for p in run_of(["a", "b"]) if not (p.entry == "b" and p.key.subject == 2)]
    data = data_of(page_of(tmp_path, run))
    number = [entry["name"] for entry in data["entries"]].index("b")
    missing = [trial["predictions"][number] is None for trial in data["trials"]]
    assert missing == [False, False, True, True, False, False]
    assert "<td>–</td>" in page_of(tmp_path, run)


def test_lowest_seed_is_drawn(tmp_path):
    first, second = run_of(["a"], seed=3), run_of(["a"], n_subjects=4, seed=1)[:6]
    second = [
        TrialPrediction(**{**p.__dict__, "predictions": np.full_like(p.labels, 0.25)})
        for p in second
    ]
    data = data_of(page_of(tmp_path, [*first, *second]))
    assert all(set(t["predictions"][0][0]) == {0.25} for t in data["trials"])


def test_entries_of_two_tracks_are_told_apart(tmp_path):
    run = run_of(["a"]) + run_of(["a"], track="transductive")
    page = page_of(tmp_path, run)
    assert [e["name"] for e in data_of(page)["entries"]] == ["a (causal)", "a (transductive)"]
    assert "Track: transductive" in page


def test_simulated_banner(tmp_path):
    assert "SIMULATED DATA" not in page_of(tmp_path, run_of(["a"]))
    assert "SIMULATED DATA" in page_of(tmp_path, run_of(["a"], source="simulated"))
    assert "SIMULATED DATA" in page_of(tmp_path, run_of(["a"]), source="simulated")


def test_table_command_and_fingerprint_are_shown(tmp_path):
    run = run_of(["a", "b"])
    page = page_of(tmp_path, run)
    table = leaderboard_table(run)
    assert f'<td class="best">{table["ccc"].max():.3f}</td>' in page
    assert "eegdancer leaderboard --dataset made &gt; log" in page
    assert "abc123" in page
    assert "numpy 2.0" in page


def test_forest_plot_is_svg_and_pages_are_repeatable(tmp_path):
    run = run_of(["a", "b"])
    page = page_of(tmp_path, run)
    image = re.search(r"data:image/svg\+xml;base64,([^\"]+)", page).group(1)
    assert b"</svg>" in base64.b64decode(image)
    assert page_of(tmp_path, run) == page


def test_one_dimension_few_subjects_and_constant_predictions(tmp_path):
    labels = np.float32([[0.0], [1.0]])
    key = TrialKey("made", "P1", 1, 1)
    flat = TrialPrediction(
        "flat", 0, 0, key, labels, np.zeros_like(labels), ("valence",), 1.0, "causal", "recorded"
    )
    page = page_of(tmp_path, [flat])
    assert "by dimension" not in page
    assert "nan" not in page.split("</table>")[0].lower()


def test_chosen_trials_are_spread_over_subjects():
    run = run_of(["a"], n_subjects=10, n_trials=12, n_steps=3)
    chosen = choose_trials(run, limit=30)
    per_subject = {s: [p.key.trial for p in chosen if p.key.subject == s] for s in range(1, 11)}
    assert all(trials == [1, 6, 12] or trials == [1, 7, 12] for trials in per_subject.values())
    few = choose_trials(run, limit=4)
    assert [p.key.subject for p in few] == [1, 4, 7, 10]
    # Three steps of two dimensions, of truth and one entry: 12 values a trial.
    assert len(choose_trials(run, max_values=12 * 5)) == 5
    assert len(choose_trials(run, max_values=1)) == 1
