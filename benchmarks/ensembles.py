"""Entries as ensembles: ``--entries eegdancer,benchmarks.ensembles:eegdancer,…``.

Three whole entries are fitted on the same trials and differ in their seeds alone; their predictions
are averaged. Every random competitor of `ENTRIES` has its counterpart under its own name, on the
leaderboard ``<entry> (ensemble)``, so that an ensemble can be compared with ensembles.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.counterparts import competitor
from benchmarks.entries import Entry
from benchmarks.entries.base import FloatArray
from eeg_emotion_env.trial import Trial

MARK = " (ensemble)"
N_MEMBERS = 3


def ensemble(kind: type[Entry], n_members: int = N_MEMBERS) -> type[Entry]:
    """Make the ensemble of an entry.

    Parameters
    ----------
    kind : type of Entry
        The entry; its results depend on the seed.
    n_members : int
        Entries fitted; their seeds are drawn from the ensemble's.

    Returns
    -------
    type of Entry
        A subclass of `kind`, to be assigned to a name of its module.
    """

    def fit(self: Any, train: Sequence[Trial]) -> None:
        self._members = [kind(seed, self.quick) for seed in member_seeds(self.seed, n_members)]
        for member in self._members:
            member.fit(train)

    def predict(self: Any, trial: Trial) -> FloatArray:
        predictions = [member.predict(trial) for member in self._members]
        return np.asarray(np.mean(predictions, axis=0), dtype=np.float32)

    content: dict[str, Any] = {
        "name": kind.name + MARK,
        "summary": f"mean of {n_members} of: {kind.summary}",
        "__doc__": f"Mean of {n_members} `{kind.name}` of other seeds.",
        "__module__": __name__,
        "fit": fit,
        "predict": predict,
    }
    return type(f"{kind.__name__}Ensemble", (kind,), content)


def member_seeds(seed: int, n_members: int) -> list[int]:
    """Draw the seeds of the members, 31 bits each, from the seed of the ensemble."""
    drawn = np.random.SeedSequence(seed).generate_state(n_members)
    return [int(value) >> 1 for value in drawn]


def __getattr__(name: str) -> type[Entry]:
    """Return the ensemble of the entry of that name."""
    kind = competitor(name, __name__)
    if not kind.stochastic:
        raise AttributeError(f"{name} does not depend on the seed: an ensemble of it is itself")
    return ensemble(kind)
