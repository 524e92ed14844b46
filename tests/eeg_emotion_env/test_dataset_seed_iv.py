"""SEED-IV: what its round trips (`test_round_trips`) do not show."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from eeg_emotion_env.datasets import detect, get_dataset, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.tables.seed_iv import CLIP_CLASSES, CLIP_SECONDS, DATES, SESSION_WINDOWS
from tests.eeg_emotion_env import writers

pytestmark = pytest.mark.filterwarnings("ignore:.*not as long as the")
SEED_IV = get_dataset("seed-iv")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """One subject, one session, features beside the raw EEG."""
    config = replace(LAYOUTS["seed-iv"].config, n_subjects=1, n_sessions=1, duration_scale=0.05)
    out = tmp_path_factory.mktemp("iv") / "S"
    return write_layout(LAYOUTS["seed-iv"], config, out, features=True)


def test_tables_agree_with_each_other():
    assert [len(classes) for classes in CLIP_CLASSES.values()] == [24] * 3
    assert all(np.bincount(classes).tolist() == [6] * 4 for classes in CLIP_CLASSES.values())
    assert sum(seconds // 4 for seconds in CLIP_SECONDS[1]) == SESSION_WINDOWS[1]
    assert all(list(dates) == sorted(set(dates)) for dates in DATES.values())


def test_simulated_tree(tree):
    assert detect(tree).card.name == "seed-iv"
    trials = load("seed-iv", tree)
    assert {trial.source for trial in trials} == {"simulated"}
    assert trials[3].truth is not None
    assert trials[3].simulation.n_trials == 24
    stored = load("seed-iv", tree, features="de_LDS")
    assert (stored[0].step_s, stored[0].causal) == (4.0, False)
    report = check_folder(SEED_IV, tree)
    assert report.ok
    assert len({check.variant for check in report.trials}) == 5
    assert len(report.found) == 24


def test_sessions_in_one_folder_are_told_by_the_known_dates(tmp_path):
    written = writers.write_seed_iv(tmp_path, seconds=2, subjects=(1,))
    base = tmp_path / "eeg_raw_data"
    for path in list(base.glob("[123]/*.mat")):
        path.rename(base / path.name)
        path.parent.rmdir()
    trials = load("seed-iv", tmp_path, normalization="none")
    assert [(t.subject, t.session, t.trial) for t in trials] == sorted(written)


def test_one_session_folder_alone(tmp_path):
    writers.write_seed_iv(tmp_path, seconds=2, subjects=(1,))
    trials = load("seed-iv", tmp_path / "eeg_raw_data" / "2")
    assert {key.session for key in trials.keys} == {2}
    assert trials[0].stimulus == "clip25"


def test_eye_files_are_left_alone(tmp_path):
    writers.write_seed_iv(tmp_path, seconds=2, subjects=(1,))
    shutil.copytree(tmp_path / "eeg_raw_data", tmp_path / "eye_feature_smooth")
    assert len(load("seed-iv", tmp_path)) == 72


def test_a_missing_session_is_named(tmp_path):
    writers.write_seed_iv(tmp_path, seconds=2)
    (tmp_path / "eeg_raw_data" / "3" / "10_20151023.mat").unlink()
    problems = check_folder(SEED_IV, tmp_path).problems
    assert len(problems) == 1
    assert "10_20151023.mat: missing (subject 10 has 2 of 3 sessions)" in problems[0]
    assert len(load("seed-iv", tmp_path)) == 5 * 24


def test_options():
    with pytest.raises(ConfigError, match="features must be one of"):
        load("seed-iv", source="simulated", features="dasm_LDS")


def test_a_date_that_is_not_the_releases_needs_a_session_folder(tmp_path):
    """Stimuli differ between sessions: a session guessed from the order of dates mixes them up."""
    writers.write_seed_iv(tmp_path, seconds=2, subjects=(1,))
    base = tmp_path / "eeg_raw_data"
    (base / "2" / "1_20161125.mat").rename(base / "1_20200101.mat")
    for path in list(base.glob("[13]/*.mat")):
        path.rename(base / path.name)
    with pytest.raises(DataError, match=r"1_20200101\.mat: the date is none .* folder 1, 2 or 3"):
        load("seed-iv", tmp_path)
    (base / "1_20200101.mat").rename(base / "2" / "1_20200101.mat")
    assert len(load("seed-iv", tmp_path / "eeg_raw_data" / "2")) == 24


def test_eye_files_in_session_folders_are_left_alone(tmp_path):
    writers.write_seed_iv(tmp_path, seconds=2, subjects=(1,))
    shutil.copytree(tmp_path / "eeg_raw_data", tmp_path / "eye_raw_data")
    assert len(load("seed-iv", tmp_path)) == 72
