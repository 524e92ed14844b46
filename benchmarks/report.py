"""The report: one HTML page with tables, plots, and pairs and trajectories to browse.

The page is self-contained: styles, script, figures and data are inside the file, and nothing is
fetched from anywhere.
"""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.figures import (
    critical_difference,
    critical_difference_text,
    forest,
    forest_text,
)
from benchmarks.leaderboard import is_simulated, notes, replacing
from benchmarks.page import banner, footer, image
from benchmarks.predictions import TrialPrediction
from benchmarks.report_tables import bands_section, heat_table, row_names, score_tables
from benchmarks.scores import ordered, subject_scores
from benchmarks.statistics.comparison import rank_track
from benchmarks.statistics.moments import Moments, Name, natural
from benchmarks.statistics.paired import ALPHA, RankComparison, smallest_p
from benchmarks.statistics.roles import OURS, rows_of
from benchmarks.tables import formatted, within_null
from eeg_emotion_env.metrics import ccc

MAX_TRIALS = 500
MAX_VALUES = 800_000
"""Limits of the embedded trajectories: about 4 MB of text at most."""

# Okabe and Ito's palette without black, which is the truth; yellow last, as it is faint on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
DASHES = ("none", "7 4", "2 3", "9 3 2 3")

MAX_NAMES = 8
"""Entries that a finding names; the table names all."""

Ranked = tuple[list[Name], RankComparison]


