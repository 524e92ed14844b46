"""`EEGDancerPolicy`: the actor never sees the privileged part; actors behave as named."""

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import ConstantSchedule

from agents import EEGDancerPolicy
from eeg_emotion_env.playback import ObservationLayout

LAYOUT = ObservationLayout(n_latent=5, n_dims=2, privileged=True)


def _policy(**kwargs):
    torch.manual_seed(0)
    return EEGDancerPolicy(
        LAYOUT.observation_space(), LAYOUT.action_space(), ConstantSchedule(1e-3), **kwargs
    )


def _observations(n=4):
    torch.manual_seed(1)
    return torch.rand(n, LAYOUT.size)


@pytest.mark.parametrize("kwargs", [{}, {"public_size": LAYOUT.public_size}])
def test_privileged_part_reaches_critics_but_never_the_actor(kwargs):
    policy = _policy(**kwargs)
    public = _observations()
    changed = public.clone()
    changed[:, LAYOUT.privileged_part] = 1.0 - changed[:, LAYOUT.privileged_part]
    actions = policy.actor(public, deterministic=True)
    assert torch.equal(actions, policy.actor(changed, deterministic=True))
    values = policy.critic(public, actions)[0]
    assert not torch.allclose(values, policy.critic(changed, actions)[0])


def test_leaky_actor_with_closed_gain_keeps_the_previous_action():
    previous = (LAYOUT.previous.start, LAYOUT.previous.stop)
    policy = _policy(actor="leaky", previous=previous)
    torch.nn.init.constant_(policy.actor.gain.bias, -50.0)
    observations = _observations()
    actions = policy.actor(observations, deterministic=True)
    expected = observations[:, LAYOUT.previous].clamp(-0.999, 0.999)
    torch.testing.assert_close(actions, expected, atol=1e-4, rtol=0)


def test_leaky_actor_with_open_gain_takes_the_proposal():
    previous = (LAYOUT.previous.start, LAYOUT.previous.stop)
    policy = _policy(actor="leaky", previous=previous)
    torch.nn.init.constant_(policy.actor.gain.bias, 50.0)
    observations = _observations()
    other = observations.clone()
    proposal = policy.actor(observations, deterministic=True)
    hidden = policy.actor.latent_pi(policy.actor.features_extractor(other))
    torch.testing.assert_close(proposal, torch.tanh(policy.actor.mu(hidden)))


def test_noise_is_on_in_training_only():
    policy = _policy(latent_noise=1.0)
    observations = _observations()
    policy.set_training_mode(True)
    noisy = [policy.actor(observations, deterministic=True) for _ in range(2)]
    policy.set_training_mode(False)
    clean = [policy.actor(observations, deterministic=True) for _ in range(2)]
    assert not torch.equal(*noisy)
    assert torch.equal(*clean)


def test_constructor_parameters_survive_sb3_saving(tmp_path):
    previous = (LAYOUT.previous.start, LAYOUT.previous.stop)
    policy = _policy(actor="leaky", previous=previous, latent_noise=0.1)
    policy.save(tmp_path / "policy.pt")
    loaded = EEGDancerPolicy.load(tmp_path / "policy.pt")
    policy.set_training_mode(False)
    observations = _observations().numpy()
    np.testing.assert_array_equal(
        policy.predict(observations, deterministic=True)[0],
        loaded.predict(observations, deterministic=True)[0],
    )


def test_unknown_actor_is_named():
    with pytest.raises(ValueError, match="'direct' or 'leaky'"):
        _policy(actor="fast")
    with pytest.raises(ValueError, match="previous"):
        _policy(actor="leaky")


def test_space_that_lost_its_public_part_is_refused():
    from gymnasium.spaces import Box

    space = LAYOUT.observation_space()
    plain = Box(space.low, space.high, dtype=np.float32)
    arguments = plain, LAYOUT.action_space(), ConstantSchedule(1e-3)
    with pytest.raises(ValueError, match="public_size"):
        EEGDancerPolicy(*arguments)
    assert EEGDancerPolicy(*arguments, public_size=7).actor.features_extractor.features_dim == 7
