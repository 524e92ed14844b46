"""Training people are predicted by models that did not learn from them."""

import numpy as np
import pytest

from agents.cross_fitting import cross_predictions, groups_of
from eeg_emotion_env.errors import ConfigError

PEOPLE = ("b", "a", "b", "c", "a", "d", "e")


@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_nobody_is_predicted_by_a_model_that_learnt_from_them(n_folds):
    seen = []

    def predict(number, learnt, left_out):
        assert number == len(seen)
        assert learnt | left_out == set(PEOPLE)
        assert not learnt & left_out
        seen.append(left_out)
        return [np.full((2, 1), i) for i, person in enumerate(PEOPLE) if person in left_out]

    made = cross_predictions(PEOPLE, n_folds, 0, predict)
    assert [int(values[0, 0]) for values in made] == list(range(len(PEOPLE)))
    assert len(seen) == n_folds
    assert sorted(person for group in seen for person in group) == sorted(set(PEOPLE))


def test_groups_are_of_about_one_size_and_follow_the_seed():
    people = [str(number) for number in range(11)]
    assert sorted(map(len, groups_of(people, 4, 0))) == [2, 3, 3, 3]
    assert groups_of(people, 4, 0) == groups_of(people[::-1], 4, 0)
    assert groups_of(people, 4, 0) != groups_of(people, 4, 1)


def test_impossible_numbers_of_groups_are_refused():
    with pytest.raises(ConfigError, match="needs 2 to 5 groups of 5 people, not 6"):
        groups_of(PEOPLE, 6, 0)
