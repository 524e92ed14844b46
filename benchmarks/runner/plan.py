"""Which jobs a run consists of."""

from collections.abc import Sequence

from benchmarks.entries import ENTRIES, resolve_entry
from benchmarks.runner.fingerprints import data_fingerprint
from benchmarks.runner.job import Job
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import Split
from eeg_emotion_env.trial import Trial


def make_jobs(
    trials: Sequence[Trial],
    split: Split,
    entries: Sequence[str],
    seeds: Sequence[int],
    quick: bool = False,
    label_delay_s: float | str = 0.0,
) -> list[Job]:
    """List the jobs of a run; entries without randomness run once.

    Parameters
    ----------
    trials : sequence of Trial
        All trials, in the order of the split.
    split : Split
        Folds.
    entries : sequence of str
        Names or import paths; empty for all of `ENTRIES` that can run on these trials.
    seeds : sequence of int
        Seeds of entries that are random.
    quick : bool
        Whether training is cut short.
    label_delay_s : float or str
        Annotators' delay, seconds, or ``"auto"``.

    Returns
    -------
    list of Job
        By entry, fold and seed.

    Raises
    ------
    ConfigError
        If an entry is unknown or cannot run on these trials.
    """
    data = data_fingerprint(trials, split)
    jobs = []
    names = [resolve_entry(name).name for name in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"entries must have different names; {', '.join(twice)} comes twice")
    for name in entries or ENTRIES:
        kind = resolve_entry(name)
        lack = kind.lack(trials)
        if lack and entries:
            raise ConfigError(f"entry {name} needs {lack}; leave it out of --entries")
        if lack:
            continue
        used = seeds if kind.stochastic else seeds[:1]
        jobs += [
            Job(fold, name, seed, quick, data, label_delay_s)
            for fold in split.folds
            for seed in used
        ]
    return jobs
