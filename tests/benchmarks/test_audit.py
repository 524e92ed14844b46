"""The audit: every leaky entry is caught, by the check meant for it; every shipped one passes."""

import csv
import importlib.util
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.audit import CHECKS, FAIL, NOT_APPLICABLE, PASS, audit, make_setting
from benchmarks.audit.agreement import agreement, chance
from benchmarks.audit.jobs import start_method
from benchmarks.audit.planting import cut_short, given, renamed, with_labels, with_noise
from benchmarks.audit.setting import answers_alone, few
from benchmarks.audit.worlds import Plant, Watch, world
from benchmarks.audit.worlds import identity as identity_of
from benchmarks.cli import main
from benchmarks.entries import ENTRIES
from benchmarks.entries.braindecode_nets import import_models
from benchmarks.runner import make_jobs, run_job
from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.simulation import simulate_labels, simulate_trial
from eeg_emotion_env.splits import make_split
from encoders import PretrainingConfig, StageConfig, pretrain
from tests.benchmarks import leaky_entries
from tests.benchmarks.conftest import made_trials
from tests.eeg_emotion_env import writers

LABEL_READERS = {"length", "identity", "stale-data", "label-source"}
"""Checks that notice predictions that are looked up by name, wherever they come from."""

# Each leaky entry: the check that is meant for it, and all others that notice it.
LEAKS = {
    "LabelsByLoad": ("held-out-labels", {"own-reading", *LABEL_READERS}),
    "OracleOfLabels": ("held-out-labels", set()),
    "TruthFromGenerator": ("held-out-labels", LABEL_READERS),
    "ScaleOfTestLabels": ("held-out-labels", {"own-reading", "future", "length", "identity"}),
    "BestOnTest": ("held-out-labels", {"held-out-eeg", "own-reading"}),
    "LabelsInMemory": ("label-source", LABEL_READERS),
    "PCAOnEverybody": ("held-out-eeg", {"own-reading"}),
    "LaterTrial": ("held-out-eeg", {"own-reading", "future", "length", "identity"}),
    "OtherTrialByReader": ("held-out-eeg", {"identity"}),
    "ReadsFile": ("own-reading", set()),
    "WholeTrialZScore": ("future", {"length"}),
    "BothDirections": ("future", {"length"}),
    "OneStepAhead": ("future", {"length"}),
    "RelativeTime": ("length", set()),
    "ClipByLength": ("length", set()),
    "TestAverage": ("other-trials", set()),
    "CountsInClass": (
        "other-trials",
        {"future", "length", "stimulus", "identity", "stale-data", "other-folds"},
    ),
    "CarriesOn": ("other-trials", set()),
    "AnswersByName": ("other-trials", set()),
    "ClipLookup": ("stimulus", set()),
    "TrialNumberLookup": ("identity", set()),
    "SubjectLookup": ("identity", set()),
    "CacheByName": ("stale-data", {"identity"}),
    "CacheElsewhere": ("stale-data", set()),
    "CacheMovedElsewhere": ("stale-data", set()),
    "CacheInDatabase": ("stale-data", set()),
    "PerTrialByName": ("stale-data", {"identity"}),
    "FittedOnce": ("other-folds", {"stale-data"}),
    "EncoderOfAllFolds": ("other-folds", {"stale-data"}),
    "BetterMetric": ("side-effects", set()),
    "OtherPrecision": ("side-effects", set()),
    "GlobalRandom": ("repeatable", set()),
    "WallClock": ("repeatable", set()),
    "HiddenSeed": ("repeatable", set()),
}
CHECK = {check.name: check for check in CHECKS}
FIRST = {meant: name for name, (meant, _) in reversed(LEAKS.items())}.values()
"""A leak of each kind, which all checks look at; the others are spared those that train again."""

OF_ONE_RUN = {"own-reading", "future", "length", "other-trials", "stimulus", "identity"}
OF_ONE_RUN |= {"side-effects"}
"""Checks that the run in which nothing is planted decides."""

SUBMODULE = "tests.benchmarks.leaky_entries"


@pytest.fixture(scope="module")
def simulated():
    return list(load("simulated", **leaky_entries.OPTIONS))


