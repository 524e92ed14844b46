"""Shared fixtures. One thread a process, so that parallel test runs do not fight for cores."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests import lsl

# The first example may pay for an import, and machines are shared.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# Read when numpy, torch and matplotlib are first imported, which the test modules do after this.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
lsl.restrict()


@pytest.fixture(scope="session")
def feature_cache(tmp_path_factory):
    """Folder of a feature cache of the tests' own."""
    return tmp_path_factory.mktemp("cache") / "features"


@pytest.fixture(autouse=True)
def _variables_of_the_tests(monkeypatch, feature_cache):
    """Keep recordings and the cache that the developer has on disk out of the tests."""
    monkeypatch.delenv("EEG_EMOTION_DATA", raising=False)
    monkeypatch.setenv("EEG_EMOTION_CACHE", str(feature_cache))


@pytest.fixture(scope="session")
def mahnob_root() -> Path:
    """Folder of the MAHNOB-HCI feature release; tests that need it skip where it is absent."""
    root = Path(__file__).parents[2] / "shared" / "mahnob"
    if not root.is_dir():
        pytest.skip("the MAHNOB-HCI feature release is not here")
    return root
