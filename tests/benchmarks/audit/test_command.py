"""eegdancer audit: what it prints and writes, its status, and mistakes in one line."""

import csv
import json

import pytest

from benchmarks.audit import FAIL, NOT_APPLICABLE, PASS
from benchmarks.cli import main
from benchmarks.entries import ENTRIES
from tests.benchmarks.audit.checks import CHECK, SUBMODULE, choose

COMMAND = (*("--max-trials", "2", "--option", "duration_scale=0.1", "--option", "n_subjects=3"),)


def test_command_passes_an_entry_and_writes_the_verdicts(tmp_path, capsys, monkeypatch):
    chosen = [check for check in CHECK if check != "repeatable"]  # that starts an interpreter
    choose(monkeypatch, *chosen)
    out = tmp_path / "new" / "audit"
    assert main(["audit", "ridge", *COMMAND, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "SIMULATED DATA: audit of ridge" in printed
    assert "12 pass, 0 FAIL, 0 not applicable" in printed
    report = json.loads((out / "audit.json").read_text())
    (entry,) = report["entries"]
    assert [v["check"] for v in entry["verdicts"]] == chosen
    assert report["config"]["max_trials"] == 2
    table = (out / "audit.md").read_text()
    assert "SIMULATED DATA" in table
    assert "| ridge | pass | pass |" in table


@pytest.fixture
def quick_audit(monkeypatch, make):
    choose(monkeypatch, "own-reading", "future")
    monkeypatch.setattr("benchmarks.audit.setting.start_method", lambda: "fork")


def test_command_audits_several_entries(quick_audit, tmp_path, capsys):
    leaky = f"{SUBMODULE}:OneStepAhead,{SUBMODULE}:Dies"
    assert main(["audit", f"constant,oracle-filter,{leaky}", *COMMAND, "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    line = captured.err.strip().splitlines()[-1]
    assert "2 of 4 entries fail: " in line
    assert "OneStepAhead (future)" in line
    assert "Dies fails where nothing is planted: its process ended with status 3" in line
    assert "3 of 4" not in captured.out
    assert "2 of 3 entries pass, 1 not run" in captured.out
    with (tmp_path / "audit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["entry"].split(":")[-1], r["check"], r["verdict"]) for r in rows] == [
        ("constant", "own-reading", PASS),
        ("constant", "future", PASS),
        ("oracle-filter", "own-reading", NOT_APPLICABLE),
        ("oracle-filter", "future", NOT_APPLICABLE),
        ("OneStepAhead", "own-reading", PASS),
        ("OneStepAhead", "future", FAIL),
        ("Dies", "", "not run"),
    ]
    text = (tmp_path / "audit.md").read_text()
    assert "OneStepAhead** fails future: the EEG of" in text
    assert "- oracle-filter, own-reading, future: not applicable, an oracle" in text


def test_all_leaves_out_what_cannot_run(quick_audit, monkeypatch, capsys):
    kinds = {name: ENTRIES[name] for name in ("constant", "eegnet")}
    monkeypatch.setattr("benchmarks.entries.ENTRIES", kinds)
    monkeypatch.setattr(kinds["eegnet"], "lack", classmethod(lambda *_: "braindecode"))
    assert main(["audit", "all", *COMMAND]) == 0
    printed = capsys.readouterr().out
    assert "eegnet was not run: needs braindecode" in printed
    assert "1 of 1 entries pass, 1 not run" in printed
    # asked for by name, it is a mistake
    assert main(["audit", "eegnet", *COMMAND]) == 1
    assert "entry eegnet needs braindecode; audit it" in capsys.readouterr().err


def test_command_fails_a_leaky_entry_of_ones_own(tmp_path, capsys, monkeypatch):
    choose(monkeypatch, "held-out-labels", "own-reading")
    # read when the module is imported: so by a process of its own alone
    (tmp_path / "mypkg.py").write_text(
        "from eeg_emotion_env.datasets import load\n"
        "from tests.benchmarks.audit.leaky_entries import Honest\n"
        "TRIALS = load('simulated', n_subjects=3, n_trials=2, duration_scale=0.1)\n"
        "LABELS = {t.trial: t.labels for t in TRIALS if t.subject == 1}\n"
        "class MyEntry(Honest):\n"
        "    name = 'my-entry'\n"
        "    def predict(self, trial):\n"
        "        return LABELS.get(trial.trial, LABELS[1])[:trial.n_steps]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["audit", "mypkg:MyEntry", *COMMAND]) == 1
    captured = capsys.readouterr()
    line = captured.err.strip().splitlines()[-1]
    assert line.startswith("eegdancer: error: entry mypkg:MyEntry fails ")
    assert "held-out-labels" in line
    assert "own-reading" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-entry"], "entry must be one of"),
        (["no.such:Entry"], "entry no.such:Entry cannot be imported"),
        ([","], "name an entry"),
        (["ridge", "--max-trials", "0"], "--max-trials must be at least 1"),
        (["ridge", "--max-subjects", "2"], "needs at least 3 subjects"),
        (["ridge", "--fold", "9"], "fold must be 0 to"),
        (["ridge", "--dataset", "mahnob", "--data", "/none"], "/none: no such folder"),
    ],
)
def test_mistakes_of_the_command_are_one_line(arguments, message, capsys):
    assert main(["audit", *arguments]) == 1
    err = capsys.readouterr().err.strip()
    assert message in err
    assert len(err.splitlines()) == 1
