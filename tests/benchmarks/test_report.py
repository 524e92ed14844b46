"""Report: a self-contained page that shows what was predicted."""

import base64
import html
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from benchmarks.leaderboard import leaderboard_table
from benchmarks.predictions import TrialPrediction
from benchmarks.report import choose_trials, findings, write_report
from benchmarks.scores import subject_scores
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


def data_of(page, name="data"):
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)
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
            # data, or a place on the page itself
            assert attributes.get(name, "data:").startswith(("data:", "#")), (tag, attributes)
        assert tag != "link"
        if tag == "img":
            assert attributes["alt"]
        if tag == "th":
            assert attributes["scope"] in ("col", "row", "rowgroup")
    places = {attributes.get("id") for _, attributes in tags}
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert len(links) == 9
    assert {link[1:] for link in links} <= places


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
    truth = np.array(first["truth"], dtype=float) / 1000
    np.testing.assert_allclose(truth, run[0].labels.T, atol=5.1e-4)
    assert first["truth"][0][0] is None
    for p in run[:2]:
        drawn = np.array(first["predictions"][names.index(p.entry)]) / 1000
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
    assert all(set(t["predictions"][0][0]) == {250} for t in data["trials"])


def test_entries_of_two_tracks_are_told_apart(tmp_path):
    run = run_of(["a"]) + run_of(["a"], track="transductive")
    page = page_of(tmp_path, run)
    assert [e["name"] for e in data_of(page)["entries"]] == ["a (causal)", "a (transductive)"]
    assert "Scores (track: transductive)" in page


def test_simulated_banner(tmp_path):
    assert "SIMULATED DATA" not in page_of(tmp_path, run_of(["a"]))
    assert "SIMULATED DATA" in page_of(tmp_path, run_of(["a"], source="simulated"))
    assert "SIMULATED DATA" in page_of(tmp_path, run_of(["a"]), source="simulated")


def test_table_command_and_fingerprint_are_shown(tmp_path):
    run = run_of(["a", "b"])
    page = page_of(tmp_path, run)
    table = leaderboard_table(run)
    best = table["ccc"].max()
    assert f'<td class="best" data-v="{best:.6g}">{best:.3f}</td>' in page
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
    assert "By dimension" not in page
    assert ">nan" not in page.lower()
    assert "A track needs two competitors" in page
    assert data_of(page, "pairs")["start"] == [0, 0]


def skilled(skill, n_subjects=8, **changes):
    """A run in which each entry repeats the labels with an error of its own size."""
    rng = np.random.default_rng(3)
    run = run_of(list(skill), n_subjects=n_subjects, n_trials=3, n_steps=30, **changes)
    return [
        TrialPrediction(
            **{
                **p.__dict__,
                "predictions": np.nan_to_num(p.labels)
                + rng.normal(0, skill[p.entry], p.labels.shape).astype(np.float32),
            }
        )
        for p in run
    ]


def body_rows(page, number, role="entry"):
    """Entries and texts of the rows of one role in one table of the page."""
    table = page.split("<table")[number + 1].split("</table>")[0]
    body = re.search(rf'<tbody class="{role}">(.*?)</tbody>', table, re.S).group(1)
    rows = re.findall(r'<tr data-entry="(.*?)">(.*?)</tr>', body, re.S)
    return {
        html.unescape(name): re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for name, row in rows
    }


def test_oracles_and_entries_without_high_bands_are_set_apart(tmp_path):
    run = skilled({"oracle-filter": 0.01, "ridge": 0.3, "gru": 0.5, "gru (<30 Hz)": 0.9})
    page = page_of(tmp_path, run)
    assert list(body_rows(page, 0)) == ["ridge", "gru"]
    assert list(body_rows(page, 0, "variant")) == ["gru (<30 Hz)"]
    oracle = page.split('<tbody class="oracle">')[1].split("</tbody>")[0]
    assert "oracle-filter" in oracle
    assert "best" not in oracle
    assert body_rows(page, 0)["gru"][3] == "▼ worse"
    assert body_rows(page, 0, "oracle")["oracle-filter"][3] == "–"
    numbers = data_of(page, "pairs")
    place = {name: i for i, name in enumerate(numbers["entries"])}
    assert list(numbers["p"]) == [f"{place['ridge']}-{place['gru']}"]


