"""Options of a data set from keyword arguments or from text, by the types of its fields."""

import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from eeg_emotion_env.datasets.base import Dataset
from eeg_emotion_env.errors import ConfigError, check_choice

_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}
_NOTHING = ("none", "null", "")


def make_options(dataset: Dataset, given: Mapping[str, Any]) -> Any:
    """Make the options of a data set.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    given : mapping of str to object
        Values by name. Text stands for a number, a truth value (yes, no, on, off, true, false), a
        pair of numbers (``0,9``) or None where the option is one.

    Returns
    -------
    object
        Instance of ``dataset.Options``.

    Raises
    ------
    ConfigError
        If an option is unknown, or a value is not of its type.
    """
    what, kinds = f"option of data set {dataset.card.name!r}", get_type_hints(dataset.Options)
    known = [f.name for f in fields(dataset.Options) if f.init]
    chosen = {}
    for name, value in given.items():
        check_choice(what, name, known)
        chosen[name] = _converted(name, value, kinds[name])
    try:
        return dataset.Options(**chosen)
    except TypeError as error:
        raise ConfigError(f"options of data set {dataset.card.name!r}: {error}") from error


def _converted(name: str, value: Any, kind: Any) -> Any:
    """Return a value as its type, or raise `ConfigError`."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
        if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
            return None
    try:
        if get_origin(kind) is tuple:
            return _tuple(name, value, get_args(kind)[0])
        return _CONVERTERS[kind](value)
    except (KeyError, OverflowError, TypeError, ValueError):
        expected = _NAMES[get_origin(kind) or kind]
        raise ConfigError(f"{name} must be {expected}, not {value!r}") from None


def _bool(value: Any) -> bool:
    return _WORDS[str(value).strip().lower()]


def _int(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or number != int(number):
        raise ValueError
    return int(number)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)


def _str(value: Any) -> str:
    # A path or a number may stand for text; nothing at all may not.
    if value is None or isinstance(value, bool):
        raise ValueError
    return str(value)


def _tuple(name: str, value: Any, kind: Any) -> tuple[Any, ...]:
    parts = value.strip().strip("()[]").split(",") if isinstance(value, str) else value
    return tuple(
        _converted(name, part.strip() if isinstance(part, str) else part, kind) for part in parts
    )


_CONVERTERS: dict[Any, Any] = {bool: _bool, int: _int, float: _float, str: _str}
_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "values separated by commas, such as 0,9",
}
