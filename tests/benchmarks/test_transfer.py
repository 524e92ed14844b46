"""Encoders from elsewhere: frozen, of other data, and never mistaken for one another."""

import shutil

import numpy as np
import pytest

from benchmarks.entries import resolve_entry
from benchmarks.runner import make_jobs
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.montage import directions
from eeg_emotion_env.splits import make_split
from encoders import EncoderConfig, PretrainingConfig, StageConfig, pretrain
from tests.benchmarks.conftest import BANDS, CHANNELS, made_trials


def _save(folder, seed=0, **described):
    trials, stage = made_trials(seed=9), StageConfig(epochs=1)
    pretrain(
        [t.features for t in trials],
        [t.subject for t in trials],
        config=EncoderConfig(12, 3, n_sites=12, codebook_size=8),
        pretraining=PretrainingConfig(vqvae=stage, dynamics=stage, seed=seed),
        description={
            "dataset": "elsewhere",
            "source": "simulated",
            "step_s": 1.0,
            "channels": list(CHANNELS),
            "bands": list(BANDS),
            **described,
        },
        positions=[directions(CHANNELS)] * len(trials),
    ).save(folder)


def test_regression_on_the_frozen_latents(tmp_path):
    _save(tmp_path / "encoder")
    trials = made_trials()
    entry = resolve_entry(f"benchmarks.transfer:{tmp_path / 'encoder'}")()
    entry.fit(trials[:-3])
    predictions = entry.predict(trials[-1].without_labels())
    assert predictions.shape == trials[-1].labels.shape
    assert np.isfinite(predictions).all()
    assert entry.causal


def test_another_encoder_in_the_folder_is_another_job(tmp_path):
    folder, trials = tmp_path / "encoder", made_trials()
    split = make_split("grouped-k-fold", [t.key for t in trials], 2)

    def fingerprints():
        name = f"benchmarks.transfer:{folder}"
        return [job.fingerprint for job in make_jobs(trials, split, [name], [0])]

    _save(folder)
    before = fingerprints()
    assert fingerprints() == before
    shutil.rmtree(folder)
    _save(folder, seed=1)
    assert not set(fingerprints()) & set(before)


@pytest.mark.parametrize(
    ("described", "message"),
    [({"dataset": "made"}, "was pretrained on made itself"), ({}, None)],
)
def test_encoders_of_the_data_set_itself_are_refused(tmp_path, described, message):
    _save(tmp_path / "encoder", **described)
    entry = resolve_entry(f"benchmarks.transfer:{tmp_path / 'encoder'}")()
    if message is None:
        entry.fit(made_trials())
    else:
        with pytest.raises(ConfigError, match=message):
            entry.fit(made_trials())
