"""Scores of many predictions at once: against the metrics of one, and against SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.scores import subject_scores, trial_scores
from benchmarks.statistics.batches import batches, score_all, score_columns
from benchmarks.statistics.sums import trial_sums
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import episode_metrics
from eeg_emotion_env.trajectory_shape import mean_shape
from tests.benchmarks.made_runs import made, random_run

NAMES = ("valence", "arousal")


def smooth(rng, n_steps):
    return np.cumsum(rng.normal(0, 0.1, (n_steps, 2)), axis=0)


def cases():
    """Trials with gaps, constant labels and predictions, few steps, and none annotated."""
    rng = np.random.default_rng(0)
    found = {}
    for n_steps in (1, 3, 9, 60):
        labels = smooth(rng, n_steps)
        guesses = [
            smooth(rng, n_steps),
            0.5 * np.roll(labels, 2, axis=0),
            np.full_like(labels, 0.3),
        ]
        found[f"{n_steps} steps"] = labels, guesses
    labels, guesses = found["60 steps"]
    gaps = labels.copy()
    gaps[:7, 0] = gaps[20:31, 1] = math.nan
    half = labels.copy()
    half[:, 0] = 0.25
    nothing = labels.copy()
    nothing[:, 1] = math.nan
    return {
        **found,
        "gaps": (gaps, guesses),
        "constant": (half, guesses),
        "nothing": (nothing, guesses),
    }


@pytest.mark.parametrize("case", cases())
@pytest.mark.parametrize("step_s", [1.0, 0.25])
def test_scores_are_those_of_each_prediction_alone(case, step_s):
    labels, guesses = cases()[case]
    run = [made(labels, guess, f"e{i}", step_s=step_s) for i, guess in enumerate(guesses)]
    for p, known in zip(run, score_all(run), strict=True):
        expected = episode_metrics(p.labels, p.predictions, NAMES)
        expected |= mean_shape([p.labels], [p.predictions], NAMES, step_s)
        found = dict(zip(score_columns(NAMES), known.scores, strict=True))
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)
        np.testing.assert_allclose(known.sums, trial_sums(p.labels, p.predictions), rtol=1e-12)


def test_scores_are_those_of_scipy_and_formulas():
    rng = np.random.default_rng(1)
    y = smooth(rng, 200)[:, :1].astype(np.float32)
    a = (0.4 * np.roll(y, 3, axis=0) + rng.normal(0, 0.02, y.shape)).astype(np.float32)
    found = dict(
        zip(score_columns(("valence",)), score_all([made(y, a, step_s=0.5)])[0].scores, strict=True)
    )
    y, a = y[:, 0].astype(float), a[:, 0].astype(float)
    slope = stats.linregress(y, a)
    assert found["pcc"] == pytest.approx(stats.pearsonr(y, a).statistic)
    assert found["ccc"] == pytest.approx(
        # Lin (1989): correlation times the bias correction
        slope.rvalue
        * 2
        / (y.std() / a.std() + a.std() / y.std() + (y.mean() - a.mean()) ** 2 / (y.std() * a.std()))
    )
    assert found["rmse"] == pytest.approx(math.sqrt(np.mean((y - a) ** 2)))
    assert found["mae"] == pytest.approx(np.linalg.norm(y - a, 1) / len(y))
    assert found["spread"] == pytest.approx(stats.tstd(a) / stats.tstd(y))
    third = a[3:] - 3 * a[2:-1] + 3 * a[1:-2] - a[:-3]
    assert found["jerk"] == pytest.approx(math.sqrt(np.mean(third**2)))
    at = {lag: stats.pearsonr(y[: 200 - lag], a[lag:]).statistic for lag in range(21)}
    assert found["lag_s"] == 0.5 * max(at, key=at.get) == 1.5


def test_lag_may_lead_and_the_nearest_of_equals_counts():
    wave = np.tile([0.0, 1.0, 0.0, -1.0], 10)[:, None]
    lags = [
        score_all([made(wave, np.roll(wave, by, axis=0), step_s=1.0)])[0].scores[-2]
        for by in (0, 1, -1)
    ]
    assert lags == [0, 1, -1]


def test_spread_of_a_subject_is_over_concatenated_trials_and_lag_within_them():
    # constant within trials: nothing is defined there, and the spread over trials is
    run = [made([[v]] * 5, [[v / 2]] * 5, trial=t) for t, v in enumerate((0.0, 1.0, 0.4))]
    subject, trials = subject_scores(run).iloc[0], trial_scores(run)
    assert subject["spread"] == pytest.approx(0.5)
    assert math.isnan(subject["lag_s"])
    assert trials["spread"].isna().all()
    run = random_run(entries=("a",), n_subjects=1)
    whole = [np.concatenate([getattr(p, name) for p in run]) for name in ("labels", "predictions")]
    expected = np.mean(whole[1].std(axis=0) / whole[0].std(axis=0))
    assert subject_scores(run).iloc[0]["spread"] == pytest.approx(expected, rel=1e-5)


def test_predictions_of_one_trial_come_together_unless_labels_differ():
    run = random_run(entries=("a", "b"), n_subjects=2, n_trials=1)
    assert [len(batch.rows) for batch in batches(run)] == [2, 2]
    other = made(-run[0].labels, run[0].predictions, "c", 1, 1, 1)
    assert [len(batch.rows) for batch in batches([*run, other])] == [2, 2, 1]


def test_predictions_that_are_not_finite_are_refused():
    with pytest.raises(ConfigError, match="made subject 1 session 1 trial 1 must be finite"):
        score_all([made([[0.0], [1.0]], [[0.0], [math.nan]])])
