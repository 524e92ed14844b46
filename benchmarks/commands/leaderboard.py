"""`leaderboard`: entries compared on held-out trials."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import options as arguments
from benchmarks.commands.common import (
    ERRORS,
    context_of,
    load_trials,
    names_in,
    out_folder,
    print_table,
    say,
    write_config,
)
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.labels import resolve_delay
from eeg_emotion_env.labels.delay import AUTO

if TYPE_CHECKING:
    from benchmarks.predictions import TrialPrediction
    from benchmarks.runner import Job, JobResult
    from eeg_emotion_env.trial import Trial

FAILED = "failed.csv"
"""Table of the jobs that failed in the last run; absent if none did."""


def leaderboard(options: arguments.Leaderboard) -> int:
    """Run entries on held-out subjects and write table, predictions and report."""
    from benchmarks.runner import locked, make_jobs, predictions_of, require_all
    from eeg_emotion_env.splits import make_split

    _check(options)
    trials = load_trials(options.data)
    split = make_split(options.split, trials.keys, options.n_folds)
    loaded = list(trials)
    seeds = range(options.seed, options.seed + options.seeds)
    jobs = make_jobs(
        loaded, split, names_in(options.entries), seeds, options.quick, _delay(options)
    )
    out = out_folder(options.out)
    with locked(out):
        write_config(out / "config.json", options)
        results = _run(options, jobs, loaded, out)
        write_failed(out / FAILED, results)
        left_out = entries_with_failures(results)
        whole = [result for result in results if result.job.entry not in left_out]
        if whole:
            protocol = options.split + (" (quick)" if options.quick else "")
            context = context_of(options, options.data, trials, protocol)
            context["fingerprint"] = jobs[0].data
            context["title"] += _without(left_out)
            _write(out, predictions_of(whole, loaded), context)
        require_all(results, out / "jobs")
    return 0


def entries_with_failures(results: "Sequence[JobResult]") -> dict[str, str]:
    """Say which entries cannot be in the table, and why.

    Parameters
    ----------
    results : sequence of JobResult
        All results of a run.

    Returns
    -------
    dict of str to str
        By entry, such as ``1 of 4 jobs failed``.
    """
    total = Counter(result.job.entry for result in results)
    failed = Counter(result.job.entry for result in results if result.error)
    return {entry: f"{count} of {total[entry]} jobs failed" for entry, count in failed.items()}


def write_failed(path: Path, results: "Sequence[JobResult]") -> None:
    """Write the jobs that failed, or remove the file if none did.

    Parameters
    ----------
    path : Path
        CSV file with columns ``entry, fold, seed, error, trace``.
    results : sequence of JobResult
        All results of a run.
    """
    failed = [result for result in results if result.error]
    if not failed:
        path.unlink(missing_ok=True)
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("entry", "fold", "seed", "error", "trace"))
        for result in failed:
            job = result.job
            trace = f"jobs/{job.fingerprint}.log"
            writer.writerow((job.entry, job.fold.number, job.seed, result.error, trace))


def _check(options: arguments.Leaderboard) -> None:
    for name in ("seeds", "workers", "n_folds"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")


def _delay(options: arguments.Leaderboard) -> float | str:
    """Return the annotators' delay; a wrong one is told now, not by every job."""
    return AUTO if options.label_delay_s == AUTO else resolve_delay(options.label_delay_s, [])


def _run(
    options: arguments.Leaderboard, jobs: "list[Job]", trials: "list[Trial]", out: Path
) -> "list[JobResult]":
    from benchmarks.runner import finish_jobs, opened
    from benchmarks.runner.progress import job_progress

    with (
        opened(options.scheduler, options.workers) as scheduler,
        job_progress(jobs, scheduler.n_workers, ERRORS) as show,
    ):
        return finish_jobs(jobs, trials, out / "jobs", scheduler, show)


def _without(left_out: dict[str, str]) -> str:
    """Mark a title where entries are left out."""
    if not left_out:
        return ""
    reasons = ", ".join(f"{entry} left out, because {why}" for entry, why in left_out.items())
    return f" — INCOMPLETE: {reasons}"


def _write(out: Path, predictions: "list[TrialPrediction]", context: dict[str, Any]) -> None:
    from benchmarks.leaderboard import leaderboard_table, write_results
    from benchmarks.report import write_report

    table = leaderboard_table(predictions)
    write_results(out, predictions, context, table)
    write_report(out / "report.html", table, predictions, context)
    print_table(table, context)
    say(f"table, predictions and report written to {out}")
