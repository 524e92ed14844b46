"""Rewards: the identities that define them."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import ccc, episode_metrics
from eeg_emotion_env.rewards import REWARDS, DinkelbachCCC, RunningCCC, make_reward

NAMES = ("valence", "arousal")
STEPS = 10


@st.composite
def trajectories(draw, gaps=False):
    tracks = arrays(np.float32, (STEPS, 2), elements=st.floats(-1, 1, width=32))
    labels, predictions = draw(tracks), draw(tracks)
    if gaps:
        labels[draw(arrays(np.bool_, (STEPS, 2)))] = np.nan
    return labels, predictions


def varying(labels):
    columns = [column[~np.isnan(column)] for column in labels.T]
    return all(len(column) and np.ptp(column) > 0.05 for column in columns)


@pytest.mark.parametrize("name", REWARDS)
def test_every_reward_is_documented_and_described_by_json(name):
    reward = make_reward(name)
    assert type(reward).__doc__
    assert make_reward(json.loads(json.dumps(reward.to_dict()))) == reward
    assert make_reward(reward) is reward


@pytest.mark.parametrize("name", REWARDS)
@given(trajectories(gaps=True))
def test_unannotated_steps_earn_nothing(name, trajectory):
    labels, predictions = trajectory
    rewards = make_reward(name).trajectory(labels, predictions)
    assert np.isfinite(rewards).all()
    blank = np.isnan(labels).all(axis=1)
    if name == "ccc-terminal":
        blank = np.arange(STEPS) < STEPS - 1
    assert (rewards[blank] == 0).all()


@pytest.mark.parametrize("name", REWARDS)
def test_an_episode_without_annotation_earns_nothing_whatever_came_before(name):
    reward = make_reward(name)
    (constants,) = reward.prepare(np.full((1, 2), np.nan))
    terms, _ = reward.step(np.array([0.3, -0.9]), constants.T, [np.ones(2)] * reward.n_sums)
    assert not np.any(terms)


@given(trajectories())
def test_squared_error_averages_to_minus_the_mean_squared_error(trajectory):
    labels, predictions = trajectory
    rewards = make_reward("squared-error").trajectory(labels, predictions)
    error = predictions.astype(float) - labels
    assert rewards.mean() == pytest.approx(-np.square(error).mean())


def test_squared_error_averages_the_annotated_dimensions():
    rewards = make_reward("squared-error").trajectory(np.array([[0.5, np.nan]]), np.zeros((1, 2)))
    assert rewards == pytest.approx([-0.25])


@given(trajectories(gaps=True), st.floats(0, 1))
def test_dinkelbach_sum_is_the_excess_of_ccc_over_lambda(trajectory, lambda_):
    labels, predictions = trajectory
    assume(varying(labels))
    reward = DinkelbachCCC(lambda_=lambda_, variance_floor=0.01, scale=3.0)
    expected = 0.0
    for label, prediction in zip(labels.T, predictions.T, strict=True):
        keep = ~np.isnan(label)
        y, a = label[keep].astype(float), prediction[keep].astype(float)
        u, v = a - y.mean(), y - y.mean()
        size = (u**2 + v**2).mean() / (2 * max(y.var(), 0.01))
        expected += 0.5 * 3.0 * size * (ccc(y, a) - lambda_)
    total = reward.trajectory(labels, predictions).sum()
    assert total == pytest.approx(expected, abs=1e-6)


@given(trajectories())
def test_dinkelbach_sum_of_the_label_itself_is_one_minus_lambda(trajectory):
    labels, _ = trajectory
    assume((labels.var(axis=0) > 0.01).all())
    assert DinkelbachCCC(0.6).trajectory(labels, labels).sum() == pytest.approx(0.4)


def test_dinkelbach_of_a_constant_label_is_squared_error():
    labels, predictions = np.full((4, 1), 0.5), np.array([[0.5], [0.4], [0.6], [0.9]])
    total = DinkelbachCCC(0.5, variance_floor=0.02).trajectory(labels, predictions).sum()
    assert total == pytest.approx(-0.5 * np.square(predictions - labels).mean() / 0.04)


@given(trajectories(gaps=True))
def test_terminal_reward_is_the_metric(trajectory):
    labels, predictions = trajectory
    assume(varying(labels))
    rewards = make_reward("ccc-terminal").trajectory(labels, predictions)
    assert (rewards[:-1] == 0).all()
    assert rewards[-1] == pytest.approx(episode_metrics(labels, predictions, NAMES)["ccc"])


@given(trajectories())
def test_terminal_reward_of_a_constant_label_is_squared_error(trajectory):
    labels, predictions = trajectory
    labels[:] = 0.25
    error = predictions.astype(float) - labels
    rewards = make_reward("ccc-terminal").trajectory(labels, predictions)
    assert rewards[-1] == pytest.approx(-np.square(error).mean())


@given(trajectories(gaps=True), st.floats(0.5, 50))
def test_running_rewards_telescope_to_the_shrunken_ccc(trajectory, pseudo_steps):
    labels, predictions = trajectory
    assume(varying(labels))
    expected = 0.0
    for label, prediction in zip(labels.T, predictions.T, strict=True):
        keep = ~np.isnan(label)
        y, a = label[keep].astype(float), prediction[keep].astype(float)
        spread = keep.sum() * (y.var() + a.var() + (y.mean() - a.mean()) ** 2)
        prior = pseudo_steps * 2 * max(y.var(), 0.01)
        expected += 0.5 * ccc(y, a) * spread / (spread + prior)
    total = RunningCCC(pseudo_steps).trajectory(labels, predictions).sum()
    assert total == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("cccc", "Did you mean 'ccc'"),
        ({"lambda_": 0.5}, "must give a name"),
        ({"name": "ccc", "lamda_": 0.5}, "Did you mean 'lambda_'"),
        ({"name": "ccc", "lambda_": 1.5}, r"in \[0, 1\]"),
        ({"name": "ccc", "lambda_": "a"}, "must be a number"),
        ({"name": "ccc", "scale": 0}, "must be positive"),
        ({"name": "ccc-running", "pseudo_steps": -1}, "must be positive"),
        ({"name": "squared-error", "scale": 1}, "has no options"),
    ],
)
def test_impossible_rewards_are_refused(reward, message):
    with pytest.raises(ConfigError, match=message):
        make_reward(reward)
