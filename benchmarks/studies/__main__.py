"""``python -m benchmarks.studies ladder|algorithms|attempts``: arguments, progress, tables."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from benchmarks.commands.common import load_trials, out_folder
from benchmarks.options import Data
from benchmarks.script import counted, run_script, write_tables
from benchmarks.studies.arms import LADDER, REFERENCES, STUDIES, notes
from benchmarks.studies.run import Record, run_study
from benchmarks.studies.table import markdown, study_table
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.splits import make_split


@dataclass(frozen=True)
class Options:
    """What is trained on frozen latents, compared: see `benchmarks.studies`."""

    study: tyro.conf.Positional[Literal["ladder", "algorithms", "attempts"]]
    """ladder: from a constant to SAC with a privileged critic; algorithms: all of them with the
    same budget; attempts: changes to the default agent, one at a time."""
    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for results; the same command goes on where it was."""
    objectives: str = ",".join(LADDER)
    """Objectives of the ladder, separated by commas."""
    folds: int = 3
    """Folds of whole subjects; the encoder of a fold is the same for all."""
    seeds: int = 4
    """Seeds in each fold, other ones in each: with three folds, four make twelve."""
    workers: int = 0
    """Processes (default: one a core)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    return run_script("benchmarks.studies", Options, study, arguments)


def study(options: Options, command: str) -> None:
    """Run the study and write ``<study>.csv`` and ``<study>.md``."""
    if options.folds < 2 or options.seeds < 1:
        raise ConfigError("needs --folds of at least 2 and --seeds of at least 1")
    chosen = [name.strip() for name in options.objectives.split(",") if name.strip()]
    for name in chosen:
        check_choice("objective", name, LADDER)
    arms = STUDIES[options.study](chosen)
    trials = load_trials(options.data)
    split = make_split("grouped-k-fold", trials.keys, options.folds)
    seeds = {
        fold.number: range(place * options.seeds, (place + 1) * options.seeds)
        for place, fold in enumerate(split.folds)
    }
    out = out_folder(options.out)
    total = sum(options.seeds if arm.head.stochastic else 1 for arm in arms) * len(split.folds)
    with counted(f"study: {options.study}", total) as one_more:

        def on_run(record: Record) -> None:
            one_more(f"{record['objective']}: {record['arm']}")

        workers = options.workers or os.cpu_count() or 1
        records = run_study(list(trials), split, arms, seeds, out, workers, on_run)
    table = study_table(records, arms, dict.fromkeys((*chosen, "error"), REFERENCES[options.study]))
    dataset, source = options.data.dataset, trials[0].source
    title = dataset if source in (dataset, "recorded") else f"{dataset} ({source} data)"
    text = markdown(
        table,
        command,
        f"Study: {options.study}, {title}",
        notes(options.study, chosen, len(split.folds), options.seeds),
    )
    write_tables(out, options.study, table, text)


if __name__ == "__main__":
    sys.exit(main())
