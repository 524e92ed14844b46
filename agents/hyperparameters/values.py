"""Values as RL Baselines3 Zoo writes them, read without running code."""

import ast
from typing import Any

from eeg_emotion_env.errors import ConfigError

ACTIVATIONS = ("ReLU", "Tanh", "ELU", "LeakyReLU", "GELU", "SiLU")
"""Activation functions of `torch.nn` that a file may name."""


def parse_value(text: str) -> Any:
    """Read a value from the command line or from a quoted string in YAML.

    Parameters
    ----------
    text : str
        A Python literal, ``dict(name=value, …)``, ``nn.ReLU`` or any other word.

    Returns
    -------
    Any
        JSON-able value; words and activation functions stay text.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return text
    try:
        return _evaluate(tree)
    except ValueError:
        if isinstance(tree, ast.Call):
            raise ConfigError(
                f"{text!r} must be a literal, or dict(name=literal, …) as in RL-Zoo files"
            ) from None
        return text


def _evaluate(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        if node.args or any(keyword.arg is None for keyword in node.keywords):
            raise ValueError("positional arguments")
        return {str(keyword.arg): _evaluate(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Attribute):
        return ast.unparse(node)
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        return {k: _evaluate(v) for k, v in zip(keys, node.values, strict=True)}
    return ast.literal_eval(node)


def activation_name(text: str) -> str:
    """Return the name of an activation function given as ``nn.ReLU``, ``th.nn.ReLU`` or ``ReLU``.

    Raises
    ------
    ConfigError
        If it is not one of `ACTIVATIONS`.
    """
    name = text.rpartition(".")[2]
    if name not in ACTIVATIONS:
        raise ConfigError(f"activation_fn must be one of {', '.join(ACTIVATIONS)}, not {text!r}")
    return name


def parse_rate(value: Any) -> tuple[float, str]:
    """Read a learning rate: a number, or ``lin_<number>`` for one that falls linearly to zero.

    Parameters
    ----------
    value : float or str
        Such as 3e-4, ``"3e-4"`` or ``"lin_1e-3"``.

    Returns
    -------
    rate : float
        Rate at the start.
    schedule : str
        ``"linear"`` or ``"constant"``.
    """
    text = str(value)
    schedule = "linear" if text.startswith("lin_") else "constant"
    try:
        return float(text.removeprefix("lin_")), schedule
    except ValueError:
        raise ConfigError(
            f"learning_rate must be a number or lin_<number> such as lin_1e-3, not {value!r}"
        ) from None


def parse_assignments(items: tuple[str, ...]) -> dict[str, Any]:
    """Read settings given as ``name=value``.

    Parameters
    ----------
    items : tuple of str
        Such as ``("gamma=0.5", "net_arch=[32, 32]")``.

    Returns
    -------
    dict of str to Any
        Values by name.
    """
    settings = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigError(f"--param takes name=value such as gamma=0.5, not {item!r}")
        settings[name.strip()] = parse_value(value)
    return settings
