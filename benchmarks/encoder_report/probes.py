"""Linear probes: what can be read from latents, prototypes, features and a random encoder."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.encoder_report.readers import (
    MAX_INPUTS,
    Array,
    Folds,
    read_classes,
    read_label,
    stimulus_folds,
    subject_folds,
    trial_folds,
)
from benchmarks.encoder_report.steps import Steps, Tick
from benchmarks.entries.rowwise import rows
from benchmarks.statistics.bootstrap import N_BOOTSTRAP, interval
from eeg_emotion_env.metrics import ccc
from eeg_emotion_env.trial import FloatArray

LATENTS = "frozen latents"
PROTOTYPES = "prototypes alone"
FEATURES = "normalised features"
SMOOTHED = "smoothed features"
RANDOM = "random encoder"

N_REPRESENTATIONS = 5

MEMORY = 0.6
"""Of the exponential moving average of the smoothed features."""

COLUMNS = (
    *("target", "score", "representation", "n_inputs", "value", "low", "high", "chance"),
    *("n_subjects", "value_unseen", "n_unseen"),
    *("difference", "difference_low", "difference_high"),
)

Read = Callable[[FloatArray], Array]
"""From inputs, shape (n_steps, n_inputs), to the score of each subject."""


def representations(steps: Steps, untrained: Steps) -> dict[str, FloatArray]:
    """Return the inputs of the probes, each of shape (n_steps, n_inputs), by name.

    Parameters
    ----------
    steps : Steps
        What the encoder makes of the trials.
    untrained : Steps
        What an encoder of the same shape with random weights makes of them.

    Returns
    -------
    dict of str to ndarray
        Latents, prototypes, features, features with a memory (latents have one too), and the
        latents of the untrained encoder.
    """
    return {
        LATENTS: steps.latent,
        PROTOTYPES: steps.prototype,
        FEATURES: steps.features.reshape(len(steps.features), -1),
        SMOOTHED: np.concatenate([rows(trial, MEMORY) for trial in steps.trials]),
        RANDOM: untrained.latent,
    }


def probe_table(
    steps: Steps,
    untrained: Steps | None,
    n_folds: int = 4,
    seed: int = 0,
    tick: Tick = lambda text: None,
) -> pd.DataFrame:
    """Score the same probes on each representation.

    Parameters
    ----------
    steps : Steps
        What the encoder makes of the trials.
    untrained : Steps or None
        What an encoder with random weights makes of them; None makes an empty table.
    n_folds : int
        Folds at most.
    seed : int
        Of the bootstrap.
    tick : callable
        Called before each probe.

    Returns
    -------
    DataFrame
        One row for each target and representation: ``target, score`` (``CCC`` or ``accuracy``),
        ``representation, n_inputs, value`` (mean over subjects), ``low, high`` (95 % interval),
        ``chance, n_subjects, value_unseen, n_unseen`` (mean over the subjects that the encoder
        has not seen) and ``difference, difference_low, difference_high`` (frozen latents minus
        this representation, paired by subject).
    """
    if untrained is None:
        return pd.DataFrame(columns=list(COLUMNS))
    inputs = representations(steps, untrained)
    unseen = np.array([subject not in steps.seen for subject in np.unique(steps.subject)])
    rows = []
    for target, score, chance, read in _probes(steps, n_folds):
        scores = {}
        for name, x in inputs.items():
            tick(f"probe: {target} from {name}")
            scores[name] = read(x)
            rows.append(
                {
                    "target": target,
                    "score": score,
                    "chance": chance,
                    "representation": name,
                    "n_inputs": _n_inputs(x, score),
                    **_summary(scores[name], scores[LATENTS], unseen, seed),
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def n_probes(steps: Steps) -> int:
    """Return the number of probes of `probe_table`: an upper bound."""
    return N_REPRESENTATIONS * (len(steps.trials[0].label_names) + 2)


def mean_interval(scores: Array, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean over subjects; NaN scores are left out."""
    known = scores[~np.isnan(scores)]
    if not len(known):
        return math.nan, math.nan
    drawn = np.random.default_rng(seed).integers(len(known), size=(N_BOOTSTRAP, len(known)))
    return interval(known[drawn].mean(axis=1), known)


def _probes(steps: Steps, n_folds: int) -> Iterator[tuple[str, str, float, Read]]:
    """Yield target, score, chance and probe, where the trials allow it."""
    subjects = steps.subject
    if len(np.unique(subjects)) < 2:
        return
    for name, label in zip(steps.trials[0].label_names, steps.labels.T, strict=True):
        if not np.isnan(label).all():
            folds = subject_folds(subjects, n_folds)
            yield name, "CCC", 0.0, partial(_label_scores, label, subjects, folds)
    yield from _class_probe("subject", subjects, subjects, trial_folds(steps, n_folds))
    if steps.stimulus is not None:
        folds = stimulus_folds(steps, n_folds)
        yield from _class_probe("stimulus", steps.stimulus, subjects, folds)


def _class_probe(
    target: str, classes: NDArray[np.generic], subjects: NDArray[np.generic], folds: Folds
) -> Iterator[tuple[str, str, float, Read]]:
    if not folds or len(np.unique(classes)) < 2:
        return
    chance = max(
        float(np.nanmean(_accuracies(classes, np.full_like(classes, guess), subjects)))
        for guess in np.unique(classes)
    )
    yield target, "accuracy", chance, partial(_class_scores, classes, subjects, folds)


def _label_scores(
    label: FloatArray, subjects: NDArray[np.generic], folds: Folds, x: FloatArray
) -> Array:
    """CCC of each subject's concatenated trials; NaN where the label is constant."""
    predicted = read_label(x, label, subjects, folds)
    return np.array(
        [ccc(label[subjects == s], predicted[subjects == s]) for s in np.unique(subjects)]
    )


def _class_scores(
    classes: NDArray[np.generic], subjects: NDArray[np.generic], folds: Folds, x: FloatArray
) -> Array:
    return _accuracies(classes, read_classes(x, classes, folds), subjects)


def _accuracies(
    classes: NDArray[np.generic], predicted: NDArray[np.generic], subjects: NDArray[np.generic]
) -> Array:
    """Share of each subject's steps that are told right."""
    right = classes == predicted
    return np.array([right[subjects == s].mean() for s in np.unique(subjects)])


def _n_inputs(x: FloatArray, score: str) -> int:
    return x.shape[1] if score == "CCC" else min(x.shape[1], MAX_INPUTS)


def _summary(
    scores: Array, reference: Array, unseen: NDArray[np.bool_], seed: int
) -> dict[str, float]:
    low, high = mean_interval(scores, seed)
    difference = reference - scores
    difference_low, difference_high = mean_interval(difference, seed)
    return {
        "value": _mean(scores),
        "low": low,
        "high": high,
        "n_subjects": int((~np.isnan(scores)).sum()),
        "value_unseen": _mean(scores[unseen]),
        "n_unseen": int((~np.isnan(scores[unseen])).sum()),
        "difference": _mean(difference),
        "difference_low": difference_low,
        "difference_high": difference_high,
    }


def _mean(scores: Array) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else math.nan
