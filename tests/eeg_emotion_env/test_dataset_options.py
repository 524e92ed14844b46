"""Options of data sets: keyword arguments and text are told by the types of the fields."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.options import make_options
from eeg_emotion_env.errors import ConfigError


@dataclass(frozen=True)
class Options:
    name: str = "auto"
    step_s: float = 1.0
    sfreq: float | None = None
    channels: int = 4
    is_loud: bool = False
    span: tuple[float, float] | None = None


DATASET = SimpleNamespace(card=SimpleNamespace(name="toy"), Options=Options)


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("step_s", "2", 2.0),
        ("step_s", 2, 2.0),
        ("sfreq", "none", None),
        ("sfreq", None, None),
        ("sfreq", "250", 250.0),
        ("channels", "3", 3),
        ("channels", 3.0, 3),
        ("is_loud", "off", False),
        ("is_loud", "True", True),
        ("is_loud", True, True),
        ("span", "0,9", (0.0, 9.0)),
        ("span", "(0, 9)", (0.0, 9.0)),
        ("span", [0, 9], (0.0, 9.0)),
        ("name", "12", "12"),
    ],
)
def test_values_become_what_their_field_is(name, given, meant):
    value = getattr(make_options(DATASET, {name: given}), name)
    assert (type(value), value) == (type(meant), meant)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("step_s", "fast", "step_s must be a number, not 'fast'"),
        ("step_s", True, "step_s must be a number, not True"),
        ("step_s", None, "step_s must be a number, not None"),
        ("channels", "2.5", "channels must be a whole number, not '2.5'"),
        ("channels", float("inf"), "channels must be a whole number"),
        ("is_loud", "perhaps", "is_loud must be true or false, not 'perhaps'"),
        ("span", 5, "span must be values separated by commas"),
        ("span", "a,b", "span must be values separated by commas, such as 0,9, not 'a,b'"),
        ("name", None, "name must be text, not None"),
        ("stepp", 1, "Did you mean 'step_s'"),
    ],
)
def test_values_of_another_type_are_told_in_one_line(name, given, message):
    with pytest.raises(ConfigError, match=message) as error:
        make_options(DATASET, {name: given})
    assert "\n" not in str(error.value)


def test_every_data_set_takes_text():
    text, number = (load("seed", source="simulated", step_s=step)[0] for step in ("2", 2.0))
    assert text.step_s == number.step_s == 2.0
