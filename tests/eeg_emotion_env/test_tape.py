"""The tape: what is fetched ahead is what stands at each place, and belongs to nobody else."""

import numpy as np
import pytest

from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import BatchedPlayback
from eeg_emotion_env.rewards import make_reward
from eeg_emotion_env.tape import WINDOW, Tape

from .toys import toy_episode

LENGTHS = (1, 3, WINDOW, WINDOW + 1, 3 * WINDOW + 2)


def tape_of(n_envs):
    episodes = [toy_episode(number, n_steps=n) for number, n in enumerate(LENGTHS)]
    layout = ObservationLayout(episodes[0].n_latent, 2)
    return Tape(episodes, layout, make_reward("squared-error"), n_envs), episodes, layout


def test_places_read_their_episodes_and_stay_at_the_end():
    tape, episodes, layout = tape_of(len(LENGTHS))
    tape.begin(np.arange(len(LENGTHS)), np.arange(len(LENGTHS)))
    for step in range(max(LENGTHS) + 3):
        seen = tape.observations()
        share, rest, (label, weight) = tape.constants()
        for env, episode in enumerate(episodes):
            n = LENGTHS[env]
            assert np.array_equal(seen[env], layout.rows(episode)[min(step, n)])
            if step < n:
                assert np.array_equal(label[:, env], episode.labels[step])
                assert share[0, env] == 1 / (step + 1)
                assert rest[0, env] == 1 - 1 / (step + 1)
            else:
                assert not weight[:, env].any()
        labels, last = tape.advance()
        for env, episode in enumerate(episodes):
            assert last[env] == (step == LENGTHS[env] - 1)
            expected = episode.labels[step] if step < LENGTHS[env] else [np.nan, np.nan]
            assert np.array_equal(labels[env], expected, equal_nan=True)


@pytest.mark.parametrize("moved", [1, WINDOW - 1, WINDOW, WINDOW + 1])
def test_an_environment_that_begins_anew_leaves_the_others_where_they_are(moved):
    tape, episodes, layout = tape_of(2)
    tape.begin(np.array([0, 1]), np.array([4, 4]))
    for _ in range(moved):
        tape.constants()
        tape.advance()
    tape.begin(1, 3)
    long, begun = layout.rows(episodes[4]), layout.rows(episodes[3])
    assert np.array_equal(tape.observations(), [long[moved], begun[0]])
    tape.constants()
    tape.advance()
    assert np.array_equal(tape.observations(), [long[moved + 1], begun[1]])
    assert np.array_equal(tape.observations_of(np.array([1])), begun[1:2])


def test_observations_are_memory_of_their_own():
    episodes = [toy_episode(number, n_steps=3 * WINDOW) for number in range(3)]
    spoiled, plain = (BatchedPlayback(episodes, 3) for _ in range(2))
    for batch in (spoiled, plain):
        batch.reset(episodes=[0, 1, 2])
    kept = []
    for _ in range(2 * WINDOW):
        first, second = spoiled.observe(), spoiled.observe()
        assert not np.shares_memory(first, second)
        assert np.array_equal(first, second)
        assert np.array_equal(first, plain.observe())
        first[:] = 7.0  # as a careless user might
        kept.append((second, second.copy()))
        for batch in (spoiled, plain):
            batch.step(np.full((3, 2), 0.25, np.float32))
        spoiled.labels[:] = 7.0
    assert all(np.array_equal(held, copied) for held, copied in kept)


def test_labels_that_are_kept_do_not_hold_the_observations():
    batch = BatchedPlayback([toy_episode(n_steps=3 * WINDOW, n_latent=200)], 4)
    batch.reset()
    batch.step(np.zeros((4, 2), np.float32))
    held = batch.labels if batch.labels.base is None else batch.labels.base
    assert held.nbytes <= WINDOW * batch.labels.nbytes


def test_environments_that_were_never_begun_are_at_the_first_episode():
    episodes = [toy_episode(number, n_steps=3 * WINDOW) for number in range(3)]
    batch, whole = BatchedPlayback(episodes, 2), BatchedPlayback(episodes, 2)
    batch.reset(indices=[0], episodes=[2])
    whole.reset(episodes=[2, 0])
    for _ in range(2 * WINDOW):
        for one in (batch, whole):
            one.step(np.full((2, 2), 0.5, np.float32))
        assert np.array_equal(batch.observe(), whole.observe())
        assert np.array_equal(batch.labels, whole.labels)


@pytest.mark.parametrize("given", [False, True])
def test_beginning_anew_leaves_what_was_handed_out(given):
    tape, episodes, layout = tape_of(2)
    tape.begin(np.array([0, 1]), np.array([4, 4]))
    tape.constants()
    tape.advance()
    held = tape.observations() if given else None
    tape.begin(1, 3)
    if given:
        assert np.array_equal(held, [layout.rows(episodes[4])[1]] * 2)
    for step in range(3):
        _, _, (label, _) = tape.constants()
        assert np.array_equal(label[:, 0], episodes[4].labels[1 + step])
        assert np.array_equal(label[:, 1], episodes[3].labels[step])
        assert np.array_equal(tape.observations()[1], layout.rows(episodes[3])[step])
        labels, _ = tape.advance()
        assert np.array_equal(labels[1], episodes[3].labels[step])
