"""``python -m benchmarks.studies ladder|algorithms|attempts``: arguments, progress, tables."""

import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from benchmarks.commands.common import (
    expanded,
    load_trials,
    out_folder,
    progress_bar,
    say,
)
from benchmarks.leaderboard import replacing
from benchmarks.options import Data
from benchmarks.studies.arms import LADDER, REFERENCES, STUDIES, notes
from benchmarks.studies.run import Record, run_study
from benchmarks.studies.table import markdown, study_table
from eeg_emotion_env.errors import ConfigError, EEGEmotionError, check_choice
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
    options = expanded(
        tyro.cli(
            Options,
            prog="python -m benchmarks.studies",
            args=arguments,
            config=(tyro.conf.OmitArgPrefixes,),
        )
    )
    try:
        study(options, list(sys.argv[1:] if arguments is None else arguments))
    except EEGEmotionError as error:
        print(f"studies: error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def study(options: Options, arguments: Sequence[str]) -> None:
    """Run the study and write ``<study>.csv`` and ``<study>.md``."""
    if options.folds < 2 or options.seeds < 1:
        raise ConfigError("needs --folds of at least 2 and --seeds of at least 1")
    chosen = [name.strip() for name in options.objectives.split(",") if name.strip()]
    for name in chosen:
        check_choice("objective", name, LADDER)
    torch.set_num_threads(1)
    arms = STUDIES[options.study](chosen)
    trials = load_trials(options.data)
    split = make_split("grouped-k-fold", trials.keys, options.folds)
    seeds = {
        fold.number: range(place * options.seeds, (place + 1) * options.seeds)
        for place, fold in enumerate(split.folds)
    }
    out, done = out_folder(options.out), 0
    total = sum(options.seeds if arm.head.stochastic else 1 for arm in arms) * len(split.folds)
    with progress_bar(f"study: {options.study}", total) as advance, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the codebook collapses")

        def on_run(record: Record) -> None:
            nonlocal done
            done += 1
            advance(done, f"{record['objective']}: {record['arm']}")

        workers = options.workers or os.cpu_count() or 1
        records = run_study(list(trials), split, arms, seeds, out, workers, on_run)
    table = study_table(records, arms, dict.fromkeys((*chosen, "error"), REFERENCES[options.study]))
    simulated = ", simulated" if trials[0].source == "simulated" else ""
    text = markdown(
        table,
        shlex.join(["python", "-m", "benchmarks.studies", *arguments]),
        f"Study: {options.study}, {options.data.dataset}{simulated}",
        notes(options.study, chosen, len(split.folds), options.seeds),
    )
    with replacing(out / f"{options.study}.csv") as path:
        table.to_csv(path, index=False, float_format="%.6f")
    with replacing(out / f"{options.study}.md") as path:
        path.write_text(text, encoding="utf-8")
    say(text)


if __name__ == "__main__":
    sys.exit(main())
