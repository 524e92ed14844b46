"""What the statistics of a table mean, and what they cannot say here."""

from collections.abc import Sequence

import pandas as pd

from benchmarks.predictions import TrialPrediction
from benchmarks.statistics.bootstrap import MIN_SUBJECTS, N_BOOTSTRAP
from benchmarks.statistics.comparison import REFERENCES
from benchmarks.statistics.null import N_NULL, SHORTEST_SHIFT_OF_SHORT, SHORTEST_SHIFT_S
from benchmarks.statistics.paired import ALPHA, smallest_p
from benchmarks.statistics.roles import role_of, rows_of
from eeg_emotion_env.metrics import is_constant

FEW_SUBJECTS = 6
"""Below this not even one exact two-sided test can reach 0.05."""


def statistical_notes(table: pd.DataFrame, predictions: Sequence[TrialPrediction]) -> list[str]:
    """State how intervals, tests and nulls of a table were made.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.
    predictions : sequence of TrialPrediction
        What was predicted.

    Returns
    -------
    list of str
        Sentences for people.
    """
    n_subjects = len({p.key.subject for p in predictions})
    return [
        *_of_intervals(table, predictions, n_subjects),
        *_of_tests(table),
        _of_null(table, predictions),
        *_of_seeds(table),
        *_of_roles(table),
    ]


def _of_intervals(
    table: pd.DataFrame, predictions: Sequence[TrialPrediction], n_subjects: int
) -> list[str]:
    draws = table.attrs.get("n_bootstrap", N_BOOTSTRAP)
    notes = [
        f"Intervals hold 95 % of the resamples of a hierarchical bootstrap ({draws:,} resamples): "
        "subjects, within them trials, within those the seeds of an entry. They are centred on the "
        "estimate, since resamples have fewer distinct trials and so a lower CCC. All entries see "
        "the same resamples, so that intervals of differences are paired. A resample in which a "
        "subject's label is constant leaves the subject out. Below "
        f"{MIN_SUBJECTS} subjects the interval is empty; with few subjects it is rough.",
        "Subjects are treated as independent, although their models share training subjects: "
        "nothing here tells how another training set would have done.",
    ]
    trials = {p.key for p in predictions}
    if len(trials) == n_subjects:
        notes.append(
            "Each subject has a single trial: the bootstrap resamples subjects alone, and nothing "
            "tells apart what differs between subjects and between trials."
        )
    return notes


def _of_tests(table: pd.DataFrame) -> list[str]:
    tested = table[table["p_holm"].notna()]
    competing = rows_of(tested, "entry")
    notes = [_of_family(str(track), rows) for track, rows in competing.groupby("track", sort=False)]
    picked = sorted(set(competing["reference"]) - set(REFERENCES))
    if picked and table.attrs.get("chosen", True):
        notes.append(
            f"The reference {', '.join(picked)} is the best of its track, picked on these very "
            "scores, since none of the declared ones ran. Picking the best flatters it: “better "
            "than the reference” is therefore cautious, “worse” is not."
        )
    elif len(competing) and table.attrs.get("chosen", True):
        notes.append(
            "The reference is declared before any score is known: the first of "
            f"{', '.join(REFERENCES)} that predicted all trials of the track."
        )
    if len(tested):
        notes.append(
            "Rank-biserial is the matched rank-biserial correlation of the differences to the "
            "reference: +1 if the entry is higher on every subject, -1 if lower on every subject, "
            "0 if the rank sums are equal. “No difference shown” is not “equal”: the interval of "
            "the difference says what remains possible. Cohen's dz is the mean difference over its "
            "standard deviation between subjects; its interval (noncentral t) takes differences "
            "for normal."
        )
    else:
        notes.append("There is nothing to compare: a track needs two competitors on equal trials.")
    return notes


def _of_family(track: str, rows: pd.DataFrame) -> str:
    """Declare a family of tests, and what they can reach."""
    n = int(rows["n_compared"].max())
    least = smallest_p(n)
    note = (
        f"Track {track}: each competitor is compared with {rows['reference'].iloc[0]} by the "
        "exact two-sided Wilcoxon signed-rank test over subjects; differences of zero are "
        f"dropped. The {len(rows)} comparisons are one family (Holm). ▲ and ▼ mark p < {ALPHA} "
        f"after correction. With {n} subjects no p can be below {least:.2g}, and no "
        f"corrected one below {min(1.0, least * len(rows)):.2g}"
    )
    if n < FEW_SUBJECTS:
        note += f": below {FEW_SUBJECTS} subjects nothing can be significant"
    elif least * len(rows) >= ALPHA:
        note += ": nothing can be significant, however large"
    return note + "."


def _of_null(table: pd.DataFrame, predictions: Sequence[TrialPrediction]) -> str:
    trials = {p.key: p for p in predictions}.values()
    flat = sum(all(is_constant(track) for track in p.labels.T) for p in trials)
    shortest = SHORTEST_SHIFT_S / SHORTEST_SHIFT_OF_SHORT
    short = sum(len(p.labels) * p.step_s < shortest for p in trials)
    draws = table.attrs.get("n_null", N_NULL)
    note = (
        "The time-shift null is the 95 % interval of the entry's own CCC when each prediction is "
        "shifted circularly within its trial by a random lag of at least 10 s and a tenth of the "
        f"trial ({draws:,} draws). It keeps the level of each trial and "
        "destroys the timing alone: an entry within it does not follow emotion within trials, and "
        "the null of one that tells trials apart is above 0. It is a rough check: in simulations 4 "
        "to 10 % of unrelated stationary tracks were above it and not 2.5 %, and a fifth of those "
        "that drift through the whole trial, whose drift a shift breaks."
    )
    if flat:
        note += (
            f" In {flat} of {len(trials)} trials the label is constant: these swap labels among "
            "the subject's trials instead; a subject with one such trial has nothing to swap."
        )
    if short:
        note += (
            f" {short} trials are shorter than {shortest:.0f} s and are shifted by at least a "
            "quarter of their length."
        )
    return note


def _of_seeds(table: pd.DataFrame) -> list[str]:
    if table["seeds"].max() < 2:
        return ["Every entry ran with one seed: nothing tells how much of a difference is luck."]
    notes = [
        "IQM is the interquartile mean of the CCC over seeds and subjects together; SD over seeds "
        "that of the mean over subjects. The p-values are of scores averaged over these seeds."
    ]
    if table["seeds"].min() < 2:
        notes.append("Entries with one seed are deterministic or were run once.")
    return notes


def _of_roles(table: pd.DataFrame) -> list[str]:
    roles = {role_of(entry) for entry in table["entry"]}
    notes = []
    if "oracle" in roles:
        notes.append(
            "Oracles know how the data were simulated. They are ceilings: never in bold, never "
            "tested, never a reference."
        )
    if "variant" in roles:
        notes.append(
            "Entries named (<30 Hz) had no bands above 30 Hz. They are compared with the same "
            "entry with all bands, as a family of their own."
        )
    return notes
