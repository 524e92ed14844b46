"""Entries that leak, each in one way: what `eegdancer audit` is for, and must catch."""

import dataclasses
import os
import sqlite3
import sys
import threading
import time
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat
from scipy.signal import filtfilt
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from benchmarks.entries.base import Entry, label_mean, limited
from benchmarks.entries.rowwise import rows, smooth
from benchmarks.entries.stimulus_time_mean import StimulusTimeMean
from eeg_emotion_env import metrics
from eeg_emotion_env.datasets import load
from eeg_emotion_env.metrics import ccc
from eeg_emotion_env.simulation import simulate_labels
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial

OPTIONS = {
    "n_subjects": 4,
    "n_trials": 4,
    "duration_scale": 0.1,
    "channels": ("FZ", "CZ", "PZ", "PO3", "PO4", "T7"),
}
"""Data set that the tests audit on, and that leaky entries open by themselves."""

KNOWN: dict = {}
"""Labels by trial, put here by the tests: what a module that was handed too much would know."""

PLACE = [Path()]
"""Folder, chosen by the tests, that does not end with the job."""


@cache
def everything():
    return {_name(trial): trial for trial in load("simulated", **OPTIONS)}


def _name(trial):
    return trial.subject, trial.session, trial.trial


class Honest(Entry):
    """Linear regression: nothing wrong with it."""

    name, summary = "honest", "ridge regression on smoothed features"

    def fit(self, train):
        self._fit(train, 100.0)

    def _fit(self, train, penalty):
        self._train = {_name(trial) for trial in train}
        x = np.concatenate([self.inputs(trial) for trial in train])
        self._model = Ridge(alpha=penalty).fit(x, np.concatenate([t.labels for t in train]))

    def inputs(self, trial):
        return rows(trial, 0.8)

    def predict(self, trial):
        return limited(self._model.predict(self.inputs(trial)))


class LabelsByLoad(Honest):
    """Opens the data set and reads the answers."""

    def predict(self, trial):
        return everything()[_name(trial)].labels


class LabelsInMemory(Honest):
    """Finds the answers in a global variable."""

    def predict(self, trial):
        return KNOWN[_name(trial)]


class LabelsOfCaller(Honest):
    """Looks for labelled trials in the variables of whoever calls it."""

    def predict(self, trial):
        frame = sys._getframe()
        while frame is not None:
            for value in list(frame.f_locals.values()):
                found = self._labels_in(value, trial)
                if found is not None:
                    return found
            frame = frame.f_back
        return super().predict(trial)

    def _labels_in(self, value, trial):
        items = value if isinstance(value, list | tuple) else ()
        trials = (item for item in items if isinstance(item, Trial))
        same = (t.labels for t in trials if _name(t) == _name(trial))
        return next((labels for labels in same if not np.isnan(labels).any()), None)


class OracleOfLabels(Honest):
    """Is allowed to know the generator, and reads the answers instead."""

    oracle = True

    def predict(self, trial):
        return simulate_labels(trial.simulation, trial.subject, trial.session, trial.trial)[0]


class TruthFromGenerator(Honest):
    """Simulates the person's affect again."""

    def predict(self, trial):
        config = trial.read_eeg.reader.simulation
        return simulate_labels(config, trial.subject, trial.session, trial.trial)[1]


class ScaleOfTestLabels(Honest):
    """Gives its predictions mean and spread of the test labels."""

    def predict(self, trial):
        guess, labels = super().predict(trial), everything()[_name(trial)].labels
        unit = (guess - guess.mean(axis=0)) / (guess.std(axis=0) + 1e-6)
        return limited(unit * labels.std(axis=0) + labels.mean(axis=0))


class BestOnTest(Honest):
    """Keeps the penalty with the best score on the test subject."""

    def fit(self, train):
        def score(penalty):
            self._fit(train, penalty)
            test = [t for name, t in everything().items() if name not in self._train]
            guesses = np.concatenate([self.predict(trial) for trial in test])
            return ccc(np.concatenate([t.labels for t in test])[:, 0], guesses[:, 0])

        self._fit(train, max(np.geomspace(1, 1e4, 12), key=score))


class PCAOnEverybody(Honest):
    """Finds components in the EEG of training and test subjects together."""

    def fit(self, train):
        self._pca = PCA(5).fit(np.concatenate([rows(t, 0.8) for t in everything().values()]))
        super().fit(train)

    def inputs(self, trial):
        return self._pca.transform(rows(trial, 0.8))


