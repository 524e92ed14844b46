"""Shared fixtures. One thread a process, so that parallel test runs do not fight for cores."""

import os
from pathlib import Path

import pytest

# Read when numpy, torch and matplotlib are first imported, which the test modules do after this.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def _no_data_variable(monkeypatch):
    """Keep recordings that the developer has on disk out of the tests."""
    monkeypatch.delenv("EEG_EMOTION_DATA", raising=False)


@pytest.fixture(scope="session")
def mahnob_root() -> Path:
    """Folder of the MAHNOB-HCI feature release; tests that need it skip where it is absent."""
    root = Path(__file__).parents[2] / "shared" / "mahnob"
    if not root.is_dir():
        pytest.skip("the MAHNOB-HCI feature release is not here")
    return root