@pytest.fixture
def make(simulated, tmp_path, monkeypatch):
    """Prepare the audit of an entry of `leaky_entries`."""
    names = {(t.subject, t.session, t.trial): t.labels for t in simulated}
    monkeypatch.setattr(leaky_entries, "KNOWN", names)
    monkeypatch.setattr(leaky_entries, "PLACE", [tmp_path])
    np.save(tmp_path / "recording.npy", np.zeros(3))
    split = make_split("leave-subject-out", [trial.key for trial in simulated])

    def prepared(name, **options):
        # forked, so that jobs see what the tests have patched
        options = {"method": "fork", **options}
        path = name if name in ENTRIES else f"{SUBMODULE}:{name}"
        return make_setting(path, simulated, split, **options)

    return prepared


def _named(verdicts, kind):
    return {verdict.check for verdict in verdicts if verdict.verdict == kind}


def _choose(monkeypatch, *names):
    """Let audits run some checks only."""
    chosen = tuple(CHECK[name] for name in names)
    for module in ("benchmarks.audit", "benchmarks.audit.verdicts", "benchmarks.audit.tables"):
        monkeypatch.setattr(f"{module}.CHECKS", chosen)


@pytest.mark.parametrize("name", LEAKS)
def test_every_leak_is_caught_by_the_check_meant_for_it(name, make, tmp_path, monkeypatch):
    folders = (str(tmp_path / "recording.npy"),)
    meant, others = LEAKS[name]
    chosen = [check for check in CHECK if name in FIRST or check in {meant, *others, *OF_ONE_RUN}]
    _choose(monkeypatch, *chosen)
    verdicts = audit(make(name, folders=folders))
    assert _named(verdicts, FAIL) == {meant, *others}
    assert len(verdicts) == len(chosen)
    assert all(verdict.evidence and "\n" not in verdict.evidence for verdict in verdicts)


@pytest.mark.parametrize(
    ("name", "check"), [("LabelsOfCaller", "held-out-labels"), ("OrderOfSet", "repeatable")]
)
def test_leaks_that_show_in_new_processes_alone(name, check, make):
    # forked ones have the variables and the string hashes of the tests
    setting = make(name, method=start_method())
    finding = CHECK[check].look(setting)
    assert finding.verdict == FAIL
    assert "predictions of 4 of 4 trials moved" in finding.evidence


def test_the_leaks_are_of_many_kinds():
    # the check for whom each leak is meant: all but none are needed
    assert {meant for meant, _ in LEAKS.values()} == {check.name for check in CHECKS}


def test_an_honest_entry_passes(make, tmp_path):
    verdicts = audit(make("Honest", folders=(str(tmp_path),)))
    assert _named(verdicts, PASS) == {check.name for check in CHECKS}


@pytest.fixture(scope="module")
def few_trials():
    """Few short trials; what libraries load and compile late is done once, not in each process."""
    trials = list(load("simulated", **{**leaky_entries.OPTIONS, "n_subjects": 3, "n_trials": 2}))
    stage = StageConfig(epochs=1)
    pretrain(
        [trial.features for trial in trials],
        [trial.subject for trial in trials],
        [trial.labels for trial in trials],
        pretraining=PretrainingConfig(vqvae=stage, dynamics=stage),
    ).encode(trials[0].features)
    if importlib.util.find_spec("braindecode") is not None:
        import_models()
    return trials


