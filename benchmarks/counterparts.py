"""Entries that are shown changed trials: the counterpart of an entry, under a name of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.entries import ENTRIES, Entry
from benchmarks.entries.base import FloatArray
from eeg_emotion_env.trial import Trial

Change = Callable[[Trial], Trial]
ChangeAll = Callable[[Sequence[Trial]], Sequence[Trial]]


def _unchanged(trial: Trial) -> Trial:
    return trial


def counterpart(
    kind: type[Entry], mark: str, summary: str, train: ChangeAll, test: Change, module: str
) -> type[Entry]:
    """Make the counterpart of an entry.

    Parameters
    ----------
    kind : type of Entry
        The entry.
    mark : str
        What follows the entry's name on the leaderboard.
    summary : str
        What follows its summary.
    train : callable
        Changes the training trials before the entry sees them.
    test : callable
        Changes a test trial before the entry sees it.
    module : str
        Module in which the counterpart is found.

    Returns
    -------
    type of Entry
        A subclass of `kind`.
    """

    def lack(cls: type[Entry], trials: Sequence[Trial]) -> str:
        # what needs raw EEG says so, if the change leaves none
        return kind.lack(train(trials))

    def fit(self: Entry, trials: Sequence[Trial]) -> None:
        kind.fit(self, train(trials))

    def predict(self: Entry, trial: Trial) -> FloatArray:
        return kind.predict(self, test(trial))

    content: dict[str, Any] = {
        "name": kind.name + mark,
        "summary": f"{kind.summary}, {summary}",
        "__doc__": f"`{kind.name}` {summary}.",
        "__module__": module,
        "lack": classmethod(lack),
        "fit": fit,
        "predict": predict,
    }
    return type(
        f"{kind.__name__}{module.rsplit('.', 1)[-1].title().replace('_', '')}", (kind,), content
    )


def competitor(name: str, module: str) -> type[Entry]:
    """Return an entry that may have a counterpart: any but the oracles, which learn nothing.

    Parameters
    ----------
    name : str
        Name of the entry.
    module : str
        Module that was asked for it.

    Returns
    -------
    type of Entry
        The entry.

    Raises
    ------
    AttributeError
        If there is no such entry.
    """
    kind = ENTRIES.get(name)
    if kind is None or kind.oracle:
        known = ", ".join(other for other in ENTRIES if not ENTRIES[other].oracle)
        raise AttributeError(f"{module} has no entry {name!r}; there are {known}")
    return kind


@dataclass(frozen=True)
class Family:
    """The counterparts of all entries under one change, each under a name of its module.

    Attributes
    ----------
    module : str
        Module in which the counterparts are found.
    mark, summary : str
        As for `counterpart`.
    train : callable
        Changes the training trials.
    test : callable
        Changes a test trial.
    """

    module: str
    mark: str
    summary: str
    train: ChangeAll
    test: Change = _unchanged

    def of(self, kind: type[Entry]) -> type[Entry]:
        """Return the counterpart of an entry, to be assigned to a name of its module."""
        return counterpart(kind, self.mark, self.summary, self.train, self.test, self.module)

    def named(self, name: str) -> type[Entry]:
        """Return the counterpart of the entry of `ENTRIES` that has this name."""
        return self.of(competitor(name, self.module))