def write_report(
    path: Path,
    table: pd.DataFrame,
    predictions: Sequence[TrialPrediction],
    context: Mapping[str, Any],
) -> None:
    """Write the report of a run, whole or not at all.

    Parameters
    ----------
    path : Path
        HTML file to write.
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.
    predictions : sequence of TrialPrediction
        What was predicted.
    context : mapping
        Facts of the run: ``dataset, title, protocol, command, versions, config, fingerprint,
        source``.
    """
    predictions = ordered(predictions)
    subjects = subject_scores(predictions)
    moments = Moments.of(predictions)
    ranked = [rank_track(moments, track) for track in table["track"].unique()]
    names = row_names(table)
    chosen = choose_trials(predictions)
    total = len({p.key for p in predictions})
    page = Template(files("benchmarks").joinpath("report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        title=escape(f"Leaderboard: {context['title']}, {context['protocol']}"),
        banner=banner(is_simulated(predictions, context)),
        facts=_facts(table, predictions, context),
        findings="".join(f"<li>{escape(line)}</li>" for line in findings(table)),
        tables=score_tables(table, predictions[0].label_names),
        notes="".join(f"<li>{escape(note)}</li>" for note in notes(table, predictions)),
        forest=image(
            forest(table, subjects, names),
            forest_text(table, names, list(formatted(table)[0]["interval"])),
        ),
        ranks=_rank_images(ranked),
        heat=heat_table(table, subjects),
        bands=bands_section(table),
        shown=f"{len(chosen)} of {total} trials, spread over subjects. Where an entry ran with "
        "several seeds, the lowest is drawn. A step is drawn at its end.",
        options=_options(chosen),
        data=_json_in_html(_trajectories(table, predictions, chosen)),
        pairs=_json_in_html(_pairs(table, subjects, ranked)),
        footer=footer(context),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def findings(table: pd.DataFrame) -> list[str]:
    """Say in sentences what the table shows of each track.

    Parameters
    ----------
    table : DataFrame
        The table made by `benchmarks.leaderboard.leaderboard_table`.

    Returns
    -------
    list of str
        Who is highest, who differs from the reference, how our entry fares, who is within the
        null, and how far the ceiling is.
    """
    cells, _ = formatted(table)
    lines = []
    for track, rows in table.groupby("track", sort=False):
        competing = rows_of(rows, "entry")
        if len(competing):
            first = competing.index[0]
            value = f"CCC {cells.loc[first, 'ccc'] or 'undefined'} {cells.loc[first, 'interval']}"
            lines.append(f"Highest of track {track}: {table.loc[first, 'entry']}, {value}".strip())
            lines += _differences(competing, cells)
        within = [row["entry"] for row in rows.to_dict("records") if within_null(row)]
        if within:
            lines.append(f"Not above their time-shift null ({track}): {', '.join(within)}")
        lines += _without_high_bands(rows)
        for i in rows_of(rows, "oracle").index:
            lines.append(f"Ceiling ({track}): {table.loc[i, 'entry']}, CCC {cells.loc[i, 'ccc']}")
    return [f"{line}." for line in lines]


def _differences(competing: pd.DataFrame, cells: pd.DataFrame) -> list[str]:
    """Count who differs from the reference, and place our entry."""
    order = list(competing["entry"])
    lines = []
    if OURS in order:
        lines.append(f"{OURS} is number {order.index(OURS) + 1} of {len(order)} by CCC")
    tested = competing[competing["p_holm"].notna()]
    if not len(tested):
        return lines
    reference = tested["reference"].iloc[0]
    significant = tested[tested["p_holm"] < ALPHA]
    better, worse = (
        [row["entry"] for _, row in significant.iterrows() if (row["effect"] > 0) == up]
        for up in (True, False)
    )
    least = smallest_p(int(tested["n_compared"].max())) * len(tested)
    lines.append(
        f"Against {reference}: {_counted(better)} significantly better, {_counted(worse)} "
        f"significantly worse, {len(tested) - len(significant)} not shown to differ"
        + ("; with so few subjects nothing could be significant" if least >= ALPHA else "")
    )
    for i in tested.index[tested["entry"] == OURS]:
        row = cells.loc[i]
        lines.append(
            f"The difference of {OURS} to {reference} is {row['diff']} {row['diff_interval']}, "
            f"corrected p {row['p_holm']}: {row['standing']}"
        )
    return lines


def _counted(names: Sequence[str]) -> str:
    if not names:
        return "0"
    listed = ", ".join(names[:MAX_NAMES])
    more = len(names) - MAX_NAMES
    return f"{len(names)} ({listed}{f' and {more} more' if more > 0 else ''})"


def _without_high_bands(rows: pd.DataFrame) -> list[str]:
    """Count who loses by going without the bands above 30 Hz."""
    variants = rows_of(rows, "variant")
    tested = variants[variants["p_holm"].notna()]
    if not len(tested):
        return []
    losing = tested[(tested["p_holm"] < ALPHA) & (tested["effect"] < 0)]
    above = sum(
        row["ccc"] == row["ccc"] and not within_null(row) for row in variants.to_dict("records")
    )
    return [
        f"Without the bands above 30 Hz: {len(losing)} of {len(tested)} entries significantly "
        f"worse, {above} of {len(variants)} still above their null"
    ]


def choose_trials(
    predictions: Sequence[TrialPrediction], limit: int = MAX_TRIALS, max_values: int = MAX_VALUES
) -> list[TrialPrediction]:
    """Choose the trials to embed: evenly over subjects, and evenly within each subject.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted.
    limit : int
        Largest number of trials.
    max_values : int
        Largest number of values, of truth and of all entries together; at least one trial is
        chosen all the same.

    Returns
    -------
    list of TrialPrediction
        One prediction for each chosen trial, by subject, session and trial.
    """
    trials = {p.key: p for p in predictions}
    entries = len({(p.entry, p.track) for p in predictions})
    longest = max(p.labels.size for p in predictions)
    limit = max(1, min(limit, max_values // (longest * (entries + 1))))
    by_subject: dict[int | str, list[TrialPrediction]] = {}
    for p in trials.values():
        by_subject.setdefault(p.key.subject, []).append(p)
    subjects = sorted(by_subject, key=natural)
    subjects = [subjects[i] for i in _spread(len(subjects), limit)]
    chosen = []
    for subject in subjects:
        group = sorted(by_subject[subject], key=lambda p: (p.key.session, p.key.trial))
        chosen += [group[i] for i in _spread(len(group), limit // len(subjects))]
    return chosen


def _spread(n: int, limit: int) -> list[int]:
    """Return at most `limit` indices below n, evenly spread with both ends."""
    return sorted({round(i) for i in np.linspace(0, n - 1, min(n, limit))})


def _facts(
    table: pd.DataFrame, predictions: Sequence[TrialPrediction], context: Mapping[str, Any]
) -> str:
    facts = {
        "Data set": context["dataset"],
        "Protocol": context["protocol"],
        "Source": ", ".join(sorted({p.source for p in predictions})),
        "Subjects": len({p.key.subject for p in predictions}),
        "Trials": len({p.key for p in predictions}),
        "Entries": table["entry"].nunique(),
        "Seed numbers": ", ".join(map(str, sorted({p.seed for p in predictions}))),
    }
    return "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items()
    )


def _rank_images(ranked: Sequence[Ranked]) -> str:
    parts = []
    for names, comparison in ranked:
        if len(names) < 2 or not comparison.n_subjects:
            continue
        labels = [entry for entry, _ in names]
        text = critical_difference_text(comparison, labels)
        parts.append(f"<h3>Track: {names[0][1]}</h3>")
        parts.append(f"<p>{escape(_of_pairs(comparison))}</p>")
        parts.append(image(critical_difference(comparison, labels), text))
    return "".join(parts) or "<p>A track needs two competitors on the same trials for this.</p>"


def _of_pairs(comparison: RankComparison) -> str:
    """Say what the tests of all pairs can reach."""
    n_pairs = len(comparison.ranks) * (len(comparison.ranks) - 1) // 2
    text = (
        f"{comparison.n_subjects} subjects, {n_pairs} pair{'s' * (n_pairs > 1)}: no corrected p of "
        f"an exact test can be below {comparison.smallest_p:.2g}"
    )
    if not comparison.exact:
        text += (
            ", so that these tests tell no pair apart here, however large its difference; bars "
            "are by Nemenyi’s test of mean ranks, which is approximate and depends on who else is "
            "ranked"
        )
    if not math.isnan(comparison.p_friedman):
        text += f". Friedman’s test that all rank alike: p {_p_text(comparison.p_friedman)}"
    return text + "."


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def _pairs(table: pd.DataFrame, subjects: pd.DataFrame, ranked: Sequence[Ranked]) -> dict[str, Any]:
    """Gather the CCC of subjects and the p-values of all pairs that were tested."""
    values = subjects.set_index(["entry", "track", "subject"])["ccc"].to_dict()
    order = sorted(subjects["subject"].unique(), key=natural)
    names = row_names(table)
    number = {name: i for i, name in enumerate(names)}
    competing = rows_of(table, "entry")
    references = [name for name in names if name[0] in set(competing["reference"].dropna())]
    ours = [name for name in names if name[0] == OURS]
    # the pair that readers come for: ours against the best of the others
    others = [name for name in names if name[0] != OURS]
    start = list(dict.fromkeys([*others[:1], *ours[:1], *references[:1], *names]))
    return {
        "subjects": [str(subject) for subject in order],
        "entries": list(names.values()),
        "ccc": [
            [_known(values.get((*name, subject), math.nan)) for subject in order] for name in names
        ],
        "p": _pair_tests(number, ranked),
        "start": [number[start[0]], number[start[1 % len(start)]]],
    }


def _pair_tests(number: Mapping[Name, int], ranked: Sequence[Ranked]) -> dict[str, list[float]]:
    """p-value of each tested pair, as it is and corrected, by the numbers of its rows."""
    tests = {}
    for names, comparison in ranked:
        for i, j in zip(*np.tril_indices(len(names), -1), strict=True):
            low, high = sorted((number[names[i]], number[names[j]]))
            both = comparison.p[i, j], comparison.p_holm[i, j]
            if not math.isnan(both[0]):
                tests[f"{low}-{high}"] = [float(f"{p:.3g}") for p in both]
    return tests


def _known(value: float, digits: int = 4) -> float | None:
    return None if math.isnan(value) else round(float(value), digits)


def _options(chosen: Sequence[TrialPrediction]) -> str:
    """List the trials, grouped by subject."""
    groups: dict[int | str, list[str]] = {}
    for p in chosen:
        key = p.key
        text = f"subject {key.subject}, session {key.session}, trial {key.trial}"
        text += f" ({key.stimulus})" if key.stimulus else ""
        groups.setdefault(key.subject, []).append(f"<option>{escape(text)}</option>")
    return "".join(
        f'<optgroup label="Subject {escape(str(subject))}">{"".join(options)}</optgroup>'
        for subject, options in groups.items()
    )


def _trajectories(
    table: pd.DataFrame,
    predictions: Sequence[TrialPrediction],
    chosen: Sequence[TrialPrediction],
) -> dict[str, Any]:
    """Gather what the script draws; a trial that an entry did not predict is null."""
    lowest_seed = {
        (p.entry, p.track, p.key): p
        for p in sorted(predictions, key=lambda p: p.seed, reverse=True)
    }
    names = row_names(table)
    trials = []
    for shown in chosen:
        by_entry = [lowest_seed.get((*name, shown.key)) for name in names]
        trials.append(
            {
                "step_s": shown.step_s,
                "truth": _thousandths(shown.labels),
                "predictions": [p and _thousandths(p.predictions) for p in by_entry],
                "ccc": [p and _mean_ccc(p) for p in by_entry],
            }
        )
    entries = [
        {
            "name": label,
            "colour": COLOURS[i % len(COLOURS)],
            "dash": DASHES[i // len(COLOURS) % len(DASHES)],
        }
        for i, label in enumerate(names.values())
    ]
    return {"dims": list(chosen[0].label_names), "entries": entries, "trials": trials}


def _thousandths(tracks: NDArray[np.float32]) -> list[list[int | None]]:
    """Turn (n_steps, n_dims) into lists a dimension, in thousandths and None for NaN."""
    return [
        [None if math.isnan(v) else round(1000 * v) for v in track.tolist()] for track in tracks.T
    ]


def _mean_ccc(p: TrialPrediction) -> float | None:
    values = [ccc(y, a) for y, a in zip(p.labels.T, p.predictions.T, strict=True)]
    defined = [value for value in values if not math.isnan(value)]
    return round(sum(defined) / len(defined), 3) if defined else None


def _json_in_html(data: object) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