@pytest.mark.parametrize("name", ENTRIES)
def test_shipped_entries_pass(name, few_trials, short_training, monkeypatch):
    stage = StageConfig(epochs=1, patience=1)
    monkeypatch.setattr("benchmarks.entries.eegdancer.QUICK_STAGE", stage)
    monkeypatch.setattr("benchmarks.entries.braindecode_nets.MOST_WINDOWS", 40)
    monkeypatch.setattr("benchmarks.entries.bptt.EPOCHS", 3)
    monkeypatch.setattr("benchmarks.audit.probes.MOST_TRIALS", 1)
    kind = ENTRIES[name]
    config = getattr(kind, "agent_config", None)
    if config is not None:
        short = {"net_arch": (8,), "total_steps": 60, "n_envs": 4, "learning_starts": 20}
        monkeypatch.setattr(kind, "agent_config", replace(config, evaluate_every=30, **short))
    lack = kind.lack(few_trials)
    if lack:
        pytest.skip(f"{name} needs {lack}")
    if set(kind.__mro__[1:]) & set(ENTRIES.values()):
        # a variant: what trains again is in benchmarks/results/audit.md
        _choose(monkeypatch, "held-out-labels", "held-out-eeg", *OF_ONE_RUN)
    split = make_split("leave-subject-out", [trial.key for trial in few_trials])
    verdicts = audit(make_setting(name, few_trials, split, method="fork"))
    assert not [v for v in verdicts if v.verdict == FAIL]
    undeclared = _named(verdicts, NOT_APPLICABLE) if not kind.oracle else set()
    assert undeclared <= ({"stimulus"} if kind.needs_stimuli else set())


def test_the_committed_table_is_of_all_shipped_entries():
    path = Path(benchmarks.__file__).parent / "results" / "audit.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = {(name, check) for name in ENTRIES for check in CHECK}
    assert {(row["entry"], row["check"]) for row in rows} == expected
    assert {row["verdict"] for row in rows} == {PASS, NOT_APPLICABLE}


def test_entries_get_what_the_runner_gives_them(make, simulated, short_training):
    setting = make("ridge", fold=1)
    split = make_split("leave-subject-out", [trial.key for trial in simulated])
    result = run_job(make_jobs(simulated, split, ["ridge"], [0], quick=True)[1], simulated)
    for answer, expected in zip(
        answers_alone(setting.base), result.predictions.values(), strict=True
    ):
        np.testing.assert_array_equal(answer, expected)
    shown = (*setting.train, *setting.test)
    assert all(trial.truth is None and trial.simulation is None for trial in shown)
    assert all(np.isnan(trial.labels).all() for trial in setting.test)
    told = make("oracle-filter").test
    assert all(trial.simulation is not None and trial.truth is None for trial in told)
    assert all(np.isnan(trial.labels).all() for trial in told)


def test_evidence_names_the_change_and_its_size(make):
    verdicts = {v.check: v for v in audit(make("OneStepAhead"))}
    assert "from step" in verdicts["future"].evidence
    assert "predictions moved by 0." in verdicts["future"].evidence
    assert "nothing moved" in verdicts["stimulus"].evidence


@pytest.mark.filterwarnings("ignore:.*not as long as the clips")
def test_files_of_a_data_set_may_be_read_through_the_trials_given_alone(tmp_path):
    writers.write_seed(tmp_path, subjects=(1,), sessions=(1,), seconds=4, labels=(1, 0, -1))
    trials = load("seed", data=tmp_path)
    split = make_split("leave-stimulus-out", trials.keys, 3)

    def finding(name):
        setting = make_setting(
            f"{SUBMODULE}:{name}", list(trials), split, folders=(str(tmp_path),), method="fork"
        )
        return CHECK["own-reading"].look(setting)

    assert finding("ReadsEEG").verdict == PASS
    leaky = finding("OpensRecordings")
    assert leaky.verdict == FAIL
    assert "1_20131027.mat" in leaky.evidence


@pytest.mark.parametrize(
    ("place", "is_heard"),
    [
        ("{out}/dev/cache.npy", True),
        ("{out}/proc.npy", True),
        ("/dev/shm/eegdancer-test.npy", True),
        ("/dev/null", False),
        ("{out}/__pycache__/module.pyc", False),
        ("{scratch}/features.npy", False),
    ],
)
def test_what_outlives_the_job_is_heard(place, is_heard, tmp_path):
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    path = place.format(out=out, scratch=scratch)
    watch = Watch(scratch=str(scratch), active=True)
    for mode, flags in (("w", None), (None, os.O_WRONLY)):
        watch.written.clear()
        watch.hear("open", (path, mode, flags))
        assert watch.written == ([path] if is_heard else [])
    watch.written.clear()
    watch.hear("open", (path, "r", os.O_RDONLY))
    watch.hear("open", (3, "w", None))
    watch.hear("sqlite3.connect", (":memory:",))
    assert watch.written == []


