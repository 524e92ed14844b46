"""Sums, paired tests and roles, against slow and independent computation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.scores import subject_scores, trial_rows
from benchmarks.statistics.moments import Moments, natural
from benchmarks.statistics.paired import (
    cliques,
    cohens_dz,
    compare_all,
    holm,
    mean_and_error,
    signed_rank,
    smallest_p,
)
from benchmarks.statistics.roles import full_name, role_of, without_high_bands
from benchmarks.statistics.sums import ccc_of_sums, trial_sums
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import ccc
from tests.benchmarks.made_runs import CONTEXT, made, random_run

rng = np.random.default_rng(0)


def slow_ccc(y, a):
    """Lin's coefficient, term by term, over annotated steps."""
    pairs = [(float(u), float(v)) for u, v in zip(y, a, strict=True) if not math.isnan(u)]
    n = len(pairs)
    mean_y, mean_a = sum(u for u, _ in pairs) / n, sum(v for _, v in pairs) / n
    cov = sum((u - mean_y) * (v - mean_a) for u, v in pairs) / n
    var_y = sum((u - mean_y) ** 2 for u, _ in pairs) / n
    var_a = sum((v - mean_a) ** 2 for _, v in pairs) / n
    return 2 * cov / (var_y + var_a + (mean_y - mean_a) ** 2)


def test_ccc_of_sums_is_the_direct_formula_also_with_gaps():
    y = rng.uniform(-1, 1, (50, 2))
    a = 0.5 * y + rng.normal(0, 0.3, y.shape)
    y[:7, 0] = y[20:30, 1] = math.nan
    found = ccc_of_sums(trial_sums(y, a))
    assert found == pytest.approx([slow_ccc(y[:, d], a[:, d]) for d in range(2)], rel=1e-12)


def test_sums_add_up_to_those_of_concatenated_trials():
    trials = [(rng.normal(size=(n, 1)), rng.normal(size=(n, 1))) for n in (5, 9, 17)]
    whole = [np.concatenate(tracks) for tracks in zip(*trials, strict=True)]
    added = sum(trial_sums(y, a) for y, a in trials)
    np.testing.assert_allclose(added, trial_sums(*whole), rtol=1e-12)


@given(
    st.lists(st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)), min_size=1),
    st.floats(-1, 1, width=32),
)
def test_conventions_are_those_of_the_metrics(pairs, level):
    y, a = np.array(pairs).T
    flat = np.full_like(y, level)
    for label, guess in ((y, a), (flat, a), (y, flat), (flat, flat)):
        found = ccc_of_sums(trial_sums(label[:, None], guess[:, None]))[0]
        assert found == pytest.approx(ccc(label, guess), abs=1e-6, nan_ok=True)


def test_undefined_scores():
    y, a = np.array([[0.0], [1.0]]), np.array([[0.3], [0.4]])
    assert math.isnan(ccc_of_sums(trial_sums(y * 0 + 0.9, a))[0])
    assert math.isnan(ccc_of_sums(trial_sums(y * math.nan, a))[0])
    assert ccc_of_sums(trial_sums(y, a * 0 + 0.9))[0] == 0


def test_subject_scores_from_sums_are_those_of_the_table():
    run = random_run(seeds=(0, 1))
    moments = Moments.of(run[::-1])
    scores = subject_scores(run).set_index(["entry", "subject"])["ccc"]
    for entry in ("a", "b"):
        found = moments.subject_ccc((entry, "causal"))
        assert found.shape == (2, 4)
        np.testing.assert_allclose(found.mean(axis=0), scores[entry], rtol=1e-6)


def test_rows_of_results_give_the_same_sums():
    run = random_run(seeds=(0, 1))
    there, back = Moments.of(run), Moments.of_rows(trial_rows(run, CONTEXT))
    assert there.trials == back.trials
    assert there.covered == back.covered
    for name, sums in there.sums.items():
        np.testing.assert_array_equal(sums, back.sums[name])


def test_trials_are_in_natural_order_and_absent_ones_count_nothing():
    y = [[0.0], [1.0]]
    run = [made(y, y, subject=s, entry=e) for e, s in (("a", 10), ("a", 2), ("b", 2), ("a", "P1"))]
    moments = Moments.of(run)
    assert moments.subjects == (2, 10, "P1")
    assert moments.covered["b", "causal"] == {0}
    found = moments.subject_ccc(("b", "causal"))
    assert found == pytest.approx(np.array([[1, math.nan, math.nan]]), nan_ok=True)
    assert sorted(["P2", "11", 2, "P1"], key=natural) == [2, "11", "P1", "P2"]


