"""Predictions of training people by models that did not learn from them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import ConfigError

FloatArray = NDArray[np.float32]


def cross_predictions(
    people: Sequence[str],
    n_folds: int,
    seed: int,
    predict: Callable[[int, set[str], set[str]], list[FloatArray]],
) -> list[FloatArray]:
    """Predict each trial by a model that did not learn from its person.

    Parameters
    ----------
    people : sequence of str
        Person of each trial.
    n_folds : int
        Groups of people; one model is trained for each, on the others.
    seed : int
        Seed of the grouping.
    predict : callable
        Given the number of the fold, the people to learn from and the people left out, trains and
        returns predictions of the latter's trials, in order.

    Returns
    -------
    list of ndarray
        Predictions of all trials, in order.
    """
    results: dict[int, FloatArray] = {}
    for number, left_out in enumerate(groups_of(people, n_folds, seed)):
        places = [i for i, person in enumerate(people) if person in left_out]
        made = predict(number, set(people) - left_out, left_out)
        results.update(zip(places, made, strict=True))
    return [results[i] for i in range(len(people))]


def groups_of(people: Sequence[str], n_folds: int, seed: int) -> list[set[str]]:
    """Divide people into groups of about equal numbers of people, by chance."""
    names = sorted(set(people))
    if not 2 <= n_folds <= len(names):
        raise ConfigError(f"needs 2 to {len(names)} groups of {len(names)} people, not {n_folds}")
    order = np.random.default_rng(seed).permutation(len(names))
    return [{names[i] for i in order[start::n_folds]} for start in range(n_folds)]