def test_trials_too_short_to_be_changed_are_no_pass(simulated):
    short = [cut_short(trial, 1) for trial in simulated]
    split = make_split("leave-subject-out", [trial.key for trial in short])
    setting = make_setting("constant", short, split, method="fork")
    for name in ("future", "length"):
        finding = CHECK[name].look(setting)
        assert (finding.verdict, finding.evidence) == (
            NOT_APPLICABLE,
            "the test trials are too short to be changed",
        )


@pytest.mark.parametrize(
    ("name", "effect"),
    [("Honest", "by more than 1e-05 before it, and by up to 0."), ("constant", ", nor after it")],
)
def test_evidence_says_whether_predictions_depend_on_eeg(name, effect, make):
    finding = CHECK["future"].look(make(name))
    assert finding.verdict == PASS
    assert effect in finding.evidence


def test_entries_that_fail_are_reported(make, monkeypatch):
    with pytest.raises(ConfigError, match="Dies fails where nothing is planted: its process ended"):
        audit(make("Dies"))
    setting = make("DiesOnOtherLabels")
    monkeypatch.setattr(leaky_entries, "KNOWN", {"first": setting.train[0].labels[0, 0]})
    verdicts = {v.check: v for v in audit(setting)}
    assert verdicts["label-source"].verdict == FAIL
    assert "no such mood" in verdicts["label-source"].evidence


def test_verdicts_say_that_an_entry_could_not_be_copied(make):
    verdicts = audit(make("HoldsALock"))
    assert not _named(verdicts, FAIL)
    assert all("cannot be copied and was asked itself: TypeError" in v.evidence for v in verdicts)
    assert not any("cannot be copied" in v.evidence for v in audit(make("Honest")))


def test_declared_entries_are_not_tested_for_what_they_declare(make, monkeypatch):
    monkeypatch.setattr(leaky_entries.BothDirections, "causal", False)
    monkeypatch.setattr(leaky_entries.ClipLookup, "needs_stimuli", True)
    verdicts = audit(make("BothDirections"))
    assert _named(verdicts, NOT_APPLICABLE) == {"future", "length"}
    assert "non-causal track" in next(v for v in verdicts if v.check == "future").evidence
    assert _named(audit(make("ClipLookup")), NOT_APPLICABLE) == {"stimulus"}


def test_known_people_may_be_known(simulated, monkeypatch):
    keys = [trial.key for trial in simulated]
    split = make_split("leave-stimulus-out", keys, 2)
    setting = make_setting(f"{SUBMODULE}:SubjectLookup", simulated, split, method="fork")
    assert "identity" not in _named(audit(setting), FAIL)


def test_what_cannot_be_audited_is_refused(make, simulated):
    with pytest.raises(ConfigError, match="fold must be 0 to 3"):
        make("Honest", fold=4)
    blind = made_trials(stimuli=False)
    split = make_split("leave-subject-out", [trial.key for trial in blind])
    with pytest.raises(ConfigError, match="audit it on another data set"):
        make_setting("stimulus-time-mean", blind, split)


@pytest.mark.parametrize("start", [0, 5])
def test_noise_leaves_the_past_alone(simulated, start):
    trial = simulated[0]
    changed = with_noise(given(trial), start)
    np.testing.assert_array_equal(changed.features[:start], trial.features[:start])
    assert (changed.features[start:] != trial.features[start:]).all()
    before, after = trial.read_eeg().eeg, changed.read_eeg().eeg
    sample = round(start * trial.step_s * trial.read_eeg().sfreq)
    np.testing.assert_array_equal(after[:, :sample], before[:, :sample])
    assert (after[:, sample:] != before[:, sample:]).mean() > 0.99


def test_changed_trials_reach_other_processes(simulated):
    trial = pickle.loads(pickle.dumps(cut_short(with_noise(given(simulated[0]), 3), 7)))
    assert trial.n_steps == 7
    signal = trial.read_eeg()
    assert signal.eeg.shape[1] == round(7 * trial.step_s * signal.sfreq)
    # as on the leaderboard: the reader can be reached
    assert trial.read_eeg.reader.simulation.n_subjects == 4
    other = renamed(trial, subject=9)
    assert (other.subject, other.origin, other.read_eeg.key.subject) == (9, "", 9)
    with pytest.raises(AttributeError):
        _ = other.read_eeg.nothing