class LaterTrial(Honest):
    """Smooths over the end of a trial into the one that follows in the session."""

    def inputs(self, trial):
        subject, session, number = _name(trial)
        later = everything().get((subject, session, number + 1), trial)
        own = rows(trial, 0.8)
        return np.hstack([own, np.tile(rows(later, 0.8).mean(axis=0), (len(own), 1))])


class OtherTrialByReader(Honest):
    """Standardises by the trial before, which the reader of the trial reads as well."""

    def inputs(self, trial):
        number = trial.trial - 1 or 2
        key = dataclasses.replace(trial.key, trial=number)
        x, other = rows(trial, 0.8), trial.read_eeg.reader.features(key)
        return x - np.log(np.std(other))


class WholeTrialZScore(Honest):
    """Standardises by mean and spread of the whole trial."""

    def inputs(self, trial):
        x = rows(trial, 0.8)
        return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)


class BothDirections(Honest):
    """Smooths its predictions forwards and backwards."""

    def predict(self, trial):
        return limited(filtfilt([0.3], [1, -0.7], super().predict(trial), axis=0, padlen=3))


class OneStepAhead(Honest):
    """Takes the mean of the step before, this one and the next."""

    def inputs(self, trial):
        x = rows(trial, 0.0)
        padded = np.concatenate([x[:1], x, x[-1:]])
        return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


class RelativeTime(Honest):
    """Knows which share of the trial is over, hence when it will end."""

    def inputs(self, trial):
        x = rows(trial, 0.8)
        return np.hstack([x, np.linspace(0, 1, len(x))[:, None]])


class ClipByLength(Honest):
    """Recognises the clip by how long it lasts."""

    def fit(self, train):
        lengths = {t.n_steps for t in train}
        self._overall = label_mean(train)
        self._means = {n: label_mean([t for t in train if t.n_steps == n]) for n in lengths}

    def predict(self, trial):
        mean = self._means.get(trial.n_steps, self._overall)
        return limited(np.tile(mean, (trial.n_steps, 1)))


class TestAverage(Honest):
    """Subtracts the mean EEG of all test trials that it has seen so far."""

    def fit(self, train):
        super().fit(train)
        self._seen = []

    def predict(self, trial):
        self._seen.append(trial.features[0].ravel())
        x = self.inputs(trial) - np.mean(self._seen, axis=0)
        return limited(self._model.predict(x))


class CountsInClass(Honest):
    """Keeps in its class what `predict` has seen, where no copy of the entry is without it."""

    seen: list = []  # noqa: RUF012

    def predict(self, trial):
        self.seen.append(trial.features[0].ravel())
        x = self.inputs(trial) - np.mean(self.seen, axis=0)
        return limited(self._model.predict(x))


class CarriesOn(Honest):
    """Smooths its predictions from one trial into the next."""

    def predict(self, trial):
        guess = super().predict(trial)
        before = getattr(self, "_last", guess[0])
        self._last = guess[-1]
        return limited(smooth(np.vstack([before, guess]), 0.8)[1:])


class AnswersByName(Honest):
    """Keeps its answers by the name of the trial, whatever its EEG is now."""

    def fit(self, train):
        super().fit(train)
        self._answers = {}

    def predict(self, trial):
        return self._answers.setdefault(_name(trial), super().predict(trial))


class ClipLookup(StimulusTimeMean):
    """Looks up what others felt at this second of the clip, and does not say so."""

    name, needs_stimuli = "clip-lookup", False


class TrialNumberLookup(Honest):
    """Looks up the mean label of the same trial number: the clip, by another name."""

    def fit(self, train):
        numbers = {t.trial for t in train}
        self._means = {n: label_mean([t for t in train if t.trial == n]) for n in numbers}
        self._overall = label_mean(train)

    def predict(self, trial):
        mean = self._means.get(trial.trial, self._overall)
        return limited(np.tile(mean, (trial.n_steps, 1)))


class SubjectLookup(Honest):
    """Adds the mean label of the person, where it knows the name."""

    def fit(self, train):
        super().fit(train)
        people = {str(t.subject) for t in train}
        overall = label_mean(train)
        self._own = {
            p: label_mean([t for t in train if str(t.subject) == p]) - overall for p in people
        }

    def predict(self, trial):
        return limited(super().predict(trial) + self._own.get(str(trial.subject), 0.0))


class CacheByName(Honest):
    """Keeps its inputs in the user's cache folder, by the name of the trial."""

    def inputs(self, trial):
        path = Path.home() / ".cache" / "features-{}-{}-{}.npy".format(*_name(trial))
        if not path.exists() or len(np.load(path)) != trial.n_steps:
            path.parent.mkdir(exist_ok=True)
            np.save(path, super().inputs(trial))
        return np.load(path)


