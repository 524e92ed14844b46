"""The models of the probes, and their folds: what is tested was never trained on."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.encoder_report.steps import IntArray, Steps
from eeg_emotion_env.metrics import ccc
from eeg_emotion_env.trial import FloatArray

MAX_INPUTS = 64
"""Principal components that a classifier gets at most."""

MAX_ROWS = 20_000
"""Training steps of a probe at most, evenly spread."""

PENALTIES = (1e1, 1e2, 1e3, 1e4, 1e5)
"""Of ridge regression on standardised inputs."""

INNER_FOLDS = 3
"""Folds of training subjects that choose the penalty."""

MAX_ITERATIONS = 300
"""Of logistic regression."""

Array = NDArray[np.float64]
Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
"""Training and test steps of each fold."""


def subject_folds(subjects: NDArray[Any], n_folds: int) -> Folds:
    """Leave groups of subjects out; empty with one subject."""
    from sklearn.model_selection import GroupKFold

    n_folds = min(n_folds, len(np.unique(subjects)))
    if n_folds < 2:
        return []
    return list(GroupKFold(n_folds).split(subjects, groups=subjects))


def trial_folds(steps: Steps, n_folds: int) -> Folds:
    """Leave trials of every subject out, and their stimuli with them where these are known.

    Folds take turns: over the stimuli, or over each subject's trials in their order.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    n_folds : int
        Folds at most.

    Returns
    -------
    sequence of tuple
        Training and test steps; empty where that leaves nothing to train on.
    """
    stimuli = [trial.stimulus for trial in steps.trials]
    if None not in stimuli:
        ranks = np.unique([str(s) for s in stimuli], return_inverse=True)[1]
    else:
        ranks = _ranks([str(trial.subject) for trial in steps.trials])
    return _of_parts(ranks[steps.trial_number], n_folds)


def stimulus_folds(steps: Steps, n_folds: int) -> Folds:
    """Leave subjects out, where subjects share stimuli; else empty."""
    shared = len({t.stimulus for t in steps.trials}) < len(steps.trials)
    return subject_folds(steps.subject, n_folds) if shared else []


def _ranks(groups: Sequence[str]) -> IntArray:
    """Count the members of each group from 0, in order."""
    counts: dict[str, int] = {}
    ranks = []
    for group in groups:
        ranks.append(counts.setdefault(group, 0))
        counts[group] += 1
    return np.array(ranks)


def _of_parts(ranks: IntArray, n_folds: int) -> Folds:
    n_folds = min(n_folds, len(np.unique(ranks)))
    parts = ranks % n_folds
    if n_folds < 2:
        return []
    return [(np.flatnonzero(parts != i), np.flatnonzero(parts == i)) for i in range(n_folds)]


def read_label(
    x: FloatArray, label: FloatArray, subjects: NDArray[Any], folds: Folds
) -> FloatArray:
    """Predict a label by ridge regression on standardised inputs.

    Parameters
    ----------
    x : ndarray, shape (n_steps, n_inputs), float32
        Inputs.
    label : ndarray, shape (n_steps,), float32
        Label; NaN where not annotated.
    subjects : ndarray, shape (n_steps,)
        Subject of each step; the penalty is chosen over folds of training subjects.
    folds : sequence of tuple
        Training and test steps.

    Returns
    -------
    ndarray, shape (n_steps,), float32
        Predictions for all test steps, in [-1, 1].
    """
    predicted = np.zeros(len(label), np.float32)
    for train, test in folds:
        known = train[~np.isnan(label[train])]
        if len(known):
            penalty = _penalty(x[known], label[known], subjects[known])
            predicted[test] = _ridge(x[known], label[known], x[test], penalty)
    return predicted


def _penalty(x: FloatArray, label: FloatArray, subjects: NDArray[Any]) -> float:
    """Choose the penalty with the highest mean CCC of left-out training subjects."""
    folds = subject_folds(subjects, INNER_FOLDS)
    scores: list[list[float]] = [[] for _ in PENALTIES]
    for train, test in folds:
        for penalty, values in zip(PENALTIES, scores, strict=True):
            predicted = _ridge(x[train], label[train], x[test], penalty)
            owners = subjects[test]
            values += [
                ccc(label[test][owners == s], predicted[owners == s]) for s in np.unique(owners)
            ]
    means = [np.mean([v for v in values if v == v] or [0.0]) for values in scores]
    return PENALTIES[int(np.argmax(means))] if folds else PENALTIES[len(PENALTIES) // 2]


def _ridge(x: FloatArray, label: FloatArray, x_test: FloatArray, penalty: float) -> FloatArray:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chosen = thinned(len(x))
    model = make_pipeline(StandardScaler(), Ridge(alpha=penalty, solver="cholesky"))
    model.fit(x[chosen], label[chosen])
    return np.clip(model.predict(x_test), -1, 1).astype(np.float32)


def read_classes(x: FloatArray, classes: NDArray[Any], folds: Folds) -> NDArray[Any]:
    """Predict classes by multinomial logistic regression on principal components.

    Inputs are standardised, reduced to `MAX_INPUTS` components at most and standardised again,
    classes weighted evenly.

    Parameters
    ----------
    x : ndarray, shape (n_steps, n_inputs), float32
        Inputs.
    classes : ndarray, shape (n_steps,)
        Class of each step.
    folds : sequence of tuple
        Training and test steps.

    Returns
    -------
    ndarray, shape (n_steps,)
        Predicted classes.
    """
    from sklearn.exceptions import ConvergenceWarning

    predicted = classes.copy()
    for train, test in folds:
        chosen = train[thinned(len(train))]
        with warnings.catch_warnings():
            # a probe that was stopped is a probe; all are stopped alike
            warnings.simplefilter("ignore", ConvergenceWarning)
            predicted[test] = _classifier(x[chosen], classes[chosen]).predict(x[test])
    return predicted


def _classifier(x: FloatArray, classes: NDArray[Any]) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(classes)) < 2:
        return DummyClassifier().fit(x, classes)
    components = PCA(min(MAX_INPUTS, *x.shape), svd_solver="covariance_eigh")
    regression = LogisticRegression(max_iter=MAX_ITERATIONS, tol=1e-3, class_weight="balanced")
    steps = (StandardScaler(), components, StandardScaler(), regression)
    return make_pipeline(*steps).fit(x, classes)


def thinned(n_rows: int) -> NDArray[np.intp]:
    """Return at most `MAX_ROWS` of the rows, evenly spread."""
    if n_rows <= MAX_ROWS:
        return np.arange(n_rows)
    return np.linspace(0, n_rows - 1, MAX_ROWS).astype(np.intp)
