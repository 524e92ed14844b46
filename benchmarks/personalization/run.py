"""Training the models of the protocol and scoring every candidate on the people new to them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from agents import Agent
from agents.personalization import first_minutes
from benchmarks.entries.base import FloatArray
from benchmarks.entries.eegdancer import EEGDancer
from benchmarks.kept import add_record, read_records
from benchmarks.personalization.candidates import (
    LAST_LAYER_SECONDS,
    PENALTIES,
    SECONDS,
    UPDATES,
    Candidate,
    candidates,
)
from benchmarks.personalization.protocol import Groups, Unit, halves
from eeg_emotion_env.metrics import episode_metrics, score_concatenated
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.trial import Trial

UNITS = "units.jsonl"

Record = dict[str, Any]
"""``subject, minutes, given, method, strength, ccc, trial_ccc, trial_pcc, rmse``."""


class Source(EEGDancer):
    """The entry `eegdancer`, opened: its agent and the latents of its encoder."""

    @property
    def agent(self) -> Agent:
        """The trained agent, after `fit`."""
        return self._agent

    def episodes(self, trials: Sequence[Trial]) -> list[Episode]:
        """Encode trials with the encoder of the fold."""
        return [self._episode(trial) for trial in trials]


def run_units(
    trials: Sequence[Trial],
    groups: Groups,
    units: Sequence[Unit],
    minutes: Sequence[float],
    out: Path,
    quick: bool,
    on_unit: Callable[[Unit], None],
) -> list[tuple[Unit, list[Record]]]:
    """Do what is not done yet.

    Parameters
    ----------
    trials : sequence of Trial
        All trials.
    groups : Groups
        Subjects of each fold.
    units : sequence of Unit
        Models to train.
    minutes : sequence of float
        Lengths of the calibration, above zero; 0 is always there.
    out : Path
        Folder; ``units.jsonl`` in it grows by a line a unit.
    quick : bool
        Smaller training.
    on_unit : callable
        Called after each unit.

    Returns
    -------
    list of (Unit, list of Record)
        Records of all units.
    """
    data = joblib.hash([(t.key, t.features, t.labels) for t in trials])
    grids = [list(minutes), SECONDS, LAST_LAYER_SECONDS, UPDATES, PENALTIES]
    trained = [quick, Source.agent_config, Source.pretraining_config]
    fingerprint = joblib.hash([data, groups, grids, trained])
    kept = _kept(out / UNITS, fingerprint)
    for unit in units:
        if unit not in kept:
            kept[unit] = run_unit(trials, groups, unit, minutes, quick)
            line = {"fingerprint": fingerprint, "seed": unit.seed, "left_out": unit.left_out}
            add_record(out / UNITS, {**line, "records": kept[unit]})
        on_unit(unit)
    return [(unit, kept[unit]) for unit in units]


def _kept(path: Path, fingerprint: str) -> dict[Unit, list[Record]]:
    return {
        Unit(line["seed"], tuple(line["left_out"])): line["records"]
        for line in read_records(path)
        if line["fingerprint"] == fingerprint
    }


def run_unit(
    trials: Sequence[Trial], groups: Groups, unit: Unit, minutes: Sequence[float], quick: bool
) -> list[Record]:
    """Train a model on the people it may see and play all others as new."""
    new = [subject for fold in unit.left_out for subject in groups[fold]]
    train = [trial for trial in trials if str(trial.subject) not in new]
    model = Source(unit.seed, quick)
    model.fit(train)
    compared = candidates(model.agent, model.episodes(train), controls=not unit.is_inner)
    records: list[Record] = []
    for subject in new:
        own = model.episodes([trial for trial in trials if str(trial.subject) == subject])
        pool, test = halves(own)
        if test:
            records += person_records(subject, pool, test, compared, minutes)
    return records


def person_records(
    subject: str,
    pool: Sequence[Episode],
    test: Sequence[Episode],
    compared: Sequence[Candidate],
    minutes: Sequence[float],
) -> list[Record]:
    """Score every candidate on one person, at every length of the calibration.

    Parameters
    ----------
    subject : str
        The person.
    pool, test : sequence of Episode
        As `halves` gives them.
    compared : sequence of Candidate
        What is compared.
    minutes : sequence of float
        Lengths above zero; who has less gives all there is.

    Returns
    -------
    list of Record
        One for each length, candidate and strength.
    """
    hidden = [replace(e, labels=np.full_like(e.labels, np.nan)) for e in test]
    records = []
    for length in (0.0, *minutes):
        calibration = first_minutes(pool, length)
        given = sum(e.n_steps * e.step_s for e in calibration) / 60.0
        for name, strength, predictions in _played(compared, calibration, hidden):
            known = {"subject": subject, "minutes": length, "given": given}
            scores = scores_of(test, predictions)
            records.append({**known, "method": name, "strength": strength, **scores})
    return records


def _played(
    compared: Sequence[Candidate], calibration: Sequence[Episode], hidden: Sequence[Episode]
) -> Iterator[tuple[str, float, list[FloatArray]]]:
    for candidate in compared:
        predictors = candidate.predictors(calibration)
        # without a calibration strengths make no difference
        n_different = len(predictors) if calibration else 1
        played = [predictor(hidden) for predictor in predictors[:n_different]]
        for place, strength in enumerate(candidate.strengths):
            yield candidate.name, strength, played[min(place, n_different - 1)]


def scores_of(test: Sequence[Episode], predictions: Sequence[FloatArray]) -> dict[str, float]:
    """Return ``ccc`` and ``rmse`` of the trials concatenated, ``trial_ccc`` and ``trial_pcc``."""
    names = test[0].label_names
    whole = score_concatenated([e.labels for e in test], predictions, names)
    single = [episode_metrics(e.labels, p, names) for e, p in zip(test, predictions, strict=True)]
    result = {"ccc": float(whole["ccc"]), "rmse": float(whole["rmse"])}
    for metric in ("ccc", "pcc"):
        values = np.array([scores[metric] for scores in single])
        known = values[~np.isnan(values)]
        result[f"trial_{metric}"] = float(known.mean()) if len(known) else float("nan")
    return result
