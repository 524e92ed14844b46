"""The fingerprint of code: all that decides results, and no more."""

import importlib
import sys

import pytest

from benchmarks.runner import code_fingerprint, fingerprints

ENTRY = """
from mine.parts.network import WIDTH
from . import helper
from benchmarks.entries.ridge import Ridge

class Mine(Ridge):
    name, summary = "mine", "an entry of one's own"
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An entry outside the repository, in a package with modules of its own."""
    root = tmp_path / "mine"
    (root / "parts").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "model.py": ENTRY,
        "helper.py": "",
        "unrelated.py": "",
        "parts/__init__.py": "",
        "parts/network.py": "from .blocks import *\nWIDTH = 1\n",
        "parts/blocks.py": "import pandas\n",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield root
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def fingerprint():
    code_fingerprint.cache_clear()
    importlib.invalidate_caches()
    return code_fingerprint("mine.model:Mine")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("model.py", True),
        ("helper.py", True),
        ("parts/network.py", True),
        ("parts/blocks.py", True),
        ("unrelated.py", False),
    ],
)
def test_modules_that_an_entry_imports_count(package, name, counts):
    first = fingerprint()
    with (package / name).open("a") as file:
        file.write("# changed\n")
    assert (fingerprint() != first) is counts


def test_versions_of_what_it_imports_count(package, monkeypatch):
    first = fingerprint()
    monkeypatch.setattr(fingerprints, "version", lambda name: "9" if name == "pandas" else "1")
    second = fingerprint()
    monkeypatch.setattr(fingerprints, "version", lambda name: "8" if name == "pandas" else "1")
    assert len({first, second, fingerprint()}) == 3


def test_how_jobs_are_run_does_not_count():
    hashed = [path for path in fingerprints.SOURCES if path.startswith("benchmarks")]
    assert hashed == ["benchmarks/entries", "benchmarks/runner/job.py"]
    assert all((fingerprints.ROOT / path).exists() for path in fingerprints.SOURCES)
