"""`eegdancer`: the whole system, pretrained and trained inside the fold; and its ablations."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
from sklearn.linear_model import Ridge

from agents.config import AgentConfig
from agents.training import train_agent
from benchmarks.entries.base import Entry, FloatArray, limited
from benchmarks.entries.tuning import BUDGET, best_of
from eeg_emotion_env.features import band_centres
from eeg_emotion_env.montage import directions
from eeg_emotion_env.playback import build_episodes
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial
from encoders import EncoderConfig, FrozenEncoder, PretrainingConfig, StageConfig, pretrain

QUICK_STAGE = StageConfig(epochs=20, patience=6)
PENALTIES = (300.0, 30.0, 3000.0)[:BUDGET]
"""Penalties of the ridge regression on latents that are tried inside the fold."""


N_KEPT = 64
"""Encoders that a process keeps, so that entries which differ in what follows share them."""

_kept: OrderedDict[str, FrozenEncoder] = OrderedDict()


def pretrained(*arguments: Any, **settings: Any) -> FrozenEncoder:
    """Do as `encoders.pretrain`, once for all entries with the same arguments.

    Everything that pretraining sees is part of the key, and it is a function of nothing else:
    whether an encoder was kept or made anew changes no number.
    """
    key = joblib.hash((arguments, settings))
    if key not in _kept:
        _kept[key] = pretrain(*arguments, **settings)
        if len(_kept) > N_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


class OnLatents(Entry):
    """Base of entries that pretrain and freeze an encoder inside the fold.

    Encoder, codebook, label scale and early stopping see training trials alone.
    """

    stochastic = True
    pretraining_config = PretrainingConfig()
    encoder_options: Mapping[str, Any] = {}
    """What differs from `EncoderConfig`'s defaults."""

    def latents(self, trial: Trial) -> FloatArray:
        """Return the latents that the entry works on, shape (n_steps, n_latent)."""
        return self._encoder.encode(trial.features)

    def _pretrain(self, train: Sequence[Trial]) -> None:
        settings = replace(self.pretraining_config, seed=self.seed)
        if self.quick:
            settings = replace(settings, vqvae=QUICK_STAGE, dynamics=QUICK_STAGE)
        options, first = dict(self.encoder_options), train[0]
        n_inputs = options.get("n_sites") or len(first.channels)
        # without sites nobody needs to know where channels are, nor that they are electrodes
        on_sites = options.get("n_sites", 0) > 0
        positions = [directions(trial.channels) for trial in train] if on_sites else None
        if settings.target == "aperiodic-removed":
            settings = replace(settings, band_hz=band_centres(first.bands))
        self._encoder = pretrained(
            [trial.features for trial in train],
            validation_groups([trial.key for trial in train]),
            [trial.labels for trial in train],
            EncoderConfig(n_inputs, len(first.bands), **options),
            pretraining=settings,
            positions=positions,
        )

    @property
    def encoder(self) -> FrozenEncoder:
        """The frozen encoder, after `fit`."""
        return self._encoder

    @property
    def _validation_groups(self) -> list[str]:
        """Groups that the encoder was stopped on: their labels did not guide it."""
        groups: list[str] = self._encoder.description["validation_groups"]
        return groups


class EEGDancer(OnLatents):
    """Guided causal VQ-VAE and masked dynamics, frozen; SAC on their latents."""

    name = "eegdancer"
    summary = "frozen causal VQ-VAE and masked dynamics, SAC on the latents"
    agent_config = AgentConfig()

    def fit(self, train: Sequence[Trial]) -> None:
        """Pretrain and freeze the encoder, then train the agent on its latents."""
        self._pretrain(train)
        config = replace(self.agent_config, seed=self.seed)
        if self.quick:
            config = replace(config, total_steps=config.total_steps // 2)
        self._agent = train_agent(
            [self._episode(trial) for trial in train],
            config,
            groups=validation_groups([trial.key for trial in train]),
            validation_groups=self._validation_groups,
        )

    def predict(self, trial: Trial) -> FloatArray:
        """Play the trial with the deterministic actor."""
        return self._agent.predict([self._episode(trial)])[0]

    def _episode(self, trial: Trial):  # type: ignore[no-untyped-def]
        return build_episodes([trial], lambda features: self.latents(trial))[0]


class NoVQ(EEGDancer):
    """The code is its own continuous value; the dynamics predict it instead of a prototype."""

    name = "eegdancer-no-vq"
    summary = "eegdancer without quantisation"
    encoder_options: Mapping[str, Any] = {"quantizer": "none"}


class NoDynamics(EEGDancer):
    """Latents are prototype and residual alone."""

    name = "eegdancer-no-dynamics"
    summary = "eegdancer without the masked dynamics' state"
    pretraining_config = PretrainingConfig(dynamics=StageConfig(epochs=1))

    def latents(self, trial: Trial) -> FloatArray:
        """Return prototype and residual."""
        return super().latents(trial)[:, : 2 * self._encoder.config.code_dim]


class NoRL(OnLatents):
    """Ridge regression on the same latents."""

    name = "eegdancer-no-rl"
    summary = "linear regression on the frozen latents, no reinforcement learning"

    def fit(self, train: Sequence[Trial]) -> None:
        """Pretrain the encoder, choose the penalty on its validation groups, fit on everybody."""
        self._pretrain(train)
        groups = validation_groups([trial.key for trial in train])
        kept_out = set(self._validation_groups)
        fitting = [t for t, group in zip(train, groups, strict=True) if group not in kept_out]
        validation = [t for t, group in zip(train, groups, strict=True) if group in kept_out]
        self.penalty, _ = best_of(PENALTIES, lambda p: self._fitted(p, fitting), validation)
        self._predict = self._fitted(self.penalty, train)

    def predict(self, trial: Trial) -> FloatArray:
        """Predict from the latents."""
        return self._predict(trial)

    def _fitted(self, penalty: float, trials: Sequence[Trial]):  # type: ignore[no-untyped-def]
        x = np.concatenate([self.latents(trial) for trial in trials])
        y = np.concatenate([trial.labels for trial in trials])
        annotated = ~np.isnan(y).any(axis=1)
        model = Ridge(alpha=penalty).fit(x[annotated], y[annotated])

        def predict(trial: Trial) -> FloatArray:
            return limited(model.predict(self.latents(trial)).reshape(trial.n_steps, trial.n_dims))

        return predict


class GammaZero(EEGDancer):
    """No look at later rewards: a contextual bandit."""

    name = "eegdancer-gamma-0"
    summary = "eegdancer with discount 0"
    agent_config = replace(AgentConfig(), gamma=0.0)


class AsymmetricCritic(EEGDancer):
    """Critics see label information; the default's are symmetric."""

    name = "eegdancer-asymmetric"
    summary = "eegdancer whose critics see label information (the actor never does)"
    agent_config = replace(AgentConfig(), privileged=True)


class CCCReward(EEGDancer):
    """Trajectory reward: the per-step form of the CCC."""

    name = "eegdancer-ccc"
    summary = "eegdancer with the per-step CCC reward"
    agent_config = replace(AgentConfig(), reward="ccc")