def test_a_trial_predicted_twice_is_refused():
    one = made([[0.0], [1.0]], [[0.0], [1.0]])
    with pytest.raises(ConfigError, match=r"'a' with seed 0 predicted \(1, 1, 1\) twice"):
        Moments.of([one, one])


def enumerated_p(differences):
    """Two-sided p of the signed-rank sum over all sign patterns."""
    ranks = stats.rankdata(np.abs(differences))
    middle = ranks.sum() / 2
    seen = abs(ranks[np.asarray(differences) > 0].sum() - middle)
    sums = [
        sum(rank for rank, up in zip(ranks, signs, strict=True) if up)
        for signs in itertools.product((0, 1), repeat=len(ranks))
    ]
    return np.mean([abs(total - middle) >= seen - 1e-9 for total in sums])


@pytest.mark.parametrize("n", [3, 6, 9])
def test_signed_rank_is_exact(n):
    for _ in range(5):
        differences = rng.normal(0.3, 1, n)
        assert signed_rank(differences).p == pytest.approx(enumerated_p(differences))


def test_signed_rank_on_a_textbook_example():
    # Darwin's plants (Fisher 1935): W- = 24 of 15 pairs, exact two-sided p = 0.0413
    inches = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    found = signed_rank(np.array(inches) / 8)
    assert found.n == 15
    assert found.p == pytest.approx(0.0413, abs=5e-5)
    assert found.effect == pytest.approx((96 - 24) / 120)


def test_zeros_are_dropped_ties_are_cautious_and_nan_is_left_out():
    differences = np.array([0.1, -0.2, 0.3, 0.5, 0.7])
    plain = signed_rank(differences)
    assert signed_rank([*differences, 0.0, 1e-15, math.nan]) == plain
    tied = [1, 1, 1, 2, 2, -1, 3]
    assert enumerated_p(tied) <= signed_rank(tied).p <= 1.7 * enumerated_p(tied)
    assert signed_rank([0.0, 0.0]) == (0, 1.0, 0.0)
    assert all(math.isnan(value) for value in signed_rank([math.nan])[1:])
    assert math.isnan(signed_rank([])[1])


@pytest.mark.parametrize(("n", "p"), [(5, 0.0625), (6, 0.03125), (15, 2 / 2**15)])
def test_smallest_p_is_reached_when_all_differences_agree(n, p):
    differences = np.arange(1, n + 1) / 100
    assert smallest_p(n) == signed_rank(differences).p == pytest.approx(p)
    assert signed_rank(differences).effect == 1
    assert signed_rank(-differences).effect == -1


def test_effect_by_hand():
    # ranks 1, 2, 3 above zero and 4 below: (6 - 4) / 10
    assert signed_rank([0.1, 0.2, 0.3, -0.4]).effect == pytest.approx(0.2)


def test_cohens_dz_and_its_interval():
    differences = np.array([0.1, 0.3, -0.05, 0.2, 0.25, 0.4, math.nan])
    found = cohens_dz(differences)
    known = differences[:-1]
    t = stats.ttest_1samp(known, 0).statistic
    assert found.dz == pytest.approx(t / math.sqrt(6))
    # the ends are the effects under which so large, or so small, a t would be rare
    for end, tail in ((found.low, stats.nct.sf), (found.high, stats.nct.cdf)):
        assert tail(t, 5, end * math.sqrt(6)) == pytest.approx(0.025, abs=1e-6)
    opposite = cohens_dz(-differences)
    assert opposite == pytest.approx((-found.dz, -found.high, -found.low), rel=1e-4)
    for nothing in ([0.1, 0.2], [0.3, 0.3, 0.3], []):
        assert np.isnan(cohens_dz(nothing)).all()
    same = cohens_dz([1.0, 1.0001, 1.0])
    assert same.dz > 1000


def test_nineteen_of_twenty_intervals_of_dz_hold_the_truth():
    draws = np.random.default_rng(0).normal(0.8, 1.0, (400, 8))
    held = [low <= 0.8 <= high for _, low, high in map(cohens_dz, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.033)


def test_holm_on_a_textbook_example():
    # 0.005 × 4, 0.01 × 3, 0.03 × 2, and the last no smaller than the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, math.nan, 0.9]) == pytest.approx([0.8, math.nan, 0.9], nan_ok=True)
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert holm([]).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values):
    rejected = set()
    for step, i in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[i] * (len(p_values) - step) >= 0.05:
            break
        rejected.add(int(i))
    assert {i for i, p in enumerate(holm(p_values)) if p < 0.05} == rejected


