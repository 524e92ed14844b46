"""Variants of `eegdancer` for experiments: ``--entries benchmarks.variants:DirectActor,…``.

Each changes one thing; what they gave stands in ``benchmarks/EXPERIMENTS.md``.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sklearn.linear_model import Ridge

from agents.config import AgentConfig
from benchmarks.entries.base import FloatArray, limited
from benchmarks.entries.eegdancer import EEGDancer
from eeg_emotion_env.trial import Trial
from encoders import PretrainingConfig

RIDGE_PENALTY = 300.0


class RidgeOnLatents(EEGDancer):
    """No reinforcement learning: linear regression on the frozen latents."""

    name = "ridge-on-latents"
    summary = "linear regression on the frozen guided latents"

    def fit(self, train: Sequence[Trial]) -> None:
        """Pretrain the encoder, then fit the regression."""
        self._encoder = self._pretrained(train)
        x = np.concatenate([self._encoder.encode(trial.features) for trial in train])
        y = np.concatenate([trial.labels for trial in train])
        annotated = ~np.isnan(y).any(axis=1)
        self._model = Ridge(alpha=RIDGE_PENALTY).fit(x[annotated], y[annotated])

    def predict(self, trial: Trial) -> FloatArray:
        """Predict from the latents."""
        values = self._model.predict(self._encoder.encode(trial.features))
        return limited(values.reshape(trial.n_steps, trial.n_dims))


class UnguidedRidge(RidgeOnLatents):
    """The same on purely unsupervised latents."""

    name = "ridge-on-unguided-latents"
    summary = "linear regression on frozen latents pretrained without labels"
    pretraining_config = PretrainingConfig(guidance=0.0)


class Unguided(EEGDancer):
    """SAC on purely unsupervised latents."""

    name = "eegdancer-unguided"
    summary = "eegdancer with an encoder pretrained without labels"
    pretraining_config = PretrainingConfig(guidance=0.0)


class DirectActor(EEGDancer):
    """Absolute predictions and no discounting: a contextual bandit."""

    name = "eegdancer-bandit"
    summary = "eegdancer with the direct actor and gamma 0"
    agent_config = replace(AgentConfig(), actor="direct", gamma=0.0)


class DinkelbachReward(EEGDancer):
    """Trajectory reward: the per-step form of the CCC."""

    name = "eegdancer-ccc"
    summary = "eegdancer with the per-step CCC reward"
    agent_config = replace(AgentConfig(), reward="ccc")


class PrivilegedCritic(EEGDancer):
    """Critics see label information."""

    name = "eegdancer-privileged"
    summary = "eegdancer whose critics see label information"
    agent_config = replace(AgentConfig(), privileged=True)


class LastWeights(EEGDancer):
    """Neither weight averaging nor a late first evaluation."""

    name = "eegdancer-no-averaging"
    summary = "eegdancer without averaged actor weights, evaluated from the start"
    agent_config = replace(AgentConfig(), averaging=0.0, evaluate_from=0.0)


class MoreNoise(EEGDancer):
    """More noise on the latents in training."""

    name = "eegdancer-noise-0.5"
    summary = "eegdancer with latent noise 0.5"
    agent_config = replace(AgentConfig(), latent_noise=0.5)


class MoreUpdates(EEGDancer):
    """Two updates a step of all environments."""

    name = "eegdancer-2-updates"
    summary = "eegdancer with two updates after each step of all environments"
    agent_config = replace(AgentConfig(), gradient_steps=2)


class Longer(EEGDancer):
    """Twice as many environment steps."""

    name = "eegdancer-40k"
    summary = "eegdancer trained for 40,000 environment steps"
    agent_config = replace(AgentConfig(), total_steps=40_000)
