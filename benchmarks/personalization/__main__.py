"""``python -m benchmarks.personalization``: arguments, progress, table and curve."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.commands.common import load_trials, out_folder
from benchmarks.options import Data
from benchmarks.personalization.protocol import Unit, groups_of, units_of
from benchmarks.personalization.run import run_units
from benchmarks.personalization.table import curve_table, markdown, plot
from benchmarks.script import counted, run_script, write_tables
from eeg_emotion_env.datasets import Trials
from eeg_emotion_env.errors import ConfigError


@dataclass(frozen=True)
class Options:
    """CCC of new people against minutes of labelled calibration."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for results; the same command goes on where it was."""
    folds: int = 4
    """Folds of whole subjects; at least 3."""
    seeds: int = 3
    """Seeds of encoder and agent."""
    minutes: tuple[float, ...] = (1, 2, 4, 8)
    """Lengths of the calibration; 0 is always there."""
    quick: bool = False
    """Smaller training, for a look."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    return run_script("benchmarks.personalization", Options, personalization, arguments)


def personalization(options: Options, command: str) -> None:
    """Run the protocol and write ``personalization.csv``, ``.md`` and ``.png``."""
    if options.folds < 3 or options.seeds < 1 or any(m <= 0 for m in options.minutes):
        raise ConfigError("needs --folds of at least 3, --seeds of at least 1, --minutes above 0")
    trials = load_trials(options.data)
    groups = groups_of(trials.keys, options.folds)
    units = units_of(len(groups), range(options.seeds))
    minutes = reachable(trials, options.minutes)
    out = out_folder(options.out)
    with counted("models", len(units)) as one_more:

        def on_unit(unit: Unit) -> None:
            one_more(f"seed {unit.seed}, without folds {unit.left_out}")

        ran = run_units(list(trials), groups, units, minutes, out, options.quick, on_unit)
    table = curve_table(ran, groups)
    source = trials[0].source
    title = f"{options.data.dataset} ({source} data)"
    plot(table, out / "personalization.png", title)
    write_tables(out, "personalization", table, markdown(table, command, title))


def reachable(trials: Trials, minutes: Sequence[float]) -> list[float]:
    """Drop lengths that nobody's calibration pool holds."""
    by_subject: dict[str, list[float]] = {}
    for trial in trials:
        by_subject.setdefault(str(trial.subject), []).append(trial.n_steps * trial.step_s / 60)
    pools = [sum(lengths[: (len(lengths) + 1) // 2]) for lengths in by_subject.values()]
    return sorted({float(m) for m in minutes if m <= max(pools)})


if __name__ == "__main__":
    sys.exit(main())
