"""Time-shift null: against rolled arrays and enumerated swaps, and where it lies."""

import itertools

import numpy as np
import pytest
from scipy.signal import lfilter

from benchmarks.statistics.moments import Moments
from benchmarks.statistics.null import lags_of, null_means, shifted_sums
from benchmarks.statistics.sums import trial_sums
from eeg_emotion_env.metrics import score_concatenated
from tests.benchmarks.made_runs import made, random_run

A = ("a", "causal")


@pytest.mark.parametrize("n_steps", [30, 31])
def test_sums_at_lags_are_those_of_rolled_predictions(n_steps):
    rng = np.random.default_rng(0)
    labels, guesses = rng.uniform(-1, 1, (2, n_steps, 2))
    labels[:5, 0] = labels[12:14, 1] = np.nan
    p = made(labels, guesses)
    lags = np.array([0, 3, 7, 29])
    in_step = trial_sums(p.labels, p.predictions)
    for dim in range(2):
        label, guess = (track[:, dim].astype(float) for track in (p.labels, p.predictions))
        columns = shifted_sums(label, guess[None], in_step[None, dim], lags)
        found = np.stack([np.broadcast_to(values[0], len(lags)) for values in columns], axis=-1)
        for lag, sums in zip(lags, found, strict=True):
            # a correlation at a lag looks ahead, a roll back: over random lags they are the same
            expected = trial_sums(p.labels, np.roll(p.predictions, -lag, axis=0))
            np.testing.assert_allclose(sums, expected[dim], atol=1e-9)


@pytest.mark.parametrize(
    ("n_steps", "step_s", "least"),
    [(100, 1.0, 10), (100, 0.5, 20), (300, 1.0, 30), (30, 1.0, 8), (2, 1.0, 1)],
)
def test_lags_are_far_from_none_in_both_directions(n_steps, step_s, least):
    lags = lags_of(n_steps, step_s)
    assert list(lags) == list(range(least, n_steps - least + 1))


def test_a_single_step_has_nowhere_to_go():
    assert list(lags_of(1, 1.0)) == [0]


def test_null_is_the_score_of_rolled_trials():
    run = random_run(entries=("a",), n_subjects=1, n_trials=2, n_steps=6, step_s=4.0)
    lags = [[-int(lag) for lag in lags_of(6, 4.0)]] * 2
    possible = [
        score_concatenated(
            [p.labels for p in run],
            [np.roll(p.predictions, by, axis=0) for p, by in zip(run, shifts, strict=True)],
            ("valence", "arousal"),
        )["ccc"]
        for shifts in itertools.product(*lags)
    ]
    draws = null_means(run, 400)[A]
    assert len(possible) == 9
    assert np.unique(draws.round(6)) == pytest.approx(np.unique(np.round(possible, 6)), abs=2e-6)


def test_constant_labels_are_swapped_between_trials():
    levels, sizes = (0.8, 0.0, -0.4), (4, 6, 5)
    rng = np.random.default_rng(1)
    guesses = [rng.normal(level, 0.2, (n, 1)) for level, n in zip(levels, sizes, strict=True)]
    run = [
        made(np.full_like(guess, level), guess, trial=t)
        for t, (level, guess) in enumerate(zip(levels, guesses, strict=True), start=1)
    ]
    possible = [
        score_concatenated(
            [np.full((n, 1), level) for level, n in zip(order, sizes, strict=True)],
            [p.predictions for p in run],
            ("valence",),
        )["ccc"]
        for order in itertools.permutations(levels)
    ]
    draws = null_means(run, 600)[A]
    found, counts = np.unique(draws.round(6), return_counts=True)
    assert found == pytest.approx(np.sort(possible), abs=2e-6)
    assert counts.min() > 60


def test_one_constant_trial_has_nothing_to_swap():
    y = np.linspace(-1, 1, 40)[:, None]
    run = [made(y * 0 + 0.5, y, trial=1), made(y, y, trial=2)]
    draws = null_means(run, 50)[A]
    assert (draws < Moments.of(run).subject_ccc(A)[0, 0]).all()
    alone = null_means(run[:1], 50)[A]
    assert np.isnan(alone).all()


def test_constant_predictions_have_a_null_of_zero():
    y = np.linspace(-1, 1, 40)[:, None]
    assert (null_means([made(y, y * 0 + 0.9)], 50)[A] == 0).all()


def stationary(rng, n_steps):
    """Noise with a memory of five steps."""
    keep = np.exp(-1 / 5)
    return lfilter([1], [1, -keep], rng.normal(size=n_steps + 100))[100:, None] * 0.1


def test_unrelated_tracks_have_a_null_around_zero_that_holds_their_score():
    rng = np.random.default_rng(2)
    above, means = [], []
    for repeat in range(60):
        run = [
            made(stationary(rng, 120), stationary(rng, 120), "a", subject, 1, trial, step_s=1.0)
            for subject in range(4)
            for trial in range(3)
        ]
        draws = null_means(run, 200, seed=repeat)[A]
        means.append(draws.mean())
        above.append(Moments.of(run).subject_ccc(A).mean() > np.quantile(draws, 0.975))
    assert np.mean(means) == pytest.approx(0, abs=0.01)
    # one in forty would be exact; circular shifts are somewhat too narrow
    assert np.mean(above) < 0.15


def test_predictions_in_step_are_above_their_null_and_seeds_are_averaged():
    rng = np.random.default_rng(3)
    run = []
    for subject in range(4):
        labels = stationary(rng, 120)
        for seed in range(2):
            guess = labels + rng.normal(0, 0.1, labels.shape)
            run.append(made(labels, guess, "a", subject, step_s=1.0, seed=seed))
    draws = null_means(run, 300)[A]
    by_seed = [null_means([p for p in run if p.seed == seed], 300)[A] for seed in range(2)]
    np.testing.assert_allclose(draws, np.mean(by_seed, axis=0))
    assert Moments.of(run).subject_ccc(A).mean() > draws.max() + 0.1


def test_order_and_other_entries_do_not_matter():
    run = random_run(n_steps=60)
    both = null_means(run, 100)
    np.testing.assert_allclose(null_means(run[::-1], 100)[A], both[A])
    np.testing.assert_allclose(null_means([p for p in run if p.entry == "a"], 100)[A], both[A])
