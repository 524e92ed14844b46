"""The command `eegdancer`: arguments, messages and exit status; the work is in `commands`."""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

import tyro

from benchmarks.options import COMMANDS
from eeg_emotion_env.errors import EEGEmotionError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status (0 only on success)."""
    options = tyro.extras.subcommand_cli_from_dict(
        COMMANDS,  # type: ignore[arg-type]
        prog="eegdancer",
        description="Predict how valence and arousal move, second by second, from EEG.",
        args=sys.argv[1:] if arguments is None else list(arguments),
        config=(tyro.conf.OmitArgPrefixes,),
    )
    if os.getcwd() not in sys.path:
        # Entries of one's own may lie in the working folder, as for `python -m`.
        sys.path.append(os.getcwd())
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _run(options)


def _run(options: Any) -> int:
    from benchmarks.commands import run

    try:
        return run(options)
    except EEGEmotionError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or 'file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail("stopped; finished parts are kept", status=130)


def _fail(message: str, status: int = 1) -> int:
    line = " ".join(message.split())
    print(f"eegdancer: error: {line}", file=sys.stderr)
    return status


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line, without the place in the code."""
    if issubclass(category, UserWarning):
        print(f"eegdancer: warning: {message}", file=sys.stderr)
