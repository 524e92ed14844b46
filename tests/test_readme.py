"""The README's Python blocks run as they stand, each on its own (training cut short)."""

import re
from pathlib import Path

import pytest
from stable_baselines3 import SAC

from eeg_emotion_env import SimulatedDataWarning

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
@pytest.mark.filterwarnings(f"ignore::{SimulatedDataWarning.__module__}.SimulatedDataWarning")
def test_python_blocks_run(number, monkeypatch, capsys):
    learn = SAC.learn
    monkeypatch.setattr(SAC, "learn", lambda model, steps, **kwargs: learn(model, 130, **kwargs))
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), {})
    assert "Traceback" not in capsys.readouterr().err


def test_there_are_the_three_tours():
    assert len(BLOCKS) == 3


def test_no_placeholder_is_left():
    assert not re.search(r"[A-Z]+_(PLACEHOLDER|TABLE)", README)
