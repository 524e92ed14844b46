"""What the commands share: trials, folders, configuration, progress, tables."""

import json
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import options as arguments
from eeg_emotion_env.datasets import Trials, get_dataset, load_dataset
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.paths import home_expanded

ERRORS = Console(stderr=True)
PACKAGES = ("eeg-emotion-env", "torch", "stable-baselines3", "gymnasium", "numpy", "mne")


def load_trials(data: arguments.Data) -> Trials:
    """Open the trials that the arguments name."""
    trials = load_dataset(
        data.dataset,
        data.data,
        options_in(data.option),
        normalization=data.normalization,
        source=data.source,
    )
    return trials.select(known_subjects(trials, data.subjects)) if data.subjects else trials


def options_in(items: Iterable[str]) -> dict[str, str]:
    """Split options of a data set, each ``name=value``."""
    pairs = {}
    for item in items:
        name, sign, value = item.partition("=")
        if not sign or not name.strip():
            raise ConfigError(f"--option takes name=value, not {item!r}")
        text = value.strip()
        pairs[name.strip()] = str(home_expanded(Path(text), item)) if text.startswith("~") else text
    return pairs


def expanded(options: Any) -> Any:
    """Return the arguments of a command with ``~`` in its paths replaced by the home folder."""
    changes: dict[str, Any] = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if isinstance(value, Path):
            changes[field.name] = home_expanded(value, f"--{field.name.replace('_', '-')} {value}")
        elif is_dataclass(value):
            changes[field.name] = expanded(value)
    return replace(options, **changes)


def known_subjects(trials: Trials, listed: str) -> list[str]:
    """Split a list of subjects, each of which must exist."""
    names = names_in(listed)
    for name in names:
        check_choice("subject", name, [str(subject) for subject in trials.subjects])
    return names


def seen_subjects(trials: Trials, *descriptions: dict[str, Any]) -> set[str]:
    """Return the subjects of this data set that models were made from."""
    here = (trials[0].dataset, trials[0].source)
    # further data sets that were mixed in
    sets = [part for whole in descriptions for part in (whole, *whole.get("mixed", ()))]
    return {
        subject
        for part in sets
        if (part.get("dataset"), part.get("source")) == here
        for subject in part.get("subjects", ())
    }


def context_of(options: Any, data: arguments.Data, trials: Trials, protocol: str) -> dict[str, Any]:
    """Return the facts of a run that its results repeat."""
    return {
        "dataset": data.dataset,
        "title": get_dataset(data.dataset).card.title,
        "protocol": protocol,
        "source": trials[0].source,
        "command": shlex.join(["eegdancer", *sys.argv[1:]]),
        "config": _jsonable(options),
        "versions": versions(),
        "fingerprint": "",
    }


def versions() -> dict[str, str]:
    """Return versions of Python and of the packages that decide results."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def _jsonable(options: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(asdict(options), default=str))
    return content


def write_config(path: Path, options: Any) -> None:
    """Write the arguments of a command beside what it made."""
    command = next(name for name, kind in arguments.COMMANDS.items() if isinstance(options, kind))
    content = {"command": command, "options": _jsonable(options), "versions": versions()}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def out_folder(out: Path) -> Path:
    """Make the folder for results."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; --out must name a folder")
    out.mkdir(parents=True, exist_ok=True)
    return out


def names_in(listed: str) -> list[str]:
    """Split comma-separated names."""
    return [name.strip() for name in listed.split(",") if name.strip()]


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Any]:
    """Show a bar on standard error; yields ``advance(done, text)``."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=ERRORS) as bar:
        task = bar.add_task(title, total=total, text="")
        yield lambda done, text="": bar.update(task, completed=done, text=text)
        # stopped early is done too
        bar.update(task, completed=total)


def print_table(table: Any, context: dict[str, Any]) -> None:
    """Print a leaderboard."""
    mark = "SIMULATED DATA: " if context["source"] == "simulated" else ""
    say(f"{mark}{context['title']}, {context['protocol']}")
    columns = ("ccc", "ccc_low", "ccc_high", "pcc", "rmse", "mae", "trial_ccc", "trial_pcc")
    shown = Table("entry", "track", "subjects", "trials", *columns, box=None)
    for row in table.to_dict("records"):
        values = ["–" if row[c] != row[c] else f"{row[c]:.3f}" for c in columns]
        shown.add_row(
            row["entry"], row["track"], str(row["n_subjects"]), str(row["n_trials"]), *values
        )
    # as wide as it needs to be when written to a file
    Console(width=None if sys.stdout.isatty() else 140).print(shown)


def say(message: str) -> None:
    """Print a line."""
    Console(soft_wrap=True).print(message, highlight=False, markup=False)
