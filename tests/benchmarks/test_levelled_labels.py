"""Entries trained on labels without levels, out of step: nothing is left to learn."""

import numpy as np

from benchmarks.entries import ENTRIES, resolve_entry
from benchmarks.levelled_labels import levelled
from eeg_emotion_env.metrics import score_concatenated
from tests.benchmarks.conftest import made_trials


def test_every_trial_has_the_same_mean_and_keeps_its_course():
    trials = [t.replace(labels=0.3 * t.labels) for t in made_trials()]
    means = np.array([t.labels.mean(axis=0) for t in levelled(trials)])
    np.testing.assert_allclose(means, np.broadcast_to(means[0], means.shape), atol=1e-6)
    for before, after in zip(trials, levelled(trials), strict=True):
        np.testing.assert_allclose(
            np.diff(before.labels, axis=0), np.diff(after.labels, axis=0), atol=1e-6
        )


def test_steps_without_labels_stay_so():
    first, *rest = made_trials()
    holes = first.labels.copy()
    holes[:3] = np.nan
    gone = rest[0].replace(labels=np.full_like(rest[0].labels, np.nan))
    found = levelled([first.replace(labels=holes), gone, *rest[1:]])
    assert np.isnan(found[0].labels[:3]).all()
    assert np.isfinite(found[0].labels[3:]).all()
    assert np.isnan(found[1].labels).all()


def test_ridge_learns_nothing_that_helps():
    trials = made_trials(n_subjects=6)
    train, test = trials[:-3], [t.without_labels() for t in trials[-3:]]
    entry = resolve_entry("benchmarks.levelled_labels:ridge")()
    entry.fit(train)
    labels = [t.labels for t in trials[-3:]]
    score = score_concatenated(labels, [entry.predict(t) for t in test], test[0].label_names)
    assert score["ccc"] < 0.1
    assert ENTRIES["ridge"] in type(entry).__mro__
