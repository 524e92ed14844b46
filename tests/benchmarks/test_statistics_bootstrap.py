"""Hierarchical bootstrap: against explicit resamples, and its coverage."""

import math

import numpy as np
import pytest

from benchmarks.statistics.bootstrap import (
    TRIAL_STREAM,
    _resampled,
    _trial_weights,
    bootstrap_means,
    interval,
)
from benchmarks.statistics.moments import Moments
from benchmarks.statistics.sums import trial_sums
from eeg_emotion_env.metrics import episode_metrics
from tests.benchmarks.made_runs import made, random_run

A, B = ("a", "causal"), ("b", "causal")


def test_a_resample_scores_like_its_concatenated_trials():
    run = random_run(entries=("a",), n_subjects=1, n_trials=4)
    sums = np.stack([trial_sums(p.labels, p.predictions) for p in run])[None]
    weights = np.array([[1, 1, 1, 1], [2, 0, 0, 2], [0, 3, 1, 0]])
    for row, found in zip(weights, _resampled(sums, weights.astype(float), [0]), strict=True):
        drawn = [p for p, times in zip(run, row, strict=True) for _ in range(times)]
        labels, guesses = (
            np.concatenate([getattr(p, name) for p in drawn]) for name in ("labels", "predictions")
        )
        expected = episode_metrics(labels, guesses, ("valence", "arousal"))["ccc"]
        assert found == pytest.approx(expected, rel=1e-9)


def test_with_one_trial_each_it_is_the_plain_bootstrap_of_subjects():
    moments = Moments.of(random_run(n_subjects=7, n_trials=1))
    drawn = np.random.default_rng(5).integers(7, size=(300, 7))
    for name, means in bootstrap_means(moments, 300, seed=5).items():
        expected = moments.subject_ccc(name)[0][drawn].mean(axis=1)
        np.testing.assert_allclose(means, expected, rtol=1e-12)


def test_trials_are_not_drawn_by_the_stream_that_draws_subjects():
    # five subjects of five trials: one stream for both would give both the same numbers
    drawn = np.random.default_rng(0).integers(5, size=(400, 5))
    counts = _trial_weights(len(drawn), 5, [0, TRIAL_STREAM, 0])
    same = np.stack([np.bincount(row, minlength=5) for row in drawn])
    assert (counts == same).all(axis=1).mean() < 0.1


def test_draws_are_paired_and_do_not_depend_on_other_entries():
    run = random_run(seeds=(0, 1))
    both = bootstrap_means(Moments.of(run), 200)
    alone = bootstrap_means(Moments.of([p for p in run if p.entry == "a"]), 200)
    np.testing.assert_array_equal(both[A], alone[A])
    assert both[A].std() > 0
    copies = [made(p.labels, p.predictions, "b", p.key.subject, 1, p.key.trial) for p in run[:12:4]]
    originals = [
        made(p.labels, p.predictions, "a", p.key.subject, 1, p.key.trial) for p in run[:12:4]
    ]
    twins = bootstrap_means(Moments.of(originals + copies), 200)
    np.testing.assert_array_equal(twins[A], twins[B])


def test_resamples_of_trials_and_seeds_widen_the_interval():
    noise = np.random.default_rng(0)
    run = []
    for subject in range(1, 7):
        for trial in range(1, 5):
            labels = noise.normal(size=(30, 1)) * 0.3
            for seed in range(3):
                guess = labels * (0.2 + 0.3 * seed) + noise.normal(0, 0.2, labels.shape)
                run.append(made(labels, guess, "a", subject, 1, trial, seed=seed))
    moments = Moments.of(run)
    spread = bootstrap_means(moments, 2000)[A].std()
    by_subject = moments.subject_ccc(A).mean(axis=0)
    subjects_alone = by_subject[np.random.default_rng(0).integers(6, size=(2000, 6))].mean(1).std()
    assert spread > 1.2 * subjects_alone
    one_seed = Moments.of([p for p in run if p.seed == 1])
    assert spread > bootstrap_means(one_seed, 2000)[A].std()


def test_subjects_whose_label_is_constant_are_left_out():
    y = np.linspace(-1, 1, 8)[:, None]
    run = [made(y, y * k / 4, subject=k) for k in (1, 2, 3)]
    run += [made(y * 0, y, subject=4)]
    moments = Moments.of(run)
    draws = bootstrap_means(moments, 500)[A]
    scores = moments.subject_ccc(A)[0]
    assert math.isnan(scores[3])
    known = draws[~np.isnan(draws)]
    assert known.min() == pytest.approx(scores[:3].min())
    assert known.max() == pytest.approx(scores[:3].max())
    # four draws of the fourth subject leave nothing
    assert np.isnan(draws).mean() == pytest.approx(1 / 4**4, abs=0.01)


def test_interval_is_centred_on_the_estimate_and_needs_three_subjects():
    draws = np.random.default_rng(0).normal(0.4, 0.1, 10_000)
    low, high = interval(draws, np.array([0.4, 0.5, 0.6]))
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * 0.1, rel=0.05)
    assert all(math.isnan(end) for end in interval(draws, np.array([0.4, math.nan, 0.6])))


def simulated_subjects(rng, n_subjects, n_trials):
    """Sums of subjects who differ in skill, with trials that differ in level and offset."""
    shape = (n_subjects, n_trials, 1, 1)
    y = rng.normal(0, 0.3, shape) + np.cumsum(rng.normal(0, 0.06, (*shape[:2], 25, 1)), axis=2)
    skill = rng.normal(0.6, 0.2, (n_subjects, 1, 1, 1))
    a = skill * y + rng.normal(0, 0.2, shape) + rng.normal(0, 0.2, y.shape)
    sums = np.array(
        [
            trial_sums(*pair)
            for pair in zip(*map(list, (y.reshape(-1, 25, 1), a.reshape(-1, 25, 1))), strict=True)
        ]
    )
    trials = tuple((s, 1, t) for s in range(n_subjects) for t in range(n_trials))
    owners = np.repeat(np.arange(n_subjects), n_trials)
    return Moments(trials, tuple(range(n_subjects)), owners, {A: sums[None]}, {})


@pytest.mark.parametrize(("n_subjects", "n_trials"), [(10, 4), (6, 12)])
def test_nineteen_of_twenty_intervals_hold_the_truth(n_subjects, n_trials):
    rng = np.random.default_rng(1)
    truth = simulated_subjects(rng, 3000, n_trials).subject_ccc(A).mean()
    held = []
    for repeat in range(150):
        moments = simulated_subjects(rng, n_subjects, n_trials)
        low, high = interval(bootstrap_means(moments, 400, repeat)[A], moments.subject_ccc(A)[0])
        held.append(low <= truth <= high)
    # 0.95 ± 0.018 (standard error of 150 repeats), and somewhat less with so few subjects
    assert 0.88 <= np.mean(held) <= 0.99
