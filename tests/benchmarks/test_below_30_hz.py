"""Entries without the bands above 30 Hz: what they see, and that they stand beside the others."""

import numpy as np
import pytest

from benchmarks.below_30_hz import below_30_hz, without_bands
from benchmarks.entries import Entry, resolve_entry
from benchmarks.entries.base import limited
from benchmarks.statistics.roles import full_name, role_of
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.trial import Trial, TrialKey


def trial_of(bands, subject=1, n_steps=20):
    rng = np.random.default_rng(subject)
    return Trial(
        features=rng.normal(size=(n_steps, 2, len(bands))),
        labels=rng.uniform(-1, 1, (n_steps, 1)),
        label_names=("valence",),
        label_kind="simulated",
        step_s=1.0,
        channels=("F3", "F4"),
        bands=bands,
        key=TrialKey("made", subject, 1, 1),
        read_eeg=lambda: None,
    )


class Seen(Entry):
    """Remembers the bands that it was shown."""

    name = "seen"
    summary = "remembers bands"

    def fit(self, train):
        self.bands = {trial.bands for trial in train}

    def predict(self, trial):
        self.bands.add(trial.bands)
        return limited(trial.features[:, :1, -1])


class SeenBelow(below_30_hz(Seen)):
    """Made from outside the repository."""


def test_gamma_and_raw_eeg_are_left_out_and_nothing_else():
    trial = trial_of(("delta", "gamma", "beta"))
    found = without_bands(trial)
    assert found.bands == ("delta", "beta")
    np.testing.assert_array_equal(found.features, trial.features[..., [0, 2]])
    np.testing.assert_array_equal(found.labels, trial.labels)
    assert found.read_eeg is None
    again = without_bands(found)
    assert again.bands == found.bands


def test_unknown_bands_and_none_below_are_refused():
    with pytest.raises(ConfigError, match="frequencies of band mu are not known"):
        without_bands(trial_of(("mu", "gamma")))
    with pytest.raises(ConfigError, match="has no band below 30 Hz"):
        without_bands(trial_of(("gamma",)))


def test_neither_training_nor_test_shows_high_bands():
    entry = SeenBelow(seed=1)
    entry.fit([trial_of(("beta", "gamma"), s) for s in (1, 2)])
    entry.predict(trial_of(("beta", "gamma"), 3))
    assert entry.bands == {("beta",)}
    assert (entry.name, entry.seed) == ("seen (<30 Hz)", 1)
    assert role_of(entry.name) == "variant"
    assert full_name(entry.name) == "seen"


def test_predictions_do_not_depend_on_the_high_band():
    kind = resolve_entry("benchmarks.below_30_hz:ridge")
    train = [trial_of(("alpha", "beta", "gamma"), s, 60) for s in range(1, 5)]
    values = []
    for scale in (1, 100):
        entry = kind()
        shown = [t.replace(features=t.features * np.float32([1, 1, scale])) for t in train]
        entry.fit(shown[:3])
        values.append(entry.predict(shown[3]))
    np.testing.assert_array_equal(*values)
    entry = resolve_entry("ridge")()
    entry.fit(train[:3])
    assert np.abs(entry.predict(train[3]) - values[0]).max() > 0


def test_every_competitor_has_a_counterpart_and_no_other_has():
    gru = resolve_entry("benchmarks.below_30_hz:gru")
    assert gru.name == "gru (<30 Hz)"
    assert gru.stochastic
    assert issubclass(gru, resolve_entry("gru"))
    for name in ("oracle-filter", "gpt"):
        with pytest.raises(ConfigError, match=f"has no entry {name!r}"):
            resolve_entry(f"benchmarks.below_30_hz:{name}")


def test_nets_on_raw_eeg_say_that_there_is_none():
    kind = resolve_entry("benchmarks.below_30_hz:eegnet")
    assert kind.lack([trial_of(("beta", "gamma"))])
