"""The checks: one for each kind of leak, each with what it plants and what must not move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.audit.agreement import agreement, chance
from benchmarks.audit.jobs import Outcome
from benchmarks.audit.planting import with_labels, with_noise
from benchmarks.audit.probes import Probe
from benchmarks.audit.setting import (
    ROUNDING,
    Setting,
    answers_alone,
    difference,
    failure,
    one_by_one,
)
from eeg_emotion_env.trial import FloatArray, Trial

PASS, FAIL, NOT_APPLICABLE = "pass", "FAIL", "not applicable"

OTHER_NOISE = 4711
"""State of the global random generators, and seed of string hashes, in the second run."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    verdict : str
        `PASS`, `FAIL` or `NOT_APPLICABLE`.
    evidence : str
        One line: what was changed, what moved and by how much.
    """

    verdict: str
    evidence: str


def _always(setting: Setting) -> str:
    return ""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : str
        Short name.
    leak : str
        The kind of leak that it is meant for.
    look : callable
        Looks for it.
    lack : callable
        Says why the check cannot be applied; empty if it can.
    """

    name: str
    leak: str
    look: Callable[[Setting], Finding]
    lack: Callable[[Setting], str] = _always


def held_out_labels(setting: Setting) -> Finding:
    """Replace the test labels wherever the entry may find them; predictions must stay."""
    held = tuple(with_labels(_labelled(setting, place)) for place in range(len(setting.test)))
    task = setting.task(held=held, plant=setting.plant("labels"))
    return _unmoved(setting, setting.run(task)[-1], "the labels of the test trials were replaced")


def held_out_eeg(setting: Setting) -> Finding:
    """Make the test EEG noise wherever `fit` may find it; predictions of the real one must stay."""
    task = setting.task(held=tuple(map(with_noise, setting.test)), plant=setting.plant("eeg"))
    what = "the EEG of the test trials, but for what is predicted, was replaced by noise"
    return _unmoved(setting, setting.run(task)[-1], what)


def own_reading(setting: Setting) -> Finding:
    """Watch what the entry opens by itself: it must not be test trials or recordings."""
    opened = setting.base.opened
    if not opened:
        return Finding(PASS, "no recording was opened but by reading the EEG of trials given")
    more = f" and {len(opened) - 1} more" if len(opened) > 1 else ""
    return Finding(FAIL, f"the entry itself opened {opened[0]}{more}")


def future(setting: Setting) -> Finding:
    """Replace the EEG from a step on; earlier predictions must stay."""
    finding = _probed(setting, "future", ROUNDING)
    return replace(finding, evidence=finding.evidence + _reaction(setting, finding))


def length(setting: Setting) -> Finding:
    """Cut trials short; predictions before the cut must stay."""
    return _probed(setting, "length", ROUNDING)


def other_trials(setting: Setting) -> Finding:
    """Ask trials alone, in order, backwards and twice; predictions must stay."""
    return _probed(setting, "other-trials")


def stimulus(setting: Setting) -> Finding:
    """Rename the stimuli of test trials; predictions must stay."""
    return _probed(setting, "stimulus")


def identity(setting: Setting) -> Finding:
    """Rename test trials, sessions and subjects; predictions must stay."""
    return _probed(setting, "identity")


def stale_data(setting: Setting) -> Finding:
    """Run on other data of the same names before; predictions must follow the data, each time."""
    plain = answers_alone(setting.base)
    other = setting.task(
        train=tuple(with_labels(with_noise(trial)) for trial in setting.train),
        questions=one_by_one([with_noise(trial) for trial in setting.test]),
    )
    before, after = setting.run(other, setting.task())
    if setting.written:
        first = setting.written[0]
        return Finding(FAIL, f"it writes {first}, which outlives the job: results may be old")
    follows = failure(before) or difference(plain, answers_alone(before))
    is_varied = bool(np.ptp(np.concatenate(plain), axis=0).any())
    if not follows and not setting.kind.oracle and is_varied:
        return Finding(FAIL, "all training and test data were replaced: no prediction moved")
    what = "other data of the same names came before, in the same process and folders"
    return _unmoved(setting, after, what)


