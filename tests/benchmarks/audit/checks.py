"""What the tests of the audit share: its checks by name, and means to choose among them."""

from benchmarks.audit import CHECKS

CHECK = {check.name: check for check in CHECKS}

OF_ONE_RUN = {"own-reading", "future", "length", "other-trials", "stimulus", "identity"} | {
    "side-effects"
}
"""Checks that the run in which nothing is planted decides."""

SUBMODULE = "tests.benchmarks.audit.leaky_entries"
"""Module of the leaky entries, as entries are named to the audit."""


def named(verdicts, kind):
    """Return the names of the checks with a verdict of that kind."""
    return {verdict.check for verdict in verdicts if verdict.verdict == kind}


def choose(monkeypatch, *names):
    """Let audits run some checks only."""
    chosen = tuple(CHECK[name] for name in names)
    for module in ("benchmarks.audit", "benchmarks.audit.verdicts", "benchmarks.audit.tables"):
        monkeypatch.setattr(f"{module}.CHECKS", chosen)
