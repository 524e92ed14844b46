"""Questions to a fitted entry, each with the answer that an honest one gives.

An answer is compared to what the entry says of the same trial when that is all it is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.audit.planting import cut_short, renamed, with_noise
from eeg_emotion_env.trial import Trial

MOST_TRIALS = 3
"""Test trials that are changed in every way; the others are asked as they are."""

CUTS = (0.2, 0.5, 0.8)
"""Places in a trial, as shares of its length, from which on it is changed."""

LENGTHS = (0.4, 0.9)
"""Shares of its length that a trial is cut to."""


@dataclass(frozen=True)
class Probe:
    """Test trials, changed, that are asked one after another.

    Attributes
    ----------
    name : str
        Group and number, unique.
    what : str
        What was changed, for people.
    trials : tuple of Trial
        What is asked.
    places : tuple of int or None
        Test trial whose prediction each of them must get; None for any.
    n_rows : int or None
        First rows that must not move; None for all.
    """

    name: str
    what: str
    trials: tuple[Trial, ...]
    places: tuple[int | None, ...]
    n_rows: int | None = None

    @property
    def group(self) -> str:
        """Name of the check that it belongs to."""
        return self.name.split("/")[0]


def chosen(test: Sequence[Trial]) -> list[int]:
    """Return positions of first, middle and last test trial."""
    last = len(test) - 1
    return sorted({round(i * last / max(1, MOST_TRIALS - 1)) for i in range(MOST_TRIALS)})


def future(test: Sequence[Trial]) -> list[Probe]:
    """Replace the EEG from a step on; rows before it must stay."""
    probes = []
    for place in chosen(test):
        trial = test[place]
        last = trial.n_steps - 1
        cuts = {1, *(round(cut * trial.n_steps) for cut in CUTS), last}
        for cut in sorted(cut for cut in cuts if 0 < cut <= last):
            what = f"the EEG of {_short(trial)} from step {cut + 1} on was replaced"
            probes.append(_probe("future", what, with_noise(trial, cut), place, cut))
    return probes


def length(test: Sequence[Trial]) -> list[Probe]:
    """Cut trials short; rows before the cut must stay."""
    probes = []
    for place in chosen(test):
        trial = test[place]
        for share in LENGTHS:
            cut = max(1, round(share * trial.n_steps))
            if cut < trial.n_steps:
                what = f"{_short(trial)} was cut from {trial.n_steps} to {cut} steps"
                probes.append(_probe("length", what, cut_short(trial, cut), place, cut))
    return probes


def other_trials(test: Sequence[Trial]) -> list[Probe]:
    """Ask all test trials in order, backwards, and one again after noise: all must stay."""
    order = list(range(len(test)))
    forth = Probe("other-trials/order", "it was asked after others", tuple(test), tuple(order))
    back = Probe(
        "other-trials/backwards",
        "the trials were asked backwards",
        tuple(test[i] for i in order[::-1]),
        tuple(order[::-1]),
    )
    what = f"{_short(test[0])} was asked before, with other EEG"
    again = Probe("other-trials/again", what, (with_noise(test[0]), test[0]), (None, 0))
    return [forth, back, again]


def stimulus(test: Sequence[Trial]) -> list[Probe]:
    """Tell other stimuli: another test trial's, one that nobody saw, none at all."""
    probes = []
    names = [trial.stimulus for trial in test]
    for place in chosen(test):
        trial = test[place]
        others = sorted({str(name) for name in names} - {str(trial.stimulus), "None"})
        told = [*others[:1], "a clip that nobody saw", None]
        for name in told:
            what = f"the stimulus of {_short(trial)} was called {name!r}"
            probes.append(_probe("stimulus", what, renamed(trial, stimulus=name), place))
    return probes


def identity(test: Sequence[Trial], train: Sequence[Trial]) -> list[Probe]:
    """Tell other trial numbers, sessions, data sets and, where people are new, subjects."""
    known = {str(trial.subject) for trial in train}
    probes = []
    for place in chosen(test):
        trial = test[place]
        other = test[(place + 1) % len(test)].trial
        changes: list[dict[str, Any]] = [
            {"trial": other if other != trial.trial else trial.trial + 1},
            {"trial": trial.trial + 1000},
            {"session": trial.session + 1},
            {"dataset": "another"},
        ]
        if str(trial.subject) not in known:
            stranger = 1000 if isinstance(trial.subject, int) else "stranger"
            changes += [{"subject": train[0].subject}, {"subject": stranger}]
        for change in changes:
            (name, value), *_ = change.items()
            what = f"{name} of {_short(trial)} was called {value!r}"
            probes.append(_probe("identity", what, renamed(trial, **change), place))
    return probes


def _probe(group: str, what: str, trial: Trial, place: int, n_rows: int | None = None) -> Probe:
    return Probe(f"{group}/{what}", what, (trial,), (place,), n_rows)


def _short(trial: Trial) -> str:
    return f"subject {trial.subject} session {trial.session} trial {trial.trial}"
