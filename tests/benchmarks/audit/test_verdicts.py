"""The audit: what evidence says, what is not applicable, and what is refused."""

import pytest

from benchmarks.audit import FAIL, NOT_APPLICABLE, PASS, audit, make_setting
from benchmarks.audit.planting import cut_short
from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import make_split
from tests.benchmarks.audit import leaky_entries
from tests.benchmarks.audit.checks import CHECK, SUBMODULE, named
from tests.benchmarks.conftest import made_trials
from tests.eeg_emotion_env import writers


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
    assert not named(verdicts, FAIL)
    assert all("cannot be copied and was asked itself: TypeError" in v.evidence for v in verdicts)
    assert not any("cannot be copied" in v.evidence for v in audit(make("Honest")))


def test_declared_entries_are_not_tested_for_what_they_declare(make, monkeypatch):
    monkeypatch.setattr(leaky_entries.BothDirections, "causal", False)
    monkeypatch.setattr(leaky_entries.ClipLookup, "needs_stimuli", True)
    verdicts = audit(make("BothDirections"))
    assert named(verdicts, NOT_APPLICABLE) == {"future", "length"}
    assert "non-causal track" in next(v for v in verdicts if v.check == "future").evidence
    assert named(audit(make("ClipLookup")), NOT_APPLICABLE) == {"stimulus"}


def test_known_people_may_be_known(simulated, monkeypatch):
    keys = [trial.key for trial in simulated]
    split = make_split("leave-stimulus-out", keys, 2)
    setting = make_setting(f"{SUBMODULE}:SubjectLookup", simulated, split, method="fork")
    assert "identity" not in named(audit(setting), FAIL)


def test_what_cannot_be_audited_is_refused(make, simulated):
    with pytest.raises(ConfigError, match="fold must be 0 to 3"):
        make("Honest", fold=4)
    blind = made_trials(stimuli=False)
    split = make_split("leave-subject-out", [trial.key for trial in blind])
    with pytest.raises(ConfigError, match="audit it on another data set"):
        make_setting("stimulus-time-mean", blind, split)
