"""The order of recording within a session: trial numbers and past normalisation follow it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from eeg_emotion_env.datasets.base import Survey
from eeg_emotion_env.datasets.bids.files import RecordingFile, sidecar
from eeg_emotion_env.datasets.bids.signals import read_header
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels.annotations import read_table

Times = list[datetime | None]


def in_order(files: Sequence[RecordingFile], found: Survey) -> list[RecordingFile]:
    """Sort the recordings of each session as they were recorded, and number them.

    The order is that of ``acq_time`` in ``…_scans.tsv``, else of the dates in the files' headers,
    where all recordings of the session have one and no two the same; else the order of runs, or of
    task and run, is assumed. A number is the run if all have one and they increase, else a count.

    Parameters
    ----------
    files : sequence of RecordingFile
        Sorted by subject and session.
    found : Survey
        Takes problems of ``…_scans.tsv``, and notes where the order is assumed.

    Returns
    -------
    list of RecordingFile
        With their numbers.
    """
    ordered: list[RecordingFile] = []
    assumed: list[RecordingFile] = []
    shuffled: list[RecordingFile] = []
    for _, group in groupby(files, key=lambda file: (file.subject, file.session)):
        session = list(group)
        if len(session) > 1:
            times = _times(session, found)
            assumed += [] if times else session[:1]
            session = _sorted(session, times) if times else _by_run(session)
        runs = _runs(session)
        if runs != sorted(runs):
            shuffled.append(session[0])
            runs = []
        numbers = runs or range(1, len(session) + 1)
        ordered += [replace(f, number=n) for f, n in zip(session, numbers, strict=True)]
    _note(assumed, shuffled, found)
    return ordered


def _sorted(session: list[RecordingFile], times: list[datetime]) -> list[RecordingFile]:
    when = dict(zip((file.path for file in session), times, strict=True))
    return sorted(session, key=lambda file: when[file.path])


def _by_run(session: list[RecordingFile]) -> list[RecordingFile]:
    return sorted(session, key=lambda file: file.run or 0) if _runs(session) else session


def _runs(session: list[RecordingFile]) -> list[int]:
    """Return the runs of a session, if all have one and no two the same."""
    runs = [file.run for file in session if file.run]
    return runs if len(set(runs)) == len(session) else []


def _times(session: list[RecordingFile], found: Survey) -> list[datetime] | None:
    """Return when the recordings of a session were made, if that is known and orders them."""
    sources: tuple[Callable[[], Times], ...] = (
        lambda: _scan_times(session, found),
        lambda: [_header_time(file.path) for file in session],
    )
    for source in sources:
        times = [time for time in source() if time is not None]
        if len(set(times)) == len(session):
            return times
    return None


def _scan_times(session: list[RecordingFile], found: Survey) -> Times:
    # The name of such a file holds subject and session alone, so all recordings share one.
    path = sidecar(session[0], "_scans.tsv")
    try:
        moments = _read_scans(path) if path else {}
    except DataError as error:
        found.add_problem(error)
        moments = {}
    return [moments.get(_stem(file.path.name)) for file in session]


def _read_scans(path: Path) -> dict[str, datetime | None]:
    """Read ``acq_time`` of each recording, by the name of its file without ending."""
    table = read_table(path)
    if not {"filename", "acq_time"} <= set(table):
        return {}
    names = [_stem(str(name)) for name in table["filename"]]
    return dict(zip(names, map(_moment, table["acq_time"]), strict=True))


def _stem(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1].split(".", 1)[0].lower()


def _moment(text: object) -> datetime | None:
    try:
        return _known(datetime.fromisoformat(str(text).strip()))
    except ValueError:
        return None


def _header_time(path: Path) -> datetime | None:
    try:
        recorded = read_header(path).recorded
    except DataError:
        # Damage is reported where the recording is read, if it is.
        return None
    return None if recorded is None else _known(recorded)


def _known(time: datetime) -> datetime | None:
    """Return a time with its zone; the first midnight of a year stands for one taken away."""
    if (time.month, time.day, time.hour, time.minute, time.second) == (1, 1, 0, 0, 0):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _note(assumed: list[RecordingFile], shuffled: list[RecordingFile], found: Survey) -> None:
    if assumed:
        found.notes.append(
            f"{assumed[0].path.parent}: order of recording assumed to be that of task and run"
            f"{_others(assumed)}; where it was another, tell it by acq_time in …_scans.tsv"
        )
    if shuffled:
        found.notes.append(
            f"{shuffled[0].path.parent}: not recorded in the order of runs{_others(shuffled)}; "
            "trials are counted in the order of recording"
        )


def _others(sessions: list[RecordingFile]) -> str:
    more = len(sessions) - 1
    return f", here and in {more} more session{'s' if more > 1 else ''}" if more else ""
