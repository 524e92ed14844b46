"""Scores of trials and of subjects, with their conventions.

* A subject is scored over all its held-out trials, concatenated in order of session and trial:
  the only reading under which labels that are constant within a trial can be correlated at all.
* Seeds are averaged within the subject (or trial) first; subjects then count equally.
* Correlations (PCC) are averaged over seeds, trials and subjects by Fisher's z, all else as it is.
* What is undefined stays empty (NaN, or null in JSON) and out of means. It is never 0.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.moments import defined_mean, trial_sums
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import episode_metrics, is_constant, score_concatenated
from eeg_emotion_env.trajectory_shape import SHAPES, mean_shape
from eeg_emotion_env.trial import TrialKey

CONTEXT_OF_ROWS = ("protocol", "dataset", "fingerprint", "versions")

LARGEST_CORRELATION = 1 - 1e-9
"""Correlations beyond this count as this in Fisher's z, which is infinite for 1."""

_known_scores: WeakKeyDictionary[TrialPrediction, dict[str, float]] = WeakKeyDictionary()


def trial_rows(
    predictions: Sequence[TrialPrediction], context: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Score each trial by itself.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.
    context : mapping
        Facts of the run; ``protocol, dataset, fingerprint, versions`` are repeated in each row.

    Returns
    -------
    list of dict
        One row for each (entry, seed, trial), ready for JSON: context, ids, ``n_steps``,
        ``source``, ``track``, all metrics and ``spread, lag_s, jerk``, as means over dimensions
        and for each dimension. Undefined metrics are None and are listed under ``undefined``.
        ``moments`` holds, for each dimension, the number of annotated steps and the sums of label,
        prediction, their squares and their product: they add up over trials, and give the CCC of
        any set of trials.
    """
    shared = {name: context.get(name) for name in CONTEXT_OF_ROWS}
    return [{**shared, **_trial_row(p)} for p in predictions]


def subject_scores(predictions: Sequence[TrialPrediction]) -> pd.DataFrame:
    """Score each subject over its concatenated trials, averaged over seeds.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.

    Returns
    -------
    DataFrame
        Columns ``entry, track, subject``, the four metrics (means over dimensions), the four
        metrics of each dimension (``ccc_valence`` …) and ``spread, lag_s, jerk`` (means over the
        subject's trials and over dimensions); NaN where undefined.

    Raises
    ------
    ConfigError
        If there are no predictions, or an entry predicted a trial twice with one seed.
    """
    names = label_names(predictions)
    groups: dict[tuple[Any, ...], list[TrialPrediction]] = {}
    for p in predictions:
        groups.setdefault((p.entry, p.track, p.key.subject, p.seed), []).append(p)
    rows = []
    for (entry, track, subject, _), group in groups.items():
        trials = _in_order(group)
        scores = score_concatenated(
            [p.labels for p in trials], [p.predictions for p in trials], names
        )
        shapes = _mean_shape([_scores(p) for p in trials], names)
        rows.append({"entry": entry, "track": track, "subject": subject, **scores, **shapes})
    return averaged(pd.DataFrame(rows), ["entry", "track", "subject"]).reset_index()


def trial_scores(predictions: Sequence[TrialPrediction]) -> pd.DataFrame:
    """Score each trial by itself, averaged over seeds.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.

    Returns
    -------
    DataFrame
        Columns ``entry, track, subject, session, trial``, metrics as in `subject_scores`, and
        ``spread, lag_s, jerk`` over all dimensions and for each.
    """
    ids = ["entry", "track", "subject", "session", "trial"]
    rows = [
        (p.entry, p.track, p.key.subject, p.key.session, p.key.trial, *_scores(p).values())
        for p in predictions
    ]
    frame = pd.DataFrame(rows, columns=[*ids, *_scores(predictions[0])])
    return averaged(frame, ids).reset_index()


def averaged(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Average the scores of each group: correlations by Fisher's z, all else as it is.

    Parameters
    ----------
    scores : DataFrame
        Columns `by` and scores; NaN is left out.
    by : sequence of str
        Columns that name the group.

    Returns
    -------
    DataFrame
        Index `by`, in order of appearance; means, NaN where nothing was defined.
    """
    means = scores.copy()
    pcc = [name for name in scores.columns if name.startswith("pcc")]
    means[pcc] = np.arctanh(scores[pcc].clip(-LARGEST_CORRELATION, LARGEST_CORRELATION))
    means = means.groupby(list(by), sort=False).mean()
    means[pcc] = np.tanh(means[pcc])
    return means


def footnotes(predictions: Sequence[TrialPrediction]) -> list[str]:
    """State the conventions behind the numbers, with what they left out here.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted.

    Returns
    -------
    list of str
        Sentences for people.
    """
    trials = {p.key: p for p in predictions}
    subjects: dict[int | str, list[TrialPrediction]] = {}
    for p in trials.values():
        subjects.setdefault(p.key.subject, []).append(p)
    flat_trials = sum(_has_constant(p.labels) for p in trials.values())
    flat_subjects = sum(
        _has_constant(np.concatenate([p.labels for p in group])) for group in subjects.values()
    )
    notes = [
        "CCC, PCC, RMSE and MAE are means over subjects of the score of the subject's trials, "
        "concatenated over all sessions in order of recording, and over label dimensions. Seeds "
        "are averaged within the subject first. Means of PCC over seeds, subjects and trials go "
        "through Fisher's z; all others are arithmetic. Variances are those of the population.",
        "CCC and PCC are undefined where the label is constant. "
        f"{flat_subjects} of {len(subjects)} subjects have such a dimension over all their "
        "trials; it is left out of the means.",
        "Trial CCC, PCC, RMSE and MAE are means over single trials. "
        f"{flat_trials} of {len(trials)} trials have a constant dimension, which is left out of "
        "trial CCC and PCC; if nothing remains, the cell is empty.",
        "Steps without annotation are left out. A constant prediction has CCC 0 and no PCC; it is "
        "left out of the mean PCC, which is empty for an entry that is always constant.",
        "Spread is the standard deviation of the prediction over that of the label (1 is right, "
        "below 1 is timid), lag the seconds by which it trails the label where their correlation "
        "is highest (within ±10 s), jerk the root mean square of its third difference a step: "
        "means over the trials of a subject where defined, then over subjects.",
    ]
    covered: dict[str, set[TrialKey]] = {}
    for p in predictions:
        covered.setdefault(p.entry, set()).add(p.key)
    lacking = [f"{entry} ({len(keys)})" for entry, keys in covered.items() if keys != trials.keys()]
    if lacking:
        notes.append(
            f"Not on equal ground: these entries lack some of the {len(trials)} trials and must "
            f"not be ranked against the others: {', '.join(lacking)}."
        )
    return notes


def label_names(predictions: Sequence[TrialPrediction]) -> tuple[str, ...]:
    """Return the label dimensions, after a check that the predictions belong together.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted.

    Returns
    -------
    tuple of str
        Label dimensions of all predictions.

    Raises
    ------
    ConfigError
        If there are no predictions, or they differ in label dimensions.
    """
    if not predictions:
        raise ConfigError("there are no predictions to score: run at least one entry on one fold")
    names = {p.label_names for p in predictions}
    if len(names) > 1:
        raise ConfigError(
            f"predictions of one leaderboard must share label dimensions, not {sorted(names)}: "
            "evaluate each data set by itself"
        )
    return predictions[0].label_names


def _in_order(group: Sequence[TrialPrediction]) -> list[TrialPrediction]:
    """Sort one subject's trials by session and trial; refuse duplicates, which would weigh more."""
    ordered = sorted(group, key=lambda p: (p.key.session, p.key.trial))
    for first, second in pairwise(ordered):
        if first.key == second.key:
            raise ConfigError(
                f"entry {first.entry!r} with seed {first.seed} predicted {first.key} twice (folds "
                f"{first.fold} and {second.fold}): each trial must be held out in one fold"
            )
    return ordered


def _scores(p: TrialPrediction) -> dict[str, float]:
    """Metrics and shape of one trial, computed once: tables and rows both need them."""
    scores = _known_scores.get(p)
    if scores is None:
        scores = episode_metrics(p.labels, p.predictions, p.label_names)
        scores |= mean_shape([p.labels], [p.predictions], p.label_names, p.step_s)
        _known_scores[p] = scores
    return scores


def _mean_shape(trials: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, float]:
    """Mean over trials, then over dimensions, as `mean_shape` would give it."""
    means = {}
    for shape in SHAPES:
        values = np.array([[scores[f"{shape}_{name}"] for name in names] for scores in trials])
        means[shape] = float(defined_mean(defined_mean(values, axis=0), axis=0))
    return means


def _trial_row(p: TrialPrediction) -> dict[str, Any]:
    scores = _scores(p)
    undefined = [name for name, value in scores.items() if math.isnan(value)]
    sums = trial_sums(p.labels, p.predictions).tolist()
    return {
        "fold": p.fold,
        "entry": p.entry,
        "seed": p.seed,
        "subject": p.key.subject,
        "session": p.key.session,
        "trial": p.key.trial,
        "stimulus": p.key.stimulus,
        "n_steps": len(p.labels),
        "source": p.source,
        "track": p.track,
        "label_delay_s": p.label_delay_s,
        **scores,
        **dict.fromkeys(undefined),
        "undefined": undefined,
        "moments": dict(zip(p.label_names, sums, strict=True)),
    }


def _has_constant(labels: ArrayLike) -> bool:
    return any(is_constant(column) for column in np.asarray(labels).T)