def test_all_pairs_ranks_and_corrected_p_values():
    scores = np.array([[0.9, 0.5, 0.5], [0.8, 0.6, 0.1], [0.7, 0.2, 0.3], [math.nan, 0.1, 0.2]])
    found = compare_all(scores)
    assert found.n_subjects == 3
    assert found.ranks == pytest.approx([1, (2.5 + 2 + 3) / 3, (2.5 + 3 + 2) / 3])
    complete = scores[:3]
    pairs = [(0, 1), (0, 2), (1, 2)]
    raw = [signed_rank(complete[:, i] - complete[:, j]).p for i, j in pairs]
    for (i, j), p, corrected in zip(pairs, raw, holm(raw), strict=True):
        assert found.p[i, j] == found.p[j, i] == p
        assert found.p_holm[i, j] == found.p_holm[j, i] == corrected
    assert np.isnan(found.p.diagonal()).all()
    assert found.p_friedman == stats.friedmanchisquare(*complete.T).pvalue
    assert math.isnan(compare_all(scores[:, :2]).p_friedman)
    assert math.isnan(compare_all(np.ones((4, 3))).p_friedman)


def test_cliques_are_the_longest_runs_without_a_difference():
    p = np.ones((4, 4))
    p[0, 2] = p[2, 0] = 0.01
    p[3, :3] = p[:3, 3] = 0.04
    assert cliques(np.array([1.0, 2.0, 3.0, 4.0]), p) == [(0, 1), (1, 2)]
    # positions follow the ranks, whatever the order of the methods
    shuffled = np.array([2, 0, 3, 1])
    assert cliques(np.array([1.0, 2, 3, 4])[shuffled], p[np.ix_(shuffled, shuffled)]) == [
        (0, 1),
        (1, 2),
    ]
    assert cliques(np.array([1.0, 2.0]), np.zeros((2, 2))) == []
    assert cliques(np.array([2.0, 1.0, 3.0]), np.ones((3, 3))) == [(0, 2)]


def test_critical_difference_is_that_of_demsar():
    # Demšar (2006): four classifiers on 14 data sets, q = 2.569 at 0.05
    scores = np.random.default_rng(0).normal(size=(14, 4))
    assert compare_all(scores).critical_difference == pytest.approx(
        2.569 * math.sqrt(4 * 5 / (6 * 14)), abs=5e-4
    )
    assert math.isnan(compare_all(scores[:, :1]).critical_difference)


def test_ranks_tell_apart_where_exact_tests_cannot():
    scores = np.tile(np.arange(12.0), (8, 1)) + np.random.default_rng(0).normal(0, 0.1, (8, 12))
    found = compare_all(scores)
    # 66 pairs of 8 subjects
    assert found.smallest_p == pytest.approx(66 * 2 / 2**8)
    assert not found.exact
    runs = found.cliques()
    difference = int(found.critical_difference)
    assert runs == [(first, first + difference) for first in range(12 - difference)]
    some = compare_all(scores[:, :3])
    assert some.exact
    assert some.cliques() == []


def test_mean_and_error():
    values = [0.1, 0.4, math.nan, 0.3]
    mean, error, n = mean_and_error(values)
    assert (mean, n) == (pytest.approx(0.8 / 3), 3)
    assert error == pytest.approx(stats.sem([0.1, 0.4, 0.3]))
    assert mean_and_error([0.5])[2] == 1
    assert math.isnan(mean_and_error([0.5])[1])
    assert math.isnan(mean_and_error([math.nan])[0])


@pytest.mark.parametrize(
    ("entry", "role", "full"),
    [
        ("ridge", "entry", "ridge"),
        ("eegdancer", "entry", "eegdancer"),
        ("someone's", "entry", "someone's"),
        ("oracle-filter", "oracle", "oracle-filter"),
        ("oracle-of-another", "oracle", "oracle-of-another"),
        ("oracle-filter (<30 Hz)", "oracle", "oracle-filter"),
        ("gru (<30 Hz)", "variant", "gru"),
        ("gru@no-muscle", "variant", "gru"),
    ],
)
def test_roles(entry, role, full):
    assert role_of(entry) == role
    assert full_name(entry) == full


def test_predictions_without_high_bands_are_named_so_once():
    run = without_high_bands(without_high_bands(random_run(entries=("a",), n_subjects=1)))
    assert {p.entry for p in run} == {"a (<30 Hz)"}
