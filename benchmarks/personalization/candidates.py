"""What is compared: adaptations of the agent, and what a sceptic would try instead.

A candidate gets the labelled calibration of a person and gives a predictor for each of its
strengths; test episodes come to it without labels, and only to be predicted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from agents import Agent
from agents.personalization import ADAPTATIONS, Adaptation, fit_affine
from agents.scaling import LabelScale
from benchmarks.entries.base import FloatArray, limited
from eeg_emotion_env.playback import Episode

Array = NDArray[np.floating]
Predictor = Callable[[Sequence[Episode]], list[FloatArray]]

SECONDS = (30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Strengths of closed-form adaptations: what the prior weighs, seconds of calibration."""

LAST_LAYER_SECONDS = (300.0, 1000.0, 3000.0, 10_000.0)
"""The same for the final layer, which has many more weights to overfit with."""

UPDATES = (5.0, 20.0, 80.0)
"""Strengths of the fine-tuning."""

PENALTIES = (30.0, 300.0, 3000.0)
"""Strengths of ridge regression on the person's own calibration alone."""


class Candidate(Protocol):
    """A way of using a calibration."""

    name: str
    strengths: Sequence[float]

    def predictors(self, calibration: Sequence[Episode]) -> list[Predictor]:
        """Return a predictor for each strength; the calibration may be empty."""


@dataclass
class FromAgent:
    """An adaptation of `agents.personalization`; as a control, with labels out of step."""

    name: str
    kind: type[Adaptation]
    agent: Agent
    strengths: Sequence[float]
    shifted: bool = False

    def predictors(self, calibration: Sequence[Episode]) -> list[Predictor]:
        """Adapt the agent."""
        given = rolled(calibration) if self.shifted and calibration else calibration
        return [agent.predict for agent in self.kind(self.agent).fit_each(given, self.strengths)]


def rolled(calibration: Sequence[Episode]) -> list[Episode]:
    """Shift the labels round by half of the calibration: level and spread stay, pairing goes."""
    labels = np.concatenate([episode.labels for episode in calibration])
    moved = np.roll(labels, len(labels) // 2, axis=0)
    ends = np.cumsum([episode.n_steps for episode in calibration])[:-1]
    parts = np.split(moved, ends)
    return [replace(e, labels=part) for e, part in zip(calibration, parts, strict=True)]


@dataclass
class Level:
    """The mean label of the calibration, all the time; of the training people without one."""

    scale: LabelScale
    name: str = "level"
    strengths: Sequence[float] = (0.0,)

    def predictors(self, calibration: Sequence[Episode]) -> list[Predictor]:
        """Average."""
        level = np.asarray(self.scale.center)
        if calibration:
            labels = np.concatenate([episode.labels for episode in calibration])
            known = ~np.isnan(labels)
            total = np.where(known, labels, 0.0).sum(axis=0)
            level = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), level)
        return [lambda episodes: [limited(np.tile(level, (e.n_steps, 1))) for e in episodes]]


