"""``python -m benchmarks.intervals``: arguments, progress, table."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro

from agents.quantiles import FEWEST_PEOPLE
from benchmarks.commands.common import load_trials, out_folder
from benchmarks.intervals.played import played_units, units_of
from benchmarks.intervals.ways import scored, table_of
from benchmarks.options import Data
from benchmarks.personalization.protocol import Groups, Unit, groups_of
from benchmarks.script import counted, run_script, write_tables
from eeg_emotion_env.errors import ConfigError

HEAD = (
    "| interval | coverage | SD | least | most | width | interval score | of constant |\n"
    "|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Options:
    """Coverage of the 80 % interval on new people, by ways of making it."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for results; the same command goes on where it was."""
    folds: int = 6
    """Folds of whole subjects; one model is trained without each and without each pair of them."""
    seeds: int = 1
    """Seeds of encoder and agent."""
    members: int = 3
    """Agents of an ensemble, on the same encoder; 1 leaves it out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    return run_script("benchmarks.intervals", Options, intervals, arguments)


def intervals(options: Options, command: str) -> None:
    """Run the protocol and write ``intervals.csv`` and ``intervals.md``."""
    if options.folds < 3 or options.seeds < 1 or options.members < 1:
        raise ConfigError("needs --folds of at least 3, --seeds and --members of at least 1")
    trials = load_trials(options.data)
    groups = groups_of(trials.keys, options.folds)
    _require_enough(groups)
    units = units_of(len(groups), range(options.seeds))
    out = out_folder(options.out)
    with counted("models", len(units)) as one_more:

        def on_unit(unit: Unit) -> None:
            one_more(f"seed {unit.seed}, without folds {unit.left_out}")

        played = played_units(list(trials), groups, units, options.members, out, on_unit)
    table = table_of(pd.concat([scored(one, trials[0].label_names) for one in played.values()]))
    title = f"{options.data.dataset} ({trials[0].source} data)"
    write_tables(out, "intervals", table, markdown(table, command, title, options))


def _require_enough(groups: Groups) -> None:
    """Refuse, before anything is trained, folds that leave too few people to calibrate on."""
    left = sum(map(len, groups)) - max(map(len, groups))
    if left < FEWEST_PEOPLE:
        raise ConfigError(
            f"intervals need {FEWEST_PEOPLE} people outside each fold, not {left}; take more "
            "subjects or more --folds"
        )


def markdown(table: pd.DataFrame, command: str, title: str, options: Options) -> str:
    """Set the table as Markdown.

    Parameters
    ----------
    table : DataFrame
        As `table_of` gives it.
    command : str
        Command that made it.
    title : str
        Data.
    options : Options
        What was asked for.

    Returns
    -------
    str
        A Markdown document.
    """
    parts = [f"# Coverage of the 80 % interval on new people: {title}", _notes(options)]
    for label, rows in table.groupby("label", sort=False):
        lines = [HEAD, *(_row(row) for row in rows.to_dict("records"))]
        parts += [f"## {label}, {rows['people'].iloc[0]} people", "\n".join(lines)]
    return "\n\n".join([*parts, f"```\n{command}\n```"]) + "\n"


def _notes(options: Options) -> str:
    return (
        f"{options.folds} folds of whole subjects, {options.seeds} seed(s). Intervals of a fold "
        "are calibrated on the people of the other folds, each predicted by a model (encoder and "
        "agent) that knew neither them nor the fold. Coverage is the share of a person's annotated "
        "steps inside; columns are means over people, who count equally, SD, least and most are "
        "over people. The interval score is the width plus ten times the distance by which labels "
        "are missed: lower is better."
    )


def _row(row: Mapping[Any, Any]) -> str:
    share = ("coverage", "coverage_sd", "coverage_min", "coverage_max")
    cells = [f"{row[name]:.1%}" for name in share]
    cells += [f"{row[name]:.3f}" for name in ("width", "score", "relative_score")]
    return f"| {row['way']} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
