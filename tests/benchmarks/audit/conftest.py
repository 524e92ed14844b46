"""Trials of the simulator, and settings in which entries are audited."""

import numpy as np
import pytest

from benchmarks.audit import make_setting
from benchmarks.entries import ENTRIES
from eeg_emotion_env.datasets import load
from eeg_emotion_env.splits import make_split
from tests.benchmarks.audit import leaky_entries
from tests.benchmarks.audit.checks import SUBMODULE


@pytest.fixture(scope="session")
def simulated():
    """Trials of four subjects; not to be changed by tests."""
    return list(load("simulated", **leaky_entries.OPTIONS))


@pytest.fixture
def make(simulated, tmp_path, monkeypatch):
    """Prepare the audit of an entry of `leaky_entries`."""
    names = {(t.subject, t.session, t.trial): t.labels for t in simulated}
    monkeypatch.setattr(leaky_entries, "KNOWN", names)
    monkeypatch.setattr(leaky_entries, "PLACE", [tmp_path])
    np.save(tmp_path / "recording.npy", np.zeros(3))
    split = make_split("leave-subject-out", [trial.key for trial in simulated])

    def prepared(name, **options):
        # forked, so that jobs see what the tests have patched
        options = {"method": "fork", **options}
        path = name if name in ENTRIES else f"{SUBMODULE}:{name}"
        return make_setting(path, simulated, split, **options)

    return prepared
