"""Pictures and text."""

import sys

import numpy as np
import pytest

from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.rendering import line, picture, title

from .toys import actions_for, toy_episode


@pytest.mark.parametrize("names", [("valence",), ("valence", "arousal"), ("a", "b", "c")])
@pytest.mark.parametrize("done", [0, 1, 5])
def test_picture_is_an_rgb_array_that_shows_the_predictions(names, done):
    episode = toy_episode(names=names, gaps=True)
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
