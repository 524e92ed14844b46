"""`leaderboard`: entries compared on held-out trials."""

import joblib

from benchmarks import options as arguments
from benchmarks.commands.common import (
    context_of,
    load_trials,
    names_in,
    out_folder,
    print_table,
    progress_bar,
    say,
    write_config,
)
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.labels import resolve_delay
from eeg_emotion_env.labels.delay import AUTO


def leaderboard(options: arguments.Leaderboard) -> int:
    """Run entries on held-out subjects and write table, predictions and report."""
    from benchmarks.leaderboard import leaderboard_table, write_results
    from benchmarks.report import write_report
    from benchmarks.runner import JobResult, make_jobs, run_jobs
    from eeg_emotion_env.splits import make_split

    trials = load_trials(options.data)
    split = make_split(options.split, trials.keys, options.n_folds)
    loaded = list(trials)
    entries = names_in(options.entries)
    for name in ("seeds", "workers", "n_folds"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    seeds = range(options.seed, options.seed + options.seeds)
    # a wrong delay is told now, not by every job
    auto = options.label_delay_s == AUTO
    delay: float | str = AUTO if auto else resolve_delay(options.label_delay_s, [])
    jobs = make_jobs(loaded, split, entries, seeds, options.quick, delay)
    out = out_folder(options.out)
    write_config(out / "config.json", options)
    workers = joblib.cpu_count() if options.workers is None else options.workers
    done = 0
    with progress_bar(f"{len(split.folds)} folds, {workers} workers", len(jobs)) as advance:

        def show(result: JobResult) -> None:
            nonlocal done
            done += 1
            kept = "kept" if not result.seconds else f"{result.seconds:.0f} s"
            advance(done, f"{result.job}: {result.error or kept}")

        predictions = run_jobs(jobs, loaded, out / "jobs", workers, show)
    protocol = options.split + (" (quick)" if options.quick else "")
    context = {
        **context_of(options, options.data, trials, protocol),
        "fingerprint": jobs[0].data,
    }
    table = leaderboard_table(predictions)
    write_results(out, predictions, context, table)
    write_report(out / "report.html", table, predictions, context)
    print_table(table, context)
    say(f"table, predictions and report written to {out}")
    return 0
