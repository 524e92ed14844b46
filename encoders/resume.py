"""Pretraining that goes on where it was killed: its state after each epoch, in one file."""

import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from encoders.errors import CheckpointError


class ResumeFile:
    """State of a pretraining, written in one step after each epoch.

    Parameters
    ----------
    path : path-like or None
        The file; None keeps nothing.
    fingerprint : str
        Of data and settings: a file of another pretraining is refused.
    """

    def __init__(self, path: str | os.PathLike[str] | None, fingerprint: str) -> None:
        self._path = None if path is None else Path(path)
        self._fingerprint = fingerprint
        self._stages: dict[str, Any] | None = None

    def load(self, stage: str) -> dict[str, Any] | None:
        """Return the state of a stage, or None if it has not begun.

        Raises
        ------
        CheckpointError
            If the file is damaged or of another pretraining.
        """
        if self._stages is None:
            self._stages = self._read()
        return self._stages.get(stage)

    def save(self, stage: str, state: dict[str, Any]) -> None:
        """Replace the file by one that holds this state of a stage, and the stages before it."""
        if self._path is None or self._stages is None:
            return
        self._stages[stage] = state
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save({"fingerprint": self._fingerprint, "stages": self._stages}, file)
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def delete(self) -> None:
        """Remove the file: the pretraining is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            # weights_only: tensors and plain values; no code from the file is run
            content = torch.load(self._path, weights_only=True)
            fingerprint, stages = content["fingerprint"], dict(content["stages"])
        except Exception as error:  # whatever a damaged file makes torch raise
            raise CheckpointError(
                f"{self._path}: cannot be read; delete it to pretrain from the start"
            ) from error
        if fingerprint != self._fingerprint:
            raise CheckpointError(
                f"{self._path}: belongs to a pretraining with other data or settings; give "
                "another folder, or delete it"
            )
        return stages
