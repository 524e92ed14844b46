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

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.batches import TrialScore, score_all, score_columns
from benchmarks.statistics.moments import natural
from benchmarks.statistics.sums import defined_mean
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.metrics import is_constant, score_concatenated
from eeg_emotion_env.trajectory_shape import SHAPES
from eeg_emotion_env.trial import TrialKey

CONTEXT_OF_ROWS = ("protocol", "dataset", "fingerprint", "versions")

LARGEST_CORRELATION = 1 - 1e-9
"""Correlations beyond this count as this in Fisher's z, which is infinite for 1."""


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
    columns = score_columns(label_names(predictions))
    return [
        {**shared, **_trial_row(p, known, columns)}
        for p, known in zip(predictions, score_all(predictions), strict=True)
    ]


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
        metrics of each dimension (``ccc_valence`` …), ``spread`` (over the concatenated trials)
        and ``lag_s, jerk`` (means over the subject's trials, as no time runs between them; both
        means over dimensions); NaN where undefined.

    Raises
    ------
    ConfigError
        If there are no predictions, or an entry predicted a trial twice with one seed.
    """
    names = label_names(predictions)
    groups: dict[tuple[Any, ...], list[TrialPrediction]] = {}
    for p in ordered(predictions):
        groups.setdefault((p.entry, p.track, p.key.subject, p.seed), []).append(p)
    # trial by trial over all entries, which is quicker than entry by entry
    score_all(predictions)
    rows = []
    for (entry, track, subject, _), trials in groups.items():
        _refuse_twice(trials)
        labels, guesses = [p.labels for p in trials], [p.predictions for p in trials]
        scores = score_concatenated(labels, guesses, names)
        scores |= _mean_shape(trials, names)
        scores["spread"] = _spread(np.concatenate(labels), np.concatenate(guesses))
        rows.append({"entry": entry, "track": track, "subject": subject, **scores})
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
    predictions = ordered(predictions)
    columns = score_columns(label_names(predictions))
    frame = pd.DataFrame(
        [(p.entry, p.track, p.key.subject, p.key.session, p.key.trial) for p in predictions],
        columns=ids,
    )
    scores = np.stack([known.scores for known in score_all(predictions)])
    frame = pd.concat([frame, pd.DataFrame(scores, columns=columns)], axis=1)
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
        "below 1 is timid), over a subject's concatenated trials. Lag is the seconds by which the "
        "prediction trails the label where their correlation is highest (within ±10 s), jerk the "
        "root mean square of its third difference a step: means over the trials of a subject where "
        "defined, as no time runs from one trial to the next. All three are means over subjects.",
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


def ordered(predictions: Sequence[TrialPrediction]) -> list[TrialPrediction]:
    """Sort predictions, so that no number depends on the order in which jobs ended.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.

    Returns
    -------
    list of TrialPrediction
        By entry, track, seed, subject (in natural order), session and trial.
    """
    return sorted(
        predictions,
        key=lambda p: (
            *(p.entry, p.track, p.seed, natural(p.key.subject)),
            *(p.key.session, p.key.trial, p.fold),
        ),
    )


def _refuse_twice(trials: Sequence[TrialPrediction]) -> None:
    """Refuse trials of one subject that were predicted twice, as they would weigh more."""
    for first, second in pairwise(trials):
        if first.key == second.key:
            raise ConfigError(
                f"entry {first.entry!r} with seed {first.seed} predicted {first.key} twice (folds "
                f"{first.fold} and {second.fold}): each trial must be held out in one fold"
            )


def _mean_shape(trials: Sequence[TrialPrediction], names: Sequence[str]) -> dict[str, float]:
    """Mean over trials, then over dimensions, of what is defined for a trial alone."""
    columns = score_columns(names)
    scores = np.stack([known.scores for known in score_all(trials)])
    means = {}
    for shape in SHAPES:
        of_dims = [columns.index(f"{shape}_{name}") for name in names]
        means[shape] = float(defined_mean(defined_mean(scores[:, of_dims], axis=0), axis=0))
    return means


def _spread(labels: NDArray[np.float32], guesses: NDArray[np.float32]) -> float:
    """Standard deviation of the prediction over that of the label, mean over dimensions."""
    ratios = []
    for label, guess in zip(labels.T, guesses.T, strict=True):
        known = ~np.isnan(label)
        if not is_constant(label):
            ratios.append(guess[known].std(dtype=float) / label[known].std(dtype=float))
    return float(np.mean(ratios)) if ratios else math.nan


def _trial_row(p: TrialPrediction, known: TrialScore, columns: Sequence[str]) -> dict[str, Any]:
    scores = dict(zip(columns, known.scores.tolist(), strict=True))
    undefined = [name for name, value in scores.items() if math.isnan(value)]
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
        "moments": dict(zip(p.label_names, known.sums.tolist(), strict=True)),
    }


def _has_constant(labels: ArrayLike) -> bool:
    return any(is_constant(column) for column in np.asarray(labels).T)
