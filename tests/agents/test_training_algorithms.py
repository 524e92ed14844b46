"""Every algorithm trains, is saved and predicts; settings in RL-Zoo format; warm start."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from agents import AgentConfig, load_agent, train_agent
from agents.algorithms import ALGORITHMS
from agents.hyperparameters import DEFAULT, tuned_settings
from agents.hyperparameters.values import parse_assignments, parse_rate, parse_value
from agents.models import make_policy
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.observation import ObservationLayout
from tests.agents.conftest import made_episodes

SHORT = {
    "n_timesteps": 320,
    "n_envs": 4,
    "net_arch": [16],
    "evaluate_every": 80,
}


def short(name: str, **settings) -> AgentConfig:
    on_policy = ALGORITHMS[name].on_policy
    more = {"n_steps": 16} if on_policy else {"learning_starts": 40}
    if name != "a2c":
        more["batch_size"] = 32
    return AgentConfig.tuned(name, **{**SHORT, **more, **settings})


@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithm_trains_is_saved_and_predicts_the_same(name, tmp_path):
    agent = train_agent(made_episodes(n_dims=2), short(name))
    agent.save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    test = made_episodes(2, 1, n_dims=2, seed=5)
    loaded = load_agent(tmp_path)
    assert loaded.config == agent.config
    for first, second in zip(agent.predict(test), loaded.predict(test), strict=True):
        assert first.std() > 0
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_shipped_settings_are_the_algorithms_own(name):
    config = AgentConfig.tuned(name)
    assert config.algorithm == name
    assert config.total_steps == 20_000
    named = set(tuned_settings(name))
    arguments = ALGORITHMS[name].arguments
    assert {"learning_rate", "gamma", "n_envs"} <= named
    assert set(config.options) <= arguments


def test_tuned_sac_is_the_default_agent():
    assert AgentConfig.tuned("sac") == AgentConfig()


@pytest.mark.parametrize("name", [n for n, a in ALGORITHMS.items() if len(a.policies) > 1])
@pytest.mark.parametrize("actor", ["direct", "leaky"])
def test_actor_is_blind_to_the_privileged_part(name, actor):
    layout = ObservationLayout(5, 2, privileged=True)
    policy = make_policy(layout, AgentConfig.tuned(name, privileged=True, actor=actor))
    policy.set_training_mode(False)
    public = torch.rand(4, layout.size)
    changed = public.clone()
    changed[:, layout.privileged_part] = 1.0 - changed[:, layout.privileged_part]
    actions = policy.actor(public, deterministic=True)
    assert torch.equal(actions, policy.actor(changed, deterministic=True))
    values = torch.stack([torch.as_tensor(v) for v in policy.critic(public, actions)])
    others = torch.stack([torch.as_tensor(v) for v in policy.critic(changed, actions)])
    assert not torch.allclose(values, others)


@pytest.mark.parametrize("name", [n for n, a in ALGORITHMS.items() if len(a.policies) == 1])
def test_privileged_is_refused_where_the_actor_would_see_it(name):
    with pytest.raises(ConfigError, match="would see the labels"):
        AgentConfig.tuned(name, privileged=True)


@pytest.mark.parametrize("name", ["tqc", "crossq"])
def test_privileged_training_of_other_algorithms(name):
    agent = train_agent(made_episodes(), short(name, privileged=True, n_steps=3))
    assert np.isfinite(np.concatenate(agent.predict(made_episodes(1, 1)))).all()


def test_recurrent_agent_starts_each_episode_anew_and_does_not_act_without_its_state():
    agent = train_agent(made_episodes(), short("recurrentppo"))
    (episode,) = made_episodes(1, 1, seed=5)
    first, again = agent.predict([episode])[0], agent.predict([episode])[0]
    np.testing.assert_array_equal(first, again)
    # the state matters: the same observation in another state gives another prediction
    row = np.zeros((1, agent.layout.size), np.float32)
    row[:, agent.layout.latent] = episode.latents[0]
    prediction, state = agent.step(row)
    assert not np.array_equal(prediction, agent.step(row, state)[0])
    with pytest.raises(ConfigError, match="needs its state"):
        agent.act(row)


def test_settings_of_a_file_and_of_the_command_line_come_on_top(tmp_path):
    file = tmp_path / "mine.yml"
    content = {
        "EEGEmotion-SEED-v0": {"gamma": 0.1},
        DEFAULT: {
            "n_timesteps": 1e3,
            "learning_rate": "lin_5e-4",
            "policy_kwargs": "dict(net_arch=dict(pi=[8], qf=[16]), activation_fn=nn.Tanh)",
            "tau": 0.01,
        },
    }
    file.write_text(yaml.safe_dump(content))
    config = AgentConfig.tuned(file=file, **parse_assignments(("gamma=0.5", "tau=0.02")))
    assert (config.total_steps, config.gamma, config.learning_rate) == (1000, 0.5, 5e-4)
    assert config.net_arch == {"pi": (8,), "qf": (16,)}
    assert config.options == {"tau": 0.02}
    assert config.policy_options == {"activation_fn": "Tanh"}
    seed = AgentConfig.tuned(file=file, env_id="EEGEmotion-SEED-v0")
    assert (seed.gamma, seed.total_steps) == (0.1, 20_000)


def test_actor_and_critics_of_different_size_are_saved(tmp_path):
    config = short(
        "sac", policy_kwargs="dict(net_arch=dict(pi=[8], qf=[16]), activation_fn=nn.Tanh)"
    )
    train_agent(made_episodes(), config).save(tmp_path)
    policy = load_agent(tmp_path).policy
    assert policy.actor.latent_pi[0].out_features == 8
    assert isinstance(policy.actor.latent_pi[1], torch.nn.Tanh)
    assert policy.critic.q_networks[0][0].out_features == 16


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("td3", {"ent_coef": 0.1}, "setting of td3 must be one of .*, not 'ent_coef'"),
        ("sac", {"gama": 0.1}, "Did you mean 'gamma'"),
        ("sac", {"normalize": True}, "normalize cannot be set here"),
        ("sac", {"learning_rate": "fast"}, "lin_<number>"),
        ("sac", {"net_arch": {"pi": [8]}}, "net_arch must be"),
        ("sac", {"policy_kwargs": "dict(activation_fn=nn.Bilinear)"}, "activation_fn must be one"),
        ("ppo", {"n_steps": 1}, "n_steps of ppo"),
        ("ppo", {"latent_noise": 0.1}, "latent_noise must be 0"),
        ("ppo", {"critic_warmup_updates": 5}, "replay buffer"),
        ("ppo", {"policy": "EEGDancerPolicy"}, "policy of ppo must be MlpPolicy"),
        ("recurrentppo", {"imitation_epochs": 1}, "recurrent"),
        ("pp", {}, "algorithm must be one of"),
        ("sbx-sac", {}, "make_vec_env"),
    ],
)
def test_settings_that_would_be_ignored_or_cannot_be_are_named(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        AgentConfig.tuned(name, **settings)


def test_algorithm_that_cannot_be_built_is_one_line():
    with pytest.raises(ConfigError, match="sac cannot be built with these settings") as caught:
        train_agent(made_episodes(), short("sac", train_freq="often"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["not: [", "a list", "- 1"])
def test_file_of_another_format_is_a_clear_error(tmp_path, text):
    file = tmp_path / "mine.yml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yml"):
        AgentConfig.tuned(file=file)


def test_values_are_read_without_running_them():
    assert parse_value("dict(a=[1, 2], b=dict(c=-1.5))") == {"a": [1, 2], "b": {"c": -1.5}}
    assert parse_value("auto_0.1") == "auto_0.1"
    assert parse_value("(4, 'step')") == (4, "step")
    assert parse_rate("lin_1e-3") == (1e-3, "linear")
    assert parse_rate(3e-4) == (3e-4, "constant")
    with pytest.raises(ConfigError, match="literal"):
        parse_value("__import__('os').getcwd()")
    with pytest.raises(ConfigError, match="name=value"):
        parse_assignments(("gamma",))


def test_agent_saved_before_there_were_other_algorithms_loads(tmp_path):
    """Its configuration has none of the later fields."""
    import json

    from encoders.checkpoint import load_checkpoint, save_checkpoint

    agent = train_agent(made_episodes(), short("sac"))
    agent.save(tmp_path)
    saved, tensors = load_checkpoint(tmp_path, "EEGDancer agent")
    later = ("algorithm", "policy", "learning_rate_schedule", "options", "policy_options")
    for name in (*later, *(n for n in saved["agent"] if n.startswith(("imitation", "critic")))):
        del saved["agent"][name]
    save_checkpoint(tmp_path / "old", saved.pop("kind"), saved, tensors)
    assert "algorithm" not in json.loads((tmp_path / "old" / "config.json").read_text())["agent"]
    (test,) = made_episodes(1, 1, seed=5)
    old = load_agent(tmp_path / "old")
    np.testing.assert_array_equal(old.predict([test])[0], agent.predict([test])[0])


def test_config_can_be_replaced_and_compared():
    assert replace(AgentConfig(), gamma=0.0) != AgentConfig()


def test_the_documented_ways_to_set_policy_options():
    for settings in (
        {"policy_options": {"initial_log_std": -1.5}},
        parse_assignments(["policy_kwargs=dict(initial_log_std=-1.5)"]),
        {"policy_options": "dict(initial_log_std=-1.5)"},
    ):
        config = AgentConfig.tuned("sac", **settings)
        assert config.policy_options == {"initial_log_std": -1.5}
        assert config.options == {}
    assert AgentConfig.tuned("sac", options={"tau": 0.01}).options == {"tau": 0.01}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gamma": "abc"}, "gamma must be a number"),
        ({"net_arch": 64}, "net_arch must be layer sizes"),
        ({"net_arch": "abc"}, "net_arch must be layer sizes"),
        ({"net_arch": [64, 0.5]}, "a layer of net_arch must be a whole number"),
        ({"n_steps": None}, "n_steps must be a whole number"),
        ({"imitation_epochs": True}, "imitation_epochs must be a whole number"),
        ({"batch_size": 64.5}, "batch_size must be a whole number"),
        ({"seed": "abc"}, "seed must be a whole number"),
        ({"privileged": "yes"}, "privileged must be true or false"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"options": 3}, "options must be dict"),
    ],
)
def test_values_of_another_kind_are_one_line(settings, message):
    with pytest.raises(ConfigError, match=message):
        AgentConfig.tuned("sac", **settings)


def test_whole_floats_are_whole_numbers():
    config = AgentConfig.tuned("sac", total_steps=1e4, n_envs=4.0)
    assert (config.total_steps, config.n_envs) == (10_000, 4)
    assert isinstance(config.total_steps, int)
    assert isinstance(hash(AgentConfig(net_arch={"pi": (8,), "qf": (16,)})), int)
