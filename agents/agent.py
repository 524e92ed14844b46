"""`Agent`: a trained policy with all it needs to predict; saved without pickle."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy

from agents.algorithms import find_algorithm
from agents.config import AgentConfig
from agents.models import make_policy
from agents.playing import play
from agents.scaling import LabelScale, predictions_of
from agents.views import view_from_dict, view_to_dict
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.observation import ObservationLayout
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.wrappers import ActionView
from encoders.checkpoint import load_checkpoint, load_weights, save_checkpoint
from encoders.errors import CheckpointError

KIND = "EEGDancer agent"
FORMAT = 1

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Agent:
    """Policy, its view of the environment, and its configuration.

    Attributes
    ----------
    policy : BasePolicy
        Actor and critics, of any algorithm.
    layout : ObservationLayout
        Observation that the policy was made for.
    scale : LabelScale
        Map from actions to predictions.
    label_names : tuple of str
        Label dimensions.
    config : AgentConfig
        How it was trained.
    description : dict
        JSON-able notes: data, encoder, versions, training curve.
    view : ActionView or None
        What an action is, if not a prediction on the agent's scale.
    """

    policy: BasePolicy
    layout: ObservationLayout
    scale: LabelScale
    label_names: tuple[str, ...]
    config: AgentConfig
    description: dict[str, Any] = field(default_factory=dict)
    view: ActionView | None = None

    def predict(self, episodes: Sequence[Episode]) -> list[FloatArray]:
        """Predict whole episodes with the deterministic actor; labels are never looked at.

        Parameters
        ----------
        episodes : sequence of Episode
            Episodes; all are played side by side.

        Returns
        -------
        list of ndarray, each (n_steps, n_dims), float32
            Predictions in [-1, 1].
        """
        self.policy.set_training_mode(False)
        return play(episodes, self.layout, self.step)

    @property
    def recurrent(self) -> bool:
        """Whether the policy carries a state from step to step."""
        return find_algorithm(self.config.algorithm).recurrent

    @torch.inference_mode()
    def act(self, observations: FloatArray) -> FloatArray:
        """Predict one step, shape (n, size) to (n, n_dims), with the deterministic actor.

        Raises
        ------
        ConfigError
            If the policy is recurrent: use `step`.
        """
        if self.recurrent:
            raise ConfigError("a recurrent agent needs its state: use step(observations, state)")
        actions = self.policy._predict(self._scaled(observations), deterministic=True)
        # policies that do not squash may leave [-1, 1]
        return self._prediction(actions.clamp(-1.0, 1.0).numpy(), observations)

    @torch.inference_mode()
    def step(self, observations: FloatArray, state: Any = None) -> tuple[FloatArray, Any]:
        """Predict one step with the deterministic actor of any policy.

        Parameters
        ----------
        observations : ndarray, shape (n, size), float32
            As the environment gives them.
        state : Any
            What the last step returned; None at the start of an episode.

        Returns
        -------
        predictions : ndarray, shape (n, n_dims), float32
            In [-1, 1].
        state : Any
            For the next step; None where the policy is not recurrent.
        """
        if not self.recurrent:
            return self.act(observations), None
        actions, state = self.policy.predict(
            self._scaled(observations).numpy(), state, deterministic=True
        )
        return self._prediction(actions, observations), state

    def _prediction(self, actions: FloatArray, observations: FloatArray) -> FloatArray:
        return predictions_of(actions, observations, self.layout, self.scale, self.view)

    def _scaled(self, observations: FloatArray) -> torch.Tensor:
        return torch.from_numpy(self.scale.observation(observations, self.layout))

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write ``config.json`` and ``model.safetensors``; return the fingerprint."""
        config = {
            "format": FORMAT,
            "agent": asdict(self.config),
            "layout": asdict(self.layout),
            "scale": asdict(self.scale),
            "view": view_to_dict(self.view),
            "label_names": list(self.label_names),
            "description": {k: v for k, v in self.description.items() if k != "fingerprint"},
        }
        return save_checkpoint(folder, KIND, config, self.policy.state_dict())


def load_agent(folder: str | os.PathLike[str]) -> Agent:
    """Load an agent saved by `Agent.save`.

    Parameters
    ----------
    folder : path-like
        Folder with ``config.json`` and ``model.safetensors``.

    Returns
    -------
    Agent
        Its predictions equal those of the saved one.

    Raises
    ------
    CheckpointError
        If the folder is absent, damaged, changed, or holds another kind of model.
    """
    saved, tensors = load_checkpoint(folder, KIND)
    if saved.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder}: format {saved.get('format')!r} is not readable by this version"
        )
    try:
        config = AgentConfig(**saved["agent"])
        layout = ObservationLayout(**saved["layout"])
        scale = LabelScale(*(tuple(saved["scale"][key]) for key in ("center", "half_range")))
        names = tuple(saved["label_names"])
        view = view_from_dict(config, saved.get("view"))
        policy = make_policy(layout, config)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: unusable agent description ({error})") from error
    load_weights(policy, tensors, folder)
    policy.set_training_mode(False)
    description = {**saved["description"], "fingerprint": saved["fingerprint"]}
    return Agent(policy, layout, scale, names, config, description, view)
