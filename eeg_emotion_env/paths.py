"""Paths as people write them."""

import os
from pathlib import Path

from eeg_emotion_env.errors import ConfigError


def home_expanded(path: str | os.PathLike[str], given: str | None = None) -> Path:
    """Return a path whose ``~`` or ``~name`` is replaced by the home folder.

    Parameters
    ----------
    path : path-like
        The path.
    given : str or None
        How the user gave it, for the message; None for the path itself.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    ConfigError
        If there is no user of that name.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{given or path}: no such user; give ~, ~name or the whole path (./{path} if the name "
            "really begins so)"
        ) from None
