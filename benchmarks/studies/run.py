"""Runs of a study: one a fold, objective, head and seed; each is kept and never done twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import joblib
import numpy as np
import torch

from benchmarks.entries.eegdancer import OnLatents
from benchmarks.kept import add_record, read_records
from benchmarks.studies.heads import Fold, Head
from benchmarks.studies.objectives import OBJECTIVES, Objective
from eeg_emotion_env.metrics import episode_metrics, score_concatenated
from eeg_emotion_env.playback import Episode, build_episodes
from eeg_emotion_env.splits import Split, validation_groups
from eeg_emotion_env.trial import Trial

RUNS = "runs.jsonl"

Record = dict[str, Any]
"""``arm, objective, fold, seed, fingerprint, seconds`` and ``subjects``: scores by subject."""


@dataclass(frozen=True)
class Arm:
    """One head on one objective.

    Attributes
    ----------
    name : str
        Name in the table.
    objective : str
        Name in `OBJECTIVES`.
    head : Head
        What is trained.
    """

    name: str
    objective: str
    head: Head

    def fingerprint(self, data: str) -> str:
        """Hash of everything that decides the outcome, but for the code."""
        return str(joblib.hash([data, self.objective, OBJECTIVES[self.objective], self.head]))


class Latents(OnLatents):
    """Encoder of a fold, pretrained as `eegdancer` does, and its latents."""

    def fit(self, train: Sequence[Trial]) -> None:
        """Pretrain and freeze."""
        self._pretrain(train)

    def predict(self, trial: Trial) -> np.ndarray:
        """Refuse: nothing is trained on the latents."""
        raise NotImplementedError("latents alone predict nothing")

    def parts(self, train: Sequence[Trial], test: Sequence[Trial]) -> Fold:
        """Encode; training people whom the encoder was stopped on are the validation part."""
        kept_out = set(self._validation_groups)
        groups = validation_groups([trial.key for trial in train])
        episodes = self._episodes(train)
        chosen = [group in kept_out for group in groups]
        return Fold(
            [e for e, out in zip(episodes, chosen, strict=True) if not out],
            [e for e, out in zip(episodes, chosen, strict=True) if out],
            self._episodes(test),
        )

    def _episodes(self, trials: Sequence[Trial]) -> list[Episode]:
        made = []
        for trial in trials:
            made += build_episodes([trial], lambda _, trial=trial: self.latents(trial))  # type: ignore[misc]
        return made


def run_study(
    trials: Sequence[Trial],
    split: Split,
    arms: Sequence[Arm],
    seeds: Mapping[int, Sequence[int]],
    out: Path,
    workers: int,
    on_run: Callable[[Record], None],
) -> list[Record]:
    """Run what is not done yet.

    Parameters
    ----------
    trials : sequence of Trial
        All trials.
    split : Split
        Folds; encoders and heads are fitted on their training parts.
    arms : sequence of Arm
        What is compared.
    seeds : mapping of int to sequence of int
        Seeds of each fold's heads, by the fold's number; heads without chance run with the first.
    out : Path
        Folder; ``runs.jsonl`` in it grows by a line a run.
    workers : int
        Processes.
    on_run : callable
        Called after each run.

    Returns
    -------
    list of Record
        All runs, those of earlier calls included.
    """
    data = joblib.hash([[(t.key, t.features, t.labels) for t in trials], split.fingerprint])
    variance = float(np.nanmean(np.nanvar(np.concatenate([t.labels for t in trials]), axis=0)))
    kept = {_key(record): record for record in read_records(out / RUNS)}
    todo: list[tuple[int, int, Arm]] = []
    wanted = []
    for fold in split.folds:
        for place, seed in enumerate(seeds[fold.number]):
            for arm in arms:
                if place and not arm.head.stochastic:
                    continue
                wanted.append((arm.fingerprint(data), fold.number, seed))
                if wanted[-1] not in kept:
                    todo.append((fold.number, seed, arm))
    for key in wanted:
        if key in kept:
            on_run(kept[key])
    folds = {fold.number: fold for fold in split.folds}
    encoded: dict[int, Fold] = {}
    for number in dict.fromkeys(number for number, _, _ in todo):
        train, test = (
            [trials[i] for i in part] for part in (folds[number].train, folds[number].test)
        )
        encoded[number] = _encoded(train, test)
    jobs = (
        joblib.delayed(_run)(encoded[number], arm, number, seed, arm.fingerprint(data), variance)
        for number, seed, arm in todo
    )
    parallel = joblib.Parallel(workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    for record in parallel(jobs):
        add_record(out / RUNS, record)
        kept[_key(record)] = record
        on_run(record)
    return [kept[key] for key in wanted]


def _key(record: Record) -> tuple[str, int, int]:
    return record["fingerprint"], record["fold"], record["seed"]


def _encoded(train: Sequence[Trial], test: Sequence[Trial]) -> Fold:
    torch.set_num_threads(1)
    encoder = Latents(seed=0)
    encoder.fit(train)
    return encoder.parts(train, test)


def _run(fold: Fold, arm: Arm, number: int, seed: int, fingerprint: str, variance: float) -> Record:
    torch.set_num_threads(1)
    start = process_time()
    objective = OBJECTIVES[arm.objective]
    played = Fold(
        objective.episodes(fold.fitting), objective.episodes(fold.validation), _hidden(fold.test)
    )
    predictions = arm.head.predictions(played, objective, seed)
    seconds = process_time() - start
    return {
        "arm": arm.name,
        "objective": arm.objective,
        "fold": number,
        "seed": seed,
        "fingerprint": fingerprint,
        "seconds": round(seconds, 2),
        "subjects": scores_by_subject(
            objective.episodes(fold.test), predictions, objective, variance
        ),
    }


def _hidden(episodes: Sequence[Episode]) -> list[Episode]:
    return [replace(e, labels=np.full_like(e.labels, np.nan)) for e in episodes]


def scores_by_subject(
    episodes: Sequence[Episode],
    predictions: Sequence[np.ndarray],
    objective: Objective,
    variance: float,
) -> dict[str, dict[str, float]]:
    """Score each subject's episodes.

    Parameters
    ----------
    episodes : sequence of Episode
        Test episodes, with labels.
    predictions : sequence of ndarray, each (n_steps, n_dims)
        Predictions.
    objective : Objective
        What is asked for.
    variance : float
        Of all labels of the data set, the unit of returns.

    Returns
    -------
    dict of str to dict
        ``ccc, pcc, rmse`` of the episodes concatenated, ``trial_ccc``, and ``score``, the
        objective's own: the CCC, or 1 + return a step / variance.
    """
    by_subject: dict[str, list[int]] = {}
    for place, episode in enumerate(episodes):
        by_subject.setdefault(str(episode.key.subject), []).append(place)
    found = {}
    for subject, places in by_subject.items():
        own, made = [episodes[i] for i in places], [predictions[i] for i in places]
        names = own[0].label_names
        whole = score_concatenated([e.labels for e in own], made, names)
        single = [
            episode_metrics(e.labels, p, names)["ccc"] for e, p in zip(own, made, strict=True)
        ]
        score = whole["ccc"]
        if objective.score == "return":
            score = 1.0 + objective.value(own, made) / variance
        found[subject] = {
            "score": float(score),
            "ccc": float(whole["ccc"]),
            "pcc": float(whole["pcc"]),
            "rmse": float(whole["rmse"]),
            "trial_ccc": float(np.nanmean(single))
            if not np.all(np.isnan(single))
            else float("nan"),
        }
    return found
