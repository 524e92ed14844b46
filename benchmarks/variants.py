"""Variants of `eegdancer` for experiments: ``--entries benchmarks.variants:DirectActor,…``.

Each changes one thing; what they gave stands in ``benchmarks/EXPERIMENTS.md``.
"""

from dataclasses import replace

from agents.config import AgentConfig
from benchmarks.entries.eegdancer import EEGDancer, NoRL
from encoders import PretrainingConfig


class UnguidedRidge(NoRL):
    """Linear regression on purely unsupervised latents."""

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
