"""Ways of making intervals, all calibrated on the same people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.intervals import LEVEL, line, outside
from agents.quantiles import calibrated, equal_weights, quantiles
from benchmarks.coverage import scores_of
from benchmarks.intervals.played import Models, Played

Values = NDArray[np.float64]

FLOOR = 0.2
"""Least spread that errors are divided by, on the median of the calibration people."""


@dataclass(frozen=True)
class Way:
    """How intervals are made.

    Attributes
    ----------
    name : str
        Name in the table.
    middle : str
        ``"prediction"``, ``"line"`` (regression of labels on predictions) or ``"constant"`` (no
        look at the EEG).
    spread : str
        What the width follows: ``""`` (nothing), ``"actor"`` (the stochastic actor's standard
        deviation), ``"ensemble"`` (that over agents of several seeds) or ``"moves"`` (that of the
        predictions of the trial so far).
    symmetric : bool
        Whether both ends are equally far.
    correction : str
        For few people: ``"left-out"`` (`agents.quantiles.calibrated`), ``"conformal"`` (the
        quantile of hierarchical conformal prediction, level × (n + 1) / n) or ``"none"``.
    """

    name: str
    middle: str = "prediction"
    spread: str = ""
    symmetric: bool = True
    correction: str = "left-out"


DEFAULT = "line through the predictions (default)"

WAYS = (
    Way("constant, no EEG", "constant", symmetric=False),
    Way("error"),
    Way("error, two ends", symmetric=False),
    Way("error / actor's spread", spread="actor"),
    Way("error / ensemble's spread", spread="ensemble"),
    Way("error / spread of own predictions", spread="moves"),
    Way(DEFAULT, "line"),
    Way("line, two ends", "line", symmetric=False),
    Way("line / actor's spread", "line", "actor"),
    Way("line, no correction for few people", "line", correction="none"),
    Way("line, hierarchical conformal", "line", correction="conformal"),
)
"""Ways that are compared; the first is what others are measured by."""


@dataclass(frozen=True, eq=False)
class Person:
    """Annotated steps of one person in one dimension.

    Attributes
    ----------
    name : str
        The person.
    labels, guesses : ndarray, shape (n_steps,)
        Truth and prediction.
    spreads : dict of str to ndarray, each (n_steps,)
        What a width can follow.
    """

    name: str
    labels: Values
    guesses: Values
    spreads: dict[str, Values]


def people_of(played: Sequence[Played], dim: int) -> list[Person]:
    """Collect the annotated steps of each person."""
    parts: dict[str, list[list[Values]]] = {}
    for trial in played:
        known = ~np.isnan(trial.labels[:, dim])
        own = trial.predictions[:, :, dim].astype(np.float64)
        ensemble = own.std(axis=0, ddof=1) if len(own) > 1 else np.full(own.shape[1], np.nan)
        columns = (trial.labels[:, dim], own[0], trial.deviations[:, dim], ensemble, _moves(own[0]))
        rows = [np.asarray(column, np.float64)[known] for column in columns]
        parts.setdefault(trial.subject, []).append(rows)
    people = []
    for name, trials in parts.items():
        labels, guesses, actor, ensemble, moves = (
            np.concatenate(column) for column in zip(*trials, strict=True)
        )
        if len(labels):
            spreads = {"actor": actor, "ensemble": ensemble, "moves": moves}
            people.append(Person(name, labels, guesses, spreads))
    return people


def _moves(predictions: Values) -> Values:
    """Standard deviation of the predictions up to each step."""
    counts = np.arange(1, len(predictions) + 1)
    means = np.cumsum(predictions) / counts
    squares = np.cumsum(np.square(predictions)) / counts
    return np.asarray(np.sqrt(np.maximum(squares - np.square(means), 0.0)))


Ends = Callable[[Person], tuple[Values, Values]]


def fitted(way: Way, people: Sequence[Person]) -> Ends:
    """Calibrate a way of making intervals on people whom the models did not learn from.

    Parameters
    ----------
    way : Way
        The way.
    people : sequence of Person
        Calibration people.

    Returns
    -------
    callable
        Gives low and high ends of the intervals of a new person.
    """

    def errors(chosen: Sequence[int]) -> Callable[[int], Values]:
        known = [people[i] for i in chosen]
        middle, spread = _middle(way, known), _spread(way, known)
        return lambda i: _errors(way, people[i], middle(people[i])) / spread(people[i])

    low, high = _quantiles(way, errors, len(people))
    middle, spread = _middle(way, people), _spread(way, people)

    def ends(person: Person) -> tuple[Values, Values]:
        centre, scale = middle(person), spread(person)
        made = [np.clip(centre + end * scale, -1.0, 1.0) for end in (low, high)]
        if way.middle == "constant":
            return made[0], made[1]
        return np.minimum(made[0], person.guesses), np.maximum(made[1], person.guesses)

    return ends


def _errors(way: Way, person: Person, middle: Values) -> Values:
    if way.middle == "constant":
        return person.labels - middle
    return outside(person.labels, middle, person.guesses)


def _quantiles(
    way: Way, errors: Callable[[Sequence[int]], Callable[[int], Values]], n_people: int
) -> tuple[float, float]:
    if way.correction == "left-out":
        found = calibrated(errors, n_people, LEVEL, way.symmetric)
        return found.low, found.high
    share = LEVEL * (n_people + 1) / n_people if way.correction == "conformal" else LEVEL
    of = errors(range(n_people))
    parts = [of(person) for person in range(n_people)]
    low, high = quantiles(parts, np.array([min(share, 1.0)]), way.symmetric)
    return float(low[0]), float(high[0])


def _middle(way: Way, people: Sequence[Person]) -> Callable[[Person], Values]:
    if way.middle == "prediction":
        return lambda person: person.guesses
    if way.middle == "constant":
        labels = [person.labels for person in people]
        mean = float(np.average(np.concatenate(labels), weights=equal_weights(labels)))
        return lambda person: np.full(len(person.labels), mean)
    everybody = range(len(people))
    offset, slope = line([p.labels for p in people], [p.guesses for p in people], everybody)
    return lambda person: offset + slope * person.guesses


def _spread(way: Way, people: Sequence[Person]) -> Callable[[Person], Values]:
    if not way.spread:
        return lambda person: np.ones(len(person.labels))
    least = FLOOR * float(np.median(np.concatenate([p.spreads[way.spread] for p in people])))
    return lambda person: np.maximum(person.spreads[way.spread], max(least, 1e-9))


def scored(models: Models, names: Sequence[str], ways: Sequence[Way] = WAYS) -> pd.DataFrame:
    """Score every way on every person, calibrated on the people of the other folds.

    Parameters
    ----------
    models : Models
        What was played, by the folds left out: single ones are tested, pairs calibrate.
    names : sequence of str
        Label dimensions.
    ways : sequence of Way
        What is compared.

    Returns
    -------
    DataFrame
        One row a way, dimension and person: ``way, label, subject, coverage, width, score``.
    """
    rows = []
    folds = sorted(left_out[0] for left_out in models if len(left_out) == 1)
    n_members = min(len(one.predictions) for one in models[(folds[0],)])
    for dim, label in enumerate(names):
        for fold in folds:
            known = people_of(_others(models, fold), dim)
            tested = people_of(models[(fold,)], dim)
            for way in ways:
                if way.spread == "ensemble" and n_members < 2:
                    continue
                ends = fitted(way, known)
                for person in tested:
                    own = scores_of(person.labels, *ends(person), LEVEL)
                    rows.append({"way": way.name, "label": label, "subject": person.name, **own})
    return pd.DataFrame(rows)


def _others(models: Models, fold: int) -> list[Played]:
    """What was played of the people of the other folds by models that knew neither."""
    tested = {trial.subject for trial in models[(fold,)]}
    pairs = [
        played for left_out, played in models.items() if len(left_out) == 2 and fold in left_out
    ]
    return [trial for played in pairs for trial in played if trial.subject not in tested]


def table_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Average over people, who count equally, after seeds.

    Parameters
    ----------
    scores : DataFrame
        As `scored` gives them, of one seed or several.

    Returns
    -------
    DataFrame
        One row a dimension and way: ``label, way, people, coverage, coverage_sd, coverage_min,
        coverage_max`` (over people), ``width, score, relative_score`` (over that of the first way).
    """
    keys = ["label", "way"]
    people = scores.groupby([*keys, "subject"], sort=False)[["coverage", "width", "score"]].mean()
    grouped = people.groupby(keys, sort=False)
    table = grouped.mean()
    table.insert(0, "people", grouped.size())
    for place, statistic in enumerate(("std", "min", "max"), start=2):
        name = {"std": "coverage_sd"}.get(statistic, f"coverage_{statistic}")
        table.insert(place, name, grouped["coverage"].agg(statistic))
    first = table.groupby("label", sort=False)["score"].transform("first")
    table["relative_score"] = table["score"] / first
    return table.reset_index()
