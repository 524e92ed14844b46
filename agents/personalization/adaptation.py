"""What an adaptation is, and the calibration that it is given."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, ClassVar

import numpy as np

from agents.agent import Agent
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.playback import Episode


def first_minutes(episodes: Sequence[Episode], minutes: float) -> list[Episode]:
    """Cut the start of a person's recording out of it: whole steps, trial after trial.

    Parameters
    ----------
    episodes : sequence of Episode
        Episodes of one person, in any order; they are taken in the order of recording.
    minutes : float
        Minutes wanted, at least 0; fewer come back if there are no more. The last trial may be
        cut short, which changes nothing before the cut: latents are causal.

    Returns
    -------
    list of Episode
        Episodes of `minutes` together.
    """
    if minutes < 0:
        raise ConfigError(f"minutes must be at least 0, not {minutes}")
    kept: list[Episode] = []
    left = minutes * 60.0
    for episode in sorted(episodes, key=lambda e: (e.key.session, e.key.trial)):
        n_steps = min(int(left / episode.step_s + 1e-9), episode.n_steps)
        if n_steps < 1:
            break
        kept.append(_cut(episode, n_steps))
        left -= n_steps * episode.step_s
    return kept


def _cut(episode: Episode, n_steps: int) -> Episode:
    # whatever an episode holds as an array has a row a step
    held: dict[str, Any] = {f.name: getattr(episode, f.name) for f in fields(episode)}
    tracks: dict[str, Any] = {
        name: v[:n_steps] for name, v in held.items() if isinstance(v, np.ndarray)
    }
    return replace(episode, **tracks)


class Adaptation(ABC):
    """A way of adapting an agent; `fit` gives the adapted agent and leaves the given one alone.

    Parameters
    ----------
    agent : Agent
        Trained on other people.
    strength : float or None
        How far to go, in the unit of the method; None takes its default.

    Attributes
    ----------
    name : str
        Name, as `personalize` takes it.
    default : float
        Strength unless asked otherwise.
    """

    name: ClassVar[str]
    default: ClassVar[float]

    def __init__(self, agent: Agent, strength: float | None = None) -> None:
        self.agent = agent
        self.strength = self.default if strength is None else strength
        if not self.strength >= 0:
            raise ConfigError(f"strength must be at least 0, not {self.strength}")

    def fit(self, calibration: Sequence[Episode]) -> Agent:
        """Adapt the agent to the person who gave the calibration.

        Parameters
        ----------
        calibration : sequence of Episode
            Labelled episodes of one person (see `first_minutes`), with latents of the encoder
            that the agent was trained on.

        Returns
        -------
        Agent
            The adapted agent; the given one itself where no step of the calibration is annotated.
        """
        return self.fit_each(calibration, (self.strength,))[0]

    def fit_each(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        """Adapt with several strengths, which the fine-tuning does at the price of the largest."""
        people = sorted({str(episode.key.subject) for episode in calibration})
        if len(people) > 1:
            raise ConfigError(
                f"a calibration is of one person, not of {', '.join(people)}; adapt to each alone"
            )
        if all(np.isnan(episode.labels).all() for episode in calibration):
            return [self.agent for _ in strengths]
        seconds = sum(episode.n_steps * episode.step_s for episode in calibration)
        adapted = self._adapted(calibration, strengths)
        return [
            replace(agent, description=self._described(agent, strength, seconds))
            for agent, strength in zip(adapted, strengths, strict=True)
        ]

    def _described(self, agent: Agent, strength: float, seconds: float) -> dict[str, Any]:
        kept = {k: v for k, v in agent.description.items() if k != "fingerprint"}
        made = {"method": self.name, "strength": strength, "calibration_s": seconds}
        return {**kept, "personalization": made}

    @abstractmethod
    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        """Return an agent for each strength; some step is annotated."""


class Unadapted(Adaptation):
    """No adaptation: the agent itself, whatever the calibration says."""

    name, default = "none", 0.0

    def _adapted(self, calibration: Sequence[Episode], strengths: Sequence[float]) -> list[Agent]:
        return [self.agent for _ in strengths]
