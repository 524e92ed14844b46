"""Pictures, text and videos; the prototypes that they show."""

import importlib.util
import sys
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo
from gymnasium.wrappers.vector import RecordEpisodeStatistics as RecordVectorStatistics

from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.episodes import build_episodes
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.latents import LatentEncoder, load_latent_episodes
from eeg_emotion_env.rendering import line, picture, prototype_colour, title
from eeg_emotion_env.vector import EEGEmotionVectorEnv
from encoders import shipped_encoder

from .toys import actions_for, toy_episode, toy_episodes, toy_trial

SMALL = {
    "source": "simulated",
    "dataset_options": {"n_subjects": 1, "n_trials": 2, "duration_scale": 0.05},
}


def with_prototypes(episode):
    return replace(episode, prototypes=np.arange(episode.n_steps) // 2 % 5)


@pytest.mark.parametrize("names", [("valence",), ("valence", "arousal"), ("a", "b", "c")])
@pytest.mark.parametrize("done", [0, 1, 5, 8])
@pytest.mark.parametrize("strip", [False, True])
def test_picture_is_an_rgb_array_that_shows_the_predictions(names, done, strip):
    episode = toy_episode(names=names, gaps=True)
    episode = with_prototypes(episode) if strip else episode
    frame = picture(episode, actions_for(episode)[:done])
    assert frame.shape == (320, 640, 3)
    assert frame.dtype == np.uint8
    if done:
        other = picture(episode, -actions_for(episode)[:done])
        assert not np.array_equal(frame, other)


def test_picture_leaves_no_figure_open():
    picture(toy_episode(), actions_for(toy_episode()))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_title_tells_simulated_from_recorded():
    episode = toy_episode()
    assert title(episode) == "toy: subject 1, session 1, trial 1, stimulus clip01 (simulated)"
    recorded = type(episode)(
        episode.latents, episode.labels, episode.key, episode.label_names, episode.step_s
    )
    assert "simulated" not in title(recorded)


def test_line_shows_prediction_and_label_of_the_last_step():
    episode = toy_episode(n_steps=4)
    labels = episode.labels.copy()
    labels[1] = [0.25, np.nan]
    episode = type(episode)(episode.latents, labels, episode.key, episode.label_names, 2.0)
    text = line(episode, np.array([[0, 0], [0.5, -1.0]], np.float32))
    assert "step 2/4  4.0 s" in text
    assert "valence +0.50 [----------|#####-----] label +0.25" in text
    assert "arousal -1.00 [##########|----------] label   n/a" in text
    assert "\n" not in text
    assert "valence" not in line(episode, np.zeros((0, 2), np.float32))


@pytest.mark.parametrize(("mode", "kind"), [("rgb_array", np.ndarray), ("ansi", str)])
def test_environment_renders_before_and_after_steps(mode, kind):
    env = EEGEmotionEnv.from_episodes([toy_episode()], render_mode=mode)
    env.reset()
    assert isinstance(env.render(), kind)
    env.step(np.zeros(2, np.float32))
    assert isinstance(env.render(), kind)


def test_no_render_mode_draws_nothing():
    env = EEGEmotionEnv.from_episodes([toy_episode()])
    env.reset()
    assert env.render() is None


# --- prototypes


def has_colour(frame, number):
    """Tell whether the colour of a prototype fills some pixels."""
    rgb = np.round(255 * np.array(prototype_colour(number)))
    return (np.abs(frame - rgb).max(axis=-1) <= 1).sum() > 20


def test_strip_shows_the_prototypes_so_far_and_no_later_one():
    episode = with_prototypes(toy_episode(n_steps=8))  # 0 0 1 1 2 2 3 3
    frame = picture(episode, actions_for(episode)[:4])
    assert [has_colour(frame, number) for number in range(4)] == [True, True, False, False]
    frame = picture(episode, actions_for(episode))
    assert all(has_colour(frame, number) for number in range(4))
    assert not has_colour(picture(toy_episode(), actions_for(toy_episode())), 0)


def test_colours_of_prototypes_differ_and_stay():
    colours = [prototype_colour(number) for number in range(256)]
    assert len(set(colours)) == 256
    assert all(0 <= part <= 1 for colour in colours for part in colour)
    neighbours = np.abs(np.diff(colours, axis=0)).max(axis=1)
    assert neighbours.min() > 0.2


def test_line_names_the_prototype_of_the_last_step():
    episode = with_prototypes(toy_episode())
    assert "  prototype 1  valence" in line(episode, actions_for(episode)[:3])
    assert "prototype" not in line(episode, actions_for(episode)[:0])
    assert "prototype" not in line(toy_episode(), actions_for(episode)[:3])


def test_prototypes_are_those_of_the_encoder():
    episode = load_latent_episodes("simulated", **SMALL, encoder="shipped")[0]
    encoder = shipped_encoder("simulated-62x5")
    book = encoder.prototypes()
    seen = episode.latents[:, encoder.layout["prototype"]]
    np.testing.assert_allclose(seen, book[episode.prototypes], atol=1e-6)
    assert not episode.prototypes.flags.writeable


def test_sessions_chain_prototypes():
    trials = load_latent_episodes("simulated", **SMALL, encoder="shipped")
    (session,) = load_latent_episodes("simulated", **SMALL, encoder="shipped", episode="session")
    parts = [trial.prototypes for trial in trials]
    assert np.array_equal(session.prototypes, np.concatenate(parts))
    known = build_episodes([toy_trial()], LatentEncoder(), codes=lambda x: np.arange(len(x)))
    assert known[0].prototypes.tolist() == [0, 1, 2, 3, 4, 5]
    half = build_episodes(
        [toy_trial(1), toy_trial(2, n_steps=7)],
        LatentEncoder(),
        "session",
        codes=lambda x: np.zeros(len(x), int) if len(x) == 7 else None,
    )
    assert half[0].prototypes is None


def test_features_have_no_prototypes():
    assert load_latent_episodes("simulated", **SMALL, encoder="none")[0].prototypes is None
    assert build_episodes([toy_trial()], LatentEncoder())[0].prototypes is None


@pytest.mark.parametrize("wrong", [np.zeros(7, int), np.zeros(8), np.full(8, -1)])
def test_impossible_prototypes_are_refused(wrong):
    with pytest.raises(DataError, match=r"prototypes must be integers from 0, shape \(8,\)"):
        replace(toy_episode(), prototypes=wrong)


def test_prototypes_do_not_change_what_is_played():
    plain, known = toy_episode(), with_prototypes(toy_episode())
    action = np.full(2, 0.5, np.float32)
    seen = []
    for episode in (plain, known):
        env = EEGEmotionEnv.from_episodes([episode])
        seen.append((env.reset(seed=0), env.step(action)))
    np.testing.assert_equal(seen[0], seen[1])


def test_vector_form_draws_the_same_picture():
    episode = with_prototypes(toy_episode())
    single = EEGEmotionEnv.from_episodes([episode], render_mode="rgb_array")
    vector = EEGEmotionVectorEnv.from_episodes([episode], 2, render_mode="rgb_array")
    single.reset()
    vector.reset()
    single.step(np.array([0.5, -0.5], np.float32))
    vector.step(np.array([[0.5, -0.5], [0.1, 0.1]], np.float32))
    first, second = vector.render()
    assert np.array_equal(first, single.render())
    assert not np.array_equal(second, first)


# --- Gymnasium's wrappers


def finish(env, action, **reset):
    _, info = env.reset(**reset)
    total, done = 0.0, False
    while not done:
        _, reward, done, _, info = env.step(action)
        total += reward
    return total, info


@pytest.mark.skipif(
    importlib.util.find_spec("moviepy") is None, reason="moviepy (extra video) is not installed"
)
@pytest.mark.parametrize("episode", ["trial", "session"])
def test_videos_are_recorded(episode, tmp_path):
    env = gymnasium.make(
        "EEGEmotion-Simulated-v0", **SMALL, episode=episode, render_mode="rgb_array"
    )
    env = RecordVideo(env, str(tmp_path / "videos"), video_length=6, disable_logger=True)
    finish(env, np.zeros(2, np.float32), options={"subject": 1})
    env.close()
    (video,) = tmp_path.rglob("*.mp4")
    assert video.stat().st_size > 1000


def test_videos_get_a_frame_a_step(tmp_path):
    env = EEGEmotionEnv.from_episodes([with_prototypes(toy_episode())], render_mode="rgb_array")
    frames = gymnasium.wrappers.RenderCollection(env)
    finish(frames, np.zeros(2, np.float32))
    shown = frames.render()
    assert len(shown) == toy_episode().n_steps + 1
    assert {frame.shape for frame in shown} == {(320, 640, 3)}  # even, as codecs want


@pytest.mark.parametrize("episode", ["trial", "session"])
def test_statistics_of_episodes(episode):
    env = gymnasium.make("EEGEmotion-Simulated-v0", **SMALL, episode=episode)
    n_steps = env.reset(options={"subject": 1})[1]["n_steps"]
    env = RecordEpisodeStatistics(env)
    total, info = finish(env, np.full(2, 0.3, np.float32), options={"subject": 1})
    assert info["episode"]["r"] == pytest.approx(total)
    if episode == "session":
        assert info["episode"]["l"] == n_steps
        assert info["trial"] == 0


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_statistics_of_vectors(mode):
    env = EEGEmotionVectorEnv.from_episodes(toy_episodes(), 2, autoreset_mode=mode)
    env = RecordVectorStatistics(env)
    env.reset(seed=0, options={"subject": 2, "trial": 1})
    total, done = np.zeros(2), np.zeros(2, bool)
    while not done.any():
        _, rewards, done, _, infos = env.step(np.full((2, 2), 0.3, np.float32))
        total += rewards
    np.testing.assert_allclose(infos["episode"]["r"], total)
    assert infos["episode"]["l"].tolist() == [9, 9]  # 5 + 2 × trial + subject
