"""`eegdancer train`: which settings an algorithm gets."""

from pathlib import Path

import pytest

from agents import AgentConfig
from agents.algorithms import ALGORITHMS
from benchmarks.commands.training import _agent_config
from benchmarks.options import Data, Train
from eeg_emotion_env.errors import ConfigError


def settings(**options) -> AgentConfig:
    return _agent_config(Train(Data("simulated"), Path("out"), **options))


def test_without_options_it_is_the_default_agent():
    assert settings() == AgentConfig()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_each_algorithm_starts_from_its_tuned_settings(name):
    assert settings(algo=name, seed=3) == AgentConfig.tuned(name, seed=3)


def test_param_has_the_last_word_over_options_over_the_file(tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(
        "EEGEmotion-Simulated-v0: {gamma: 0.1, batch_size: 64, n_timesteps: 1e3}\n"
        "EEGEmotion-default: {gamma: 0.2}\n"
    )
    config = settings(hyperparameters=file, gamma=0.3, total_steps=500, param=("gamma=0.4",))
    assert (config.gamma, config.batch_size, config.total_steps) == (0.4, 64, 500)
    assert settings(hyperparameters=file).gamma == 0.1


def test_settings_that_cannot_be_are_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="would see the labels"):
        settings(algo="ppo", privileged=True)
    with pytest.raises(ConfigError, match="needs EEGDancerPolicy"):
        settings(algo="td3", actor="leaky")
    with pytest.raises(ConfigError, match="Did you mean 'batch_size'"):
        settings(param=("batchsize=3",))
