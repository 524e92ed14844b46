"""The reference belongs to its encoder."""

import shutil

import pytest

from agents.live import load_live_model, load_reference
from encoders import load_encoder
from encoders.errors import CheckpointError
from tests.agents.live.conftest import save_model


def test_a_reference_of_another_encoder_is_refused(model_folder, tmp_path):
    mine = load_encoder(model_folder / "encoder").fingerprint
    assert load_reference(model_folder, mine) is not None
    with pytest.raises(CheckpointError, match="does not say that it is of the encoder beside it"):
        load_reference(model_folder, "another")
    assert load_reference(save_model(tmp_path / "without"), mine) is None


def test_a_model_with_a_reference_from_elsewhere_is_refused(model_folder, tmp_path):
    from agents.live import Reference
    from eeg_emotion_env.features import log_band_power
    from tests.agents.live.conftest import SFREQ, made_eeg

    folder = shutil.copytree(model_folder, tmp_path / "model")
    rows = log_band_power(made_eeg(20)[:, :32].T, SFREQ)
    Reference.fit([rows]).save(folder, "another")
    with pytest.raises(CheckpointError, match="train again"):
        load_live_model(folder)
