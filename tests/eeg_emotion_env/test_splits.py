"""Splits: whole subjects, every trial tested once, named by a fingerprint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import SPLITS, make_split
from eeg_emotion_env.trial import TrialKey


def _keys(counts):
    return [
        TrialKey("made", subject, 1, trial)
        for subject, n in enumerate(counts, start=1)
        for trial in range(1, n + 1)
    ]


@pytest.mark.parametrize("name", sorted(SPLITS))
@given(counts=st.lists(st.integers(1, 5), min_size=3, max_size=8))
def test_subjects_are_never_on_both_sides_and_each_trial_is_tested_once(name, counts):
    keys = _keys(counts)
    split = make_split(name, keys)
    tested = []
    for fold in split.folds:
        train = {keys[i].subject for i in fold.train}
        test = {keys[i].subject for i in fold.test}
        assert train
        assert test
        assert not train & test
        assert sorted(fold.train + fold.test) == list(range(len(keys)))
        tested += fold.test
    assert sorted(tested) == list(range(len(keys)))


def test_leave_subject_out_has_one_fold_a_subject():
    assert len(make_split("leave-subject-out", _keys([2, 2, 2, 2])).folds) == 4


def test_fingerprint_follows_the_trials():
    first = make_split("leave-subject-out", _keys([2, 2, 2])).fingerprint
    assert first == make_split("leave-subject-out", _keys([2, 2, 2])).fingerprint
    assert first != make_split("leave-subject-out", _keys([2, 2, 3])).fingerprint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("leave-subject", [2, 2, 2]), "Did you mean 'leave-subject-out'"),
        (("leave-subject-out", [2, 2]), "at least 3 subjects"),
        (("grouped-k-fold", [2, 2, 2], 9), "between 2 and 3 folds"),
        (("leave-subject-out", [2, 2, 2], 3), "n_folds is for grouped-k-fold"),
    ],
)
def test_impossible_splits_are_refused(arguments, message):
    name, counts, *rest = arguments
    with pytest.raises(ConfigError, match=message):
        make_split(name, _keys(counts), *rest)
