"""`eegdancer`: the whole system, pretrained and trained inside the fold."""

from collections.abc import Sequence
from dataclasses import replace

from agents.config import AgentConfig
from agents.training import train_agent
from benchmarks.entries.base import Entry, FloatArray
from eeg_emotion_env.playback import build_episodes
from eeg_emotion_env.trial import Trial
from encoders import FrozenEncoder, PretrainingConfig, StageConfig, pretrain

QUICK_STAGE = StageConfig(epochs=20, patience=6)


class EEGDancer(Entry):
    """Guided causal VQ-VAE and masked dynamics, frozen; SAC on their latents.

    Encoder, codebook, label scale and early stopping see training subjects alone.
    """

    name = "eegdancer"
    summary = "frozen causal VQ-VAE and masked dynamics, SAC on the latents"
    stochastic = True
    agent_config = AgentConfig()
    pretraining_config = PretrainingConfig()

    def fit(self, train: Sequence[Trial]) -> None:
        """Pretrain and freeze the encoder, then train the agent on its latents."""
        self._encoder = self._pretrained(train)
        config = replace(self.agent_config, seed=self.seed)
        if self.quick:
            config = replace(config, total_steps=config.total_steps // 2)
        self._agent = train_agent(
            build_episodes(list(train), self._encoder.encode),
            config,
            validation_subjects=self._encoder.description["validation_groups"],
        )

    def predict(self, trial: Trial) -> FloatArray:
        """Play the trial with the deterministic actor."""
        return self._agent.predict(build_episodes([trial], self._encoder.encode))[0]

    def _pretrained(self, train: Sequence[Trial]) -> FrozenEncoder:
        settings = replace(self.pretraining_config, seed=self.seed)
        if self.quick:
            settings = replace(settings, vqvae=QUICK_STAGE, dynamics=QUICK_STAGE)
        return pretrain(
            [trial.features for trial in train],
            [trial.subject for trial in train],
            [trial.labels for trial in train],
            pretraining=settings,
        )
