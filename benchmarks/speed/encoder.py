"""Encoding: an online step against EEGNet and LaBraM, offline encoding against LaBraM."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agents.agent import Agent, make_policy
from agents.config import AgentConfig
from agents.export import ExportedActor, export_actor
from agents.online import OnlinePredictor
from agents.scaling import LabelScale
from benchmarks.entries.braindecode_nets import import_models
from benchmarks.speed.timing import Row, interleaved
from eeg_emotion_env.features import BandPowerStream
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.normalization import PastNormalizer
from eeg_emotion_env.observation import ObservationLayout
from encoders import shipped_encoder
from encoders.export import ExportedEncoder, export_encoder

SFREQ, N_CHANNELS, N_DIMS = 200, 62, 2
ENCODER = "simulated-62x5"
ROUNDS, BATCH = 40, 25
"""Rounds of so many online steps each; every side takes its turn in each round."""
N_STREAM = 4 * 3600
"""Steps of the stream whose slowest step and growth are looked at: four hours."""
N_OFFLINE = 2000
"""Steps that are encoded at once."""


def measure() -> list[Row]:
    """Measure one raw second in, prediction out, and whole recordings (about three minutes)."""
    torch.manual_seed(0)
    online = _Online()
    windows = np.random.default_rng(0).normal(0, 20, (BATCH, N_CHANNELS, SFREQ))
    eegnet, labram = _net("EEGNet"), _net("Labram", ch_names=list(SEED_CHANNELS))
    seconds = interleaved(
        {
            "ours": lambda: [online.step(window) for window in windows],
            "eegnet": lambda: [eegnet(window[None]) for window in windows],
        },
        ROUNDS,
    )
    slow = interleaved(
        {
            "ours": lambda: [online.step(window) for window in windows],
            "labram": lambda: [labram(window[None]) for window in windows],
        },
        4,
    )
    return [
        _step_row("encoder.step_vs_eegnet", "EEGNet", "≤ 1.5", seconds["ours"], seconds["eegnet"]),
        _step_row("encoder.step_vs_labram", "LaBraM", "≤ 0.125", slow["ours"], slow["labram"]),
        *_stream(online, windows),
        _offline(labram),
    ]


class _Online:
    """Features, normalisation, exported encoder and exported policy, as a live stream has them."""

    def __init__(self) -> None:
        encoder = shipped_encoder(ENCODER)
        layout, config = ObservationLayout(encoder.n_latent, N_DIMS), AgentConfig()
        scale = LabelScale((0.0,) * N_DIMS, (0.5,) * N_DIMS)
        agent = Agent(make_policy(layout, config), layout, scale, ("valence", "arousal"), config)
        with tempfile.TemporaryDirectory(prefix="eegdancer-speed-") as folder:
            graphs = (
                ExportedEncoder(export_encoder(encoder, Path(folder) / "encoder.onnx")),
                ExportedActor(export_actor(agent, Path(folder) / "actor.onnx")),
            )
        self._predictor = OnlinePredictor(*graphs)
        self._power, self._normalizer = BandPowerStream(SFREQ), PastNormalizer()

    def step(self, eeg: NDArray[np.float64]) -> NDArray[np.float32]:
        """Predict from one raw second, shape (62, 200)."""
        return self._predictor.step(self._normalizer.step(self._power.step(eeg)))


def _net(name: str, **arguments: object) -> Callable[[NDArray[np.float64]], torch.Tensor]:
    """Make a net of braindecode, with random weights, as a function of raw seconds.

    `arguments` are those of its forward pass.
    """
    model = getattr(import_models(), name)(
        n_chans=N_CHANNELS, n_times=SFREQ, n_outputs=N_DIMS, sfreq=SFREQ
    ).eval()

    def forward(eeg: NDArray[np.float64]) -> torch.Tensor:
        with torch.inference_mode():
            output: torch.Tensor = model(torch.from_numpy(eeg.astype(np.float32)), **arguments)
        return output

    return forward


def _step_row(key: str, other: str, target: str, ours: float, theirs: float) -> Row:
    ours, theirs = 1000 * ours / BATCH, 1000 * theirs / BATCH
    return Row(
        key,
        f"raw second in, prediction out (features, encoder, policy; exported) against {other}",
        ours / theirs,
        target,
        f"{ours:.2f} ms against {theirs:.2f} ms",
    )


def _stream(online: _Online, windows: NDArray[np.float64]) -> list[Row]:
    """Time each step of a long stream by the clock."""
    taken = np.empty(N_STREAM)
    for step in range(N_STREAM):
        start = time.perf_counter()
        online.step(windows[step % len(windows)])
        taken[step] = time.perf_counter() - start
    first, last = (statistics.median(part) for part in (taken[100:1100], taken[-1000:]))
    p99 = 1000 * float(np.quantile(taken, 0.99))
    return [
        Row("encoder.step_p99_ms", "99th percentile of that step, by the clock", p99, "≤ 5"),
        Row(
            "encoder.step_growth",
            "median step of the last 1,000 of a 4-hour stream against the first 1,000",
            last / first,
            "≤ 1.1",
            f"{1000 * last:.3f} ms against {1000 * first:.3f} ms",
        ),
    ]


def _offline(labram: Callable[[NDArray[np.float64]], torch.Tensor]) -> Row:
    encoder = shipped_encoder(ENCODER)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N_OFFLINE, N_CHANNELS, encoder.n_bands)).astype(np.float32)
    raw = rng.normal(0, 20, (64, N_CHANNELS, SFREQ))
    seconds = interleaved(
        {"ours": lambda: encoder.encode(features), "labram": lambda: labram(raw)}, 3
    )
    rates = N_OFFLINE / seconds["ours"], len(raw) / seconds["labram"]
    return Row(
        "encoder.offline_vs_labram",
        "offline encoding from features against LaBraM in batches of 64, windows a second",
        rates[0] / rates[1],
        "≥ 60",
        f"{rates[0]:.0f} against {rates[1]:.0f}",
    )
