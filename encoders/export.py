"""Export of a frozen encoder's step: one graph with explicit state, as ONNX or torch.export.

The graph knows nothing of montages: `ExportedEncoder` brings features to the model's input, as the
frozen encoder does.
"""

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.checkpoint import current_umask
from encoders.config import EncoderConfig
from encoders.errors import CheckpointError, EncoderConfigError
from encoders.frozen import FrozenEncoder, montage_of
from encoders.montage import Montage

FloatArray = NDArray[np.float32]

FORMATS = (".onnx", ".pt2")

NOTES = "eegdancer"
"""Name of the notes inside an exported file."""


class StepGraph(nn.Module):
    """One step of a frozen encoder as a function of tensors: ``(input, *state) -> latent, *state``.

    Parameters
    ----------
    encoder : FrozenEncoder
        The encoder.
    """

    def __init__(self, encoder: FrozenEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.n_buffers = len(encoder.vqvae.initial_state())

    def forward(self, model_input: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Encode one step, shape (1, 1, channels or sites, bands)."""
        buffers, caches = list(state[: self.n_buffers]), list(state[self.n_buffers :])
        latent, buffers, caches = self.encoder.step_tensors(model_input, buffers, caches)
        return (latent, *buffers, *caches)


def export_encoder(encoder: FrozenEncoder, path: str | os.PathLike[str]) -> Path:
    """Write the step of an encoder as a graph that runs without this package.

    Parameters
    ----------
    encoder : FrozenEncoder
        A causal encoder.
    path : path-like
        File to write: ``.onnx`` (extra ``export``; runs in onnxruntime) or ``.pt2``
        (`torch.export`).

    Returns
    -------
    Path
        The file. Inputs are ``input`` (1, 1, channels or sites, bands) and one state after the
        other; outputs are the latent (1, 1, n_latent) and the states that follow.

    Raises
    ------
    EncoderConfigError
        If the encoder is bidirectional, or the ending of `path` is another one.
    """
    file = Path(path)
    if file.suffix not in FORMATS:
        raise EncoderConfigError(f"{file}: an exported encoder ends in {' or '.join(FORMATS)}")
    state = encoder.initial_state()
    shape = (1, 1, encoder.config.n_channels, encoder.config.n_bands)
    example = (torch.zeros(shape), *state.buffers, *state.caches)
    notes = {
        "encoder": asdict(encoder.config),
        **encoder.montage.as_json(),
        "state": [list(tensor.shape) for tensor in example[1:]],
        "fingerprint": encoder.fingerprint,
    }
    write_graph(StepGraph(encoder), example, file, notes)
    return file


def write_graph(
    graph: nn.Module, example: Sequence[Tensor], file: Path, notes: dict[str, Any]
) -> None:
    """Write a module as a graph, in one step.

    Parameters
    ----------
    graph : nn.Module
        Tensors in, tensors out.
    example : sequence of Tensor
        Arguments; their shapes become fixed.
    file : Path
        ``.onnx`` or ``.pt2``.
    notes : dict
        JSON-able notes, kept inside the file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".export", suffix=file.suffix)
    os.close(handle)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of constants inside the quantiser's library
            program = torch.export.export(graph.eval(), tuple(example), strict=False)
        if file.suffix == ".pt2":
            torch.export.save(program, name, extra_files={NOTES: json.dumps(notes)})
        else:
            _write_onnx(program, name, notes)
        # temporary files are private; a model is as readable as any file of its owner
        os.chmod(name, 0o666 & ~current_umask())
        os.replace(name, file)
    finally:
        Path(name).unlink(missing_ok=True)


def _write_onnx(program: Any, name: str, notes: dict[str, Any]) -> None:
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise EncoderConfigError(
            "ONNX export needs more: pip install onnx onnxruntime onnxscript (extra 'export'), or "
            "export to .pt2"
        ) from error
    # of libraries that are not installed and not needed
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        exported = torch.onnx.export(program, dynamo=True, verbose=False)
    if exported is None:
        raise EncoderConfigError("the ONNX exporter gave nothing; export to .pt2")
    exported.model.metadata_props[NOTES] = json.dumps(notes)
    exported.save(name)


class ExportedGraph:
    """A graph written by `write_graph`: NumPy in, NumPy out, on one thread.

    Parameters
    ----------
    path : path-like
        ``.onnx`` or ``.pt2`` file.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is not one of ours.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        file = Path(path)
        if not file.is_file() or file.suffix not in FORMATS:
            raise CheckpointError(f"{file}: no exported model here ({' or '.join(FORMATS)})")
        try:
            self._run, notes = _open_onnx(file) if file.suffix == ".onnx" else _open_pt2(file)
            self.notes: dict[str, Any] = json.loads(notes)
        except EncoderConfigError:
            raise
        except Exception as error:  # whatever a damaged file makes the libraries raise
            raise CheckpointError(
                f"{file}: damaged, or not written by export; export the model again"
            ) from error

    def __call__(self, *arrays: FloatArray) -> list[FloatArray]:
        """Run the graph."""
        results: list[FloatArray] = self._run(arrays)
        return results


def _open_onnx(file: Path) -> tuple[Any, str]:
    # onnxruntime writes a persistent device id unless told not to before its import
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise EncoderConfigError(
            "running ONNX files needs onnxruntime: pip install onnxruntime (extra 'export')"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    notes = session.get_modelmeta().custom_metadata_map[NOTES]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True))), notes


def _open_pt2(file: Path) -> tuple[Any, str]:
    extra = {NOTES: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of guards on shapes, which are fixed
        module = torch.export.load(file, extra_files=extra).module()

    def run(arrays: Sequence[FloatArray]) -> list[FloatArray]:
        with torch.inference_mode():
            results = module(*(torch.from_numpy(np.array(array)) for array in arrays))
        return [result.numpy() for result in results]

    return run, extra[NOTES]


class ExportedEncoder:
    """A frozen encoder from an exported file, for streams.

    Parameters
    ----------
    path : path-like
        File written by `export_encoder`.
    positions : ndarray or None, shape (n_channels, 3)
        Electrodes of the recording, if they are not those of the exported encoder.
    band_weights : ndarray or None, shape (n_bands of the model, n_bands of the recording)
        With `positions`: how the model's bands are made of the recording's.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is not one of ours.
    EncoderConfigError
        If positions are given and the encoder is tied to its channels.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        positions: NDArray[np.floating] | None = None,
        band_weights: NDArray[np.floating] | None = None,
    ) -> None:
        self._graph = ExportedGraph(path)
        notes = self._graph.notes
        self.config = EncoderConfig(**notes["encoder"])
        self.fingerprint = str(notes["fingerprint"])
        if positions is not None and not self.config.n_sites:
            raise EncoderConfigError(
                f"{path}: this encoder is tied to its {self.config.n_channels} channels; pretrain "
                "one with sites (eegdancer pretrain --sites 32) to use it on other montages"
            )
        where = (notes["positions"], notes["band_weights"])
        if positions is not None:
            where = (positions, band_weights)
        self.montage = montage_of(self.config, *where) or Montage(
            self.config.n_channels, self.config.n_bands
        )

    def initial_state(self) -> list[FloatArray]:
        """Return the state before the first step of a stream."""
        return [np.zeros(shape, np.float32) for shape in self._graph.notes["state"]]

    def step(
        self, frame: NDArray[np.floating], state: list[FloatArray]
    ) -> tuple[FloatArray, list[FloatArray]]:
        """Encode one step of a stream; see `FrozenEncoder.step`."""
        model_input = self.montage(np.asarray(frame, dtype=np.float32)[None])[None]
        latent, *state = self._graph(model_input, *state)
        return latent[0, 0], state
