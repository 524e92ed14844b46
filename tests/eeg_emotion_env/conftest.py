"""Small simulated trees in SEED's layout."""

import shutil

import pytest

from eeg_emotion_env.simulation import SimulationConfig
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout

TINY = SimulationConfig(n_subjects=2, n_sessions=2, n_trials=3, duration_scale=0.035, seed=3)
"""Two subjects, two sessions, three clips of seven or eight seconds."""


@pytest.fixture(scope="session")
def tiny_config() -> SimulationConfig:
    return TINY


@pytest.fixture(scope="session")
def written_seed(tmp_path_factory):
    """Tree with raw EEG and features; not to be changed by tests."""
    out = tmp_path_factory.mktemp("seed") / "S"
    return write_layout(LAYOUTS["seed"], TINY, out, features=True)


@pytest.fixture
def seed_root(written_seed, tmp_path):
    """Return a copy of the tree that a test may damage."""
    return shutil.copytree(written_seed, tmp_path / "S")


@pytest.fixture
def recorded_root(seed_root):
    """Return the tree without anything that says it is simulated."""
    for name in ("simulation.json", "annotations.csv", "truth.csv", "readme.txt"):
        (seed_root / name).unlink()
    for path in seed_root.rglob("*.mat"):
        content = bytearray(path.read_bytes())
        content[:116] = b"MATLAB 5.0 MAT-file, Platform: PCWIN64".ljust(116)
        path.write_bytes(content)
    return seed_root
