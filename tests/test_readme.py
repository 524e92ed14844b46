"""The README's Python blocks run as they stand, each on its own (training cut short)."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from stable_baselines3 import SAC

from eeg_emotion_env import SimulatedDataWarning

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
@pytest.mark.filterwarnings(f"ignore::{SimulatedDataWarning.__module__}.SimulatedDataWarning")
def test_python_blocks_run(number, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    learn = SAC.learn
    monkeypatch.setattr(SAC, "learn", lambda model, steps, **kwargs: learn(model, 130, **kwargs))
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), {})
    assert "Traceback" not in capsys.readouterr().err


def test_there_are_the_three_tours():
    assert len(BLOCKS) == 4


def test_an_entry_of_ones_own_is_on_the_table(tmp_path):
    (block,) = (block for block in BLOCKS if "(Entry)" in block)
    assert len(block.splitlines()) < 30
    (tmp_path / "mymodel.py").write_text(block, encoding="utf-8")
    command = (
        "leaderboard --dataset simulated --option n_subjects=3 --option n_trials=3 --workers 2 "
        "--entries constant,mymodel:Neighbours --out mine"
    )
    done = subprocess.run(
        [Path(sys.executable).parent / "eegdancer", *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "mine" / "leaderboard.csv", index_col="entry")
    assert table["ccc"]["neighbours"] > table["ccc"]["constant"]


def test_no_placeholder_is_left():
    assert not re.search(r"[A-Z]+_(PLACEHOLDER|TABLE)", README)
