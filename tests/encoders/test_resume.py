"""A pretraining that was stopped at any epoch ends as one that was not."""

from dataclasses import replace

import pytest
import torch

from encoders import CheckpointError, StageConfig, pretrain
from tests.encoders.conftest import SETTINGS, SHAPE, made_trials


class Stopped(Exception):
    """Stands for a kill."""


def _stop_after(n_epochs: int):
    seen = []

    def on_epoch(progress):
        seen.append(progress)
        if len(seen) == n_epochs:
            raise Stopped

    return on_epoch


@pytest.mark.parametrize("n_epochs", [1, 3, 4, 7])
def test_stopped_and_resumed_gives_the_same_encoder(tmp_path, n_epochs):
    features, groups, labels = made_trials()
    settings, file = replace(SETTINGS, teacher=0.5), tmp_path / "pretraining.pt"
    whole = pretrain(features, groups, labels, SHAPE, settings).state_dict()
    with pytest.raises(Stopped):
        pretrain(features, groups, labels, SHAPE, settings, _stop_after(n_epochs), resume=file)
    assert file.exists()
    seen = []
    resumed = pretrain(features, groups, labels, SHAPE, settings, seen.append, resume=file)
    assert len(seen) == 9 - n_epochs
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.items())
    assert not file.exists()


def test_file_of_another_pretraining_is_refused(tmp_path):
    features, groups, labels = made_trials()
    file = tmp_path / "pretraining.pt"
    with pytest.raises(Stopped):
        pretrain(features, groups, labels, SHAPE, SETTINGS, _stop_after(1), resume=file)
    longer = replace(SETTINGS, vqvae=StageConfig(epochs=5))
    with pytest.raises(CheckpointError, match="other data or settings"):
        pretrain(features, groups, labels, SHAPE, longer, resume=file)
    with pytest.raises(CheckpointError, match="other data or settings"):
        pretrain([f + 1 for f in features], groups, labels, SHAPE, SETTINGS, resume=file)


def test_damaged_file_is_a_clear_error(tmp_path):
    features, groups, labels = made_trials()
    (tmp_path / "pretraining.pt").write_bytes(b"not a file of torch")
    with pytest.raises(CheckpointError, match="delete it to pretrain from the start"):
        pretrain(features, groups, labels, SHAPE, SETTINGS, resume=tmp_path / "pretraining.pt")