def test_pairs_hold_scores_of_subjects_and_exact_p_values(tmp_path):
    run = skilled({"ridge": 0.3, "gru": 0.5, "eegdancer": 0.6})
    pairs = data_of(page_of(tmp_path, run), "pairs")
    assert pairs["subjects"] == [str(s) for s in range(1, 9)]
    assert [pairs["entries"][i] for i in pairs["start"]] == ["ridge", "eegdancer"]
    scores = subject_scores(run).set_index(["entry", "subject"])["ccc"]
    for name, values in zip(pairs["entries"], pairs["ccc"], strict=True):
        np.testing.assert_allclose(values, scores[name], atol=5e-5)
    # eight differences of one sign: the smallest p there is, times three pairs
    number = pairs["entries"].index("ridge")
    p = [v for key, v in pairs["p"].items() if str(number) in key.split("-")]
    assert p == [pytest.approx([2 / 2**8, 3 * 2 / 2**8], rel=5e-3)] * 2


def test_findings_say_what_the_table_shows():
    run = skilled({"ridge": 0.3, "gru": 0.5, "eegdancer": 0.6, "oracle-filter": 0.0})
    table = leaderboard_table(run)
    lines = findings(table)
    assert lines[0].startswith(f"Highest of track causal: ridge, CCC {table.loc[0, 'ccc']:.3f} [")
    assert lines[1] == "eegdancer is number 3 of 3 by CCC."
    assert lines[2] == (
        "Against eegdancer: 2 (ridge, gru) significantly better, 0 significantly worse, 0 not "
        "shown to differ."
    )
    named = findings(leaderboard_table(run, reference="ridge"))
    assert named[2].startswith("Against ridge: 0 significantly better, 2 (gru, eegdancer)")
    assert named[3].endswith("corrected p 0.016: ▼ worse.")
    assert lines[-1] == "Ceiling (causal): oracle-filter, CCC 1.000."
    few = findings(leaderboard_table(skilled({"ridge": 0.3, "gru": 0.5}, n_subjects=4)))
    assert few[1].endswith("nothing could be significant.")


def test_bands_section_compares_each_entry_with_itself(tmp_path):
    skill = {"ridge": 0.3, "ridge (<30 Hz)": 0.3, "gru": 0.3, "gru (<30 Hz)": 0.9}
    run = skilled(skill)
    page = page_of(tmp_path, run)
    section = page.split('id="h-bands"')[1].split("</section>")[0]
    table = leaderboard_table(run).set_index("entry")
    rows = body_rows(section, 0, "variant")
    gru = rows["gru (<30 Hz)"]
    assert gru[0] == "gru"
    assert gru[1] == f"{table.loc['gru', 'ccc']:.3f}"
    assert gru[2] == f"{table.loc['gru (<30 Hz)', 'ccc']:.3f}"
    expected = table.loc["gru (<30 Hz)", "ccc"] - table.loc["gru", "ccc"]
    assert gru[3] == f"{expected:.3f} ▼"
    assert gru[5] == f"{2 * 2 / 2**8:.3f}"
    assert gru[-1] == "yes"
    assert "Without the bands above 30 Hz: 1 of 2 entries significantly worse" in page
    without = page_of(tmp_path, skilled({"ridge": 0.3}))
    assert "No entry here ran without the bands above 30 Hz" in without


def test_rank_diagram_is_drawn_for_each_track_with_two_competitors(tmp_path):
    run = skilled({"ridge": 0.3, "gru": 0.6}) + skilled({"mlp": 0.3}, track="transductive")
    page = page_of(tmp_path, run)
    section = page.split('id="h-ranks"')[1].split("</section>")[0]
    assert section.count("<img") == 1
    text = "Mean ranks: ridge 1.00; gru 2.00. Not told apart at 0.05 (exact Wilcoxon "
    text += "tests, Holm over all pairs): none."
    assert text in section


def test_thirty_entries_are_named_in_both_figures(tmp_path):
    run = skilled({f"entry{i}": 0.2 + i / 40 for i in range(30)}, n_subjects=5)
    page = page_of(tmp_path, run)
    assert len(body_rows(page, 0)) == 30
    images = [
        base64.b64decode(text).decode() for text in re.findall(r"svg\+xml;base64,([^\"]+)", page)
    ]
    for image in images:
        assert {f"entry{i}" for i in range(30)} <= set(re.findall(r"<!--\s*(entry\d+)", image))


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


