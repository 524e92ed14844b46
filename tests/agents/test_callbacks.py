"""Callbacks and logs: held-out CCC with plain SB3, early stopping, further outputs."""

from dataclasses import replace

import numpy as np
import pytest
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import VecNormalize

from agents import AgentConfig, HeldOutCCC, make_vec_env, train_agent
from agents.callbacks import subject_score
from agents.tracking import WandbOutput, wandb_outputs
from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.errors import ConfigError
from tests.agents.conftest import made_episodes

SMALL = AgentConfig(
    net_arch=(16,), total_steps=400, n_envs=4, learning_starts=40, evaluate_every=100
)


class Kept(KVWriter):
    """Keeps what is logged."""

    def __init__(self):
        self.rows = []

    def write(self, key_values, key_excluded, step=0):
        self.rows.append({**key_values, "step": step})

    def close(self):
        pass


def environment(n_envs=4, **options):
    return make_vec_env(EEGEmotionEnv.from_episodes(made_episodes(), **options), n_envs, seed=0)


def test_held_out_ccc_with_plain_sb3_is_the_score_of_its_predictions():
    held_out = made_episodes(2, 2, seed=7)
    callback, kept = HeldOutCCC(held_out, every=100), Kept()
    model = SAC("MlpPolicy", environment(), learning_starts=20, device="cpu", seed=0)
    model.set_logger(Logger(None, [kept]))
    model.learn(300, callback=callback, log_interval=1)
    assert [step for step, _ in callback.curve] == [100, 200, 300]
    assert any("eval/ccc" in row for row in kept.rows)
    assert any("rollout/ep_rew_mean" in row for row in kept.rows)
    model.num_timesteps = 400
    callback.on_step()  # once more, after the last update
    env = EEGEmotionEnv.from_episodes(held_out)
    predictions = []
    for number, _ in enumerate(held_out):
        key = env.keys[number]
        observation, _ = env.reset(options={"subject": key.subject, "trial": key.trial})
        done, trajectory = False, []
        while not done:
            action, _ = model.predict(observation, deterministic=True)
            trajectory.append(np.clip(action, -1, 1))
            observation, _, done, _, _ = env.step(action)
        predictions.append(np.stack(trajectory))
    assert callback.curve[-1][1] == pytest.approx(subject_score(held_out, predictions), abs=1e-5)


@pytest.mark.parametrize("privileged", [False, True])
def test_held_out_ccc_of_other_algorithms_and_normalised_observations(privileged):
    callback = HeldOutCCC(made_episodes(2, 1, seed=7), every=64)
    venv = VecNormalize(environment(privileged=privileged), norm_reward=False)
    PPO("MlpPolicy", venv, n_steps=16, batch_size=32, device="cpu").learn(128, callback=callback)
    assert np.isfinite([score for _, score in callback.curve]).all()


def test_held_out_episodes_of_other_latents_are_refused():
    model = SAC("MlpPolicy", environment(), device="cpu")
    with pytest.raises(ConfigError, match="the held-out episodes give"):
        model.learn(10, callback=HeldOutCCC(made_episodes(1, 1, n_latent=3)))
    with pytest.raises(ConfigError, match="every must be at least 1"):
        HeldOutCCC(made_episodes(1, 1), every=0)


def test_training_logs_held_out_ccc_and_episode_returns():
    kept = Kept()
    agent = train_agent(made_episodes(), replace(SMALL, evaluate_from=0.0), outputs=[kept])
    logged = {name for row in kept.rows for name in row}
    assert {"eval/ccc", "rollout/ep_rew_mean", "rollout/ep_len_mean"} <= logged
    assert [step for step, _ in agent.description["curve"]] == [100, 200, 300, 400]


def test_training_stops_when_validation_no_longer_improves():
    # nothing is learned before learning starts
    config = replace(SMALL, patience=1, learning_starts=10_000, evaluate_from=0.0)
    steps = [step for step, _ in train_agent(made_episodes(), config).description["curve"]]
    assert steps == [100, 200]


def test_wandb_that_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with (
        pytest.raises(ConfigError, match="pip install wandb"),
        wandb_outputs("project", AgentConfig()),
    ):
        pass


def test_no_project_no_output():
    with wandb_outputs(None, AgentConfig()) as outputs:
        assert outputs == ()


def test_wandb_gets_numbers_alone():
    class Run:
        def log(self, numbers, step):
            self.numbers, self.step = numbers, step

    run = Run()
    values = {"eval/ccc": np.float32(0.5), "text": "a", "hidden": 1.0}
    WandbOutput(run).write(values, {"hidden": ("wandb",), "eval/ccc": ()}, step=7)
    assert (run.numbers, run.step) == ({"eval/ccc": 0.5}, 7)


def test_wandb_offline_run_is_written(monkeypatch, tmp_path):
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    with wandb_outputs("eegdancer", SMALL) as outputs:
        train_agent(made_episodes(), replace(SMALL, evaluate_from=0.0), outputs=outputs)
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
