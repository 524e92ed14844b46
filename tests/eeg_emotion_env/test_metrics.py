"""Metrics: independent implementations, defining properties, stated conventions."""

import math

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import (
    ccc,
    episode_metrics,
    is_constant,
    mae,
    pcc,
    rmse,
    score_concatenated,
)

TRACKS = arrays(np.float64, 12, elements=st.floats(-1, 1, width=32))


@st.composite
def varying(draw):
    track = draw(TRACKS)
    assume(np.ptp(track) > 1e-2)
    return track


@given(varying(), varying())
def test_values_equal_independent_implementations(label, prediction):
    assert rmse(label, prediction) == pytest.approx(
        sklearn.metrics.root_mean_squared_error(label, prediction)
    )
    assert mae(label, prediction) == pytest.approx(
        sklearn.metrics.mean_absolute_error(label, prediction)
    )
    correlation = np.corrcoef(label, prediction)[0, 1]
    assert pcc(label, prediction) == pytest.approx(correlation, abs=1e-9)
    gap = (label.mean() - prediction.mean()) ** 2
    expected = (
        2 * correlation * label.std() * prediction.std() / (label.var() + prediction.var() + gap)
    )
    assert ccc(label, prediction) == pytest.approx(expected, abs=1e-9)


def test_ccc_equals_a_value_worked_by_hand():
    # Means 2 and 3, population variances 2/3 and 2/3, covariance 2/3.
    assert ccc([1, 2, 3], [2, 3, 4]) == pytest.approx((4 / 3) / (4 / 3 + 1))


@given(varying(), varying())
def test_ccc_is_symmetric_and_at_most_the_correlation(label, prediction):
    value = ccc(label, prediction)
    assert value == pytest.approx(ccc(prediction, label))
    assert abs(value) <= abs(pcc(label, prediction)) + 1e-9


@given(varying(), st.floats(0.1, 2), st.floats(-1, 1))
def test_scale_and_shift_cost_concordance_but_no_correlation(label, scale, shift):
    prediction = label.mean() + scale * (label - label.mean()) + shift
    assert pcc(label, prediction) == pytest.approx(1)
    ratio = scale + 1 / scale + shift**2 / (scale * label.var())
    assert ccc(label, prediction) == pytest.approx(2 / ratio)


@given(varying())
def test_ccc_is_one_for_the_label_itself(label):
    assert ccc(label, label) == pytest.approx(1)
    assert rmse(label, label) == mae(label, label) == 0


@given(varying(), varying(), arrays(np.bool_, 12))
def test_steps_without_annotation_are_left_out(label, prediction, keep):
    assume(keep.sum() > 2)
    assume(np.ptp(label[keep]) > 1e-2)
    gappy = np.where(keep, label, np.nan)
    for metric in (ccc, rmse, mae):
        expected = metric(label[keep], prediction[keep])
        assert metric(gappy, prediction) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(varying(), st.floats(-1, 1, width=32))
def test_correlation_with_a_constant_label_is_undefined(prediction, level):
    label = np.full(12, level, dtype=np.float32)
    assert is_constant(label)
    assert math.isnan(ccc(label, prediction))
    assert math.isnan(pcc(label, prediction))
    assert rmse(label, prediction) == pytest.approx(np.sqrt(np.mean((prediction - label) ** 2)))


@given(varying(), st.floats(-1, 1, width=32))
def test_a_constant_prediction_has_no_concordance_and_no_correlation(label, level):
    assert not is_constant(label)
    assert ccc(label, np.full(12, level)) == 0
    assert math.isnan(pcc(label, np.full(12, level)))


def test_nothing_annotated_is_undefined():
    blank = np.full(4, np.nan)
    assert is_constant(blank)
    assert all(math.isnan(metric(blank, np.zeros(4))) for metric in (ccc, pcc, rmse, mae))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_predictions_must_be_finite(bad):
    with pytest.raises(ConfigError, match="must be finite"):
        ccc([0.1, 0.2, math.nan], [0.1, bad, 0.2])


@pytest.mark.parametrize(("label", "prediction"), [([1, 2], [1, 2, 3]), ([[1, 2]], [[1, 2]])])
def test_shapes_must_fit(label, prediction):
    with pytest.raises(ConfigError, match="must be 1-D"):
        ccc(label, prediction)


def test_episode_metrics_average_the_dimensions_that_are_defined():
    rng = np.random.default_rng(0)
    labels, predictions = rng.uniform(-1, 1, (2, 30, 2))
    labels[:, 1] = 0.5
    result = episode_metrics(labels, predictions, ("valence", "arousal"))
    assert result["ccc"] == result["ccc_valence"] == ccc(labels[:, 0], predictions[:, 0])
    assert math.isnan(result["ccc_arousal"])
    assert result["rmse"] == pytest.approx((result["rmse_valence"] + result["rmse_arousal"]) / 2)
    assert set(result) == {
        metric + suffix
        for metric in ("ccc", "pcc", "rmse", "mae")
        for suffix in ("", "_valence", "_arousal")
    }
    labels[:, 0] = 0
    assert math.isnan(episode_metrics(labels, predictions, ("valence", "arousal"))["ccc"])


def test_episode_metrics_need_a_column_for_each_name():
    with pytest.raises(ConfigError, match=r"must both be \(n_steps, 1\)"):
        episode_metrics(np.zeros((3, 2)), np.zeros((3, 2)), ("valence",))


def test_trials_with_constant_labels_are_scored_together():
    labels = [np.full((5, 1), level) for level in (-1.0, 0.0, 1.0)]
    predictions = [0.5 * label for label in labels]
    result = score_concatenated(labels, predictions, ("valence",))
    assert result["pcc"] == pytest.approx(1)
    assert result["ccc"] == pytest.approx(2 * 0.5 / (1 + 0.25))
    with pytest.raises(ConfigError, match="as many predictions"):
        score_concatenated([], [], ("valence",))
