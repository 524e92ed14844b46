"""Affine adaptation: gain and offset of the predictions."""

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

    name, default = "affine", 300.0

    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        unit = np.asarray(self.agent.scale.half_range) / self.agent.config.action_range
        center = np.asarray(self.agent.scale.center)
        played = (np.concatenate(self.agent.predict(calibration)) - center) / unit
        labels = (np.concatenate([e.labels for e in calibration]) - center) / unit
        steps = [strength / calibration[0].step_s for strength in strengths]
        return [rescaled(self.agent, *fit_affine(played, labels, n)) for n in steps]


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
