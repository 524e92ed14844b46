"""`sensitivity`: how much the encoder's settings matter."""

import os
import shlex
import sys

from benchmarks import options as arguments
from benchmarks.commands.common import (
    load_trials,
    names_in,
    out_folder,
    say,
    write_config,
)
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.splits import make_split


def sensitivity(options: arguments.Sensitivity) -> int:
    """Pretrain encoders with one setting changed at a time, and score their latents."""
    from benchmarks.script import counted, write_tables
    from benchmarks.sensitivity import SETTINGS
    from benchmarks.sensitivity.run import sweep
    from benchmarks.sensitivity.table import markdown, plot, sensitivity_table

    if options.seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, not {options.seeds}")
    names = names_in(options.settings) or list(SETTINGS)
    for name in names:
        check_choice("setting", name, SETTINGS)
    names = list(dict.fromkeys(["default", *names]))
    trials = load_trials(options.data)
    split = make_split(options.split, trials.keys, options.n_folds)
    out = out_folder(options.out)
    write_config(out / "config.json", options)
    seeds = range(options.seed, options.seed + options.seeds)
    total = len(names) * len(split.folds) * len(seeds)
    with counted("pretraining encoders", total) as one_more:
        workers = options.workers or os.cpu_count() or 1
        runs = sweep(
            list(trials), split, names, seeds, out, workers, lambda run: one_more(run.setting)
        )
    table = sensitivity_table(runs)
    command = shlex.join(["eegdancer", *sys.argv[1:]])
    plot(table, out / "sensitivity.png", f"{options.data.dataset}, {split.name}")
    write_tables(out, "sensitivity", table, markdown(table, command))
    say(f"sensitivity.csv, sensitivity.md and sensitivity.png written to {out}")
    return 0
