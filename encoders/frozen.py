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
from encoders.dynamics import MaskedDynamics
from encoders.errors import CheckpointError, EncoderConfigError
from encoders.montage import Montage
from encoders.vqvae import CausalVQVAE, Quantized

KIND = "frozen encoder"
FORMAT = 1
WEIGHTS = Path(__file__).parent / "weights"

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class EncoderState:
    """Memory of a stream: buffers of convolutions, caches of attention. Its size never changes."""

    buffers: list[Tensor]
    caches: list[Tensor]


class FrozenEncoder(nn.Module):
    """Causal encoder whose weights and codebook can no longer change.

    A latent is ``[prototype | residual | assignment, if asked for | dynamics state]``; see
    `layout`.

    Parameters
    ----------
    vqvae : CausalVQVAE
        Pretrained VQ-VAE.
    dynamics : MaskedDynamics
        Pretrained dynamics.
    description : dict
        JSON-able notes on data, labels and settings of the pretraining, saved with the model.
    montage : Montage or None
        How features become the model's input; None: they are it.
    """

    def __init__(
        self,
        vqvae: CausalVQVAE,
        dynamics: MaskedDynamics,
        description: dict[str, Any],
        montage: Montage | None = None,
    ) -> None:
        super().__init__()
        self.vqvae, self.dynamics = vqvae, dynamics
        self.config = vqvae.config
        self.description = description
        self.montage = montage or Montage(self.config.n_channels, self.config.n_bands)
        self.requires_grad_(False)
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
        return self.montage.n_channels

    @property
    def n_bands(self) -> int:
        """Bands expected."""
        return self.montage.n_bands

    @property
    def layout(self) -> dict[str, slice]:
        """Where prototype, residual, assignment (if any) and state stand in a latent."""
        return self.config.layout

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
            Normalised log band power. NaN in a channel marks it as missing at that step.

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

    def on(
        self,
        positions: NDArray[np.floating],
        band_weights: NDArray[np.floating] | None = None,
    ) -> "FrozenEncoder":
        """Return the same encoder for recordings with other channels.

        Parameters
        ----------
        positions : ndarray, shape (n_channels, 3)
            Electrodes, as vectors from the centre of the head: x right, y front, z up.
        band_weights : ndarray or None, shape (n_bands of the model, n_bands of the recording)
            How the model's bands are made of the recording's; None: they are the same.

        Returns
        -------
        FrozenEncoder
            It shares weights with this one.

        Raises
        ------
        EncoderConfigError
            If this encoder is tied to the channels that it was pretrained on.
        """
        if not self.config.n_sites:
            raise EncoderConfigError(
                f"this encoder is tied to its {self.n_channels} channels; pretrain one with sites "
                "(n_sites, eegdancer pretrain --sites 32) to use it on other montages"
            )
        n_bands = self.config.n_bands if band_weights is None else np.shape(band_weights)[1]
        montage = Montage(len(positions), n_bands, self.config.n_sites, positions, band_weights)
        # what it was pretrained on stays; these channels are no longer the ones it expects
        notes = {k: v for k, v in self.description.items() if k not in ("channels", "bands")}
        notes["made_for"] = {
            k: v for k, v in self.description.items() if k in ("channels", "bands")
        } | self.description.get("made_for", {})
        return FrozenEncoder(self.vqvae, self.dynamics, notes, montage)

    @torch.inference_mode()
    def codes(self, features: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the prototype of each step, shape (n_steps,); zeros without a quantiser."""
        codes = self.vqvae(self._tensor(features, 3)[None]).codes[0]
        first: NDArray[np.int64] = (
            codes[:, 0].numpy() if codes.shape[1] else np.zeros(len(codes), int)
        )
        return first

    @torch.inference_mode()
    def codes_of_inputs(self, inputs: FloatArray) -> NDArray[np.int64]:
        """Return the prototypes of what is already the model's input (channels or sites)."""
        codes: NDArray[np.int64] = self.vqvae(torch.from_numpy(inputs)[None]).codes[0, :, 0].numpy()
        return codes

    def prototypes(self) -> FloatArray:
        """Return the codebook, shape (codebook_size, code_dim), float32."""
        book: FloatArray = self.vqvae.quantizer.prototypes().detach().numpy().copy()
        return book

    def initial_state(self) -> EncoderState:
        """Return the state before the first step of a stream.

        Raises
        ------
        EncoderConfigError
            If the encoder is bidirectional: it cannot work on a stream.
        """
        if self.config.bidirectional:
            raise EncoderConfigError(
                "a bidirectional encoder looks ahead and cannot work on a stream; pretrain a "
                "causal one"
            )
        return EncoderState(self.vqvae.initial_state(), self.dynamics.initial_state())

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
        self._check(frame, 2)
        model_input = self._tensor(np.asarray(frame)[None], 3)[None]
        latent, buffers, caches = self.step_tensors(model_input, state.buffers, state.caches)
        return latent[0, 0].numpy(), EncoderState(buffers, caches)

    def step_tensors(
        self, model_input: Tensor, buffers: list[Tensor], caches: list[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Encode one step, shape (1, 1, channels or sites, bands): tensors in, tensors out."""
        quantized, buffers = self.vqvae.step(model_input, buffers)
        hidden, caches = self.dynamics.step(quantized, caches)
        return self._latent(quantized, hidden), buffers, caches

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write ``config.json`` and ``model.safetensors``; return the fingerprint."""
        config = {
            "format": FORMAT,
            "encoder": asdict(self.config),
            "horizons": list(self.dynamics.horizons),
            **self.montage.as_json(),
            "description": {k: v for k, v in self.description.items() if k != "fingerprint"},
        }
        fingerprint = save_checkpoint(folder, KIND, config, self.state_dict())
        self.description = {**self.description, "fingerprint": fingerprint}
        return fingerprint

    def _check(self, features: NDArray[np.floating], n_axes: int) -> None:
        expected, shape = (self.n_channels, self.n_bands), np.shape(features)
        if len(shape) != n_axes or shape[-2:] != expected:
            raise ValueError(
                f"features are {shape}, but this encoder was made for {expected[0]} channels × "
                f"{expected[1]} bands; use one pretrained on such data, or `on` for other channels"
            )

    def _tensor(self, features: NDArray[np.floating], n_axes: int) -> Tensor:
        self._check(features, n_axes)
        array = self.montage(np.asarray(features, dtype=np.float32))
        # read-only arrays are fine for reading; torch warns about them all the same
        return torch.from_numpy(array if array.flags.writeable else array.copy())

    def _latent(self, quantized: Quantized, hidden: Tensor) -> Tensor:
        return torch.cat([self.vqvae.latent(quantized), hidden], dim=-1)


def montage_of(shape: EncoderConfig, positions: Any, band_weights: Any = None) -> Montage | None:
    """Return the montage of a model with sites, from the electrodes it was pretrained on."""
    if not shape.n_sites:
        return None
    if positions is None:
        raise EncoderConfigError("an encoder with sites needs the positions of its electrodes")
    n_bands = shape.n_bands if band_weights is None else np.shape(band_weights)[1]
    return Montage(
        len(positions), n_bands, shape.n_sites, np.asarray(positions, float), band_weights
    )


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
        montage = montage_of(shape, config.get("positions"), config.get("band_weights"))
    except (KeyError, TypeError, EncoderConfigError) as error:
        raise CheckpointError(f"{folder}: unusable encoder description ({error})") from error
    encoder = FrozenEncoder(CausalVQVAE(shape), MaskedDynamics(shape, horizons), {}, montage)
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
