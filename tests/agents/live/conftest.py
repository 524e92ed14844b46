"""A model for streams, and sources that a test can script."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from agents import Agent, AgentConfig
from agents.agent import make_policy
from agents.live import Chunk, LiveChain, LiveModel, Reference, StreamInfo, load_live_model
from agents.scaling import LabelScale
from eeg_emotion_env.features import FeatureConfig, log_band_power
from eeg_emotion_env.montage import SEED_CHANNELS, directions
from eeg_emotion_env.normalization import normalize_past
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import build_episodes
from eeg_emotion_env.trial import TrialKey
from encoders import EncoderConfig, FrozenEncoder, load_encoder, shipped_encoder
from encoders.dynamics import MaskedDynamics
from encoders.montage import Montage
from encoders.vqvae import CausalVQVAE
from tests.benchmarks.conftest import made_trials

SFREQ = 200.0


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    folder = save_model(tmp_path_factory.mktemp("live") / "model")
    (usual,) = normalize_past([log_band_power(made_eeg(60, seed=5).T, SFREQ)])
    Reference.fit([usual]).save(folder, load_encoder(folder / "encoder").fingerprint)
    return folder


def save_model(folder, seed=0):
    """Save an agent with random weights on the shipped encoder of 62 channels."""
    torch.manual_seed(seed)
    encoder = shipped_encoder("simulated-62x5")
    encoder.save(folder / "encoder")
    layout, config = ObservationLayout(encoder.n_latent, 2), AgentConfig()
    scale = LabelScale((0.1, -0.2), (0.4, 0.6))
    notes = {k: encoder.description[k] for k in ("channels", "bands", "step_s", "normalization")}
    notes["encoder"] = encoder.fingerprint
    policy = make_policy(layout, config)
    Agent(policy, layout, scale, ("valence", "arousal"), config, notes).save(folder)
    return folder


@pytest.fixture(scope="session")
def model(model_folder) -> LiveModel:
    return load_live_model(model_folder)


@pytest.fixture(scope="session")
def sited() -> LiveModel:
    """A model on sites of the head, with random weights, that was made for 62 channels."""
    torch.manual_seed(0)
    shape = EncoderConfig(24, 5, n_sites=24, code_dim=4, codebook_size=8, dynamics_width=16)
    bands = FeatureConfig().bands
    notes = {"channels": list(SEED_CHANNELS), "bands": list(bands)}
    montage = Montage(62, 5, 24, directions(SEED_CHANNELS))
    encoder = FrozenEncoder(CausalVQVAE(shape), MaskedDynamics(shape, (1,)), notes, montage)
    layout, config = ObservationLayout(encoder.n_latent, 2), AgentConfig()
    scale, names = LabelScale((0.0, 0.0), (0.5, 0.5)), ("valence", "arousal")
    policy = make_policy(layout, config)
    policy.set_training_mode(False)
    agent = Agent(policy, layout, scale, names, config)
    return LiveModel(encoder, agent, names, FeatureConfig())


def made_eeg(seconds: float, seed: int = 0, n_channels: int = 62, sfreq: float = SFREQ):
    """Noise with a rhythm whose size wanders, shape (n, n_channels), µV."""
    rng = np.random.default_rng(seed)
    n = round(seconds * sfreq)
    noise = rng.normal(0, 10, (n, n_channels))
    times = np.arange(n) / sfreq
    size = 1 + np.sin(2 * np.pi * times / 17)
    return noise + (8 * size * np.sin(2 * np.pi * 10 * times))[:, None]


class Scripted:
    """A source that gives the chunks that a test wrote down."""

    def __init__(self, chunks, channels=SEED_CHANNELS, sfreq=SFREQ, unit="uV", live=True, **more):
        self.info = StreamInfo("scripted", tuple(channels), sfreq, unit, live=live, **more)
        self._chunks = list(chunks)
        self.closed = False

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            if self.closed:
                return
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk() if isinstance(chunk, Callable) else chunk

    def close(self) -> None:
        self.closed = True


def in_chunks(eeg, size=40, sfreq=SFREQ, times=None, received=None) -> list[Chunk]:
    """Cut EEG, shape (n, n_channels), into chunks with timestamps of a perfect clock."""
    times = np.arange(len(eeg)) / sfreq if times is None else times
    return [
        Chunk(
            eeg[start : start + size],
            times[start : start + size],
            float((times if received is None else received)[min(start + size, len(eeg)) - 1]),
        )
        for start in range(0, len(eeg), size)
    ]


def offline(model: LiveModel, parts, sfreq=SFREQ, channels=SEED_CHANNELS) -> list[np.ndarray]:
    """Predict parts of a session, each (n, 62) µV, as `eegdancer evaluate` does."""
    features = normalize_past([log_band_power(part.T, sfreq, model.features) for part in parts])
    template = made_trials(n_steps=5)[0]
    trials = [
        template.replace(
            features=rows,
            labels=np.zeros((len(rows), 2), np.float32),
            channels=channels,
            bands=model.features.bands,
            key=TrialKey("made", 1, 1, number),
        )
        for number, rows in enumerate(features, start=1)
    ]
    return model.actor.predict(build_episodes(trials, model.encoder.encode))


@pytest.fixture
def chain(model) -> LiveChain:
    return LiveChain(model, Scripted([]).info)
