"""Intervals around predictions: calibrated by `train`, scored by `evaluate`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.commands.common import progress_bar, say, seen_subjects
from benchmarks.commands.pretraining import default_settings, pretrained
from eeg_emotion_env.datasets import Trials
from eeg_emotion_env.latents import fitted
from encoders.config import PretrainingConfig, StageConfig

if TYPE_CHECKING:
    from agents import AgentConfig
    from agents.agent import FloatArray
    from agents.intervals import PredictionIntervals
    from benchmarks.predictions import TrialPrediction
    from encoders import FrozenEncoder

Encoders = Callable[[Trials], "FrozenEncoder"]
"""Gives the encoder for a part of the training people."""


def calibrated_intervals(
    trials: Trials, config: "AgentConfig", n_folds: int, encoders: Encoders
) -> "PredictionIntervals | None":
    """Calibrate intervals on training people, each predicted by a model that did not see them.

    Parameters
    ----------
    trials : Trials
        Training trials.
    config : AgentConfig
        Settings of the agent.
    n_folds : int
        Groups of people that are left out in turn; no more than there are people. 0: no intervals.
    encoders : callable
        Given the trials that remain, returns an encoder that has not seen the others.

    Returns
    -------
    PredictionIntervals or None
        None, said on standard output, without folds or with too few people who are annotated.
    """
    from agents.cross_fitting import cross_predictions
    from agents.intervals import PredictionIntervals
    from agents.quantiles import FEWEST_PEOPLE

    annotated = _annotated(trials)
    if n_folds and len(annotated) < FEWEST_PEOPLE:
        say(
            f"no intervals around predictions: they need {FEWEST_PEOPLE} annotated training "
            f"subjects, not {len(annotated)}"
        )
    if not n_folds or len(annotated) < FEWEST_PEOPLE:
        return None
    # models are stopped early on people who are kept out: they must be annotated, too
    trials = _people(trials, annotated)
    names = [str(trial.subject) for trial in trials]
    n_folds = min(n_folds, len(annotated))

    def predict(number: int, learnt: set[str], left_out: set[str]) -> "list[FloatArray]":
        say(f"interval, model {number + 1} of {n_folds}: without {', '.join(sorted(left_out))}")
        return _predicted(_people(trials, learnt), _people(trials, left_out), config, encoders)

    predictions = cross_predictions(names, n_folds, config.seed, predict)
    intervals = PredictionIntervals.fit(names, [trial.labels for trial in trials], predictions)
    for name, reached in zip(trials[0].label_names, intervals.reached, strict=True):
        if reached < intervals.level[0]:
            say(
                f"interval of {name}: holds {reached:.0%} of the steps of people left out, where "
                f"{intervals.level[0]:.0%} is meant; train on more people"
            )
    return intervals


def _annotated(trials: Trials) -> set[str]:
    """Return the people who have annotated steps in every dimension."""
    found: dict[str, Any] = {}
    for trial in trials:
        known = ~np.isnan(trial.labels).all(axis=0)
        found[str(trial.subject)] = found.get(str(trial.subject), False) | known
    return {name for name, dims in found.items() if np.all(dims)}


def _people(trials: Trials, names: set[str]) -> Trials:
    return trials.select([subject for subject in trials.subjects if str(subject) in names])


def _predicted(
    learnt: Trials, left_out: Trials, config: "AgentConfig", encoders: Encoders
) -> "list[FloatArray]":
    from agents import train_agent
    from eeg_emotion_env.playback import build_episodes

    encoder = encoders(learnt)
    with progress_bar(f"training {config.algorithm}", config.total_steps) as advance:
        agent = train_agent(
            build_episodes(learnt, encoder.encode),
            config,
            lambda p: advance(p.step),
            validation_groups=validation_groups_of(encoder.description, learnt),
        )
    return agent.predict(build_episodes(left_out, fitted(encoder, left_out[0]).encode))


def validation_groups_of(description: dict[str, Any], trials: Trials) -> Sequence[str]:
    """Return the subjects that an encoder was stopped on, if they are of this data set."""
    made = (description.get("dataset"), description.get("source"))
    known: Sequence[str] = description.get("validation_groups", ())
    return known if made == (trials[0].dataset, trials[0].source) else ()


def encoders_like(encoder: "FrozenEncoder", given: bool, trials: Trials, seed: int) -> Encoders:
    """Return what gives encoders that have seen none of the people left out.

    Parameters
    ----------
    encoder : FrozenEncoder
        Encoder of the model.
    given : bool
        Whether it was brought along, not pretrained with the defaults.
    trials : Trials
        Training trials.
    seed : int
        Seed of the defaults.

    Returns
    -------
    callable
        The encoder itself if it comes from elsewhere; otherwise pretraining with its settings, on
        this data set alone.
    """
    if given and not set(map(str, trials.subjects)) & seen_subjects(trials, encoder.description):
        return lambda part: fitted(encoder, part[0])
    shape = encoder.config if given else None
    settings = default_settings(StageConfig.epochs, seed)
    if given and "pretraining" in encoder.description:
        settings = PretrainingConfig(**encoder.description["pretraining"])
    return lambda part: fitted(pretrained([part], shape, settings), part[0])


def with_ends(
    prediction: "TrialPrediction", intervals: "PredictionIntervals | None"
) -> "TrialPrediction":
    """Return a trial's predictions with the ends of their intervals, where there are any."""
    if intervals is None:
        return prediction
    low, high = intervals.ends(prediction.predictions)
    return replace(prediction, low=low, high=high)


def say_coverage(
    intervals: "PredictionIntervals | None",
    predictions: "Sequence[TrialPrediction]",
    out: Path,
    seen: Collection[str],
) -> None:
    """Print how often the intervals hold the label of new people; write ``intervals.csv``.

    Parameters
    ----------
    intervals : PredictionIntervals or None
        Those of the model.
    predictions : sequence of TrialPrediction
        With ends.
    out : Path
        Folder; the file has a row a subject, and says who is new.
    seen : collection of str
        Subjects that the model was trained or the intervals calibrated on.
    """
    from benchmarks.coverage import coverage_table, summary
    from benchmarks.leaderboard import replacing

    if intervals is None:
        say("the model holds no intervals around its predictions; train it anew for them")
        return
    table = coverage_table(predictions, intervals)
    if table.empty:
        return
    table["new"] = ~table["subject"].isin(seen)
    with replacing(out / "intervals.csv") as path:
        table.to_csv(path, index=False, float_format="%.6f")
    new = table[table["new"]]
    if new.empty:
        say("all of these subjects are known to the model: coverage is of no use")
    for row in summary(new).to_dict("records"):
        say(
            f"{intervals.level[0]:.0%} interval, {row['label']}: holds {row['coverage']:.1%} of a "
            f"subject's steps ({row['coverage_min']:.0%} to {row['coverage_max']:.0%} over "
            f"{row['subjects']} subjects), mean width {row['width']:.2f}, interval score "
            f"{row['relative_score']:.2f} of that of a constant interval"
        )
        if row["relative_score"] >= 1:
            say(f"the predictions of {row['label']} tell no more than a constant does")
