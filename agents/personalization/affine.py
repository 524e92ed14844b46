"""Gain and offset of the predictions, by regression or by mean and spread alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent
from agents.personalization.adaptation import Adaptation
from agents.scaling import LabelScale
from eeg_emotion_env.playback import Episode

Array = NDArray[np.floating]

MIN_GAIN = 0.05
"""Smallest gain of an affine adaptation: predictions are never turned round or wiped out."""


class Affine(Adaptation):
    """Gain and offset of the predictions, for each dimension, shrunk towards 1 and 0.

    Both go into the agent's `LabelScale`, so that what the policy sees of its own predictions is
    what it always saw. A trial still starts at the prediction 0.

    Parameters
    ----------
    agent : Agent
        Trained on other people.
    strength : float or None
        Seconds of calibration that the prior (gain 1, offset 0) weighs as much as.
    """

    name, default = "affine", 1000.0

    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        played, labels = _standardised(self.agent, calibration)
        steps = [strength / calibration[0].step_s for strength in strengths]
        return [rescaled(self.agent, *fit_affine(played, labels, n)) for n in steps]


class Moments(Adaptation):
    """Mean and spread of the calibration labels put on the predictions, for each dimension.

    Which label belongs to which second makes no difference: it learns how a person uses the
    scale, and nothing of the EEG.

    Parameters
    ----------
    agent : Agent
        Trained on other people.
    strength : float or None
        Seconds of calibration after which half of the way is gone, on a log scale for the gain.
    """

    name, default = "moments", 300.0

    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        played, labels = _standardised(self.agent, calibration)
        annotated = ~np.isnan(labels)
        seconds, made = annotated.sum(axis=0) * calibration[0].step_s, []
        known = np.asarray(annotated.any(axis=0))
        label_mean, label_std = np.zeros(len(known)), np.ones(len(known))
        label_mean[known] = np.nanmean(labels[:, known], axis=0)
        label_std[known] = np.nanstd(labels[:, known], axis=0)
        # over the same seconds: a person may feel otherwise where nothing was said
        where = annotated | ~known
        played_mean, played_std = (f(played, axis=0, where=where) for f in (np.mean, np.std))
        ratio = np.maximum(label_std / np.maximum(played_std, 1e-3), MIN_GAIN)
        for strength in strengths:
            # a dimension without any label stays as it is
            share = np.where(known, seconds / (seconds + strength), 0.0)
            gain = ratio**share
            offset = share * (label_mean - gain * played_mean)
            made.append(rescaled(self.agent, gain, offset))
        return made


def _standardised(agent: Agent, episodes: Sequence[Episode]) -> tuple[Array, Array]:
    """Predictions and labels, (n_steps, n_dims), in standard deviations of the training labels."""
    unit = np.asarray(agent.scale.half_range) / agent.config.action_range
    center = np.asarray(agent.scale.center)
    played = (np.concatenate(agent.predict(episodes)) - center) / unit
    return played, (np.concatenate([e.labels for e in episodes]) - center) / unit


def fit_affine(predictions: Array, labels: Array, n_prior: float) -> tuple[Array, Array]:
    """Regress labels on predictions, shrunk towards gain 1 and offset 0.

    Parameters
    ----------
    predictions, labels : ndarray, shape (n_steps, n_dims)
        In units of the training labels' standard deviation, about their mean; labels may be NaN.
    n_prior : float
        Steps that the prior weighs as much as, at least 0.

    Returns
    -------
    tuple of ndarray, each (n_dims,)
        Gain (at least `MIN_GAIN`) and offset.
    """
    gain, offset = np.ones(labels.shape[1]), np.zeros(labels.shape[1])
    for dim in range(labels.shape[1]):
        known = ~np.isnan(labels[:, dim])
        x, y = predictions[known, dim].astype(np.float64), labels[known, dim].astype(np.float64)
        if not known.any():
            continue
        # a hair of prior keeps the equations solvable where predictions are constant
        prior = max(n_prior, 1e-6)
        rows = np.array([[x @ x + prior, x.sum()], [x.sum(), len(x) + prior]])
        solved = np.linalg.solve(rows, [x @ y + prior, y.sum()])
        gain[dim] = max(solved[0], MIN_GAIN)
        offset[dim] = (y - gain[dim] * x).sum() / (len(x) + prior)
    return gain, offset


def rescaled(agent: Agent, gain: Array, offset: Array) -> Agent:
    """Return the agent with gain and offset on its predictions.

    Parameters
    ----------
    agent : Agent
        Trained agent; it is not changed.
    gain, offset : ndarray, shape (n_dims,)
        About the training labels' mean; the offset in units of their standard deviation.

    Returns
    -------
    Agent
        Same policy, other scale.
    """
    center, half = np.asarray(agent.scale.center), np.asarray(agent.scale.half_range)
    moved = center + offset * half / agent.config.action_range
    return replace(agent, scale=LabelScale(tuple(moved.tolist()), tuple((gain * half).tolist())))
