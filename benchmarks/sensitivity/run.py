"""Runs of the sweep: one a setting, fold and seed; each is kept and never done twice."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from benchmarks.kept import add_record, read_records
from benchmarks.sensitivity.settings import variant
from eeg_emotion_env.metrics import score_concatenated
from eeg_emotion_env.splits import Split
from eeg_emotion_env.trial import Trial
from encoders import FrozenEncoder
from encoders.diagnostics import codebook_usage

RUNS = "runs.jsonl"


@dataclass(frozen=True)
class Run:
    """One encoder, pretrained inside a fold, and what a linear regression makes of it.

    Attributes
    ----------
    setting, fold, seed
        What was run.
    fingerprint : str
        Of trials, split and the setting's configuration.
    scores : dict
        CCC of each held-out subject's concatenated trials, mean over dimensions; subjects whose
        CCC is not defined are left out.
    usage, perplexity : float or None
        Of the codebook on training steps: share of prototypes, and exp of the entropy over size.
    unseen_usage : float or None
        Share of prototypes in use on all held-out subjects together.
    n_latent : int
        Width of a latent.
    """

    setting: str
    fold: int
    seed: int
    fingerprint: str
    scores: dict[str, float]
    usage: float | None
    perplexity: float | None
    unseen_usage: float | None
    n_latent: int


def sweep(
    trials: Sequence[Trial],
    split: Split,
    settings: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    workers: int,
    on_run: Callable[[Run], None],
) -> list[Run]:
    """Run what is not done yet.

    Parameters
    ----------
    trials : sequence of Trial
        All trials.
    split : Split
        Folds; encoder and regression are fitted on their training parts.
    settings : sequence of str
        Names of `SETTINGS`.
    seeds : sequence of int
        Seeds.
    out : Path
        Folder; ``runs.jsonl`` in it grows by a line a run.
    workers : int
        Processes.
    on_run : callable
        Called after each run.

    Returns
    -------
    list of Run
        All runs, those of earlier calls included.
    """
    data = joblib.hash([(t.key, t.features, t.labels) for t in trials])
    wanted = [
        (name, fold.number, seed, _fingerprint(name, data, split.fingerprint))
        for seed in seeds
        for fold in split.folds
        for name in settings
    ]
    kept = {(r.setting, r.fold, r.seed, r.fingerprint): r for r in read_runs(out / RUNS)}
    todo = [key for key in wanted if key not in kept]
    parallel = joblib.Parallel(
        n_jobs=workers, return_as="generator_unordered", pre_dispatch="n_jobs"
    )
    folds = {fold.number: fold for fold in split.folds}
    jobs = (
        joblib.delayed(_run)(
            key,
            [trials[i] for i in folds[key[1]].train],
            [trials[i] for i in folds[key[1]].test],
        )
        for key in todo
    )
    for run in [kept[key] for key in wanted if key in kept]:
        on_run(run)
    for run in parallel(jobs):
        add_record(out / RUNS, asdict(run))
        kept[(run.setting, run.fold, run.seed, run.fingerprint)] = run
        on_run(run)
    return [kept[key] for key in wanted]


def read_runs(path: Path) -> list[Run]:
    """Read the runs that were done; those of another version, with other fields, are left out."""
    names = {field.name for field in fields(Run)}
    return [Run(**record) for record in read_records(path) if set(record) == names]


def _run(key: tuple[str, int, int, str], train: Sequence[Trial], test: Sequence[Trial]) -> Run:
    torch.set_num_threads(1)
    entry = variant(key[0])(seed=key[2])
    entry.fit(train)
    subjects = dict.fromkeys(str(trial.subject) for trial in test)
    scores = {}
    for subject in subjects:
        mine = [trial for trial in test if str(trial.subject) == subject]
        predictions = [entry.predict(trial.without_labels()) for trial in mine]
        labels = [trial.labels for trial in mine]
        ccc = score_concatenated(labels, predictions, mine[0].label_names)["ccc"]
        if np.isfinite(ccc):
            scores[subject] = float(ccc)
    used = _used(entry.encoder, test)
    return Run(*key, scores, *used, entry.encoder.n_latent)


def _used(
    encoder: FrozenEncoder, test: Sequence[Trial]
) -> tuple[float | None, float | None, float | None]:
    known: dict[str, float] | None = encoder.description.get("codebook")
    if known is None:
        return None, None, None
    size = encoder.config.codebook_size
    unseen = codebook_usage([encoder.codes(trial.features) for trial in test], size)
    return known["usage"], known["perplexity"] / size, unseen["usage"]


def _fingerprint(name: str, data: str, split: str) -> str:
    kind: Any = variant(name)
    configured = (dict(kind.encoder_options), asdict(kind.pretraining_config))
    return str(joblib.hash((configured, data, split)))[:16]


def per_subject(runs: Sequence[Run], setting: str) -> dict[str, float]:
    """Return the score of each subject under a setting, averaged over seeds and folds."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.setting == setting:
            for subject, score in run.scores.items():
                found.setdefault(subject, []).append(score)
    return {subject: float(np.mean(scores)) for subject, scores in sorted(found.items())}
