"""Adaptation to a person: recovers an affine, sees the calibration alone, is saved and loaded."""

from dataclasses import replace

import numpy as np
import pytest
from torch.nn import Linear

from agents import AgentConfig, load_agent, train_agent
from agents.personalization import (
    ADAPTATIONS,
    Affine,
    first_minutes,
    fit_affine,
    personalize,
)
from agents.personalization.policy import replayed
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import ccc
from eeg_emotion_env.playback import BatchedPlayback

from .conftest import made_episodes

METHODS = [name for name in ADAPTATIONS if name != "none"]


@pytest.fixture(scope="module")
def agent():
    config = AgentConfig(
        net_arch=(32,), total_steps=3_000, n_envs=8, learning_starts=200, evaluate_every=400
    )
    return train_agent(made_episodes(n_subjects=5, n_trials=6, n_dims=2), config)


def person(seed=7, gain=(0.5, 0.7), offset=(0.2, -0.15), n_trials=8):
    """A new person who feels an affine of what the others feel."""
    episodes = made_episodes(1, n_trials, 2, seed=seed)
    return [
        replace(
            e,
            labels=e.labels * np.array(gain) + np.array(offset),
            key=replace(e.key, subject="new"),
        )
        for e in episodes
    ]


def joined(arrays):
    return np.concatenate(list(arrays))


def state(agent):
    return [p.detach().numpy().copy() for p in agent.policy.actor.parameters()], agent.scale


def same(one, other):
    pairs = zip(state(one)[0], state(other)[0], strict=True)
    return all(np.array_equal(a, b) for a, b in pairs) and one.scale == other.scale


def error(agent, episodes):
    return float(
        np.mean((joined(agent.predict(episodes)) - joined(e.labels for e in episodes)) ** 2)
    )


def test_affine_regression_recovers_gain_and_offset_and_shrinks():
    x = np.random.default_rng(0).normal(size=(400, 2))
    y = x * [0.5, 2.0] + [1.0, -0.3]
    y[::3, 0] = np.nan
    gain, offset = fit_affine(x, y, 0.0)
    np.testing.assert_allclose([*gain, *offset], [0.5, 2.0, 1.0, -0.3], atol=1e-6)
    gain, offset = fit_affine(x, y, 1e9)
    np.testing.assert_allclose([*gain, *offset], [1, 1, 0, 0], atol=1e-5)
    assert (fit_affine(x, -x, 0.0)[0] > 0).all()  # never turned round
    np.testing.assert_array_equal(fit_affine(x, np.full_like(y, np.nan), 1.0), [[1, 1], [0, 0]])


def test_affine_adaptation_recovers_a_persons_gain_and_offset(agent):
    # the person's feeling is an affine of what the agent would say of them
    episodes = made_episodes(1, 8, 2, seed=7)
    center = np.array(agent.scale.center)
    own = [
        replace(e, labels=center + 0.5 * (p - center) + np.array([0.2, -0.1]))
        for e, p in zip(episodes, agent.predict(episodes), strict=True)
    ]
    adapted = Affine(agent, 0.0).fit(own[:5])
    before, after = np.array(agent.scale.half_range), np.array(adapted.scale.half_range)
    np.testing.assert_allclose(after / before, 0.5, atol=1e-3)
    moved = np.array(adapted.scale.center) - center
    np.testing.assert_allclose(moved, [0.2, -0.1], atol=1e-3)
    # from the start of a trial on, where the last prediction is 0 for both, they grow together
    late = [slice(8, None)] * 3
    played = joined(p[s] for p, s in zip(adapted.predict(own[5:]), late, strict=True))
    truth = joined(e.labels[s] for e, s in zip(own[5:], late, strict=True))
    assert np.abs(played - truth).max() < 0.05


