"""A log that survives a crash: two CSV files, on disk within a second; Parquet when it is whole."""

import csv
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from agents.live.records import Event, Step, as_cells, as_row, from_cell
from eeg_emotion_env.errors import DataError, check_choice
from eeg_emotion_env.paths import home_expanded

STEPS_NAME, EVENTS_NAME = "steps.csv", "events.csv"

SYNC_S = 0.5
"""Seconds after which rows are on disk, and survive a power cut."""

FORMATS = ("csv", "parquet")
"""Formats of a finished log; while it is written, and after a crash, it is CSV."""

EVENT_COLUMNS = ("time_s", "kind", "count", "detail", "wall_time")


class CSVLog:
    """Writes each step and event as a row at once; rows reach the disk within `SYNC_S`.

    Rows are handed to the operating system one by one, so that they outlive this process whatever
    ends it.

    Parameters
    ----------
    folder : Path
        Existing folder without a log.
    label_names : tuple of str
        Dimensions of a prediction.
    form : str
        ``"csv"``, or ``"parquet"`` to turn both files into Parquet at the end.

    Raises
    ------
    DataError
        If the folder holds a log.
    """

    def __init__(self, folder: Path, label_names: tuple[str, ...], form: str = "csv") -> None:
        check_choice("log format", form, FORMATS)
        self._folder, self._form, self._names = folder, form, label_names
        for name in (STEPS_NAME, EVENTS_NAME):
            _check_free(_parquet(folder / name))
        nothing = Step(0, 0, 0.0, "withheld")
        columns = (*as_row(nothing, label_names), "wall_time")
        self._steps = _CSV(folder / STEPS_NAME, columns)
        self._events = _CSV(folder / EVENTS_NAME, EVENT_COLUMNS)

    def step(self, step: Step) -> None:
        """Write a step."""
        self._steps.write(as_row(step, self._names))

    def event(self, event: Event) -> None:
        """Write an event."""
        named = {"time_s": round(event.time, 6), "kind": event.kind, "count": event.count}
        self._events.write({**named, "detail": event.detail})

    def close(self) -> None:
        """Finish both files."""
        self._steps.close()
        self._events.close()
        if self._form == "parquet":
            to_parquet(self._folder)


class _CSV:
    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        try:
            self._file: IO[str] = path.open("x", newline="", encoding="utf-8")
        except FileExistsError:
            _check_free(path)
            raise
        self._writer = csv.DictWriter(self._file, columns)
        self._writer.writeheader()
        self._synced = -float("inf")
        self._sync()

    def write(self, row: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._writer.writerow(as_cells({**row, "wall_time": now}))
        self._file.flush()
        if time.monotonic() - self._synced >= SYNC_S:
            self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        self._sync()
        self._file.close()


def _check_free(path: Path) -> None:
    if path.exists():
        raise DataError(f"{path}: is there already; give a new folder, so that no log is lost")


def _parquet(path: Path) -> Path:
    return path.with_suffix(".parquet")


def to_parquet(folder: Path | str) -> tuple[Path, ...]:
    """Turn the CSV files of a log that is not written any more into Parquet files.

    Each CSV file is removed when its Parquet file is on disk, so that a crash loses nothing. What
    is Parquet already stays.

    Parameters
    ----------
    folder : Path or str
        Folder of a log, finished or left over from a crash.

    Returns
    -------
    tuple of Path
        The Parquet files.

    Raises
    ------
    DataError
        If there is no log.
    """
    paths = [_logged(folder, name) for name in (STEPS_NAME, EVENTS_NAME)]
    for path in paths:
        if path.exists():
            _replace(path, _read(path))
    return tuple(map(_parquet, paths))


def _logged(folder: Path | str, name: str) -> Path:
    """Return the CSV file of a log, which may be Parquet already; an error where there is none."""
    folder = home_expanded(Path(folder), "folder of a log")
    path = folder / name
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name the one given to `live` as --out")
    if not path.exists() and not _parquet(path).exists():
        raise DataError(f"{folder}: holds no log ({name} or {_parquet(path).name})")
    return path


def _replace(path: Path, table: Any) -> None:
    new = path.with_suffix(".parquet.part")
    with new.open("wb") as file:
        table.to_parquet(file, engine="pyarrow", index=False)
        file.flush()
        os.fsync(file.fileno())
    new.replace(_parquet(path))
    path.unlink()


def read_steps(folder: Path | str) -> "Any":
    """Read the steps of a log; a last row that a crash cut short is left out.

    Parameters
    ----------
    folder : Path or str
        Folder of a log, finished or not.

    Returns
    -------
    pandas.DataFrame
        One row a step, from CSV or Parquet; ``marks`` and ``bad_channels`` are separated by ``;``.

    Raises
    ------
    DataError
        If there is no log.
    """
    return _read(_logged(folder, STEPS_NAME))


def read_events(folder: Path | str) -> "Any":
    """Read the events of a log as `read_steps` does."""
    return _read(_logged(folder, EVENTS_NAME))


def _read(path: Path) -> Any:
    import io

    import pandas as pd

    if not path.exists() and _parquet(path).exists():
        return pd.read_parquet(_parquet(path))
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    texts = {"marks": str, "bad_channels": str, "detail": str, "kind": str, "status": str}
    table = pd.read_csv(io.StringIO(whole), dtype=texts, keep_default_na=False, na_values=["nan"])
    for name in set(texts) & set(table):
        table[name] = table[name].map(from_cell, na_action="ignore")
    return table
