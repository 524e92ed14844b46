"""`summary`: one table of several leaderboards."""

import shlex
import sys

import pandas as pd

from benchmarks import options as arguments
from benchmarks.commands.common import out_folder, say, write_config


def summary(options: arguments.Summary) -> int:
    """Compare entries over the data sets of several leaderboards, and write one table."""
    from benchmarks.leaderboard import replacing
    from benchmarks.statistics.summary import summarise, summary_markdown

    table = summarise(options.folders, options.reference, options.track)
    out = out_folder(options.out)
    write_config(out / "config.json", options)
    command = shlex.join(["eegdancer", *sys.argv[1:]])
    with replacing(out / "summary.csv") as path:
        table.to_csv(path, index=False, float_format="%.6f")
    with replacing(out / "summary.md") as path:
        path.write_text(summary_markdown(table, command), encoding="utf-8")
    for dataset, n_subjects, simulated in table.attrs["datasets"]:
        say(f"{dataset}: {n_subjects} subjects{', SIMULATED DATA' if simulated else ''}")
    _print(table)
    say(f"summary.csv and summary.md written to {out}")
    return 0


def _print(table: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table

    from benchmarks.statistics.summary import summary_cells

    cells = summary_cells(table)
    shown = Table(*cells.columns, box=None)
    for row in cells.to_numpy():
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 140).print(shown)
