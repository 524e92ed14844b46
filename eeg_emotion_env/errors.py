"""Errors and warnings: each message is one line that says what was wrong and what to do."""

import difflib
from collections.abc import Iterable

from encoders.errors import EEGEmotionError

__all__ = [
    "ConfigError",
    "DataError",
    "DataWarning",
    "EEGEmotionError",
    "SimulatedDataWarning",
    "check_choice",
]


class DataError(EEGEmotionError):
    """Raised when recordings are absent, damaged or not in a known layout."""


class ConfigError(EEGEmotionError, ValueError):
    """Raised when an argument or option has an unknown name or an impossible value."""


class SimulatedDataWarning(UserWarning):
    """Warned once when simulated EEG stands in for recordings that were not found."""


class DataWarning(UserWarning):
    """Warned when data are usable but not quite what the format promises."""


def check_choice(argument: str, value: str, known: Iterable[str]) -> str:
    """Return `value` if it is known, or raise an error that lists and suggests names.

    Parameters
    ----------
    argument : str
        What the value stands for, as the user calls it.
    value : str
        The value given.
    known : iterable of str
        The values allowed.

    Returns
    -------
    str
        `value`, unchanged.

    Raises
    ------
    ConfigError
        If `value` is not among `known`.
    """
    names = sorted(known)
    if value in names:
        return value
    close = difflib.get_close_matches(str(value), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"{argument} must be one of {', '.join(names)}, not {value!r}.{hint}")
