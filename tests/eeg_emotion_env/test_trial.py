"""A trial is checked once, at construction, and cannot be changed."""

import numpy as np
import pytest

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.trial import Trial, TrialKey


def make_trial(**changes) -> Trial:
    rng = np.random.default_rng(0)
    fields = {
        "features": rng.standard_normal((6, 2, 3)),
        "labels": np.linspace(-1, 1, 12).reshape(6, 2),
        "label_names": ("valence", "arousal"),
        "label_kind": "continuous-self",
        "step_s": 1.0,
        "channels": ("FZ", "CZ"),
        "bands": ("theta", "alpha", "beta"),
        "key": TrialKey("seed", 1, 2, 3, "clip03"),
        "origin": "1_20131030.mat: djc_eeg3",
    }
    return Trial(**{**fields, **changes})


def test_ids_and_sizes_are_at_hand():
    trial = make_trial()
    assert (trial.dataset, trial.subject, trial.session, trial.trial) == ("seed", 1, 2, 3)
    assert (trial.stimulus, trial.n_steps, trial.n_dims) == ("clip03", 6, 2)
    assert trial.features.dtype == trial.labels.dtype == np.float32
    assert "seed subject 1 session 2 trial 3" in repr(trial)


@pytest.mark.parametrize("name", ["features", "labels", "truth"])
def test_arrays_are_read_only(name):
    trial = make_trial(truth=np.zeros((6, 2)))
    with pytest.raises(ValueError, match="read-only"):
        getattr(trial, name)[0] = 1.0


def test_caller_keeps_a_writable_array():
    features = np.zeros((6, 2, 3), dtype=np.float32)
    make_trial(features=features)
    features[0] = 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.zeros((6, 2))}, "features must be"),
        ({"features": np.zeros((0, 2, 3)), "labels": np.zeros((0, 2))}, "features must be"),
        ({"features": np.full((6, 2, 3), np.nan)}, "features hold NaN"),
        ({"labels": np.zeros((5, 2))}, "labels must be"),
        ({"labels": np.full((6, 2), 1.5)}, r"labels must lie in \[-1, 1\]"),
        ({"labels": np.full((6, 2), np.inf)}, r"labels must lie in \[-1, 1\]"),
        ({"channels": ("FZ",)}, "2 channels × 3 bands, but 1 × 3 names"),
        ({"channels": ("FZ", "FZ")}, "names of channels must be unique"),
        ({"truth": np.zeros((6, 1))}, "truth must have the labels' shape"),
        ({"step_s": 0.0}, "step_s must be positive"),
        ({"label_kind": "felt"}, "label_kind must be one of"),
        ({"source": "dreamt"}, "source must be one of"),
        ({"normalization": "z"}, "normalization must be one of"),
    ],
)
def test_broken_invariants_name_the_origin(changes, message):
    with pytest.raises(DataError, match=message) as error:
        make_trial(**changes)
    assert str(error.value).startswith("1_20131030.mat: djc_eeg3: ")


def test_unannotated_steps_are_allowed():
    trial = make_trial().without_labels()
    assert np.isnan(trial.labels).all()
    assert trial.truth is None


@pytest.mark.parametrize(
    ("changes", "track"),
    [
        ({}, "causal"),
        ({"normalization": "past"}, "causal"),
        ({"normalization": "subject"}, "transductive"),
        ({"normalization": "past", "causal": False}, "non-causal"),
    ],
)
def test_track(changes, track):
    assert make_trial(**changes).track == track


def test_replace_refuses_unknown_fields():
    with pytest.raises(TypeError, match="no field"):
        make_trial().replace(subject=2)
