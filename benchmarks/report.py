"""The report: one HTML page with the table, a forest plot and trajectories to browse.

The page is self-contained: styles, script, figure and data are inside the file, and nothing is
fetched from anywhere.
"""

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.leaderboard import column_title, formatted, is_simulated, replacing
from benchmarks.predictions import TrialPrediction
from benchmarks.scores import footnotes, subject_scores
from eeg_emotion_env.metrics import METRICS, ccc

MAX_TRIALS = 60
MAX_VALUES = 1_000_000
"""Limits of the embedded trajectories: about 7 MB of text at most."""

# Okabe and Ito's palette without black, which is the truth; yellow last, as it is faint on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
DASHES = ("none", "7 4", "2 3", "9 3 2 3")
TRACK_COLOURS = {"causal": "#0072b2", "transductive": "#d55e00", "non-causal": "#7f7f7f"}

Name = tuple[str, str]


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
    subjects = subject_scores(predictions)
    chosen = choose_trials(predictions)
    total = len({p.key for p in predictions})
    page = Template(files("benchmarks").joinpath("report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        title=escape(f"Leaderboard: {context['title']}, {context['protocol']}"),
        banner=_banner(is_simulated(predictions, context)),
        facts=_facts(table, predictions, context),
        tables=_tables(table, predictions[0].label_names),
        notes="".join(f"<li>{escape(note)}</li>" for note in footnotes(predictions)),
        forest=base64.b64encode(_forest(table, subjects)).decode(),
        forest_alt=escape(_forest_alt(table)),
        heat=_heat(table, subjects),
        shown=f"{len(chosen)} of {total} trials, spread over subjects. Where an entry ran with "
        "several seeds, the lowest is drawn. A step is drawn at its end.",
        options=_options(chosen),
        data=_json_in_html(_trajectories(table, predictions, chosen)),
        footer=_footer(context),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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
    subjects = sorted(by_subject, key=_natural)
    subjects = [subjects[i] for i in _spread(len(subjects), limit)]
    chosen = []
    for subject in subjects:
        group = sorted(by_subject[subject], key=lambda p: (p.key.session, p.key.trial))
        chosen += [group[i] for i in _spread(len(group), limit // len(subjects))]
    return chosen


def _spread(n: int, limit: int) -> list[int]:
    """Return at most `limit` indices below n, evenly spread with both ends."""
    return sorted({round(i) for i in np.linspace(0, n - 1, min(n, limit))})


def _natural(subject: int | str) -> tuple[int, str]:
    """Sort subjects by number, then those that have a name instead."""
    text = str(subject)
    return (int(text), "") if text.isdecimal() else (10**9, text)


def _banner(simulated: bool) -> str:
    if not simulated:
        return ""
    return (
        '<div class="banner" role="note"><strong>SIMULATED DATA</strong>'
        "These numbers say nothing about recorded EEG.</div>"
    )


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


def _tables(table: pd.DataFrame, dims: Sequence[str]) -> str:
    """Set one table a track, and below it one by dimension where there are several."""
    overall = ["n_subjects", "n_trials", "seeds", "ccc", "interval", "pcc", "rmse", "mae"]
    overall += [f"trial_{metric}" for metric in METRICS]
    per_dim = [f"{metric}_{name}" for name in dims for metric in METRICS]
    parts = []
    for track, rows in table.groupby("track", sort=False):
        parts.append(_table(rows, overall, f"Track: {track}"))
        if len(dims) > 1:
            parts.append(_table(rows, per_dim, f"Track: {track}, by dimension"))
    return "".join(parts)


def _table(rows: pd.DataFrame, columns: Sequence[str], caption: str) -> str:
    cells, best = formatted(rows)
    head = "".join(f'<th scope="col">{escape(column_title(c))}</th>' for c in columns)
    body = []
    for entry, texts, marks in zip(
        cells["entry"], cells[list(columns)].to_numpy(), best[list(columns)].to_numpy(), strict=True
    ):
        marked = "".join(
            f'<td class="best">{text}</td>' if mark else f"<td>{text or '–'}</td>"
            for text, mark in zip(texts, marks, strict=True)
        )
        body.append(f'<tr><th scope="row">{escape(entry)}</th>{marked}</tr>')
    return _html_table(caption, f'<th scope="col">Entry</th>{head}', body)


def _html_table(caption: str, head: str, body: Sequence[str], style: str = "") -> str:
    return (
        f'<div class="wide"><table class="{style}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _names(table: pd.DataFrame) -> dict[Name, str]:
    """Name rows of the table, with the track where there are several."""
    several = table["track"].nunique() > 1
    return {
        (entry, track): f"{entry} ({track})" if several else entry
        for entry, track in zip(table["entry"], table["track"], strict=True)
    }


def _forest(table: pd.DataFrame, subjects: pd.DataFrame) -> bytes:
    """Draw each entry's CCC with its interval and its subjects, as SVG."""
    names = _names(table)
    figure = Figure(figsize=(9, 0.9 + 0.38 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color="#aab2ba", linewidth=1)
    for row, ((entry, track), mean, low, high) in enumerate(
        zip(names, table["ccc"], table["ccc_low"], table["ccc_high"], strict=True)
    ):
        of_entry = (subjects["entry"] == entry) & (subjects["track"] == track)
        values = subjects.loc[of_entry, "ccc"]
        colour = TRACK_COLOURS[track]
        below = [row + 0.25] * len(values)
        axes.plot(values, below, "o", markersize=4, alpha=0.6, mfc="none", mec=colour)
        axes.plot([low, high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(mean, row, "o", color=colour, markersize=6)
    axes.set_yticks(range(len(table)), list(names.values()))
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel("CCC of subjects (concatenated trials, mean over dimensions)")
    axes.grid(axis="x", color="#e4e8ec")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    buffer = io.BytesIO()
    # A fixed salt and no date: the same results make the same bytes.
    with mpl.rc_context({"svg.hashsalt": "eeg-emotion-env"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _forest_alt(table: pd.DataFrame) -> str:
    cells, _ = formatted(table)
    rows = [
        f"{name} {value or 'undefined'} {interval}".strip()
        for name, value, interval in zip(
            _names(table).values(), cells["ccc"], cells["interval"], strict=True
        )
    ]
    return "Forest plot of the mean CCC over subjects with 95 % interval: " + "; ".join(rows)


def _heat(table: pd.DataFrame, subjects: pd.DataFrame) -> str:
    """Set the CCC of entries × subjects as a table whose cells are coloured."""
    values = subjects.set_index(["entry", "track", "subject"])["ccc"].to_dict()
    order = sorted(subjects["subject"].unique(), key=_natural)
    head = "".join(f'<th scope="col">{escape(str(subject))}</th>' for subject in order)
    body = [
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(_heat_cell(values.get((*name, subject), math.nan)) for subject in order)
        + "</tr>"
        for name, label in _names(table).items()
    ]
    caption = "CCC of each subject (blue above 0, orange below)"
    return _html_table(caption, f'<th scope="col">Entry</th>{head}', body, "heat")


def _heat_cell(value: float) -> str:
    if math.isnan(value):
        return "<td>–</td>"
    colour = "0,114,178" if value > 0 else "213,94,0"
    shade = f"rgba({colour},{min(abs(value), 1) * 0.6:.2f})"
    return f'<td style="background:{shade}">{value + 0.0:.2f}</td>'


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
    names = _names(table)
    trials = []
    for shown in chosen:
        by_entry = [lowest_seed.get((*name, shown.key)) for name in names]
        trials.append(
            {
                "step_s": shown.step_s,
                "truth": _rounded(shown.labels),
                "predictions": [p and _rounded(p.predictions) for p in by_entry],
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


def _rounded(tracks: NDArray[np.float32]) -> list[list[float | None]]:
    """Turn (n_steps, n_dims) into lists a dimension, with three decimals and None for NaN."""
    return [[None if math.isnan(v) else round(v, 3) for v in track.tolist()] for track in tracks.T]


def _mean_ccc(p: TrialPrediction) -> float | None:
    values = [ccc(y, a) for y, a in zip(p.labels.T, p.predictions.T, strict=True)]
    defined = [value for value in values if not math.isnan(value)]
    return round(sum(defined) / len(defined), 3) if defined else None


def _json_in_html(data: object) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _footer(context: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in context["versions"].items())
    fingerprint = context["fingerprint"]
    shown = fingerprint if isinstance(fingerprint, str) else json.dumps(fingerprint, default=str)
    config = json.dumps(context["config"], indent=2, ensure_ascii=False, default=str)
    return (
        f"<h3>Command</h3><pre>{escape(str(context['command']))}</pre>"
        f"<h3>Versions</h3><p>{escape(versions)}</p>"
        f"<h3>Fingerprint</h3><pre>{escape(shown)}</pre>"
        f"<details><summary>Configuration</summary><pre>{escape(config)}</pre></details>"
    )
