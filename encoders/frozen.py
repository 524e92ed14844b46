"""`FrozenEncoder`: pretrained VQ-VAE and dynamics that turn features into latents."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.checkpoint import load_checkpoint, load_weights, save_checkpoint
from encoders.config import EncoderConfig
from encoders.dynamics import MaskedDynamics, discrete_continuous
from encoders.errors import CheckpointError, EncoderConfigError
from encoders.vqvae import CausalVQVAE, Quantized

KIND = "frozen encoder"
FORMAT = 1
WEIGHTS = Path(__file__).parent / "weights"

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class EncoderState:
    """Bounded memory of a stream: buffers of convolutions, caches of attention, position."""

    buffers: list[Tensor]
    caches: list[Tensor]
    position: int


class FrozenEncoder(nn.Module):
    """Causal encoder whose weights and codebook can no longer change.

    A latent is ``[prototype | residual | dynamics state]``; see `layout`.

    Parameters
    ----------
    vqvae : CausalVQVAE
        Pretrained VQ-VAE.
    dynamics : MaskedDynamics
        Pretrained dynamics.
    description : dict
        JSON-able notes on data, labels and settings of the pretraining, saved with the model.
    """

    def __init__(
        self, vqvae: CausalVQVAE, dynamics: MaskedDynamics, description: dict[str, Any]
    ) -> None:
        super().__init__()
        self.vqvae, self.dynamics = vqvae, dynamics
        self.config = vqvae.config
        self.description = description
        self.requires_grad_(False)
        self.vqvae.quantizer.freeze_codebook = True
        self.train(False)

    def train(self, mode: bool = True) -> "FrozenEncoder":
        """Stay in evaluation mode, whatever is asked for."""
        return super().train(False)

    @property
    def n_latent(self) -> int:
        """Width of a latent."""
        return self.config.n_latent

    @property
    def n_channels(self) -> int:
        """Channels expected."""
        return self.config.n_channels

    @property
    def n_bands(self) -> int:
        """Bands expected."""
        return self.config.n_bands

    @property
    def layout(self) -> dict[str, slice]:
        """Where prototype, residual and dynamics state stand in a latent."""
        code = self.config.code_dim
        return {
            "prototype": slice(0, code),
            "residual": slice(code, 2 * code),
            "state": slice(2 * code, self.n_latent),
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the saved model, or ``"unsaved"``."""
        return str(self.description.get("fingerprint", "unsaved"))

    @torch.inference_mode()
    def encode(self, features: NDArray[np.floating]) -> FloatArray:
        """Encode a whole trial; row t depends on rows up to t alone.

        Parameters
        ----------
        features : ndarray, shape (n_steps, n_channels, n_bands)
            Normalised log band power.

        Returns
        -------
        ndarray, shape (n_steps, n_latent), float32
            Latents.

        Raises
        ------
        ValueError
            If the shape is not the one the encoder was made for.
        """
        quantized = self.vqvae(self._tensor(features, 3)[None])
        return self._latent(quantized, self.dynamics(quantized))[0].numpy()

    @torch.inference_mode()
    def codes(self, features: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the prototype of each step, shape (n_steps,)."""
        codes: NDArray[np.int64] = self.vqvae(self._tensor(features, 3)[None]).codes[0].numpy()
        return codes

    def initial_state(self) -> EncoderState:
        """Return the state before the first step of a stream."""
        return EncoderState(self.vqvae.initial_state(), self.dynamics.initial_state(), 0)

    @torch.inference_mode()
    def step(
        self, frame: NDArray[np.floating], state: EncoderState
    ) -> tuple[FloatArray, EncoderState]:
        """Encode one step of a stream.

        Parameters
        ----------
        frame : ndarray, shape (n_channels, n_bands)
            Normalised features of the step.
        state : EncoderState
            From `initial_state` or from the step before.

        Returns
        -------
        latent : ndarray, shape (n_latent,), float32
            As row t of `encode`, within 1e-5.
        state : EncoderState
            For the next step; its size is bounded.
        """
        quantized, buffers = self.vqvae.step(self._tensor(frame, 2)[None, None], state.buffers)
        hidden, caches = self.dynamics.step(quantized, state.caches, state.position)
        latent = self._latent(quantized, hidden)[0, 0].numpy()
        return latent, EncoderState(buffers, caches, state.position + 1)

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write ``config.json`` and ``model.safetensors``; return the fingerprint."""
        config = {
            "format": FORMAT,
            "encoder": asdict(self.config),
            "horizons": list(self.dynamics.horizons),
            "description": {k: v for k, v in self.description.items() if k != "fingerprint"},
        }
        fingerprint = save_checkpoint(folder, KIND, config, self.state_dict())
        self.description = {**self.description, "fingerprint": fingerprint}
        return fingerprint

    def _tensor(self, features: NDArray[np.floating], n_axes: int) -> Tensor:
        expected = (self.n_channels, self.n_bands)
        array = np.asarray(features, dtype=np.float32)
        if array.ndim != n_axes or array.shape[-2:] != expected:
            raise ValueError(
                f"features are {array.shape}, but this encoder was made for "
                f"{expected[0]} channels × {expected[1]} bands; use one pretrained on such data"
            )
        # read-only arrays are fine for reading; torch warns about them all the same
        return torch.from_numpy(array if array.flags.writeable else array.copy())

    @staticmethod
    def _latent(quantized: Quantized, hidden: Tensor) -> Tensor:
        return torch.cat([discrete_continuous(quantized), hidden], dim=-1)


def load_encoder(folder: str | os.PathLike[str]) -> FrozenEncoder:
    """Load a frozen encoder from its folder.

    Parameters
    ----------
    folder : path-like
        Folder with ``config.json`` and ``model.safetensors``.

    Returns
    -------
    FrozenEncoder
        Ready to encode.

    Raises
    ------
    CheckpointError
        If the folder is absent, damaged, changed, or holds another kind of model.
    """
    config, tensors = load_checkpoint(folder, KIND)
    if config.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder}: format {config.get('format')!r} is not readable by this version"
        )
    try:
        shape = EncoderConfig(**config["encoder"])
        horizons = tuple(config["horizons"])
    except (KeyError, TypeError, EncoderConfigError) as error:
        raise CheckpointError(f"{folder}: unusable encoder description ({error})") from error
    encoder = FrozenEncoder(CausalVQVAE(shape), MaskedDynamics(shape, horizons), {})
    load_weights(encoder, tensors, folder)
    encoder.description = {**config["description"], "fingerprint": config["fingerprint"]}
    return encoder


def shipped_encoder(name: str) -> FrozenEncoder:
    """Load weights that come with the package.

    Parameters
    ----------
    name : str
        A folder of ``encoders/weights``, such as ``"simulated-62x5"``.

    Raises
    ------
    CheckpointError
        If there are no such weights.
    """
    known = sorted(path.name for path in WEIGHTS.iterdir() if path.is_dir())
    if name not in known:
        raise CheckpointError(f"no shipped encoder {name!r}; shipped are {', '.join(known)}")
    return load_encoder(WEIGHTS / name)


def shipped_encoders() -> dict[str, dict[str, Any]]:
    """List the weights that come with the package.

    Returns
    -------
    dict
        Name to description (what each was made from: channels, bands, step_s, normalization…).
    """
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))["description"]
        for path in sorted(WEIGHTS.glob("*/config.json"))
    }
