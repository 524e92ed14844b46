"""`eegdancer`: the whole system, pretrained and trained inside the fold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.config import AgentConfig
from agents.training import TrainingProgress, train_agent
from benchmarks.entries.base import Entry, FloatArray, Report
from eeg_emotion_env.playback import Episode, build_episodes
from eeg_emotion_env.trial import Trial
from encoders import (
    EncoderConfig,
    FrozenEncoder,
    PretrainingConfig,
    Progress,
    StageConfig,
    pretrain,
)

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

    def fit(self, train: Sequence[Trial], report: Report | None = None) -> None:
        """Pretrain and freeze the encoder, then train the agent on its latents."""
        self._encoder = self._pretrained(train, report)
        config = replace(self.agent_config, seed=self.seed)
        if self.quick:
            config = replace(config, total_steps=config.total_steps // 2)
        episodes = build_episodes(list(train), self._encoder.encode)
        self._agent = train_agent(episodes, config, _agent_line(report))

    def predict(self, trial: Trial) -> FloatArray:
        """Play the trial with the deterministic actor."""
        episode = Episode(
            latents=self._encoder.encode(trial.features),
            labels=np.full_like(trial.labels, np.nan),
            key=trial.key,
            label_names=trial.label_names,
            step_s=trial.step_s,
            source=trial.source,
            track=trial.track,
        )
        return self._agent.predict([episode])[0]

    def _pretrained(self, train: Sequence[Trial], report: Report | None) -> FrozenEncoder:
        settings = replace(self.pretraining_config, seed=self.seed)
        if self.quick:
            settings = replace(settings, vqvae=QUICK_STAGE, dynamics=QUICK_STAGE)
        _, n_channels, n_bands = train[0].features.shape

        def line(progress: Progress) -> None:
            if report is not None:
                report(f"{progress.stage} epoch {progress.epoch}, best {progress.best:.3f}")

        return pretrain(
            [trial.features for trial in train],
            [trial.subject for trial in train],
            [trial.labels for trial in train],
            EncoderConfig(n_channels, n_bands),
            settings,
            line,
        )


def _agent_line(report: Report | None) -> "AgentReport | None":
    return None if report is None else AgentReport(report)


class AgentReport:
    """Turns training progress into a line."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __call__(self, progress: TrainingProgress) -> None:
        """Report step and best validation CCC."""
        self._report(f"SAC step {progress.step}, best validation CCC {progress.best:.3f}")
