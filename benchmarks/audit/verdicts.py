"""Verdicts of an audit, one a check."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.audit.checks import CHECKS, NOT_APPLICABLE
from benchmarks.audit.setting import Setting


@dataclass(frozen=True)
class Verdict:
    """Outcome of a check.

    Attributes
    ----------
    check, leak : str
        Name of the check and the kind of leak that it is meant for.
    verdict : str
        `PASS`, `FAIL` or `NOT_APPLICABLE`.
    evidence : str
        One line: what was changed, what moved and by how much; or why it cannot be applied.
    """

    check: str
    leak: str
    verdict: str
    evidence: str


def audit(setting: Setting, on_check: Callable[[int, str], None] | None = None) -> list[Verdict]:
    """Run every check.

    Parameters
    ----------
    setting : Setting
        From `make_setting`.
    on_check : callable or None
        Called before each check with the number of those done and its name.

    Returns
    -------
    list of Verdict
        In the order of `CHECKS`.

    Raises
    ------
    ConfigError
        If the entry fails when nothing is planted.
    """
    verdicts = []
    for number, check in enumerate(CHECKS):
        if on_check is not None:
            on_check(number, check.name)
        lack = check.lack(setting)
        if lack:
            verdicts.append(Verdict(check.name, check.leak, NOT_APPLICABLE, lack))
            continue
        finding = check.look(setting)
        verdicts.append(Verdict(check.name, check.leak, finding.verdict, finding.evidence))
    if setting.uncopied:
        note = f" (the entry cannot be copied and was asked itself: {setting.uncopied[0]})"
        verdicts = [replace(verdict, evidence=verdict.evidence + note) for verdict in verdicts]
    return verdicts
