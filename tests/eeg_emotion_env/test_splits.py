"""Protocols: what must be new in the test part is new, each trial is tested once at most."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import PROTOCOLS, make_split, validation_groups
from eeg_emotion_env.trial import TrialKey

NEW = {
    "leave-subject-out": ("subject",),
    "grouped-k-fold": ("subject",),
    "leave-stimulus-out": ("stimulus",),
    "leave-subject-and-stimulus-out": ("subject", "stimulus"),
    "cross-session": ("session",),
    "within-subject-chronological": (),
}
"""What training and test trials of a fold never share."""


def _keys(n_subjects=4, n_sessions=2, n_trials=6):
    ids = itertools.product(
        range(1, n_subjects + 1), range(1, n_sessions + 1), range(1, n_trials + 1)
    )
    return [TrialKey("made", *each, f"clip{each[2]:02d}") for each in ids]


def _ragged(counts):
    return [
        TrialKey("made", subject, 1, trial)
        for subject, n in enumerate(counts, start=1)
        for trial in range(1, n + 1)
    ]


def test_every_protocol_is_looked_at():
    assert set(NEW) == set(PROTOCOLS)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
@given(sizes=st.tuples(st.integers(3, 6), st.integers(2, 3), st.integers(3, 7)))
def test_what_is_tested_is_new(name, sizes):
    keys = _keys(*sizes)
    tested = []
    for fold in make_split(name, keys).folds:
        assert fold.train
        assert fold.test
        assert not set(fold.train) & set(fold.test)
        for attribute in NEW[name]:
            train, test = (
                {getattr(keys[i], attribute) for i in part} for part in (fold.train, fold.test)
            )
            assert not train & test
        tested += fold.test
    assert len(tested) == len(set(tested))
    if name != "within-subject-chronological":
        assert sorted(tested) == list(range(len(keys)))


@pytest.mark.parametrize("name", ["leave-subject-out", "grouped-k-fold"])
@given(counts=st.lists(st.integers(1, 5), min_size=3, max_size=8))
def test_subjects_of_any_size_without_stimuli(name, counts):
    keys = _ragged(counts)
    split = make_split(name, keys)
    assert sorted(i for fold in split.folds for i in fold.test) == list(range(len(keys)))
    for fold in split.folds:
        assert sorted(fold.train + fold.test) == list(range(len(keys)))


def test_chronology_is_kept_within_subject_and_session():
    keys = _keys(n_subjects=2, n_sessions=3, n_trials=15)
    folds = make_split("within-subject-chronological", keys).folds
    assert len(folds) == 6
    for fold in folds:
        train, test = ([keys[i] for i in part] for part in (fold.train, fold.test))
        assert len({(key.subject, key.session) for key in train + test}) == 1
        assert [key.trial for key in train] == list(range(1, 10))  # SEED's nine and six
        assert [key.trial for key in test] == list(range(10, 16))


def test_single_trials_are_left_out_of_the_chronological_protocol():
    folds = make_split("within-subject-chronological", _ragged([1, 4, 2])).folds
    assert [(len(fold.train), len(fold.test)) for fold in folds] == [(2, 2), (1, 1)]


def test_number_of_folds():
    assert len(make_split("leave-subject-out", _keys(4)).folds) == 4
    assert len(make_split("cross-session", _keys(4, 3)).folds) == 3
    assert len(make_split("leave-stimulus-out", _keys(), 3).folds) == 3
    assert len(make_split("leave-subject-and-stimulus-out", _keys(6), 3).folds) == 9


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_fingerprint_follows_the_trials_and_nothing_else(name):
    first = make_split(name, _keys()).fingerprint
    assert first == make_split(name, _keys()).fingerprint
    assert first != make_split(name, _keys(n_trials=7)).fingerprint
    others = {make_split(n, _keys()).fingerprint for n in PROTOCOLS}
    assert len(others) == len(PROTOCOLS)


def test_folds_are_immutable():
    split = make_split("leave-subject-out", _keys())
    with pytest.raises(AttributeError):
        split.folds[0].test = ()


def test_validation_groups():
    assert set(validation_groups(_keys(2))) == {"1", "2"}
    alone = validation_groups([key for key in _keys() if key.subject == 1])
    assert len(set(alone)) == len(alone) == 12


@pytest.mark.parametrize(
    ("name", "keys", "n_folds", "message"),
    [
        ("leave-subject", _keys(), None, "Did you mean 'leave-subject-out'"),
        ("leave-subject-out", _keys(2), None, "at least 3 subjects"),
        ("leave-subject-and-stimulus-out", _keys(2), None, "at least 3 subjects"),
        ("grouped-k-fold", _keys(3), 9, "between 2 and 3 folds"),
        ("leave-stimulus-out", _ragged([3, 3, 3]), None, "needs to know the stimuli"),
        ("leave-subject-and-stimulus-out", _ragged([3, 3, 3]), None, "needs to know the stimuli"),
        ("leave-subject-out", _keys(), 3, "n_folds is for"),
        ("cross-session", _keys(n_sessions=1), None, "at least two sessions"),
        ("within-subject-chronological", _ragged([1, 1, 1]), None, "at least two trials"),
    ],
)
def test_impossible_splits_are_refused(name, keys, n_folds, message):
    with pytest.raises(ConfigError, match=message):
        make_split(name, keys, n_folds)