def test_moments_take_level_and_spread_of_the_labels_whatever_their_order(agent):
    calibration = person()[:5]
    turned = [replace(e, labels=e.labels[::-1]) for e in calibration]
    one, other = (personalize(agent, e, "moments", 0.0) for e in (calibration, turned))
    np.testing.assert_allclose(one.scale.half_range, other.scale.half_range, rtol=1e-5)
    played = joined(one.predict(calibration))
    labels = joined(e.labels for e in calibration)
    np.testing.assert_allclose(played.mean(axis=0), labels.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(played.std(axis=0), labels.std(axis=0), rtol=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_a_dimension_without_labels_stays_as_it_is(agent, method):
    calibration = [replace(e, labels=e.labels * [1.0, np.nan]) for e in person()[:3]]
    adapted = personalize(agent, calibration, method)
    assert not same(adapted, agent)
    if method != "policy":  # whose hidden layers are shared
        moved = joined(adapted.predict(calibration)) - joined(agent.predict(calibration))
        assert np.abs(moved[:, 1]).max() < 1e-2 < np.abs(moved[:, 0]).max()


@pytest.mark.parametrize("method", METHODS)
def test_adaptation_helps_on_trials_that_it_never_saw(agent, method):
    calibration, test = person()[:5], person()[5:]
    strength = {"moments": 5.0, "affine": 5.0, "last-layer": 30.0, "policy": 150}[method]
    adapted = personalize(agent, calibration, method, strength)
    assert error(adapted, test) < 0.6 * error(agent, test)
    mine = ccc(joined(e.labels for e in test)[:, 0], joined(adapted.predict(test))[:, 0])
    theirs = ccc(joined(e.labels for e in test)[:, 0], joined(agent.predict(test))[:, 0])
    assert mine > theirs


@pytest.mark.parametrize("method", ADAPTATIONS)
def test_zero_minutes_and_missing_labels_leave_the_agent_as_it_is(agent, method):
    episodes = person()
    blank = [replace(e, labels=np.full_like(e.labels, np.nan)) for e in episodes]
    expected = agent.predict(episodes)
    for calibration in (first_minutes(episodes, 0), blank):
        adapted = personalize(agent, calibration, method)
        assert same(adapted, agent)
        np.testing.assert_array_equal(joined(adapted.predict(episodes)), joined(expected))


@pytest.mark.parametrize("method", METHODS)
def test_the_given_agent_is_not_changed_and_fitting_is_deterministic(agent, method):
    before = state(agent)
    first, second = (personalize(agent, person()[:3], method) for _ in range(2))
    assert same(first, second)
    assert not same(first, agent)
    assert all(np.array_equal(a, b) for a, b in zip(state(agent)[0], before[0], strict=True))
    assert agent.scale == before[1]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_after_the_calibration_reaches_the_fit(agent, method):
    episodes = person()
    minutes = 1.25  # ends within a trial
    n_kept = sum(e.n_steps for e in first_minutes(episodes, minutes))
    assert n_kept == 75
    rng, changed, seen = np.random.default_rng(0), [], 0
    for e in episodes:
        latents, labels = e.latents.copy(), e.labels.copy()
        later = np.arange(e.n_steps) + seen >= n_kept
        latents[later], labels[later] = rng.normal(size=latents[later].shape), 0.9
        changed.append(replace(e, latents=latents, labels=labels))
        seen += e.n_steps
    one, other = (
        personalize(agent, first_minutes(e, minutes), method) for e in (episodes, changed)
    )
    assert same(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_saved_and_loaded_agent_predicts_the_same(agent, method, tmp_path):
    episodes = person()
    adapted = personalize(agent, first_minutes(episodes, 1), method)
    adapted.save(tmp_path / "model")
    loaded = load_agent(tmp_path / "model")
    np.testing.assert_array_equal(
        joined(loaded.predict(episodes)), joined(adapted.predict(episodes))
    )
    made = loaded.description["personalization"]
    assert (made["method"], made["calibration_s"]) == (method, 60.0)


def test_several_strengths_at_once_equal_one_at_a_time(agent):
    calibration = person()[:3]
    for kind in ADAPTATIONS.values():
        together = kind(agent).fit_each(calibration, (3.0, 40.0))
        alone = [kind(agent, strength).fit(calibration) for strength in (3.0, 40.0)]
        assert all(same(a, b) for a, b in zip(together, alone, strict=True))


def test_minutes_are_taken_in_the_order_of_recording():
    episodes = person()
    kept = first_minutes(episodes[::-1], 0.5)
    assert [e.key.trial for e in kept] == [1, 2]
    assert sum(e.n_steps for e in kept) == 30
    np.testing.assert_array_equal(kept[0].latents, episodes[0].latents)
    everything = first_minutes(episodes, 1e3)
    assert sum(e.n_steps for e in everything) == sum(e.n_steps for e in episodes)
    with pytest.raises(ConfigError, match="minutes must be at least 0"):
        first_minutes(episodes, -1)


def test_replay_sees_what_the_agent_saw(agent):
    episodes = person()[:1]
    seen = replayed(agent, episodes)[0][0]
    playback = BatchedPlayback(episodes, 1, "squared-error", agent.layout.privileged)
    observation, shown = playback.reset(episodes=[0]), []
    for _ in range(episodes[0].n_steps):
        shown.append(agent.scale.observation(observation, agent.layout)[0])
        playback.step(agent.act(observation))
        observation = playback.observe()
    np.testing.assert_allclose(seen, np.stack(shown), atol=1e-5)


def test_mistakes_are_told_in_one_line(agent):
    with pytest.raises(ConfigError, match="Did you mean 'affine'"):
        personalize(agent, person(), "afine")
    with pytest.raises(ConfigError, match="strength must be at least 0"):
        Affine(agent, -1.0)
    with pytest.raises(ConfigError, match="a calibration is of one person"):
        personalize(agent, [*person(), *made_episodes(1)])
    with pytest.raises(ConfigError, match="actors of SAC, not Linear; use method='affine'"):
        personalize(replace(agent, policy=Linear(1, 1)), person(), "policy")