def other_folds(setting: Setting) -> Finding:
    """Run another fold before, in the same process; predictions must be those of a first run."""
    train, test = setting.earlier
    before = setting.task(
        train=train,
        questions=one_by_one(test),
        plant=replace(setting.plant(), held=frozenset()),
    )
    shared = len({t.key for t in train} & {t.key for t in setting.test})
    what = f"a fold that trains on {shared} of the test trials came before, in the same process"
    return _unmoved(setting, setting.run(before, setting.task())[-1], what)


def side_effects(setting: Setting) -> Finding:
    """Compare the process before and after; what others use must be as it was."""
    changed = setting.base.changed
    if not changed:
        return Finding(PASS, "settings of the process and functions of the package are as before")
    more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
    return Finding(FAIL, f"{changed[0]}{more}")


def label_source(setting: Setting) -> Finding:
    """Turn the training labels upside down; predictions must no longer agree with the truth."""
    turned = tuple(trial.replace(labels=-trial.labels) for trial in setting.train)
    outcome = setting.run(setting.task(train=turned))[-1]
    if failure(outcome):
        return _failed(outcome, "the training labels were turned upside down")
    answers = answers_alone(setting.base), answers_alone(outcome)
    plain, other = (agreement(setting.labels, guesses) for guesses in answers)
    limit = max(chance(setting.labels, guesses, setting.test) for guesses in answers)
    text = (
        f"correlation with the truth {plain:.2f}, and {other:.2f} with training labels upside down "
        f"(chance: up to {limit:.2f})"
    )
    return Finding(FAIL if min(plain, other) > limit else PASS, text)


def repeatable(setting: Setting) -> Finding:
    """Run again with other global random generators and order of sets; predictions must stay."""
    seed = setting.seed if setting.kind.stochastic else setting.seed + 1
    task = setting.task(seed=seed, noise=OTHER_NOISE)
    outcome = setting.run(task, hash_seed=OTHER_NOISE)[-1]
    what = "it ran again from another state of the global random generators and of string hashes"
    if not setting.kind.stochastic:
        what += " and with another seed (it says stochastic = False)"
    return _unmoved(setting, outcome, what, is_last_word=True)


def _told_the_generator(setting: Setting) -> str:
    if not setting.kind.oracle:
        return ""
    return "an oracle: told what generated the trial, and ranked as a ceiling"


def _may_look_ahead(setting: Setting) -> str:
    if not setting.kind.causal:
        return "it says causal = False, and is ranked in the non-causal track"
    return _told_the_generator(setting)


def _may_know_stimuli(setting: Setting) -> str:
    if setting.kind.needs_stimuli:
        return "it says needs_stimuli = True"
    return _told_the_generator(setting)


def _no_other_fold(setting: Setting) -> str:
    return "" if setting.earlier[0] else "the split has one fold"


def _no_truth(setting: Setting) -> str:
    if _told_the_generator(setting):
        return _told_the_generator(setting)
    rows = np.concatenate(setting.labels)
    flat = np.nanstd(rows, axis=0) < 1e-6 if not np.isnan(rows).all(axis=0).any() else [True]
    return "the labels of the test trials do not vary" if np.all(flat) else ""


