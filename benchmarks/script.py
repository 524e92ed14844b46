"""What scripts beside the commands share: arguments, errors, progress, tables that are written."""

import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch
import tyro

from benchmarks.commands.common import expanded, progress_bar, say
from benchmarks.leaderboard import replacing
from eeg_emotion_env.errors import EEGEmotionError

Options = TypeVar("Options")


def run_script(
    module: str,
    kind: type[Options],
    body: Callable[[Options, str], None],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run ``python -m module`` and return the exit status.

    Parameters
    ----------
    module : str
        Name of the module.
    kind : type
        Dataclass of the options.
    body : callable
        Takes the options, and the command as typed.
    arguments : sequence of str or None
        None: those of the command line.
    """
    command = shlex.join(["python", "-m", module, *(arguments or sys.argv[1:])])
    configured = (tyro.conf.OmitArgPrefixes,)
    options = expanded(
        tyro.cli(kind, prog=f"python -m {module}", args=arguments, config=configured)
    )
    torch.set_num_threads(1)
    try:
        body(options, command)
    except EEGEmotionError as error:
        print(f"{module.rpartition('.')[2]}: error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


@contextmanager
def counted(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar; yields what is to be called with a word on each run that is done."""
    done = 0
    with progress_bar(title, total) as advance, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the codebook collapses")

        def one_more(text: str) -> None:
            nonlocal done
            done += 1
            advance(done, text)

        yield one_more


def write_tables(out: Path, name: str, table: pd.DataFrame, text: str) -> None:
    """Write ``<name>.csv`` and ``<name>.md`` and print the latter.

    Parameters
    ----------
    out : Path
        Folder.
    name : str
        Name of the files.
    table : DataFrame
        The figures.
    text : str
        The same, to be read.
    """
    with replacing(out / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format="%.6f")
    with replacing(out / f"{name}.md") as path:
        path.write_text(text, encoding="utf-8")
    say(text)
