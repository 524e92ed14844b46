"""Damaged data: one line that names the file and the remedy, or a documented tolerance.

Each case damages a small sound tree. The outcome is an error (one line, naming the place), a
warning (the data are used all the same), or a note that nothing is wrong: never other numbers in
silence, never a trace.
"""

import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cli import main
from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import DataError
from tests.eeg_emotion_env import writers
from tests.eeg_emotion_env.corruption.refed_and_mahnob import REFED_AND_MAHNOB
from tests.eeg_emotion_env.corruption.seed_folders import SEED_FOLDERS
from tests.eeg_emotion_env.corruption.seed_iv_and_vii import SEED_IV_AND_VII
from tests.eeg_emotion_env.corruption.seed_signals import SEED_FILE, SEED_SIGNALS
from tests.eeg_emotion_env.mahnob_release import write_release

DAMAGES = [*SEED_SIGNALS, *SEED_FOLDERS, *SEED_IV_AND_VII, *REFED_AND_MAHNOB]


def sound_tree(name, root):
    """Write a small sound tree."""
    if name == "seed":
        writers.write_seed(root, subjects=(1, 2), sessions=(1, 2))
    elif name.startswith("seed-iv"):
        writers.write_seed_iv(root, seconds=2, subjects=(1,))
    elif name == "seed-vii":
        writers.write_seed_vii(root, raw=False)
    elif name == "refed":
        writers.write_refed(root)
    else:
        write_release(root, {(1, 2): 40, (1, 4): 44, (3, 2): 41})


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Sound trees, written once and copied for each damage."""
    made: dict[str, Path] = {}

    def get(name, target):
        if name not in made:
            made[name] = tmp_path_factory.mktemp("sound") / name
            sound_tree(name, made[name])
        return Path(shutil.copytree(made[name], target, symlinks=True))

    return get


def numbers(name, root):
    """Everything that a loader gives, in order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {trial.key: (trial.features, trial.labels) for trial in load(name, root)}


def test_there_are_enough_damages():
    assert len(DAMAGES) >= 60
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES)


@pytest.mark.filterwarnings("ignore:.*not as long as the")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage(damage, sound, tmp_path, capsys):
    root = sound(damage.dataset, tmp_path / "data set")
    name = damage.dataset.removesuffix("-as-seed") if "-as-" not in damage.dataset else "seed"
    before = {} if damage.error is not None else numbers(name, root)
    damage.do(root)
    place = str(root / damage.place if damage.place else root)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if damage.error is not None:
            with pytest.raises(DataError, match=damage.error) as error:
                list(load(name, root))
            assert place in str(error.value)
            assert "\n" not in str(error.value)
        else:
            after = {trial.key: trial for trial in load(name, root)}
    said = [str(warning.message) for warning in caught if "not as long" not in str(warning.message)]
    if damage.warning is not None:
        assert any(damage.warning in text and place in text for text in said), said
    elif damage.error is None:
        assert not said
        # What is tolerated in silence changes no number.
        for key, trial in after.items():
            np.testing.assert_array_equal(trial.features, before[key][0])
            np.testing.assert_array_equal(trial.labels, before[key][1])
    status = main(["check-data", str(root), "--dataset", name])
    captured = capsys.readouterr()
    assert status == int(damage.error is not None or damage.is_incomplete)
    assert "Traceback" not in captured.out + captured.err
    assert len([line for line in captured.err.splitlines() if "error" in line]) == status
    if damage.error is not None:
        assert any(place in line for line in captured.out.splitlines())


def test_unreadable_file_and_folder(sound):
    """As a user who may not read them: root may read everything."""
    base = Path(tempfile.mkdtemp())  # pytest's own folders are private
    base.chmod(0o755)
    root = sound("seed", base / "S")
    script = (
        "import os, sys\n"
        "from eeg_emotion_env.datasets import load\n"
        "import scipy.io\n"
        "if os.getuid() == 0:\n"
        "    os.setuid(65534)\n"
        "try:\n"
        "    list(load('seed', sys.argv[1], cache=False))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    for place, remedy in ((SEED_FILE, "make the file readable"), ("Preprocessed_EEG", "folder")):
        (root / place).chmod(0)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, str(root)],
            capture_output=True,
            text=True,
            check=False,
        )
        (root / place).chmod(0o755)
        assert done.stdout.startswith("DataError"), done.stderr
        assert str(root / place) in done.stdout
        assert "Permission denied" in done.stdout
        assert remedy in done.stdout
    shutil.rmtree(base)
