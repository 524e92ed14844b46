"""Results of finished jobs in a folder, and a line for each execution: nothing is half written.

The folder holds ``<fingerprint>.npz`` for each finished job, ``<fingerprint>.log`` for each failed
one, and ``jobs.jsonl``, to which a line is added whenever a job ends.
"""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from benchmarks.runner.job import Execution, Job, JobResult
from eeg_emotion_env.errors import ConfigError

RECORD = "jobs.jsonl"
"""A JSON object a line: fingerprint, entry, fold, seed, started, seconds, host, pid, error."""

LEFTOVERS = ("*.part",)
"""Files of a run that was killed while it wrote."""

DELAY, EXECUTION = "label_delay_s", "execution"
"""Names in the file of a job, beside the positions of the predicted trials."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the system releases it however this process ends.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Raises
    ------
    ConfigError
        If another run is using it.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(
            f"{folder}: another run is writing here; wait until it ends, or give another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()


class Store:
    """Finished jobs in a folder that no other run uses meanwhile.

    Parameters
    ----------
    folder : Path
        The folder, locked by the caller.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for pattern in LEFTOVERS:
            for path in folder.glob(pattern):
                path.unlink()
        self._recorded = _finished(folder / RECORD)

    def load(self, job: Job) -> JobResult | None:
        """Return the result of a finished job; a broken file is removed.

        Parameters
        ----------
        job : Job
            The job.

        Returns
        -------
        JobResult or None
            None if the job has to run.
        """
        path = self.folder / f"{job.fingerprint}.npz"
        if not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
            delay_s = float(arrays.pop(DELAY))
            execution = Execution(**json.loads(str(arrays.pop(EXECUTION))))
            predictions = {int(name): values for name, values in arrays.items()}
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
            path.unlink()
            return None
        if set(predictions) != set(job.fold.test):
            path.unlink()
            return None
        result = JobResult(job, predictions, execution, delay_s, kept=True)
        # a run that was killed between the two files has not recorded it
        if job.fingerprint not in self._recorded:
            self._record(result)
        return result

    def add(self, result: JobResult) -> None:
        """Keep the result of a job that has just ended.

        Parameters
        ----------
        result : JobResult
            Predictions, or an error, whose trace is written to a file.
        """
        log = self.log(result.job)
        if result.error:
            log.write_text(result.log, encoding="utf-8")
        else:
            self._keep(result)
            log.unlink(missing_ok=True)
        self._record(result)

    def log(self, job: Job) -> Path:
        """Return the file with the trace of a failed job."""
        return self.folder / f"{job.fingerprint}.log"

    def _keep(self, result: JobResult) -> None:
        arrays: dict[str, Any] = {str(i): values for i, values in result.predictions.items()}
        arrays[DELAY] = np.array(result.label_delay_s)
        arrays[EXECUTION] = np.array(json.dumps(_execution(result)))
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
            np.savez(file, **arrays)
        os.replace(file.name, self.folder / f"{result.job.fingerprint}.npz")

    def _record(self, result: JobResult) -> None:
        job = result.job
        line = {
            "fingerprint": job.fingerprint,
            "entry": job.entry,
            "fold": job.fold.number,
            "seed": job.seed,
            **_execution(result),
            "error": result.error,
        }
        with (self.folder / RECORD).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if not result.error:
            self._recorded.add(job.fingerprint)


def _execution(result: JobResult) -> dict[str, Any]:
    known = asdict(result.execution) if result.execution else {}
    return {field.name: known.get(field.name) for field in fields(Execution)}


def _finished(path: Path) -> set[str]:
    """Fingerprints of the jobs that the record calls finished; a torn last line is cut off."""
    if not path.exists():
        return set()
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    lines = [json.loads(line) for line in whole.splitlines()]
    return {line["fingerprint"] for line in lines if not line["error"]}
