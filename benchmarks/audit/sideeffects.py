"""What a job leaves behind in its process, which scores it and runs other entries next."""

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

OURS = ("eeg_emotion_env", "encoders", "agents", "benchmarks")
"""Packages whose functions and methods stay what they are."""

State = dict[str, Any]
"""Values by what they are, for people."""


def snapshot() -> State:
    """Return settings of the process, and all functions of our packages.

    Returns
    -------
    State
        Random generators are not among it: the check ``repeatable`` is about them. Nor are numbers
        of threads, which the runner sets for each job.
    """
    import torch

    settings = {
        "the working directory": os.getcwd(),
        "torch's default type": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "torch's gradients": torch.is_grad_enabled(),
        "torch's choice of deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "numpy's treatment of errors": np.geterr(),
        **{f"the variable {name}": value for name, value in os.environ.items()},
    }
    # As a list: looking at a module may import another.
    loaded = [m for name, m in list(sys.modules.items()) if name.partition(".")[0] in OURS]
    return {**settings, **{name: value for module in loaded for name, value in _functions(module)}}


def changes(before: State, after: State) -> list[str]:
    """Say what is other than before; what came anew, as with an import, is not.

    Parameters
    ----------
    before, after : State
        From `snapshot`.

    Returns
    -------
    list of str
        One line each.
    """
    lost = object()
    return [
        f"{name} is not what it was"
        for name, value in before.items()
        if not _is_same(value, after.get(name, lost))
    ]


def _is_same(before: Any, after: Any) -> bool:
    # Functions are themselves or others; whatever `==` may say of them.
    return before is after or (not callable(before) and bool(before == after))


def _functions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield functions, classes and methods by their full names."""
    for name, value in list(vars(module).items()):
        if not callable(value):
            continue
        yield f"{module.__name__}.{name}", value
        if isinstance(value, type) and value.__module__ == module.__name__:
            methods = ((m, v) for m, v in list(vars(value).items()) if _is_method(v))
            yield from ((f"{module.__name__}.{name}.{m}", v) for m, v in methods)


def _is_method(value: Any) -> bool:
    return callable(value) or isinstance(value, property | classmethod | staticmethod)
