"""Verdicts on several entries: as a table for people, as rows and as a report."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.audit.checks import CHECKS, FAIL, NOT_APPLICABLE, PASS
from benchmarks.audit.verdicts import Verdict

COLUMNS = ("entry", "check", "verdict", "evidence")
NOT_RUN = "not run"
SHORT = {PASS: "pass", FAIL: "**FAIL**", NOT_APPLICABLE: "n/a"}


@dataclass(frozen=True)
class Audited:
    """What came of the audit of an entry.

    Attributes
    ----------
    entry : str
        Name or import path.
    verdicts : tuple of Verdict
        One a check; empty if it was not run.
    lack : str
        What it needs and does not find here; it was not run, and that is no fault.
    error : str
        What went wrong where nothing was planted; empty if nothing did.
    """

    entry: str
    verdicts: tuple[Verdict, ...] = ()
    lack: str = ""
    error: str = ""

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        return [verdict.check for verdict in self.verdicts if verdict.verdict == FAIL]

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong with the entry."""
        return bool(self.error or self.failed)

    @property
    def note(self) -> str:
        """Why it was not run; empty if it was."""
        return f"needs {self.lack}" if self.lack else self.error


def counts(audited: Audited) -> str:
    """Count verdicts of an entry, in words."""
    kinds = [verdict.verdict for verdict in audited.verdicts]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in SHORT)


def fault_line(results: Sequence[Audited]) -> str:
    """Say in one line which entries fail, and where; empty if none does."""
    faulty = [audited for audited in results if audited.is_fault]
    if not faulty:
        return ""
    if len(results) == 1:
        (only,) = faulty
        text = only.error or (
            f"entry {only.entry} fails {len(only.failed)} of {len(only.verdicts)} checks: "
            f"{', '.join(only.failed)}"
        )
    else:
        each = (f"{a.entry} ({a.error or ', '.join(a.failed)})" for a in faulty)
        text = f"{len(faulty)} of {len(results)} entries fail: {'; '.join(each)}"
    return f"{text}; docs/audit.md says what each check means"


def rows(results: Iterable[Audited]) -> list[dict[str, str]]:
    """Return one row an entry and check, with `COLUMNS`."""
    table = []
    for audited in results:
        if not audited.verdicts:
            values = (audited.entry, "", NOT_RUN, audited.note)
            table.append(dict(zip(COLUMNS, values, strict=True)))
        for v in audited.verdicts:
            values = (audited.entry, v.check, v.verdict, v.evidence)
            table.append(dict(zip(COLUMNS, values, strict=True)))
    return table


def as_csv(results: Iterable[Audited]) -> str:
    """Write `rows` as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(results))
    return text.getvalue()


def as_json(results: Iterable[Audited], context: dict[str, Any]) -> dict[str, Any]:
    """Return verdicts and the facts of the run, JSON-able."""
    entries = [
        {
            "entry": audited.entry,
            "not_run": audited.note,
            "verdicts": [asdict(verdict) for verdict in audited.verdicts],
        }
        for audited in results
    ]
    return {**context, "entries": entries}


def as_markdown(results: Sequence[Audited], context: dict[str, Any]) -> str:
    """Write the table of entries and checks, and below it all that is not a plain pass."""
    lines = [f"# Audit: {context['title']}, {context['protocol']}", ""]
    if context["source"] == "simulated":
        lines += ["> **SIMULATED DATA.** Leaks are planted; scores play no part.", ""]
    lines += ["```sh", context["command"], "```", ""]
    lines += ["What each check does, and what it cannot see: `docs/audit.md`.", ""]
    names = [check.name for check in CHECKS]
    lines += [_line(["Entry", *names]), _line(["---", *[":-:" for _ in names]])]
    for audited in results:
        cells = [SHORT[verdict.verdict] for verdict in audited.verdicts]
        lines.append(_line([audited.entry, *(cells or [NOT_RUN, *[""] * (len(names) - 1)])]))
    lines += ["", *_remarks(results)]
    return "\n".join(lines).rstrip() + "\n"


def _remarks(results: Sequence[Audited]) -> list[str]:
    """List failures, what was not run, and why checks do not apply, like ones together."""
    lines = []
    for audited in results:
        if not audited.verdicts:
            lines.append(f"- **{audited.entry}** was not run: {audited.note}")
        failed = [v for v in audited.verdicts if v.verdict == FAIL]
        lines += [f"- **{audited.entry}** fails {v.check}: {v.evidence}" for v in failed]
    reasons: dict[tuple[str, str], list[str]] = {}
    for audited in results:
        for verdict in audited.verdicts:
            if verdict.verdict == NOT_APPLICABLE:
                place = audited.entry, verdict.evidence
                reasons.setdefault(place, []).append(verdict.check)
    for (entry, reason), checks in reasons.items():
        lines.append(f"- {entry}, {', '.join(checks)}: not applicable, {reason}")
    return lines


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
