"""Paths as people write them."""

from pathlib import Path

import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.paths import home_expanded


def test_home_is_filled_in(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert home_expanded("~/SEED") == Path("/home/somebody/SEED")
    assert home_expanded("SEED/~x") == Path("SEED/~x")


@pytest.mark.parametrize("options", [{"data": "~nobody-here/SEED"}])
def test_unknown_users_are_named(options):
    with pytest.raises(ConfigError, match="~nobody-here/SEED: no such user; give ~"):
        load("seed", **options)