class CacheElsewhere(Honest):
    """Keeps its model in a folder that is always the same."""

    def fit(self, train):
        path = PLACE[0] / "model.npy"
        if not path.exists():
            super().fit(train)
            np.save(path, np.vstack([self._model.coef_.T, self._model.intercept_]))
        self._weights = np.load(path)

    def predict(self, trial):
        return limited(self.inputs(trial) @ self._weights[:-1] + self._weights[-1])


class CacheMovedElsewhere(Honest):
    """Keeps its inputs in a folder that is always the same, and writes them by way of another."""

    def fit(self, train):
        super().fit(train)
        np.save("inputs.npy", self.inputs(train[0]))
        Path("inputs.npy").replace(PLACE[0] / "inputs.npy")


class CacheInDatabase(Honest):
    """Keeps notes in a database in a folder that is always the same."""

    def fit(self, train):
        super().fit(train)
        sqlite3.connect(PLACE[0] / "notes.db").close()


class PerTrialByName(Honest):
    """Answers by a number that it draws from the name of a trial, and learns nothing."""

    def predict(self, trial):
        rng = np.random.default_rng([*_name(trial), 1])
        return np.full((trial.n_steps, 2), rng.uniform(-1, 1), dtype=np.float32)


class FittedOnce(Honest):
    """Keeps its model in the class, for all folds."""

    shared = None

    def fit(self, train):
        if FittedOnce.shared is None:
            super().fit(train)
            FittedOnce.shared = self._model
        self._model = FittedOnce.shared


class EncoderOfAllFolds(Honest):
    """Fits its components once a group of people, named by their number, for all folds."""

    kept: dict = {}  # noqa: RUF012

    def fit(self, train):
        name = len(set(validation_groups([trial.key for trial in train])))
        x = np.concatenate([rows(trial, 0.8) for trial in train])
        self._pca = self.kept.setdefault(name, PCA(5).fit(x))
        super().fit(train)

    def inputs(self, trial):
        return self._pca.transform(rows(trial, 0.8))


class BetterMetric(Honest):
    """Replaces what it is scored with."""

    def fit(self, train):
        super().fit(train)
        metrics.ccc = lambda *args: 1.0


class OtherPrecision(Honest):
    """Makes torch compute in double precision, for itself and for whoever comes next."""

    def fit(self, train):
        super().fit(train)
        torch.set_default_dtype(torch.float64)


class OrderOfSet(Honest):
    """Depends on the order of a set of names."""

    def fit(self, train):
        super().fit(train)
        names = list({f"subject {t.subject}, trial {t.trial}" for t in train})
        order = zlib.crc32(" ".join(names).encode()) / 2**32
        self._model.intercept_ = self._model.intercept_ + 0.1 * order


class GlobalRandom(Honest):
    """Draws from the global random generator."""

    stochastic = True

    def fit(self, train):
        super().fit(train)
        self._model.coef_ += 1e-3 * np.random.normal(size=self._model.coef_.shape)  # noqa: NPY002


class WallClock(Honest):
    """Is seeded by the time of day."""

    stochastic = True

    def fit(self, train):
        super().fit(train)
        rng = np.random.default_rng(time.time_ns())
        self._model.coef_ += 1e-3 * rng.normal(size=self._model.coef_.shape)


class HiddenSeed(Honest):
    """Depends on its seed and says that it does not."""

    def fit(self, train):
        super().fit(train)
        rng = np.random.default_rng(self.seed)
        self._model.coef_ += 1e-3 * rng.normal(size=self._model.coef_.shape)


class ReadsFile(Honest):
    """Reads something in the folder of the recordings, to no effect yet."""

    def fit(self, train):
        super().fit(train)
        np.load(PLACE[0] / "recording.npy")


class OpensRecordings(Honest):
    """Opens the file that a trial comes from, instead of reading its EEG as it is given."""

    def predict(self, trial):
        loadmat(trial.read_eeg.reader.files[0])
        trial.read_eeg()
        return super().predict(trial)


class ReadsEEG(Honest):
    """Reads EEG as it is given, which comes from the same files."""

    def predict(self, trial):
        trial.read_eeg()
        return super().predict(trial)


class Dies(Honest):
    """Ends its process."""

    def fit(self, train):
        os._exit(3)


class DiesOnOtherLabels(Honest):
    """Cannot live with other labels than it knows."""

    def fit(self, train):
        if train[0].labels[0, 0] != KNOWN["first"]:
            raise RuntimeError("no such mood")
        super().fit(train)


class HoldsALock(Honest):
    """Cannot be copied."""

    def fit(self, train):
        super().fit(train)
        self.lock = threading.Lock()
