"""The leaderboard: entries compared over subjects and trials, and the files of a run."""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.predictions import TrialPrediction
from benchmarks.scores import (
    bootstrap_interval,
    footnotes,
    label_names,
    subject_scores,
    trial_rows,
    trial_scores,
)
from eeg_emotion_env.metrics import METRICS

__all__ = ["footnotes", "leaderboard_table", "subject_scores", "trial_rows", "write_results"]

TRACKS = ("causal", "transductive", "non-causal")
"""Tracks in the order in which they are listed."""

HIGHER_IS_BETTER = ("ccc", "pcc")


def leaderboard_table(
    predictions: Sequence[TrialPrediction], n_bootstrap: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Compare entries: one row for each entry and track.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.
    n_bootstrap : int
        Resamples of subjects behind the interval of the CCC.
    seed : int
        Seed of the resampling.

    Returns
    -------
    DataFrame
        Columns ``entry, track, n_subjects, n_trials, seeds, ccc, ccc_low, ccc_high, pcc, rmse,
        mae``, then ``ccc_valence, pcc_valence, rmse_valence, mae_valence`` … for each dimension,
        then ``trial_ccc, trial_pcc, trial_rmse, trial_mae``. Causal entries come first, and
        within a track the highest CCC; NaN where undefined.

    Raises
    ------
    ConfigError
        If there are no predictions, or an entry predicted a trial twice with one seed.
    """
    names = label_names(predictions)
    by_entry = ["entry", "track"]
    subjects = subject_scores(predictions)
    trials = trial_scores(predictions)
    table = subjects.drop(columns="subject").groupby(by_entry, sort=False).mean()
    table["n_subjects"] = subjects.groupby(by_entry).size()
    table["n_trials"] = trials.groupby(by_entry).size()
    table["seeds"] = (
        pd.DataFrame([(p.entry, p.track, p.seed) for p in predictions], columns=[*by_entry, "seed"])
        .groupby(by_entry)["seed"]
        .nunique()
    )
    for key, scores in subjects.groupby(by_entry)["ccc"]:
        table.loc[key, ["ccc_low", "ccc_high"]] = bootstrap_interval(scores, n_bootstrap, seed)
    table = table.join(trials.groupby(by_entry)[list(METRICS)].mean().add_prefix("trial_"))
    table = table.reset_index()
    order = table["track"].map(TRACKS.index)
    table = table.assign(order=order).sort_values(
        ["order", "ccc", "entry"], ascending=[True, False, True], ignore_index=True
    )
    return table[table_columns(names)]


def table_columns(dims: Sequence[str]) -> list[str]:
    """Columns of the leaderboard, in order.

    Parameters
    ----------
    dims : sequence of str
        Label dimensions.

    Returns
    -------
    list of str
        Names of the columns.
    """
    head = ["entry", "track", "n_subjects", "n_trials", "seeds"]
    overall = ["ccc", "ccc_low", "ccc_high", "pcc", "rmse", "mae"]
    per_dim = [f"{metric}_{name}" for name in dims for metric in METRICS]
    return head + overall + per_dim + [f"trial_{metric}" for metric in METRICS]


def is_simulated(predictions: Sequence[TrialPrediction], context: Mapping[str, Any]) -> bool:
    """Say whether anything here was simulated.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted.
    context : mapping
        Facts of the run, with ``source``.

    Returns
    -------
    bool
        True if the run or any trial is simulated.
    """
    return context.get("source") == "simulated" or any(p.source == "simulated" for p in predictions)


def write_results(
    out: Path,
    predictions: Sequence[TrialPrediction],
    context: Mapping[str, Any],
    table: pd.DataFrame,
) -> None:
    """Write the results of a run, each file whole or not at all.

    Parameters
    ----------
    out : Path
        Folder, made where absent: ``results.jsonl`` (a row for each trial), ``leaderboard.csv``,
        ``leaderboard.md`` and ``predictions.parquet`` (a row for each step).
    predictions : sequence of TrialPrediction
        What was predicted.
    context : mapping
        Facts of the run: ``dataset, title, protocol, command, versions, config, fingerprint,
        source``.
    table : DataFrame
        The table made by `leaderboard_table`.
    """
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "results.jsonl") as path, path.open("w", encoding="utf-8") as file:
        for row in trial_rows(predictions, context):
            file.write(json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n")
    with replacing(out / "leaderboard.csv") as path:
        table.to_csv(path, index=False, float_format="%.6f")
    with replacing(out / "leaderboard.md") as path:
        path.write_text(markdown(table, predictions, context), encoding="utf-8")
    with replacing(out / "predictions.parquet") as path:
        _write_steps(path, predictions)


def markdown(
    table: pd.DataFrame, predictions: Sequence[TrialPrediction], context: Mapping[str, Any]
) -> str:
    """Set the leaderboard as Markdown, with the best value of each track in bold.

    Parameters
    ----------
    table : DataFrame
        The table made by `leaderboard_table`.
    predictions : sequence of TrialPrediction
        What was predicted.
    context : mapping
        Facts of the run.

    Returns
    -------
    str
        A Markdown document.
    """
    names = label_names(predictions)
    overall = ["ccc", "interval", "pcc", "rmse", "mae", *(f"trial_{m}" for m in METRICS)]
    per_dim = [f"{metric}_{name}" for name in names for metric in METRICS]
    parts = [f"# Leaderboard: {context['title']}, {context['protocol']}"]
    if is_simulated(predictions, context):
        parts.append("> **SIMULATED DATA.** These numbers say nothing about recorded EEG.")
    parts.append(
        f"{len({p.key.subject for p in predictions})} subjects, "
        f"{len({p.key for p in predictions})} trials. All columns: `leaderboard.csv`."
    )
    for track, rows in table.groupby("track", sort=False):
        counts = ["n_subjects", "n_trials", "seeds"]
        parts.append(f"## Track: {track}\n\n{_markdown_rows(rows, [*counts, *overall])}")
        if len(names) > 1:
            parts.append(f"### By dimension ({track})\n\n{_markdown_rows(rows, per_dim)}")
    parts.append("## Conventions\n\n" + "\n".join(f"- {note}" for note in footnotes(predictions)))
    parts.append(f"## Command\n\n```\n{context['command']}\n```")
    return "\n\n".join(parts) + "\n"


def formatted(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Format the rows of one track to three decimals and find the best of each column.

    Parameters
    ----------
    rows : DataFrame
        Rows of the table made by `leaderboard_table`.

    Returns
    -------
    cells : DataFrame of str
        The same rows as text, empty where undefined, with a column ``interval``.
    best : DataFrame of bool
        True where a cell reads like the best of its column; only metrics have a best.
    """
    cells = rows.apply(lambda column: column.map(_cell))
    cells["interval"] = [
        f"[{low}, {high}]" if low else ""
        for low, high in zip(cells["ccc_low"], cells["ccc_high"], strict=True)
    ]
    best = pd.DataFrame(False, index=cells.index, columns=cells.columns)
    for column in rows.columns:
        metric = next((m for m in METRICS if m in column.split("_")), None)
        if metric and column not in ("ccc_low", "ccc_high") and rows[column].notna().any():
            pick = rows[column].max() if metric in HIGHER_IS_BETTER else rows[column].min()
            best[column] = cells[column] == _cell(pick)
    return cells, best


def column_title(column: str) -> str:
    """Name a column of the leaderboard for people.

    Parameters
    ----------
    column : str
        Column of the table made by `leaderboard_table`.

    Returns
    -------
    str
        Such as ``CCC valence`` or ``Trial RMSE``.
    """
    titles = {"n_subjects": "Subjects", "n_trials": "Trials", "interval": "95 % interval"}
    words = [w.upper() if w in METRICS else w for w in column.split("_")]
    text = " ".join(words)
    return titles.get(column, text[:1].upper() + text[1:])


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path that takes the place of `path` when the block ends well.

    Parameters
    ----------
    path : Path
        File to be written or replaced.

    Yields
    ------
    Path
        A path in the same folder to write to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    return f"{round(value, 3) + 0.0:.3f}"  # + 0.0 turns -0.0 into 0.0


def _markdown_rows(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    cells, best = formatted(rows)
    lines = [
        "| Entry | " + " | ".join(map(column_title, columns)) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for entry, texts, marks in zip(
        cells["entry"], cells[list(columns)].to_numpy(), best[list(columns)].to_numpy(), strict=True
    ):
        marked = [f"**{text}**" if mark else text for text, mark in zip(texts, marks, strict=True)]
        lines.append("| " + entry.replace("|", "\\|") + " | " + " | ".join(marked) + " |")
    return "\n".join(lines)


def _write_steps(path: Path, predictions: Sequence[TrialPrediction]) -> None:
    """Write one row a step, entry by entry, so that memory holds one entry at a time."""
    writer = None
    try:
        by_entry = sorted(predictions, key=lambda p: (p.entry, p.seed))
        for _, group in groupby(by_entry, key=lambda p: (p.entry, p.seed)):
            steps = _steps(list(group))
            writer = writer or pq.ParquetWriter(path, steps.schema, compression="zstd")
            writer.write_table(steps)
    finally:
        if writer:
            writer.close()


def _steps(group: Sequence[TrialPrediction]) -> pa.Table:
    lengths = [len(p.labels) for p in group]
    step = np.concatenate([np.arange(n, dtype=np.int32) for n in lengths])
    columns: dict[str, Any] = {
        "entry": np.repeat([p.entry for p in group], lengths),
        "seed": np.repeat([p.seed for p in group], lengths),
        "fold": np.repeat([p.fold for p in group], lengths),
        "subject": np.repeat([str(p.key.subject) for p in group], lengths),
        "session": np.repeat([p.key.session for p in group], lengths),
        "trial": np.repeat([p.key.trial for p in group], lengths),
        "step": step,
        "time_s": (step + 1) * np.repeat([p.step_s for p in group], lengths),
    }
    for number, name in enumerate(group[0].label_names):
        columns[f"{name}_true"] = np.concatenate([p.labels[:, number] for p in group])
        columns[f"{name}_pred"] = np.concatenate([p.predictions[:, number] for p in group])
    return pa.table(columns)
