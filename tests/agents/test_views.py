"""Agents whose actions are views: what they predict, that they are kept, what cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from agents import AgentConfig, OnlinePredictor, load_agent, train_agent
from agents.callbacks import subject_return
from agents.export import ActorGraph
from agents.models import make_policy
from agents.personalization import personalize
from agents.scaling import LabelScale, ScaledVecEnv
from agents.vec_env import PlaybackVecEnv
from agents.views import make_view
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.playback import BatchedPlayback
from eeg_emotion_env.rewards import make_reward
from eeg_emotion_env.wrappers import LinearProposal
from tests.agents.conftest import made_episodes

SMALL = AgentConfig(
    net_arch=(16,), actor="direct", total_steps=320, n_envs=4, learning_starts=40, batch_size=32
)


@pytest.mark.parametrize("action", ["residual", "increment", "gain"])
def test_agent_with_a_view_trains_is_saved_and_predicts_the_same(action, tmp_path):
    agent = train_agent(made_episodes(n_dims=2), replace(SMALL, action=action, offset_range=0.5))
    assert agent.policy.action_space.shape == ((4,) if action == "gain" else (2,))
    agent.save(tmp_path)
    test = made_episodes(2, 1, n_dims=2, seed=5)
    for first, second in zip(agent.predict(test), load_agent(tmp_path).predict(test), strict=True):
        assert first.std() > 0
        np.testing.assert_array_equal(first, second)


def test_residual_stays_within_its_range_of_the_proposal():
    config = replace(SMALL, action="residual", offset_range=0.25)
    agent = train_agent(made_episodes(), config, validation_groups=["4"])
    train = [e for e in made_episodes() if str(e.key.subject) != "4"]
    spread = np.concatenate([e.labels for e in train]).std()
    assert agent.view.scale == pytest.approx(0.25 * spread, rel=1e-3)
    for episode, values in zip(made_episodes(), agent.predict(made_episodes()), strict=True):
        assert np.abs(values - agent.view.proposal(episode.latents)).max() <= 0.25 * spread + 1e-6


def test_increments_bound_the_rate():
    config = replace(SMALL, action="increment", offset_range=0.3)
    agent = train_agent(made_episodes(), config)
    for values in agent.predict(made_episodes()):
        assert np.abs(np.diff(values, axis=0)).max() <= agent.view.scale + 1e-6


def test_environment_plays_what_the_view_says():
    episodes = made_episodes()
    config = replace(SMALL, action="gain", offset_range=1.0)
    scale = LabelScale.fit([e.labels for e in episodes], config.action_range)
    view = make_view(config, episodes)
    venv = ScaledVecEnv(PlaybackVecEnv(episodes, 3, seed=0), scale, 1.0, view)
    seen = venv.venv.playback
    observations = venv.reset()
    stay = np.tile(np.array([[-1.0, 0.0]], np.float32), (3, 1))
    venv.step(stay)
    first = seen.predictions.copy()
    np.testing.assert_allclose(
        first, LinearProposal.fit(episodes)(observations[:, seen.layout.latent]), atol=1e-6
    )
    venv.step(stay)
    np.testing.assert_array_equal(seen.predictions, first)


def test_views_are_fitted_on_training_subjects_alone():
    episodes = made_episodes()
    held_out = {"4"}
    changed = [
        replace(e, labels=-e.labels) if str(e.key.subject) in held_out else e for e in episodes
    ]
    config = replace(SMALL, action="residual")
    views = [train_agent(e, config, validation_groups=held_out).view for e in (episodes, changed)]
    assert views[0] == views[1]


def test_streaming_an_agent_with_a_view_equals_playing_it():
    agent = train_agent(made_episodes(), replace(SMALL, action="gain"))
    (episode,) = made_episodes(1, 1, seed=7)

    class Latents:
        def initial_state(self):
            return None

        def step(self, frame, state):
            return frame, state

    predictor = OnlinePredictor(Latents(), agent)
    streamed = np.stack([predictor.step(row) for row in episode.latents])
    np.testing.assert_allclose(streamed, agent.predict([episode])[0], atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"action": "gains"}, "Did you mean 'gain'"),
        ({"action": "gain", "actor": "leaky"}, "needs actor 'direct'"),
        ({"action": "gain", "offset_range": 0.0}, "offset_range must be positive"),
        ({"action": "residual", "imitation_epochs": 1}, "imitation needs action 'absolute'"),
        ({"evaluate_by": "mse"}, "evaluate_by"),
    ],
)
def test_impossible_views_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        replace(SMALL, **settings)


def test_what_views_cannot_do_is_said():
    agent = train_agent(made_episodes(), replace(SMALL, action="increment"))
    with pytest.raises(ConfigError, match="cannot be exported"):
        ActorGraph(agent)
    with pytest.raises(ConfigError, match="cannot be personalised"):
        personalize(agent, made_episodes(1, 1))


def test_return_is_the_mean_reward_a_step_of_each_subject():
    episodes = made_episodes(2, 2)
    predictions = [0.5 * e.labels for e in episodes]
    expected = [
        np.concatenate(
            [
                make_reward("squared-error").trajectory(e.labels, p)
                for e, p in zip(episodes, predictions, strict=True)
                if e.key.subject == subject
            ]
        ).mean()
        for subject in (1, 2)
    ]
    found = subject_return(episodes, predictions, "squared-error")
    assert found == pytest.approx(np.mean(expected))
    agent = train_agent(episodes * 2, replace(SMALL, evaluate_by="return", evaluate_from=0.0))
    assert all(score < 0 for _, score in agent.description["curve"])


def test_narrow_exploration_at_the_start():
    layout = BatchedPlayback(made_episodes(), 1).layout
    policy = make_policy(layout, replace(SMALL, policy_options={"initial_log_std": -3.0}))
    observations = policy.actor.features_extractor(
        policy.obs_to_tensor(np.ones((5, layout.size), np.float32))[0]
    )
    _, log_std, _ = policy.actor.get_action_dist_params(observations)
    np.testing.assert_array_equal(log_std.detach().numpy(), -3.0)
