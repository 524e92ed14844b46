"""Audit of an entry: plants leaks around it, and looks whether its predictions notice."""

from benchmarks.audit.checks import CHECKS, FAIL, NOT_APPLICABLE, PASS, Check
from benchmarks.audit.setting import Setting, make_setting
from benchmarks.audit.verdicts import Verdict, audit

__all__ = [
    "CHECKS",
    "FAIL",
    "NOT_APPLICABLE",
    "PASS",
    "Check",
    "Setting",
    "Verdict",
    "audit",
    "make_setting",
]
