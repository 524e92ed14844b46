"""The audit: every leaky entry is caught, by the check meant for it; an honest one passes."""

import pytest

from benchmarks.audit import CHECKS, FAIL, PASS, audit
from benchmarks.audit.jobs import start_method
from tests.benchmarks.audit.checks import CHECK, OF_ONE_RUN, choose, named

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


FIRST = {meant: name for name, (meant, _) in reversed(LEAKS.items())}.values()
"""A leak of each kind, which all checks look at; the others are spared those that train again."""


@pytest.mark.parametrize("name", LEAKS)
def test_every_leak_is_caught_by_the_check_meant_for_it(name, make, tmp_path, monkeypatch):
    folders = (str(tmp_path / "recording.npy"),)
    meant, others = LEAKS[name]
    chosen = [check for check in CHECK if name in FIRST or check in {meant, *others, *OF_ONE_RUN}]
    choose(monkeypatch, *chosen)
    verdicts = audit(make(name, folders=folders))
    assert named(verdicts, FAIL) == {meant, *others}
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
    assert named(verdicts, PASS) == {check.name for check in CHECKS}
