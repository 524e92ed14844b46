"""Few-shot adaptation of a trained agent to a new person, from a short labelled calibration.

The encoder stays frozen and what comes out is an `Agent` again: it is saved, loaded, exported and
played like any other.
"""

from collections.abc import Sequence

from agents.agent import Agent
from agents.personalization.adaptation import Adaptation, Unadapted, first_minutes
from agents.personalization.affine import Affine, Moments, fit_affine, rescaled
from agents.personalization.policy import LastLayer, PolicyFineTuning
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.playback import Episode

__all__ = [
    "ADAPTATIONS",
    "Adaptation",
    "Affine",
    "LastLayer",
    "Moments",
    "PolicyFineTuning",
    "Unadapted",
    "first_minutes",
    "fit_affine",
    "personalize",
    "rescaled",
]

ADAPTATIONS: dict[str, type[Adaptation]] = {
    kind.name: kind for kind in (Unadapted, Moments, Affine, LastLayer, PolicyFineTuning)
}
"""Every adaptation by name."""


def personalize(
    agent: Agent,
    calibration: Sequence[Episode],
    method: str = "moments",
    strength: float | None = None,
) -> Agent:
    """Adapt a trained agent to a new person.

    Parameters
    ----------
    agent : Agent
        Trained on other people; it is not changed.
    calibration : sequence of Episode
        Labelled episodes of the person, with latents of the agent's encoder.
    method : str
        One of `ADAPTATIONS`: ``none``, ``moments``, ``affine``, ``last-layer``, ``policy``.
    strength : float or None
        Of the method; None takes its default.

    Returns
    -------
    Agent
        The adapted agent, to be saved with `Agent.save`.

    Examples
    --------
    >>> adapted = personalize(agent, first_minutes(episodes, 4))  # doctest: +SKIP
    >>> adapted.save("runs/model-of-ann")  # doctest: +SKIP
    """
    if agent.view is not None and method != "none":
        raise ConfigError(
            f"agents whose action is {agent.config.action!r} cannot be personalised; train one "
            "with action 'absolute'"
        )
    return ADAPTATIONS[check_choice("method", method, ADAPTATIONS)](agent, strength).fit(
        calibration
    )
