"""Rewards: the identities that define them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import ccc, episode_metrics, pcc
from eeg_emotion_env.rewards import (
    REWARDS,
    DinkelbachCCC,
    RunningCCC,
    RunningPCC,
    WeightedReward,
    make_reward,
)

NAMES = ("valence", "arousal")
STEPS = 10
COSTS = ("rate", "jerk")
"""Rewards that look at no label."""
FITS = tuple(name for name in REWARDS if name not in COSTS)
SUM = {"terms": {"ccc": {"weight": 2.0, "lambda_": 0.3}, "ccc-terminal": 1, "rate": 0.5}}


@st.composite
def trajectories(draw, gaps=False, varied=False):
    """Labels and predictions; if `varied`, neither is (nearly) constant."""
    tracks = arrays(np.float32, (STEPS, 2), elements=st.floats(-1, 1, width=32))
    labels, predictions = draw(tracks), draw(tracks)
    if gaps:
        labels[draw(arrays(np.bool_, (STEPS, 2)))] = np.nan
    if varied:
        for track in (labels, predictions):
            track[:2] = np.array([[-1], [1]]) * draw(st.floats(0.375, 1, width=32))
    return labels, predictions


@pytest.mark.parametrize("name", REWARDS)
def test_every_reward_is_documented_and_described_by_json(name):
    reward = make_reward(name)
    assert type(reward).__doc__
    assert make_reward(json.loads(json.dumps(reward.to_dict()))) == reward
    assert make_reward(reward) is reward


@pytest.mark.parametrize("name", FITS)
@given(trajectories(gaps=True))
def test_unannotated_steps_earn_nothing(name, trajectory):
    labels, predictions = trajectory
    rewards = make_reward(name).trajectory(labels, predictions)
    assert np.isfinite(rewards).all()
    blank = np.isnan(labels).all(axis=1)
    if name == "ccc-terminal":
        blank = np.arange(STEPS) < STEPS - 1
    assert (rewards[blank] == 0).all()


@pytest.mark.parametrize("name", [*REWARDS, "squared-error + 2*rate + jerk + pcc"])
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


@given(trajectories(gaps=True, varied=True), st.floats(0, 1))
def test_dinkelbach_sum_is_the_excess_of_ccc_over_lambda(trajectory, lambda_):
    labels, predictions = trajectory
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


@given(trajectories(varied=True))
def test_dinkelbach_sum_of_the_label_itself_is_one_minus_lambda(trajectory):
    labels, _ = trajectory
    assert DinkelbachCCC(0.6).trajectory(labels, labels).sum() == pytest.approx(0.4)


def test_dinkelbach_of_a_constant_label_is_squared_error():
    labels, predictions = np.full((4, 1), 0.5), np.array([[0.5], [0.4], [0.6], [0.9]])
    total = DinkelbachCCC(0.5, variance_floor=0.02).trajectory(labels, predictions).sum()
    assert total == pytest.approx(-0.5 * np.square(predictions - labels).mean() / 0.04)


@given(trajectories(gaps=True, varied=True))
def test_terminal_reward_is_the_metric(trajectory):
    labels, predictions = trajectory
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


@given(trajectories(gaps=True, varied=True), st.floats(0.5, 50))
def test_running_rewards_telescope_to_the_shrunken_ccc(trajectory, pseudo_steps):
    labels, predictions = trajectory
    expected = 0.0
    for label, prediction in zip(labels.T, predictions.T, strict=True):
        keep = ~np.isnan(label)
        y, a = label[keep].astype(float), prediction[keep].astype(float)
        spread = keep.sum() * (y.var() + a.var() + (y.mean() - a.mean()) ** 2)
        prior = pseudo_steps * 2 * max(y.var(), 0.01)
        expected += 0.5 * ccc(y, a) * spread / (spread + prior)
    total = RunningCCC(pseudo_steps).trajectory(labels, predictions).sum()
    assert total == pytest.approx(expected, abs=1e-6)


@given(trajectories(gaps=True, varied=True), st.floats(0.5, 50))
def test_running_correlation_telescopes_to_the_shrunken_pcc(trajectory, pseudo_steps):
    labels, predictions = trajectory
    expected = 0.0
    for label, prediction in zip(labels.T, predictions.T, strict=True):
        keep = ~np.isnan(label)
        y, a = label[keep].astype(float), prediction[keep].astype(float)
        prior = pseudo_steps * max(y.var(), 0.01)
        squares = keep.sum() * y.var(), keep.sum() * a.var()
        shrunken = np.sqrt(np.prod(squares) / np.prod([x + prior for x in squares]))
        expected += 0.5 * shrunken * (pcc(y, a) if a.std() > 1e-6 else 0.0)
    total = RunningPCC(pseudo_steps).trajectory(labels, predictions).sum()
    assert total == pytest.approx(expected, abs=1e-6)


@given(trajectories(varied=True))
def test_running_correlation_without_a_prior_sums_to_the_metric(trajectory):
    labels, predictions = trajectory
    total = RunningPCC(1e-6).trajectory(labels, predictions).sum()
    assert total == pytest.approx(episode_metrics(labels, predictions, NAMES)["pcc"], abs=1e-4)


@pytest.mark.parametrize(("name", "order"), [("rate", 1), ("jerk", 2)])
@given(trajectories(gaps=True))
def test_costs_of_movement_sum_to_squared_differences(name, order, trajectory):
    labels, predictions = trajectory
    rewards = make_reward(name).trajectory(labels, predictions)
    differences = np.diff(predictions.astype(float), order, axis=0)
    np.testing.assert_allclose(rewards[order:], -np.square(differences).mean(axis=1), atol=1e-9)
    assert (rewards[:order] == 0).all()


def test_a_steady_drift_has_a_rate_and_no_jerk():
    drift = np.linspace(-0.5, 0.5, 6)[:, None]
    assert make_reward("rate").trajectory(drift, drift).sum() == pytest.approx(-5 * 0.2**2)
    assert make_reward("jerk").trajectory(drift, drift).sum() == pytest.approx(0.0)


@given(trajectories(gaps=True), st.lists(st.floats(0.1, 10), min_size=7, max_size=7))
def test_a_sum_of_rewards_returns_the_sum_of_their_returns(trajectory, weights):
    labels, predictions = trajectory
    terms = dict(zip(REWARDS, weights, strict=True))
    alone = [w * make_reward(n).trajectory(labels, predictions) for n, w in terms.items()]
    together = make_reward({"terms": terms}).trajectory(labels, predictions)
    np.testing.assert_allclose(together, np.sum(alone, axis=0), atol=1e-9)


def test_a_sum_can_be_written_as_text_or_as_json():
    written = make_reward("ccc + 0.5*rate")
    assert isinstance(written, WeightedReward)
    assert written == make_reward({"terms": {"ccc": 1.0, "rate": 0.5}})
    with_options = make_reward(SUM)
    assert with_options == make_reward(json.loads(json.dumps(with_options.to_dict())))
    assert with_options.terms[0][0] == DinkelbachCCC(0.3)


def test_terms_of_a_sum_keep_apart_what_two_rewards_call_alike():
    names = make_reward("squared-error + ccc-terminal").names(["valence"])
    assert names == (
        "squared_error_squared_error_valence",
        "ccc_valence",
        "ccc_terminal_squared_error_valence",
    )


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
        ("ccc + x*rate", "'x' is no number"),
        ("ccc + rat", "Did you mean 'rate'"),
        ("ccc + ccc", "each term once"),
        ("-1*ccc", "0 or more"),
        ({"terms": {"ccc": "much"}}, "weight of reward 'ccc' must be a number"),
        ({"terms": {"rate": 0.0}}, "not all 0"),
        ({"terms": {}}, "must have terms"),
        (None, "must be a name, a mapping or a Reward"),
        ({"name": "pcc", "pseudo_steps": 1e-9}, "at least 1e-6"),
        ({"terms": {"ccc": {"weight": 1, "lamda_": 0.5}}}, "Did you mean 'lambda_'"),
    ],
)
def test_impossible_rewards_are_refused(reward, message):
    with pytest.raises(ConfigError, match=message):
        make_reward(reward)
