"""What a head is asked for, and how well it does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agents.callbacks import subject_return, subject_score
from eeg_emotion_env.playback import Episode

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Objective:
    """A task on latents: what is scored, and what an action is.

    Attributes
    ----------
    name : str
        Name in tables.
    summary : str
        One line for people.
    reward : str
        Reward of the environment.
    score : str
        ``"ccc"`` (mean over subjects of the CCC of their concatenated episodes) or ``"return"``
        (mean over subjects of their reward a step).
    delay : int
        Steps between a prediction and the label that it is scored on.
    action : str
        ``"absolute"``, or a view of `eeg_emotion_env.wrappers`.
    """

    name: str
    summary: str
    reward: str
    score: str = "return"
    delay: int = 0
    action: str = "absolute"

    def episodes(self, episodes: Sequence[Episode]) -> list[Episode]:
        """Return the episodes as this objective plays them: labels come `delay` steps earlier."""
        return [later_label(episode, self.delay) for episode in episodes]

    def value(self, episodes: Sequence[Episode], predictions: Sequence[FloatArray]) -> float:
        """Score predictions; higher is better."""
        if self.score == "ccc":
            return subject_score(episodes, predictions)
        return subject_return(episodes, predictions, self.reward)


def later_label(episode: Episode, steps: int) -> Episode:
    """Score each step on the label `steps` later; the last steps have none."""
    if not steps:
        return episode
    labels = np.full_like(episode.labels, np.nan)
    labels[:-steps] = episode.labels[steps:]
    return replace(episode, labels=labels)


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("error", "squared error, scored by the CCC", "squared-error", "ccc"),
        Objective(
            "ccc", "per-step CCC reward, scored by the CCC: nothing couples the steps", "ccc", "ccc"
        ),
        Objective(
            "rate",
            "squared error and squared change: each step depends on the last",
            "squared-error + rate",
        ),
        Objective(
            "delayed",
            "the same, scored on the label three steps later",
            "squared-error + rate",
            delay=3,
        ),
        Objective(
            "gain",
            "squared error and three times the squared change; the action is how far to follow a "
            "frozen proposal, and an offset to it",
            "squared-error + 3*rate",
            action="gain",
        ),
    )
}
"""Every objective by its name."""
