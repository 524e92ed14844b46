"""Kills a leaderboard at random moments, goes on, and compares with a run that nobody disturbed.

``python -m benchmarks.runner.resume_check --out DIR --kills 5 <arguments of leaderboard>`` says
what it found, and ends with status 0 only if the tables are the same bit for bit and no job that
had finished ran again. Not for Windows.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from benchmarks.commands.common import say

COMPARED = ("leaderboard.csv", "results.jsonl", "predictions.parquet")
"""Files that must be the same; the others hold the command, which names the folder."""

LOADED = (
    *("benchmarks.cli", "benchmarks.commands", "benchmarks.leaderboard", "benchmarks.report"),
    "benchmarks.runner",
)
"""Loaded once for all runs, so that they start at once."""


def differences(
    arguments: Sequence[str], out: Path, kills: int = 5, seed: int | None = None
) -> list[str]:
    """Run a leaderboard undisturbed and with kills, and compare.

    Parameters
    ----------
    arguments : sequence of str
        Arguments of ``eegdancer leaderboard`` beside ``--out``.
    out : Path
        Folder for ``whole`` and ``killed``; must be new or empty.
    kills : int
        How often the run and all its processes are killed.
    seed : int or None
        Seed of the moments.

    Returns
    -------
    list of str
        What is not as it should be; empty if all is well.
    """
    whole, killed = out / "whole", out / "killed"
    out.mkdir(parents=True, exist_ok=True)
    if _finish(arguments, whole):
        return [f"the run that nobody disturbed failed; see {whole}.log"]
    durations = [line["seconds"] for line in _executions(whole)]
    moments = random.Random(seed)
    # not among the last jobs: the run could end before it is killed
    points = sorted(moments.choices(range(max(1, len(durations) - 4)), k=kills))
    survived = 0
    for finished in points:
        delay = moments.uniform(0, 2 * sum(durations) / len(durations))
        survived += not _kill(arguments, killed, finished, delay)
    if _finish(arguments, killed):
        return [f"the run that was killed cannot be finished; see {killed}.log"]
    found = [f"{survived} of {kills} runs ended before they were killed"] if survived else []
    return found + _compared(whole, killed)


def _compared(whole: Path, killed: Path) -> list[str]:
    found = [
        f"{name} differs"
        for name in COMPARED
        if (whole / name).read_bytes() != (killed / name).read_bytes()
    ]
    times = Counter(line["fingerprint"] for line in _executions(killed) if not line["error"])
    if len(times) != len(_executions(whole)):
        found.append(f"{len(times)} jobs are recorded, not {len(_executions(whole))}")
    found += [f"job {job} finished {count} times" for job, count in times.items() if count > 1]
    return found + [f"{path} is left over" for path in killed.rglob("*.part")]


def _executions(folder: Path) -> list[dict[str, Any]]:
    path = folder / "jobs" / "jobs.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _finish(arguments: Sequence[str], folder: Path) -> int:
    process = _start(arguments, folder)
    process.join()
    return process.exitcode or 0


def _kill(arguments: Sequence[str], folder: Path, finished: int, delay: float) -> bool:
    """Kill a run `delay` seconds after so many jobs have finished; False if it ended before."""
    process = _start(arguments, folder)
    while process.is_alive() and len(_executions(folder)) < finished:
        time.sleep(0.01)
    time.sleep(delay)
    was_alive = process.is_alive()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    return was_alive


def _start(arguments: Sequence[str], folder: Path) -> ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    ready = context.Event()
    process = context.Process(target=_command, args=(list(arguments), folder, ready))
    process.start()
    # killed before it leads a group of its own, it could not be killed as one
    ready.wait()
    return process


def _command(arguments: list[str], folder: Path, ready: Event) -> None:
    os.setsid()
    ready.set()
    with Path(f"{folder}.log").open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    from benchmarks.cli import main

    sys.exit(main(["leaderboard", *arguments, "--out", str(folder)]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check from the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.runner.resume_check",
        description="Kill a leaderboard at random moments and compare with an undisturbed run.",
        epilog="All other arguments are those of eegdancer leaderboard.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for both runs; new")
    parser.add_argument("--kills", type=int, default=5, help="how often (default: 5)")
    parser.add_argument("--seed", type=int, help="seed of the moments (default: other each time)")
    options, rest = parser.parse_known_args(arguments)
    found = differences(rest, options.out, options.kills, options.seed)
    for line in found:
        say(line)
    if not found:
        say(f"killed {options.kills} times: same tables bit for bit, no finished job ran again")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
