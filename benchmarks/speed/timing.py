"""Timing in turn, and the table of results."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One result.

    Attributes
    ----------
    key : str
        Name in the JSON line.
    what : str
        What was measured, for people.
    value : float
        The figure.
    target : str
        What it should reach, such as ``"≤ 1.5"``; empty where there is none.
    detail : str
        The figures behind it.
    """

    key: str
    what: str
    value: float
    target: str = ""
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is reached (True where there is none)."""
        if not self.target:
            return True
        sign, _, limit = self.target.partition(" ")
        number = float(limit)
        return self.value >= number if sign == "≥" else self.value <= number


def interleaved(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Time functions in turn: median CPU seconds of each, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if turn:
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def print_rows(rows: list[Row]) -> None:
    """Print the table of results."""
    table = Table("what", "key", "value", "target", "", "detail", box=None)
    for row in rows:
        mark = "" if not row.target else ("ok" if row.holds else "MISSED")
        table.add_row(row.what, row.key, f"{row.value:.3g}", row.target, mark, row.detail)
    Console(width=170).print(table)
