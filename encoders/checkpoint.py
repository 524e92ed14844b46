"""Model folders: ``config.json`` + ``model.safetensors``. Loading one never runs code from it."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from encoders.errors import CheckpointError

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"


def save_checkpoint(
    folder: str | os.PathLike[str], kind: str, config: dict[str, Any], tensors: dict[str, Tensor]
) -> str:
    """Write a model folder; each file is replaced in one step.

    Parameters
    ----------
    folder : path-like
        Made if absent.
    kind : str
        What the model is, checked on loading.
    config : dict
        JSON-able description, enough to rebuild the model.
    tensors : dict of str to Tensor
        Weights.

    Returns
    -------
    str
        Fingerprint: SHA-256 of description and weights.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    weights = save_tensors({name: tensor.contiguous() for name, tensor in tensors.items()})
    described = {**config, "kind": kind, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    described["fingerprint"] = _fingerprint(described)
    _replace(root / WEIGHTS_NAME, weights)
    _replace(root / CONFIG_NAME, (json.dumps(described, indent=2) + "\n").encode())
    return str(described["fingerprint"])


def load_checkpoint(
    folder: str | os.PathLike[str], kind: str
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a model folder and check that nothing in it was changed.

    Parameters
    ----------
    folder : path-like
        Folder written by `save_checkpoint`.
    kind : str
        Kind expected.

    Returns
    -------
    config : dict
        The description.
    tensors : dict of str to Tensor
        The weights.

    Raises
    ------
    CheckpointError
        If the folder is not such a model, or its files do not belong together.
    """
    root = Path(folder)
    try:
        config = json.loads((root / CONFIG_NAME).read_text(encoding="utf-8"))
        weights = (root / WEIGHTS_NAME).read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{root}: no {kind} model here ({error.strerror or error}); give a folder that holds "
            f"{CONFIG_NAME} and {WEIGHTS_NAME}"
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"{root / CONFIG_NAME}: not valid JSON; save the model again"
        ) from error
    if not isinstance(config, dict) or config.get("kind") != kind:
        found = config.get("kind") if isinstance(config, dict) else None
        raise CheckpointError(
            f"{root}: holds {found or 'no known model'}, expected {kind}; give the folder of one"
        )
    if config.get("fingerprint") != _fingerprint(config):
        raise CheckpointError(
            f"{root / CONFIG_NAME}: was changed after the model was saved; restore the folder or "
            "train again"
        )
    if config.get("weights_sha256") != hashlib.sha256(weights).hexdigest():
        raise CheckpointError(
            f"{root / WEIGHTS_NAME}: damaged or not the weights that {CONFIG_NAME} describes; "
            "restore the folder or train again"
        )
    try:
        return config, load_tensors(weights)
    except SafetensorError as error:
        raise CheckpointError(f"{root / WEIGHTS_NAME}: not a safetensors file ({error})") from error


def load_weights(module: nn.Module, tensors: dict[str, Tensor], origin: object) -> None:
    """Put weights into a module, or raise `CheckpointError` if names or shapes differ."""
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"{origin}: weights do not fit the model that {CONFIG_NAME} describes; train again"
        ) from error


def _fingerprint(config: dict[str, Any]) -> str:
    content = {key: value for key, value in config.items() if key != "fingerprint"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes private files; a model is as readable as any file of its owner
        os.chmod(name, 0o666 & ~current_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def current_umask() -> int:
    """Return the permissions that new files are not given."""
    current = os.umask(0)
    os.umask(current)
    return current
