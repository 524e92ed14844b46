"""`sensitivity`: how much the encoder's settings matter."""

import os
import shlex
import sys

from benchmarks import options as arguments
from benchmarks.commands.common import (
    load_trials,
    names_in,
    out_folder,
    progress_bar,
    say,
    write_config,
)
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.splits import make_split


def sensitivity(options: arguments.Sensitivity) -> int:
    """Pretrain encoders with one setting changed at a time, and score their latents."""
    from benchmarks.leaderboard import replacing
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
    done = 0
    with progress_bar("pretraining encoders", total) as advance:

        def on_run(run: object) -> None:
            nonlocal done
            done += 1
            advance(done, "")

        workers = options.workers or os.cpu_count() or 1
        runs = sweep(list(trials), split, names, seeds, out, workers, on_run)
    table = sensitivity_table(runs)
    command = shlex.join(["eegdancer", *sys.argv[1:]])
    with replacing(out / "sensitivity.csv") as path:
        table.to_csv(path, index=False, float_format="%.6f")
    with replacing(out / "sensitivity.md") as path:
        path.write_text(markdown(table, command), encoding="utf-8")
    plot(table, out / "sensitivity.png", f"{options.data.dataset}, {split.name}")
    say(markdown(table, command))
    say(f"sensitivity.csv, sensitivity.md and sensitivity.png written to {out}")
    return 0
