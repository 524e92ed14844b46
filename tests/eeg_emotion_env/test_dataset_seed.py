"""SEED's files: round trip, layouts in use, labels, and everything that can be wrong."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from eeg_emotion_env.datasets import get_dataset, load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError, DataWarning
from eeg_emotion_env.features import log_band_power
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.simulation import SimulationConfig, simulate_trial
from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout
from eeg_emotion_env.simulation.layouts.seed import recording_name

pytestmark = pytest.mark.filterwarnings("ignore:.*not as long as the clips")

FIRST = Path("Preprocessed_EEG") / "1_20131027.mat"
SEED = get_dataset("seed")


def variables(path):
    return {name: value for name, value in loadmat(path).items() if not name.startswith("__")}


def rewrite(path, **changes):
    """Change variables of a MAT file; None removes one."""
    content = {**variables(path), **changes}
    savemat(path, {name: value for name, value in content.items() if value is not None})


def fails(root, match, **options):
    """Load everything; return the error, which is one line that names a file."""
    with pytest.raises(DataError, match=match) as error:
        list(load("seed", root, **options))
    assert "\n" not in str(error.value)
    assert str(root) in str(error.value)
    return str(error.value)


def test_files_are_those_of_the_release(written_seed):
    content = loadmat(written_seed / FIRST)
    names = [name for name in content if not name.startswith("__")]
    assert names == ["djc_eeg1", "djc_eeg2", "djc_eeg3"]
    assert content["djc_eeg1"].shape == (62, 8 * 200 + 1)
    assert content["djc_eeg1"].dtype == np.float64
    assert b"SIMULATED" in content["__header__"]
    assert loadmat(written_seed / "Preprocessed_EEG" / "label.mat")["label"].tolist() == [
        [1, 0, -1]
    ]
    for folder, seconds in (("ExtractedFeatures_1s", 1), ("ExtractedFeatures_4s", 4)):
        stored = variables(written_seed / folder / FIRST.name)
        assert list(stored)[:3] == ["de_movingAve1", "de_LDS1", "psd_movingAve1"]
        assert len(stored) == 3 * 12
        rows = {"de": 62, "psd": 62, "dasm": 27, "rasm": 27, "asm": 54, "dcau": 23}
        for family, n_rows in rows.items():
            assert stored[f"{family}_LDS1"].shape == (n_rows, 8 // seconds, 5)


def test_names_go_on_beyond_the_release():
    names = [
        recording_name(subject, session) for subject in (1, 15, 16, 40) for session in range(1, 6)
    ]
    assert len(set(names)) == len(names)
    assert names[:3] == ["1_20131027.mat", "1_20131030.mat", "1_20131107.mat"]
    assert names[2] < names[3] < names[4]


def test_round_trip(written_seed, tiny_config):
    trials = load("seed", written_seed, normalization="none")
    assert [(k.subject, k.session, k.trial, k.stimulus) for k in trials.keys] == [
        (subject, session, trial, f"clip{trial:02d}")
        for subject in (1, 2)
        for session in (1, 2)
        for trial in (1, 2, 3)
    ]
    for trial in trials:
        raw = simulate_trial(tiny_config, trial.subject, trial.session, trial.trial)
        np.testing.assert_array_equal(trial.features, log_band_power(raw.eeg[:, :-1], 200.0))
        np.testing.assert_array_equal(trial.labels, raw.labels)
        np.testing.assert_array_equal(trial.truth, raw.truth)
        assert trial.channels == SEED_CHANNELS
        assert (trial.source, trial.label_kind, trial.causal) == ("simulated", "simulated", True)


def test_writing_twice_gives_the_same_bytes(written_seed, tiny_config, tmp_path):
    calls = []
    again = write_layout(
        LAYOUTS["seed"], tiny_config, tmp_path / "T", progress=lambda *done: calls.append(done)
    )
    for name in (FIRST, "annotations.csv", "truth.csv"):
        assert (again / name).read_bytes() == (written_seed / name).read_bytes()
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    write_layout(LAYOUTS["seed"], tiny_config, again)
    assert [path.name for path in tmp_path.iterdir()] == ["T"]


def test_other_folders_are_not_overwritten(tiny_config, seed_root, tmp_path):
    (seed_root / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds notes\.txt"):
        write_layout(LAYOUTS["seed"], tiny_config, seed_root)
    assert (seed_root / FIRST).is_file()
    with pytest.raises(DataError, match="is a file"):
        write_layout(LAYOUTS["seed"], tiny_config, seed_root / "notes.txt")
    with pytest.raises(DataError, match="cannot be written"):
        write_layout(LAYOUTS["seed"], tiny_config, seed_root / "notes.txt" / "S")
    with pytest.raises(ConfigError, match="needs its own channels"):
        write_layout(LAYOUTS["seed"], SimulationConfig(channels=("FZ",)), tmp_path / "new")


def test_failed_write_leaves_nothing(tiny_config, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_layout(LAYOUTS["seed"], tiny_config, tmp_path / "S", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_recorded_files_have_class_labels(recorded_root):
    trials = load("seed", recorded_root)
    assert {trial.source for trial in trials} == {"recorded"}
    assert {trial.label_kind for trial in trials} == {"constant-class"}
    np.testing.assert_array_equal(trials[0].labels, np.tile(np.float32([1.0, 0.5]), (8, 1)))
    np.testing.assert_array_equal(trials[1].labels[0], [0.0, -0.5])
    np.testing.assert_array_equal(trials[2].labels[0], [-1.0, 0.5])


def test_simulated_files_say_so_wherever_they_are_copied(written_seed, tmp_path):
    folder = shutil.copytree(written_seed / "Preprocessed_EEG", tmp_path / "elsewhere")
    trial = load("seed", folder)[0]
    assert (trial.source, trial.label_kind) == ("simulated", "constant-class")


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("", "Preprocessed_EEG"),
        ("SEED_EEG", ""),
        ("SEED_EEG/SEED_EEG", ""),
        ("SEED/SEED/SEED_EEG", ""),
        ("SEED/SEED/SEED_EEG", "SEED/SEED/SEED_EEG/Preprocessed_EEG"),
    ],
)
def test_layouts(recorded_root, tmp_path, place, given):
    base = tmp_path / "base"
    (base / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(recorded_root, base / place, dirs_exist_ok=True)
    assert SEED.recognises(base / given)
    trials = load("seed", base / given, normalization="none")
    assert len(trials) == 12
    assert trials[0].n_steps == 8


def test_folder_case_and_extension_case_do_not_count(recorded_root):
    folder = recorded_root / "Preprocessed_EEG"
    (folder / "label.mat").rename(folder / "Label.MAT")
    (folder / "1_20131027.mat").rename(folder / "1_20131027.MAT")
    folder.rename(recorded_root / "preprocessed_eeg")
    assert len(load("seed", recorded_root)) == 12


def test_session_folders(recorded_root):
    folder = recorded_root / "ExtractedFeatures_1s"
    for session, dates in ((1, ("20131027", "20140404")), (2, ("20131030", "20140413"))):
        (folder / str(session)).mkdir()
        for subject, date in enumerate(dates, start=1):
            name = f"{subject}_{date}.mat"
            (folder / name).rename(folder / str(session) / name)
    (folder / "label.mat").rename(recorded_root / "label.mat")
    shutil.rmtree(recorded_root / "ExtractedFeatures_4s")
    trials = load("seed", recorded_root, features="de_LDS")
    assert [(key.subject, key.session) for key in trials.keys[::3]] == [
        *((1, 1), (1, 2), (2, 1), (2, 2))
    ]
    assert trials[0].n_steps == 8


def test_sessions_by_date_and_subjects_by_number(recorded_root):
    folder = recorded_root / "Preprocessed_EEG"
    (folder / "1_20131027.mat").rename(folder / "10_20991231.mat")
    (folder / "1_20131030.mat").rename(folder / "10_20200101.mat")
    trials = load("seed", recorded_root, features="raw")
    assert trials.subjects == (2, 10)
    origins = [recording.origin for recording in SEED.recordings(recorded_root, SEED.Options())]
    assert [Path(origin).name for origin in origins[2:]] == ["10_20200101.mat", "10_20991231.mat"]


def test_keys_in_any_order(recorded_root):
    before = load("seed", recorded_root, normalization="none")[2]
    content = variables(recorded_root / FIRST)
    savemat(recorded_root / FIRST, dict(reversed(content.items())))
    after = load("seed", recorded_root, normalization="none")[2]
    assert after.trial == before.trial == 3
    np.testing.assert_array_equal(after.features, before.features)


@pytest.mark.parametrize("family", ["de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve"])
def test_stored_features(recorded_root, family):
    trial = load("seed", recorded_root, features=family, normalization="none")[0]
    stored = loadmat(recorded_root / "ExtractedFeatures_1s" / FIRST.name)[f"{family}1"]
    expected = np.log(stored) if family.startswith("psd") else stored
    np.testing.assert_allclose(trial.features, expected.transpose(1, 0, 2), rtol=1e-6)
    assert (trial.track, trial.causal, trial.step_s) == ("non-causal", False, 1.0)


def test_window_length_is_told_from_the_data(seed_root):
    shutil.rmtree(seed_root / "ExtractedFeatures_1s")
    (seed_root / "ExtractedFeatures_4s").rename(seed_root / "ExtractedFeatures_1s")
    trial = load("seed", seed_root, features="de_LDS")[0]
    assert (trial.step_s, trial.n_steps) == (4.0, 2)
    np.testing.assert_allclose(
        trial.labels[0],
        load("seed", seed_root, features="raw")[0].labels[:4].mean(axis=0),
        rtol=1e-5,
    )


def test_auto_prefers_raw_and_falls_back(seed_root):
    assert load("seed", seed_root)[0].causal
    shutil.rmtree(seed_root / "Preprocessed_EEG")
    assert not load("seed", seed_root)[0].causal
    fails(seed_root, "no folder with raw EEG", features="raw")


def test_annotation_file(recorded_root, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("stimulus,time_s,valence,arousal\nclip02,1,0.25,-0.25\nclip02,2,0.5,0\n")
    trials = load("seed", recorded_root, labels=str(path))
    assert trials[1].label_kind == "continuous-external"
    np.testing.assert_array_equal(trials[1].labels[:2], [[0.25, -0.25], [0.5, 0.0]])
    assert np.isnan(trials[0].labels).all()
    shutil.copy(path, recorded_root / "annotations.csv")
    assert load("seed", recorded_root)[1].label_kind == "continuous-external"
    assert load("seed", recorded_root, labels="class")[1].label_kind == "constant-class"
    path.write_text("stimulus,time_s,valence,arousal\nfilm02,1,0.25,-0.25\n")
    with pytest.raises(DataError, match="annotates none of the trials"):
        load("seed", recorded_root, labels=str(path))


@pytest.mark.parametrize("step_s", [2.0, 4.0])
def test_longer_steps(written_seed, step_s):
    trial = load("seed", written_seed, step_s=step_s)[0]
    assert (trial.n_steps, trial.step_s) == (8 // step_s, step_s)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"features": "de"}, "features must be one of"), ({"step_s": 0.0031}, "step_s must be")],
)
def test_impossible_options(written_seed, options, message):
    with pytest.raises(ConfigError, match=message):
        load("seed", written_seed, **options)


def damaged_bytes(content):
    yield b"", "appears to be empty|damaged"
    yield b"not a MAT file at all, but text that goes on and on" * 9, "damaged or not a MAT file"
    yield content[: len(content) // 2], "damaged|missing"
    yield content[:128], "no variables"
    yield content[:300] + bytes(100) + content[400:], "damaged"


@pytest.mark.parametrize("case", range(5))
def test_damaged_file(recorded_root, case):
    path = recorded_root / FIRST
    content, message = list(damaged_bytes(path.read_bytes()))[case]
    path.write_bytes(content)
    assert str(path) in fails(recorded_root, message)
    report = check_folder(SEED, recorded_root)
    assert any(str(path) in problem for problem in report.problems)
    assert len([key for key in report.found if key.subject == 2]) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"djc_eeg2": None}, "trial 2 is missing"),
        ({"djc_eeg4": np.ones((62, 401))}, "djc_eeg4 has no label"),
        ({"djc_eeg1": np.ones((401, 62))}, "axes swapped"),
        ({"djc_eeg1": np.ones((32, 401))}, r"is \(32, 401\), expected \(62, n\)"),
        ({"djc_eeg1": np.ones(5)}, "expected"),
        ({"djc_eeg1": np.full((62, 401), np.nan)}, "NaN"),
        ({"djc_eeg1": np.random.default_rng(0).normal(0, 1e-5, (62, 401))}, "looks like volts"),
        ({"djc_eeg1": np.random.default_rng(0).normal(0, 9, (62, 99))}, "shorter than one"),
        ({"djc_eeg1": np.full((62, 401), "a", dtype=object)}, "class char, expected real"),
        ({"djc_eeg1": None, "djc_eeg2": None, "djc_eeg3": None, "x": 1}, "no variables"),
    ],
)
def test_wrong_content(recorded_root, changes, message):
    rewrite(recorded_root / FIRST, **changes)
    assert str(recorded_root / FIRST) in fails(recorded_root, message, features="raw")
    problems = check_folder(SEED, recorded_root).problems
    assert len([problem for problem in problems if str(recorded_root / FIRST) in problem]) == 1


def test_wrong_features(seed_root):
    path = seed_root / "ExtractedFeatures_1s" / FIRST.name
    rewrite(path, de_LDS1=np.ones((62, 5, 8)))
    fails(
        seed_root,
        r"de_LDS1 has its axes swapped: \(62, 5, 8\), expected \(62, n, 5\)",
        features="de_LDS",
    )
    rewrite(path, de_LDS1=np.ones((8, 62, 5)))
    shutil.rmtree(seed_root / "ExtractedFeatures_4s")
    fails(seed_root, "axes swapped", features="de_LDS")
    rewrite(path, de_LDS1=np.random.default_rng(0).normal(20, 1, (62, 80, 5)))
    fails(seed_root, "neither 1 s nor 4 s", features="de_LDS")


def test_features_without_known_durations(recorded_root):
    shutil.rmtree(recorded_root / "Preprocessed_EEG")
    assert load("seed", recorded_root, features="de_LDS")[0].step_s == 1.0
    shutil.rmtree(recorded_root / "ExtractedFeatures_4s")
    (recorded_root / "ExtractedFeatures_1s").rename(recorded_root / "ExtractedFeatures")
    fails(recorded_root, "in 674 s of clips are neither 1 s nor 4 s", features="de_LDS")
    assert load("seed", recorded_root, features="de_LDS", window_s=1.0)[0].step_s == 1.0


def test_labels_that_are_missing_or_wrong(recorded_root):
    path = recorded_root / "Preprocessed_EEG" / "label.mat"
    savemat(path, {"label": np.array([[2, 1, 0]])})
    fails(recorded_root, "label must hold -1, 0 and 1")
    savemat(path, {"labels": np.array([[1, 0, -1]])})
    fails(recorded_root, "no variable 'label'")
    path.unlink()
    fails(recorded_root, r"label\.mat is missing")
    assert any(
        "label.mat is missing" in problem for problem in check_folder(SEED, recorded_root).problems
    )


def test_duplicate_session(recorded_root):
    folder = recorded_root / "Preprocessed_EEG"
    shutil.copy(folder / "1_20131027.mat", folder / "01_20131027.mat")
    fails(recorded_root, "the same session as")
    assert "the same session as" in check_folder(SEED, recorded_root).problems[0]


def test_legacy_names_are_numbered_alphabetically(recorded_root):
    folder = recorded_root / "Preprocessed_EEG"
    second = load("seed", recorded_root, features="raw", normalization="none").select([2])[0]
    for path in list(folder.glob("[12]_*.mat")):
        name = {"1": "zhao", "2": "an"}[path.name[0]]
        path.rename(folder / f"{name}{path.name[1:]}")
    with pytest.warns(DataWarning, match=r"numbered alphabetically \(1 an, 2 zhao\)"):
        after = load("seed", recorded_root, features="raw", normalization="none")
    assert after.subjects == (1, 2)
    np.testing.assert_array_equal(after[0].features, second.features)
    shutil.copy(folder / "an_20140404.mat", folder / "3_20140404.mat")
    fails(recorded_root, "are mixed", features="raw")


def test_seed_iv_is_not_taken_for_seed(tmp_path):
    folder = tmp_path / "eeg_raw_data" / "1"
    folder.mkdir(parents=True)
    (folder / "1_20160518.mat").write_bytes(b"")
    assert not SEED.recognises(tmp_path)


def test_check_of_a_whole_set(written_seed):
    report = check_folder(SEED, written_seed)
    assert report.ok
    assert len(report.found) == 12
    counts = Counter((key.subject, key.session) for key in report.found)
    assert counts == dict.fromkeys([(1, 1), (1, 2), (2, 1), (2, 2)], 3)
    assert any("12 trials in 4 recordings" in note for note in report.notes)
    assert any("simulated, not recorded" in note for note in report.notes)


@pytest.mark.parametrize("root", ["seed_root", "recorded_root"])
def test_check_names_the_missing_file(root, request):
    folder = request.getfixturevalue(root)
    path = folder / "Preprocessed_EEG" / "2_20140404.mat"
    path.unlink()
    report = check_folder(SEED, folder)
    assert len([problem for problem in report.problems if str(path) in problem]) == 1
    assert not report.ok


def test_check_without_known_dates(recorded_root):
    folder = recorded_root / "Preprocessed_EEG"
    (folder / "2_20140404.mat").unlink()
    (folder / "2_20140413.mat").rename(folder / "2_20200101.mat")
    problems = check_folder(SEED, recorded_root).problems
    assert any("2_<date>.mat: missing (subject 2 has 1 of 2 sessions)" in p for p in problems)


def test_simulated_sessions_keep_their_numbers(seed_root):
    before = load("seed", seed_root)[3]
    (seed_root / FIRST).unlink()
    after = load("seed", seed_root)[0]
    assert (after.subject, after.session) == (1, 2)
    np.testing.assert_array_equal(after.labels, before.labels)


def test_broken_manifest(seed_root):
    (seed_root / "simulation.json").write_text("{")
    fails(seed_root, r"simulation\.json: cannot be read")
    (seed_root / "simulation.json").write_text("{}")
    fails(seed_root, "lists no files")


def test_a_missing_file_does_not_shift_later_sessions(recorded_root):
    folder = recorded_root / "Preprocessed_EEG"
    before = {key.session for key in load("seed", recorded_root).keys if key.subject == 2}
    (folder / "2_20140404.mat").unlink()
    after = {key.session for key in load("seed", recorded_root).keys if key.subject == 2}
    assert after == before - {1}
