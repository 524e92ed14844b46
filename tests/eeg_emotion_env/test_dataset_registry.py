"""Every data set has a complete card, valid default options, and behaves like the others."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from eeg_emotion_env.datasets import DATASETS, detect, get_dataset, load
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.trial import LABEL_KINDS
from encoders import shipped_encoders

TESTS = Path(__file__).parent
NAMES = sorted(DATASETS)


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name):
    card = DATASETS[name].card
    for field in fields(card):
        value = getattr(card, field.name)
        varies = field.name in ("stimuli_known", "n_subjects", "n_sessions", "n_trials", "sfreq")
        assert value or varies, field.name
    assert card.name == name == name.lower()
    assert card.env_id.startswith("EEGEmotion-")
    assert card.env_id.lower() == f"eegemotion-{name}-v0"
    assert card.label_kind in LABEL_KINDS
    assert set(card.label_names) <= {"valence", "arousal"}
    assert len(set(card.channels)) == len(card.channels)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_encoder_fits_the_stand_in(name):
    card = DATASETS[name].card
    facts = [list(card.channels), list(card.bands), card.step_s]
    shipped = [[d[k] for k in ("channels", "bands", "step_s")] for d in shipped_encoders().values()]
    assert facts in shipped


@pytest.mark.parametrize("name", NAMES)
def test_options_are_a_frozen_dataclass_that_survives_json(name):
    options = DATASETS[name].Options()
    assert is_dataclass(options)
    plain = json.loads(json.dumps({f.name: getattr(options, f.name) for f in fields(options)}))
    assert DATASETS[name].Options(**plain) == options
    with pytest.raises(AttributeError):
        options.step_s = 2.0


@pytest.mark.parametrize("name", NAMES)
def test_has_tests(name):
    module = name.replace("-", "_")
    folder = list((TESTS / module).glob("test_*.py"))  # of a long one
    assert (TESTS / f"test_dataset_{module}.py").is_file() or folder


@pytest.mark.parametrize("name", NAMES)
def test_simulation_has_the_shape_of_the_card(name):
    card = DATASETS[name].card
    trial = load(name, source="simulated")[0]
    assert trial.channels == card.channels
    assert trial.bands == card.bands
    assert trial.label_names == card.label_names
    assert trial.step_s == card.step_s
    assert trial.source == "simulated"
    assert np.isfinite(trial.labels).all()


@pytest.mark.parametrize("name", NAMES)
def test_empty_folder_is_refused_and_reported(name, tmp_path):
    dataset = DATASETS[name]
    assert not dataset.recognises(tmp_path)
    with pytest.raises(DataError, match=str(tmp_path)):
        dataset.recordings(tmp_path, dataset.Options())
    with pytest.raises(DataError, match="no recordings of"):
        load(name, source="recorded")


def test_env_ids_are_distinct():
    assert len({dataset.card.env_id for dataset in DATASETS.values()}) == len(DATASETS)


def test_unknown_name_gets_a_hint():
    with pytest.raises(ConfigError, match="Did you mean 'seed'"):
        get_dataset("sead")


def test_detect(written_seed, tmp_path):
    assert detect(written_seed).card.name == "seed"
    with pytest.raises(DataError, match="not the layout of a known data set"):
        detect(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        detect(tmp_path / "none")
