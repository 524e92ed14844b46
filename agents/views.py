"""Action views of agents: what an action means beside the prediction itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from agents.config import AgentConfig
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.wrappers import VIEWS, ActionView, Increment, LinearProposal


def make_view(config: AgentConfig, train: Sequence[Episode]) -> ActionView | None:
    """Make the view that a configuration asks for; its proposal is fitted on training episodes.

    Parameters
    ----------
    config : AgentConfig
        `action` and `offset_range`.
    train : sequence of Episode
        Training episodes. The agent learns on the same, where the proposal fits better than on
        new people.

    Returns
    -------
    ActionView or None
        None where the action is the prediction itself, on the agent's scale.
    """
    if config.action == "absolute":
        return None
    labels = np.concatenate([episode.labels for episode in train])
    offset = config.offset_range * float(np.mean(np.nanstd(labels, axis=0)))
    if config.action == "increment":
        return Increment(offset)
    return VIEWS[config.action](LinearProposal.fit(train), offset)


def action_space(layout: ObservationLayout, config: AgentConfig) -> Box:
    """Return the space of the actions of an agent."""
    width = layout.n_dims * (2 if config.action == "gain" else 1)
    return Box(-1.0, 1.0, (width,), np.float32)


def view_to_dict(view: ActionView | None) -> dict[str, Any] | None:
    """Describe a view in JSON-able form."""
    return None if view is None else asdict(view)  # type: ignore[call-overload]


def view_from_dict(config: AgentConfig, saved: Mapping[str, Any] | None) -> ActionView | None:
    """Build a view from its description."""
    if saved is None:
        return None
    arguments = dict(saved)
    if "proposal" in arguments:
        proposal = arguments["proposal"]
        arguments["proposal"] = LinearProposal(
            tuple(tuple(row) for row in proposal["weights"]), tuple(proposal["intercept"])
        )
    view: ActionView = VIEWS[config.action](**arguments)
    return view