@pytest.mark.parametrize("what", ["labels", "eeg", ""])
def test_data_sets_and_simulator_are_changed_for_a_while(simulated, what):
    held, other = simulated[1], simulated[5]
    config, ids = held.simulation, (held.subject, held.session, held.trial)
    plant = Plant(frozenset({identity_of(held.key)}), what)
    watch = Watch()
    with world(plant, watch):
        trials = load("simulated", **leaky_entries.OPTIONS)
        found, untouched = trials[1], trials[5]
        labels, truth = simulate_labels(config, *ids)
        eeg = simulate_trial(config, *ids).eeg
        given_eeg = given(held).read_eeg().eeg
    factor = -0.5 if what == "labels" else 1.0
    np.testing.assert_allclose(found.labels, factor * held.labels, atol=1e-6)
    np.testing.assert_allclose(truth, factor * held.truth, atol=1e-6)
    assert (found.features == held.features).all() == (what != "eeg")
    assert (eeg == held.read_eeg().eeg).all() == (what != "eeg")
    assert (labels == held.labels).all() == (what != "labels")
    np.testing.assert_array_equal(given_eeg, held.read_eeg().eeg)
    np.testing.assert_array_equal(untouched.labels, other.labels)
    np.testing.assert_array_equal(untouched.features, other.features)
    assert watch.opened == [f"the held-out trial {held.key}"]
    np.testing.assert_array_equal(simulate_labels(config, *ids)[0], held.labels)
    np.testing.assert_array_equal(load("simulated", **leaky_entries.OPTIONS)[1].labels, held.labels)


def test_few_trials_are_the_first_of_the_first_subjects():
    keys = [trial.key for trial in made_trials(n_subjects=4, n_stimuli=5)]
    kept = [keys[place] for place in few(keys, 3, 2)]
    assert [(key.subject, key.trial) for key in kept] == [
        (subject, trial) for subject in (1, 2, 3) for trial in (1, 2)
    ]


def test_chance_is_what_shifted_labels_and_random_readouts_reach(simulated):
    test = [simulated[0]]
    n_steps, rng = test[0].n_steps, np.random.default_rng(0)
    label, noise = np.cumsum(rng.normal(size=(2, n_steps, 2)), axis=1).astype(np.float32)
    assert agreement([label], [label]) == pytest.approx(1)
    assert agreement([label], [-label]) == pytest.approx(-1)
    assert agreement([label], [np.zeros_like(label)]) == 0
    assert 0 < chance([label], [noise], test) < 0.95
    # a step at the start of the trial is something that any readout may share
    drift = np.tile(np.arange(n_steps)[:, None], (1, test[0].features[0].size))
    drifting = test[0].replace(features=drift.reshape(test[0].features.shape))
    line = drift[:, :2].astype(np.float32)
    assert chance([line], [line], [drifting]) > 0.99


def test_labels_are_planted_where_they_are(simulated):
    holes = np.array(simulated[0].labels)
    holes[:3] = np.nan
    planted = with_labels(simulated[0].replace(labels=holes))
    np.testing.assert_array_equal(planted.labels, -0.5 * holes)


COMMAND = (*("--max-trials", "2", "--option", "duration_scale=0.1", "--option", "n_subjects=3"),)


def test_command_passes_an_entry_and_writes_the_verdicts(tmp_path, capsys, monkeypatch):
    chosen = [check for check in CHECK if check != "repeatable"]  # that starts an interpreter
    _choose(monkeypatch, *chosen)
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
    _choose(monkeypatch, "own-reading", "future")
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
    _choose(monkeypatch, "held-out-labels", "own-reading")
    # read when the module is imported: so by a process of its own alone
    (tmp_path / "mypkg.py").write_text(
        "from eeg_emotion_env.datasets import load\n"
        "from tests.benchmarks.leaky_entries import Honest\n"
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


def test_the_environment_of_the_caller_stays(make):
    before, folder = dict(os.environ), os.getcwd()
    audit(make("CacheByName"))
    assert (dict(os.environ), os.getcwd()) == (before, folder)
