"""Episodes, observation layout and the batched core."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.episodes import EpisodeOrder, Episodes, build_episodes, matching
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.latents import flatten
from eeg_emotion_env.metrics import episode_metrics
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import BatchedPlayback
from eeg_emotion_env.rewards import REWARDS, RateCost

from .toys import actions_for, toy_episode, toy_episodes, toy_trial


def test_episodes_are_read_only_and_limited():
    trial = toy_trial(features=np.full((3, 2, 2), 50.0), labels=np.zeros((3, 2)))
    (episode,) = build_episodes([trial], flatten)
    assert episode.latents.shape == (3, 4)
    assert episode.latents.dtype == np.float32
    assert (episode.latents == 10).all()
    with pytest.raises(ValueError, match="read-only"):
        episode.latents[0] = 0
    assert (episode.track, episode.source, episode.n_steps) == ("causal", "simulated", 3)


def test_latents_must_be_finite_and_fit_the_labels():
    with pytest.raises(DataError, match="check the encoder"):
        build_episodes([toy_trial()], lambda x: flatten(x) * np.nan)
    with pytest.raises(DataError, match="latents must be"):
        build_episodes([toy_trial()], lambda x: x)
    with pytest.raises(DataError, match="labels must be"):
        build_episodes([toy_trial()], lambda x: flatten(x)[1:])


def test_trials_are_encoded_when_asked_for_and_once():
    asked = []

    def encode(features):
        asked.append(len(features))
        return flatten(features)

    episodes = Episodes([toy_trial(i, n_steps=i) for i in (1, 2, 3)], encode)
    assert [key.trial for key in episodes.keys] == [1, 2, 3]
    assert not asked
    assert episodes[1] is episodes[1]
    assert asked == [2]
    assert episodes.select([1])[1] is episodes[1]
    assert [episode.n_steps for episode in episodes] == [1, 2, 3]


def test_sessions_are_chained_in_order():
    trials = [toy_trial(t, session=s, subject=u) for u in (1, 2) for s in (1, 2) for t in (1, 2)]
    episodes = build_episodes(trials, flatten, "session")
    assert [(e.key.subject, e.key.session, e.key.trial) for e in episodes] == [
        (1, 1, 0), (1, 2, 0), (2, 1, 0), (2, 2, 0),
    ]  # fmt: skip
    assert episodes[1].key.stimulus is None
    expected = np.concatenate([trials[2].labels, trials[3].labels])
    assert np.array_equal(episodes[1].labels, expected)
    assert np.array_equal(
        episodes[1].latents, flatten(np.concatenate([t.features for t in trials[2:4]]))
    )


def test_selection_names_what_exists():
    episodes = Episodes([toy_trial(1, subject=s) for s in (1, 7)], flatten)
    assert [key.subject for key in episodes.select(["7"]).keys] == [7]
    with pytest.raises(ConfigError, match="among 1, 7, not 9"):
        episodes.select([9])
    with pytest.raises(DataError, match="no trials"):
        Episodes([], flatten)


def test_encoder_that_does_not_fit_names_the_trial():
    def refuse(_):
        raise ValueError("made for 32 channels")

    with pytest.raises(ConfigError, match=r"toy subject 1 session 1 trial 1: .* 32 channels"):
        build_episodes([toy_trial()], refuse)


def test_reset_options_compare_as_text():
    keys = [episode.key for episode in toy_episodes()]
    assert matching(keys, None) is matching(keys, {}) is None
    assert matching(keys, {"subject": "2", "trial": 3}) == (5,)
    assert matching(keys, {"session": 1}) == tuple(range(6))
    with pytest.raises(ConfigError, match="trial must be one of 1, 2, 3"):
        matching(keys, {"subject": 1, "trial": 9})
    with pytest.raises(ConfigError, match="Did you mean 'subject'"):
        matching(keys, {"subjct": 1})


@given(st.integers(1, 6), st.integers(0, 99))
def test_order_plays_each_episode_before_any_again(n, seed):
    order, rng = EpisodeOrder(n), np.random.default_rng(seed)
    for _ in range(3):
        assert sorted(order.draw(rng) for _ in range(n)) == list(range(n))


@pytest.mark.parametrize("privileged", [False, True])
def test_layout_covers_the_observation_without_overlap(privileged):
    layout = ObservationLayout(5, 2, privileged)
    parts = [layout.latent, layout.previous, layout.mean, layout.spread, layout.elapsed]
    places = np.concatenate(
        [np.arange(layout.size)[part] for part in (*parts, layout.privileged_part)]
    )
    assert places.tolist() == list(range(layout.size))
    assert layout.public_size == 5 + 3 * 2 + 1
    assert layout.size - layout.public_size == (9 if privileged else 0)
    space = layout.observation_space()
    assert space.shape == (layout.size,)
    assert np.isfinite([space.low, space.high]).all()


def test_privileged_part_tells_the_labels():
    episode = toy_episode(n_steps=6, gaps=True)
    layout = ObservationLayout(3, 2, privileged=True)
    rows = layout.rows(episode)[:, layout.privileged_part]
    known = ~np.isnan(episode.labels)
    assert np.array_equal(rows[:-1, :2], np.nan_to_num(episode.labels))
    assert np.array_equal(rows[:-1, 2:4], known)
    assert rows[0, 4:6] == pytest.approx(np.nanmean(episode.labels, axis=0), abs=1e-6)
    assert rows[0, 6:8] == pytest.approx(np.nanstd(episode.labels, axis=0), abs=1e-6)
    assert rows[:, 8] == pytest.approx(1 - np.arange(7) / 6)
    assert not rows[-1, :4].any()


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("privileged", [False, True])
def test_batch_equals_the_single_environment(reward, gaps, privileged):
    episodes = toy_episodes(gaps=gaps)
    batch = BatchedPlayback(episodes, len(episodes), reward, privileged)
    env = EEGEmotionEnv.from_episodes(episodes, reward, privileged)
    first = batch.reset(episodes=range(len(episodes)))
    actions = np.random.default_rng(0).uniform(-1.2, 1.2, (20, 6, 2)).astype(np.float32)
    observed, rewards, labels, done = [], [], [], []
    for action in actions:
        r, d = batch.step(action)
        observed.append(batch.observe())
        rewards.append(r)
        done.append(d)
        labels.append(batch.labels)
        terms = dict(zip(batch.term_names, batch.terms, strict=True))
        for i in np.flatnonzero(d):
            observed_metrics = batch.finished_metrics(i)
            truth, guess = batch.trajectory(i)
            expected = episode_metrics(episodes[i].labels, guess, episodes[i].label_names)
            assert dict(observed_metrics) == pytest.approx(expected, nan_ok=True)
            assert np.array_equal(truth, episodes[i].labels, equal_nan=True)
    for i, episode in enumerate(episodes):
        key = episode.key
        obs, info = env.reset(options={"subject": key.subject, "trial": key.trial})
        assert np.array_equal(obs, first[i])
        assert {name: info[name] for name in batch.ids(i)} == batch.ids(i)
        for t in range(episode.n_steps):
            obs, r, terminated, _, info = env.step(actions[t, i])
            assert np.array_equal(obs, observed[t][i])
            assert r == pytest.approx(rewards[t][i], abs=1e-12)
            assert terminated == done[t][i]
            assert np.array_equal(info["label"], labels[t][i], equal_nan=True)
            assert set(info["reward_terms"]) == set(terms)
        # A finished environment waits for its reset and earns nothing.
        assert not np.any([r[i] for r in rewards[episode.n_steps :]])
        assert not np.any([d[i] for d in done[episode.n_steps :]])


def test_environments_of_a_batch_are_reset_one_by_one():
    episodes = toy_episodes()
    batch = BatchedPlayback(episodes, 3, rng=np.random.default_rng(0))
    batch.reset()
    for _ in range(4):
        batch.step(np.full((3, 2), 0.5))
    before = batch.observe()
    fresh = batch.reset([1], episodes=[4])
    after = batch.observe()
    assert np.array_equal(before[[0, 2]], after[[0, 2]])
    assert np.array_equal(fresh, after[[1]])
    assert batch.steps.tolist() == [4, 0, 4]
    assert batch.ids(1)["subject"] == 2
    assert not after[1, batch.layout.own].any()
    assert batch.trajectory(1)[1].shape == (0, 2)


def test_metrics_of_long_runs_use_the_right_predictions():
    episodes = [toy_episode(n_steps=5)]
    batch = BatchedPlayback(episodes, 1)
    rng = np.random.default_rng(0)
    for _ in range(12):
        batch.reset()
        actions = rng.uniform(-1, 1, (5, 1, 2)).astype(np.float32)
        for action in actions:
            batch.step(action)
        expected = episode_metrics(episodes[0].labels, actions[:, 0], episodes[0].label_names)
        assert dict(batch.finished_metrics(0)) == expected


def test_batches_refuse_what_makes_no_sense():
    episode = toy_episode()
    with pytest.raises(ConfigError, match="at least one environment"):
        BatchedPlayback([episode], 0)
    with pytest.raises(DataError, match="n_latent is 4, but 3"):
        BatchedPlayback([episode, toy_episode(2, n_latent=4)], 1)
    batch = BatchedPlayback([episode], 2)
    batch.reset()
    with pytest.raises(ConfigError, match=r"shape \(2, 2\), not \(2,\)"):
        batch.step(np.zeros(2))
    with pytest.raises(ConfigError, match="hold NaN"):
        batch.step(np.full((2, 2), np.nan))


@pytest.mark.parametrize("reward", REWARDS)
def test_public_observations_do_not_depend_on_the_future(reward):
    episode, cut = toy_episode(n_steps=9), 4
    latents, labels = episode.latents.copy(), episode.labels.copy()
    latents[cut + 1 :] += 1.0
    labels[cut:] = -labels[cut:]
    other = type(episode)(latents, labels, episode.key, episode.label_names, episode.step_s)
    seen = []
    for played in (episode, other):
        env = EEGEmotionEnv.from_episodes([played], reward)
        observations = [env.reset(seed=0)[0]]
        observations += [env.step(action)[0] for action in actions_for(episode)]
        seen.append(np.stack(observations))
    assert np.array_equal(seen[0][: cut + 1], seen[1][: cut + 1])
    assert not np.array_equal(seen[0][cut + 1], seen[1][cut + 1])


def test_a_reward_that_keeps_the_predictions_themselves_is_refused():
    @dataclass(frozen=True)
    class Keeps(RateCost):
        def step(self, action, constants, sums):
            terms, _ = super().step(action, constants, sums)
            return terms, (action,)

    with pytest.raises(ConfigError, match="return a copy"):
        BatchedPlayback(toy_episodes(), 2, Keeps())
