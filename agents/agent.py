"""`Agent`: a trained policy with all it needs to predict; saved without pickle."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.utils import ConstantSchedule

from agents.config import AgentConfig
from agents.policies import EEGDancerPolicy
from agents.scaling import LabelScale
from eeg_emotion_env.errors import EEGEmotionError
from eeg_emotion_env.playback import BatchedPlayback, Episode, ObservationLayout
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
    policy : EEGDancerPolicy
        Actor and critics.
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
    """

    policy: EEGDancerPolicy
    layout: ObservationLayout
    scale: LabelScale
    label_names: tuple[str, ...]
    config: AgentConfig
    description: dict[str, Any] = field(default_factory=dict)

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
        hidden = [_without_labels(episode) for episode in episodes]
        playback = BatchedPlayback(
            hidden, len(hidden), "squared-error", self.layout.privileged, np.random.default_rng(0)
        )
        if playback.layout != self.layout:
            raise EEGEmotionError(
                f"the agent was trained on {self.layout}, the episodes give {playback.layout}; "
                "use the encoder and the labels that it was trained with"
            )
        observations = playback.reset(episodes=range(len(hidden)))
        predictions = [np.zeros((e.n_steps, self.layout.n_dims), np.float32) for e in hidden]
        lengths = np.array([episode.n_steps for episode in hidden])
        self.policy.set_training_mode(False)
        for step in range(int(lengths.max())):
            values = self.act(observations)
            for i in np.flatnonzero(lengths > step):
                predictions[i][step] = values[i]
            playback.step(values)
            observations = playback.observe()
        return predictions

    @torch.inference_mode()
    def act(self, observations: FloatArray) -> FloatArray:
        """Predict one step, shape (n, size) to (n, n_dims), with the deterministic actor."""
        scaled = torch.from_numpy(self.scale.observation(observations, self.layout))
        actions = self.policy.actor(scaled, deterministic=True).numpy()
        return self.scale.prediction(actions)

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write ``config.json`` and ``model.safetensors``; return the fingerprint."""
        config = {
            "format": FORMAT,
            "agent": asdict(self.config),
            "layout": asdict(self.layout),
            "scale": asdict(self.scale),
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
        policy = make_policy(layout, config)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: unusable agent description ({error})") from error
    load_weights(policy, tensors, folder)
    policy.set_training_mode(False)
    description = {**saved["description"], "fingerprint": saved["fingerprint"]}
    return Agent(policy, layout, scale, names, config, description)


def policy_kwargs(layout: ObservationLayout, config: AgentConfig) -> dict[str, Any]:
    """Return the arguments of `EEGDancerPolicy` for an observation layout."""
    return {
        "net_arch": list(config.net_arch),
        "public_size": layout.public_size,
        "latent_noise": config.latent_noise,
        "actor": config.actor,
        "previous": (layout.previous.start, layout.previous.stop),
    }


def make_policy(layout: ObservationLayout, config: AgentConfig) -> EEGDancerPolicy:
    """Build an untrained policy of the given shape."""
    return EEGDancerPolicy(
        layout.observation_space(),
        layout.action_space(),
        ConstantSchedule(config.learning_rate),
        **policy_kwargs(layout, config),
    )


def _without_labels(episode: Episode) -> Episode:
    return replace(episode, labels=np.full_like(episode.labels, np.nan))
