"""Training, prediction, saving: learns, is reproducible, and never looks at held-out labels."""

import json
from dataclasses import replace

import numpy as np
import pytest

from agents import Agent, AgentConfig, load_agent, train_agent
from agents.scaling import LabelScale
from agents.training import subject_score
from eeg_emotion_env.errors import ConfigError, EEGEmotionError
from encoders import CheckpointError
from tests.agents.conftest import made_episodes

SMALL = AgentConfig(
    net_arch=(16,),
    total_steps=400,
    n_envs=4,
    batch_size=32,
    learning_starts=40,
    evaluate_every=100,
)


@pytest.fixture(scope="module")
def agent() -> Agent:
    return train_agent(made_episodes(), SMALL)


def test_training_beats_the_mean_on_new_subjects():
    config = replace(SMALL, total_steps=4000, evaluate_every=500, net_arch=(32, 32))
    trained = train_agent(made_episodes(6, 4), config)
    test = made_episodes(3, 3, seed=9)
    assert subject_score(test, trained.predict(test)) > 0.5


def test_same_seed_same_agent(agent):
    test = made_episodes(2, 1, seed=3)
    again = train_agent(made_episodes(), SMALL)
    for first, second in zip(agent.predict(test), again.predict(test), strict=True):
        np.testing.assert_array_equal(first, second)


def test_predictions_do_not_depend_on_labels_or_on_company(agent):
    test = made_episodes(2, 2, seed=3)
    blind = [replace(e, labels=np.full_like(e.labels, np.nan)) for e in test]
    together = agent.predict(test)
    for hidden, seen, expected in zip(blind, agent.predict(blind), together, strict=True):
        assert expected.shape == hidden.labels.shape
        np.testing.assert_array_equal(seen, expected)
        # sums of another batch size may round differently
        np.testing.assert_allclose(agent.predict([hidden])[0], expected, atol=1e-6)


def test_predictions_are_causal(agent):
    (episode,) = made_episodes(1, 1, seed=4)
    changed = episode.latents.copy()
    changed[10:] = -changed[10:]
    first = agent.predict([episode])[0]
    second = agent.predict([replace(episode, latents=changed)])[0]
    np.testing.assert_array_equal(first[:10], second[:10])
    assert not np.array_equal(first[10:], second[10:])


@pytest.mark.parametrize(
    "options",
    [
        {"actor": "leaky", "gamma": 0.9},
        {"privileged": True, "gamma": 0.9, "n_steps": 3},
        {"reward": "ccc"},
        {"latent_noise": 0.2},
    ],
)
def test_options_train_save_and_load(tmp_path, options):
    trained = train_agent(made_episodes(n_dims=2), replace(SMALL, **options, total_steps=200))
    trained.save(tmp_path)
    test = made_episodes(2, 1, n_dims=2, seed=5)
    for first, second in zip(
        trained.predict(test), load_agent(tmp_path).predict(test), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_tampered_agent_is_a_clear_error(agent, tmp_path):
    agent.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="damaged"):
        load_agent(tmp_path)


def test_agent_with_changed_scale_is_a_clear_error(agent, tmp_path):
    agent.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["scale"]["center"] = [0.5]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="was changed"):
        load_agent(tmp_path)


def test_other_latents_are_refused(agent):
    with pytest.raises(EEGEmotionError, match="trained on"):
        agent.predict(made_episodes(1, 1, n_latent=3))


def test_one_subject_is_not_enough():
    with pytest.raises(EEGEmotionError, match="two subjects"):
        train_agent(made_episodes(1), SMALL)


def test_scale_is_undone_by_its_inverse():
    scale = LabelScale.fit([np.array([[0.1], [0.3]], np.float32)], 2.0)
    assert scale.center == pytest.approx((0.2,))
    assert scale.half_range == pytest.approx((0.2,))
    np.testing.assert_allclose(
        scale.prediction(np.array([[-1.0], [1.0]])), [[0.0], [0.4]], atol=1e-7
    )


def test_unknown_reward_is_named():
    with pytest.raises(ConfigError, match="squared-error"):
        AgentConfig(reward="squared")


@pytest.mark.parametrize("reward", ["ccc", "ccc-running"])
def test_trajectory_rewards_reach_sac_at_a_size_it_can_learn_from(reward):
    config = replace(SMALL, reward=reward, total_steps=4000, evaluate_every=500, net_arch=(32, 32))
    trained = train_agent(made_episodes(6, 4), config)
    test = made_episodes(3, 3, seed=9)
    spread = np.concatenate(trained.predict(test)).std()
    assert spread > 0.4 * np.concatenate([e.labels for e in test]).std()
    assert subject_score(test, trained.predict(test)) > 0.3


def test_validation_subjects_without_labels_are_refused_at_once():
    blind = [
        replace(e, labels=np.full_like(e.labels, np.nan)) if e.key.subject == 2 else e
        for e in made_episodes()
    ]
    with pytest.raises(ConfigError, match="no step of the validation part"):
        train_agent(blind, SMALL, validation_groups=["2"])