@dataclass
class Clock:
    """No EEG: what training people felt at this second (of this clip, if known), adapted."""

    train: Sequence[Episode]
    scale: LabelScale
    name: str = "affine without EEG"
    strengths: Sequence[float] = SECONDS
    _tracks: dict[str | None, FloatArray] = field(default_factory=dict)

    def predictors(self, calibration: Sequence[Episode]) -> list[Predictor]:
        """Regress the labels of the calibration on the clock."""
        center, half = np.asarray(self.scale.center), np.asarray(self.scale.half_range)
        n_dims = len(center)
        gains: list[tuple[Array, Array]]
        gains = [(np.ones(n_dims), np.zeros(n_dims)) for _ in self.strengths]
        if calibration:
            # a spread of 4 standard deviations, as the agent's default
            unit = half / 4.0
            played = (np.concatenate(self._played(calibration)) - center) / unit
            labels = (np.concatenate([e.labels for e in calibration]) - center) / unit
            steps = [strength / calibration[0].step_s for strength in self.strengths]
            fits = [fit_affine(played, labels, n) for n in steps]
            gains = [(gain, offset * unit) for gain, offset in fits]

        def predictor(gain: Array, offset: Array) -> Predictor:
            return lambda episodes: [
                limited(center + gain * (track - center) + offset)
                for track in self._played(episodes)
            ]

        return [predictor(gain, offset) for gain, offset in gains]

    def _played(self, episodes: Sequence[Episode]) -> list[FloatArray]:
        tracks = []
        for episode in episodes:
            track = self._track(episode.key.stimulus)
            # beyond the longest training trial its last value is held
            tracks.append(track[np.minimum(np.arange(episode.n_steps), len(track) - 1)])
        return tracks

    def _track(self, stimulus: str | None) -> FloatArray:
        if stimulus not in self._tracks:
            same = [e.labels for e in self.train if e.key.stimulus == stimulus]
            labels = same or [e.labels for e in self.train]
            total = np.zeros((max(map(len, labels)), labels[0].shape[1]))
            count = np.zeros_like(total)
            for values in labels:
                total[: len(values)] += np.nan_to_num(values)
                count[: len(values)] += ~np.isnan(values)
            mean = np.asarray(self.scale.center)
            # one trial's worth of the overall mean: few trials reach the last seconds
            self._tracks[stimulus] = ((total + mean) / (count + 1)).astype(np.float32)
        return self._tracks[stimulus]


@dataclass
class OwnRidge:
    """Ridge regression on the person's own calibration alone: no agent, nobody else's labels."""

    scale: LabelScale
    name: str = "own ridge"
    strengths: Sequence[float] = PENALTIES

    def predictors(self, calibration: Sequence[Episode]) -> list[Predictor]:
        """Fit on the latents."""
        nothing = Level(self.scale).predictors([])[0]
        if not calibration:
            return [nothing for _ in self.strengths]
        x = np.concatenate([episode.latents for episode in calibration])
        y = np.concatenate([episode.labels for episode in calibration])
        known = ~np.isnan(y).any(axis=1)
        if not known.any():
            return [nothing for _ in self.strengths]
        models = [Ridge(alpha=a).fit(x[known], y[known]) for a in self.strengths]

        def predictor(model: Ridge) -> Predictor:
            return lambda episodes: [
                limited(model.predict(e.latents).reshape(e.n_steps, -1)) for e in episodes
            ]

        return [predictor(model) for model in models]


def candidates(agent: Agent, train: Sequence[Episode], controls: bool) -> list[Candidate]:
    """List what is compared.

    Parameters
    ----------
    agent : Agent
        Trained on `train`.
    train : sequence of Episode
        Episodes of the training people.
    controls : bool
        Whether the adaptations are also run on labels out of step.

    Returns
    -------
    list of Candidate
        No adaptation first.
    """
    grids = {
        "none": (0.0,),
        "moments": SECONDS,
        "affine": SECONDS,
        "last-layer": LAST_LAYER_SECONDS,
        "policy": UPDATES,
    }
    own = [FromAgent(n, kind, agent, grids[n]) for n, kind in ADAPTATIONS.items()]
    # the order of the labels makes no difference to moments
    paired = [c for c in own if c.name not in ("none", "moments")]
    shifted = [FromAgent(f"{c.name}{SHIFTED}", c.kind, agent, c.strengths, True) for c in paired]
    scale = agent.scale
    others: list[Candidate] = [Level(scale), Clock(train, scale), OwnRidge(scale)]
    return [*own, *others, *(shifted if controls else [])]


SHIFTED = ", labels shifted"
"""Mark of controls, which take the strength of what they control for."""

ALTERNATIVES = {"affine", "last-layer", "policy", "moments"}
"""Candidates that may also be chosen not to act: without calibration they are the agent itself."""
