"""Predictions on a stream, plain and exported, are those on whole trials."""

import numpy as np
import pytest

from agents import Agent, AgentConfig, OnlinePredictor
from agents.agent import make_policy
from agents.export import ExportedActor, export_actor
from agents.scaling import LabelScale
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import build_episodes
from encoders import EncoderConfig, PretrainingConfig, StageConfig, pretrain
from tests.benchmarks.conftest import made_trials
from tests.encoders.conftest import require_onnx


@pytest.fixture(scope="module")
def trials():
    return made_trials(n_steps=40)


@pytest.fixture(scope="module")
def encoder(trials):
    stage = StageConfig(epochs=2)
    return pretrain(
        [t.features for t in trials],
        [t.subject for t in trials],
        config=EncoderConfig(4, 3, window=8, code_dim=4, codebook_size=8, dynamics_width=16),
        pretraining=PretrainingConfig(vqvae=stage, dynamics=stage),
    )


def _agent(encoder, actor: str, privileged: bool) -> Agent:
    layout = ObservationLayout(encoder.n_latent, 2, privileged)
    config = AgentConfig(actor=actor, privileged=privileged)
    scale = LabelScale((0.1, -0.2), (0.4, 0.6))
    return Agent(make_policy(layout, config), layout, scale, ("valence", "arousal"), config)


def _streamed(predictor: OnlinePredictor, features: np.ndarray) -> np.ndarray:
    return np.stack([predictor.step(frame) for frame in features])


@pytest.mark.parametrize(("actor", "privileged"), [("leaky", False), ("direct", True)])
def test_stream_equals_whole_trials_again_after_a_reset(trials, encoder, actor, privileged):
    agent = _agent(encoder, actor, privileged)
    predictor = OnlinePredictor(encoder, agent)
    for trial in trials[:2]:
        predictor.reset()
        (whole,) = agent.predict(build_episodes([trial], encoder.encode))
        np.testing.assert_allclose(_streamed(predictor, trial.features), whole, atol=1e-5)


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
@pytest.mark.parametrize("actor", ["leaky", "direct"])
def test_exported_actor_equals_the_agent(encoder, tmp_path, suffix, actor):
    if suffix == ".onnx":
        require_onnx()
    agent = _agent(encoder, actor, privileged=True)
    exported = ExportedActor(export_actor(agent, tmp_path / f"actor{suffix}"))
    rng = np.random.default_rng(0)
    for _ in range(5):
        observation = rng.uniform(-1, 1, (1, agent.layout.size)).astype(np.float32)
        np.testing.assert_allclose(exported.act(observation), agent.act(observation), atol=1e-6)


def test_features_that_are_not_finite_are_an_error(encoder):
    predictor = OnlinePredictor(encoder, _agent(encoder, "direct", False))
    with pytest.raises(ValueError, match="the features are not finite"):
        predictor.step(np.full((4, 3), np.inf, np.float32))