CHECKS: tuple[Check, ...] = (
    Check("held-out-labels", "test labels reach fit or predict", held_out_labels),
    Check(
        "held-out-eeg",
        "something is fitted on test subjects' EEG",
        held_out_eeg,
        _told_the_generator,
    ),
    Check(
        "own-reading", "recordings are opened behind the runner", own_reading, _told_the_generator
    ),
    Check("future", "a step's prediction uses later steps", future, _may_look_ahead),
    Check("length", "a prediction knows how long the trial lasts", length, _may_look_ahead),
    Check("other-trials", "a prediction uses other test trials", other_trials),
    Check("stimulus", "the clip is looked up, undeclared", stimulus, _may_know_stimuli),
    Check("identity", "trial or person is looked up", identity, _told_the_generator),
    Check("stale-data", "results of other data are kept by name", stale_data),
    Check("other-folds", "something is kept from fold to fold", other_folds, _no_other_fold),
    Check("side-effects", "the process is left changed, scores with it", side_effects),
    Check("label-source", "labels come from elsewhere than training", label_source, _no_truth),
    Check("repeatable", "clock, global random state or hash decides", repeatable),
)
"""Every check, in the order of the report."""


def _labelled(setting: Setting, place: int) -> Trial:
    return setting.test[place].replace(labels=setting.labels[place])


def _unmoved(setting: Setting, outcome: Outcome, what: str, is_last_word: bool = False) -> Finding:
    """Compare the test trials' predictions to those without planting; bits must be the same."""
    if failure(outcome):
        return _failed(outcome, what)
    before, after = answers_alone(setting.base), answers_alone(outcome)
    moves = [difference([a], [b]) for a, b in zip(before, after, strict=True)]
    n_moved = sum(move > 0 for move in moves)
    if n_moved and not is_last_word and not setting.is_steady:
        return Finding(NOT_APPLICABLE, "predictions move from run to run: see repeatable")
    if not n_moved:
        return Finding(PASS, f"{what}: no prediction of {len(moves)} trials moved")
    return Finding(
        FAIL,
        f"{what}: predictions of {n_moved} of {len(moves)} trials moved, by up to {max(moves):.3g}",
    )


def _failed(outcome: Outcome, what: str) -> Finding:
    return Finding(FAIL, f"{what}: the entry fails ({failure(outcome)})")


def _probed(setting: Setting, group: str, tolerance: float = 0.0) -> Finding:
    """Compare answers to the probes of a group to those of the same trials asked alone."""
    mine = [probe for probe in setting.probes if probe.group == group]
    if not mine:
        return Finding(NOT_APPLICABLE, "the test trials are too short to be changed")
    plain = answers_alone(setting.base)
    moves = [_moved(setting.base, probe, plain) for probe in mine]
    worst = int(np.argmax(moves))
    n_moved = sum(move > tolerance for move in moves)
    if not n_moved:
        most = f" by more than {tolerance:g}" if tolerance else ""
        return Finding(
            PASS, f"{len(mine)} changes such as: {mine[worst].what}; nothing moved{most}"
        )
    raised = setting.base.failures.get(mine[worst].name)
    effect = (
        f"predictions moved by {moves[worst]:.3g}" if raised is None else f"it fails ({raised})"
    )
    return Finding(
        FAIL, f"{mine[worst].what}: {effect} ({n_moved} of {len(mine)} such changes show)"
    )


def _reaction(setting: Setting, finding: Finding) -> str:
    """Say what replaced EEG does to the predictions that may move: whether a pass means much."""
    if finding.verdict != PASS:
        return ""
    plain = answers_alone(setting.base)
    moves = [
        difference([plain[place][probe.n_rows :]], [values[probe.n_rows :]])
        for probe in setting.probes
        if probe.group == "future"
        for place, values in zip(probe.places, setting.base.answers[probe.name], strict=True)
        if place is not None
    ]
    most = max(moves)
    return f" before it, and by up to {most:.2g} after" if most else ", nor after it"


def _moved(base: Outcome, probe: Probe, plain: Sequence[FloatArray]) -> float:
    """Return by how much a probe moves predictions; infinite if the entry fails on it."""
    if probe.name in base.failures:
        return np.inf
    answers = zip(probe.places, base.answers[probe.name], strict=True)
    return max(
        difference([plain[place]], [values], probe.n_rows)
        for place, values in answers
        if place is not None
    )