DRIVER = """<script>
const seen = {}, table = document.querySelector("table.sortable");
const names = () => [...table.querySelectorAll("tbody.entry tr")].map((row) => row.dataset.entry);
const head = (text) => [...table.tHead.rows[0].cells].find((cell) => cell.textContent === text);
const click = (text) => { head(text).querySelector("button").click(); return names(); };
seen.highest = click("CCC");
seen.marked = head("CCC").getAttribute("aria-sort");
seen.lowest = click("CCC");
seen.smallest_error = click("RMSE");
seen.pcc = click("PCC");
seen.alphabetical = click("Entry");
const box = document.getElementById("filter");
const search = (text) => { box.value = text; box.dispatchEvent(new Event("input")); };
search("ri, CONST");
seen.filtered = [...table.querySelectorAll("tr[data-entry]")].filter((row) => !row.hidden)
  .map((row) => row.dataset.entry);
seen.count = document.getElementById("filtered").textContent;
search("");
seen.back = [...document.querySelectorAll("tr[data-entry]")].every((row) => !row.hidden);
const choose = (list, name) => {
  list.selectedIndex = [...list.options].findIndex((option) => option.text === name);
  list.dispatchEvent(new Event("change"));
};
const facts = () => [...document.querySelectorAll("#pairtext dd")].map((e) => e.textContent);
choose(across, "ridge");
choose(up, "oracle-filter");
seen.oracle = facts();
choose(up, "gru");
seen.pair = facts();
seen.points = document.querySelectorAll("#scatter circle").length;
document.getElementById("swap").click();
seen.swapped = facts()[1];
document.getElementById("next").click();
const lines = () => document.querySelectorAll('.panel path[stroke-width="1.8"]').length;
seen.trial = [select.selectedIndex, lines()];
document.getElementById("previous").click();
document.getElementById("previous").click();
seen.last = select.selectedIndex;
scale.value = "all";
scale.dispatchEvent(new Event("change"));
const ends = () => [...document.querySelectorAll('.panel:first-child text[text-anchor="end"]')]
  .map((text) => Number(text.textContent));
seen.all = ends();
scale.value = "trial";
scale.dispatchEvent(new Event("change"));
seen.own = ends();
document.getElementById("none").click();
seen.none = lines();
const probe = document.createElement("pre");
probe.id = "probe";
probe.textContent = JSON.stringify(seen);
document.body.append(probe);
</script></body>"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs the browser chromium")
def test_page_sorts_filters_compares_and_browses_in_a_browser(tmp_path):
    run = skilled({"ridge": 0.3, "gru": 0.5, "oracle-filter": 0.0, "constant": 0.0})
    run = [
        TrialPrediction(**{**p.__dict__, "predictions": np.zeros_like(p.labels)})
        if p.entry == "constant"
        else p
        for p in run
    ]
    page = page_of(tmp_path, run).replace("</body>", DRIVER)
    (tmp_path / "driven.html").write_text(page, encoding="utf-8")
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-sync"
    options += " --disable-background-networking --dump-dom"
    done = subprocess.run(
        [
            "chromium",
            *options.split(),
            f"--user-data-dir={tmp_path / 'profile'}",
            (tmp_path / "driven.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    seen = json.loads(html.unescape(found.group(1)))
    assert seen["highest"] == ["ridge", "gru", "constant"]
    assert seen["marked"] == "descending"
    assert seen["lowest"] == ["constant", "gru", "ridge"]
    assert seen["smallest_error"] == ["ridge", "gru", "constant"]
    assert seen["pcc"] == ["ridge", "gru", "constant"]
    assert seen["alphabetical"] == ["constant", "gru", "ridge"]
    assert seen["filtered"] == ["constant", "ridge"]
    assert seen["count"] == "2 of 4 shown"
    assert seen["back"]
    scores = subject_scores(run).pivot(index="subject", columns="entry", values="ccc")
    difference = (scores["gru"] - scores["ridge"]).mean()
    assert seen["oracle"][0] == "8 of 8 subjects"
    assert seen["oracle"][2].startswith("not tested")
    assert seen["pair"][:2] == ["0 of 8 subjects", f"{difference:.3f}"]
    assert seen["pair"][2].startswith("p = 0.00781, after Holm's correction over all pairs")
    assert seen["pair"][2].endswith("0.0234")
    assert seen["points"] == 8
    assert seen["swapped"] == f"{-difference:.3f}"
    # four entries are drawn at first, on two panels
    assert seen["trial"] == [1, 8]
    assert seen["last"] == 23
    assert seen["none"] == 0
    # the axis of all trials holds everything, that of a trial what is drawn of it
    values = np.stack([p.predictions for p in run])
    assert seen["all"][0] <= values.min()
    assert seen["all"][-1] >= values.max()
    assert seen["all"][0] <= seen["own"][0] < seen["own"][-1] <= seen["all"][-1]
