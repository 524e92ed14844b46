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
    averaged,
    footnotes,
    label_names,
    ordered,
    subject_scores,
    trial_rows,
    trial_scores,
)
from benchmarks.statistics.bootstrap import N_BOOTSTRAP
from benchmarks.statistics.comparison import COMPARED, Evidence, comparison_table
from benchmarks.statistics.moments import Moments
from benchmarks.statistics.notes import statistical_notes
from benchmarks.statistics.null import N_NULL, null_means
from benchmarks.statistics.roles import ROLES, role_of
from benchmarks.tables import column_groups, markdown_rows
from eeg_emotion_env.metrics import METRICS
from eeg_emotion_env.trajectory_shape import SHAPES

__all__ = ["footnotes", "leaderboard_table", "subject_scores", "trial_rows", "write_results"]

TRACKS = ("causal", "transductive", "non-causal")
"""Tracks in the order in which they are listed."""


def leaderboard_table(
    predictions: Sequence[TrialPrediction],
    n_bootstrap: int = N_BOOTSTRAP,
    seed: int = 0,
    *,
    n_null: int = N_NULL,
    reference: str | None = None,
) -> pd.DataFrame:
    """Compare entries: one row for each entry and track.

    Parameters
    ----------
    predictions : sequence of TrialPrediction
        What was predicted, in any order.
    n_bootstrap : int
        Resamples behind the intervals of the CCC and of its differences.
    seed : int
        Seed of resampling and of the null distribution.
    n_null : int
        Draws of the time-shift null.
    reference : str or None
        Entry to compare with; None for the first of
        `benchmarks.statistics.comparison.REFERENCES` that predicted all trials of the track.

    Returns
    -------
    DataFrame
        Columns as `table_columns` lists them; NaN where undefined, ``reference`` None for who is
        not compared. Causal entries come first; within a track competitors, then entries without
        high bands, then oracles; within these the highest CCC.

    Raises
    ------
    ConfigError
        If there are no predictions, an entry predicted a trial twice with one seed, or the
        reference is not among the competitors.
    """
    names = label_names(predictions)
    predictions = ordered(predictions)
    by_entry = ["entry", "track"]
    subjects = subject_scores(predictions)
    trials = trial_scores(predictions)
    table = averaged(subjects.drop(columns="subject"), by_entry)
    table["n_subjects"] = subjects.groupby(by_entry).size()
    table["n_trials"] = trials.groupby(by_entry).size()
    table["seeds"] = (
        pd.DataFrame([(p.entry, p.track, p.seed) for p in predictions], columns=[*by_entry, "seed"])
        .groupby(by_entry)["seed"]
        .nunique()
    )
    table = table.join(
        averaged(trials[[*by_entry, *METRICS, "spread"]], by_entry).add_prefix("trial_")
    )
    evidence = Evidence.of(Moments.of(predictions), n_bootstrap, seed)
    table = table.join(comparison_table(evidence, reference))
    table[["null_low", "null_high"]] = math.nan
    for name, draws in null_means(predictions, n_null, seed).items():
        if not np.isnan(draws).all():
            table.loc[name, ["null_low", "null_high"]] = np.nanquantile(draws, [0.025, 0.975])
    table = _in_order(table.reset_index())[table_columns(names)]
    table.attrs = {"n_bootstrap": n_bootstrap, "n_null": n_null, "chosen": reference is None}
    return table


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(
        track_order=table["track"].map(TRACKS.index),
        role=[ROLES.index(role_of(entry)) for entry in table["entry"]],
    )
    return table.sort_values(
        ["track_order", "role", "ccc", "entry"],
        ascending=[True, True, False, True],
        ignore_index=True,
    )


def table_columns(dims: Sequence[str]) -> list[str]:
    """Columns of the leaderboard, in order.

    Parameters
    ----------
    dims : sequence of str
        Label dimensions.

    Returns
    -------
    list of str
        ``entry, track, n_subjects, n_trials, seeds, ccc, ccc_low, ccc_high, pcc, rmse, mae``; then
        ``ccc_valence, pcc_valence, rmse_valence, mae_valence`` … for each dimension; ``trial_ccc,
        trial_pcc, trial_rmse, trial_mae, trial_spread``; ``spread, lag_s, jerk``; of the comparison
        with ``reference`` the number of subjects that differ, exact and corrected p-values,
        rank-biserial correlation, Cohen's dz and difference with their intervals (``n_compared, p,
        p_holm, effect, dz, dz_low, dz_high, diff, diff_low, diff_high``); the 95 % interval of the
        null (``null_low, null_high``); and over seeds ``iqm, seed_sd``.
    """
    head = ["entry", "track", "n_subjects", "n_trials", "seeds"]
    overall = ["ccc", "ccc_low", "ccc_high", "pcc", "rmse", "mae"]
    per_dim = [f"{metric}_{name}" for name in dims for metric in METRICS]
    per_trial = [f"trial_{metric}" for metric in (*METRICS, "spread")]
    compared = [*COMPARED, "null_low", "null_high", "reference", "iqm", "seed_sd"]
    return head + overall + per_dim + per_trial + list(SHAPES) + compared


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
    predictions = ordered(predictions)
    with replacing(out / "results.jsonl") as path, path.open("w", encoding="utf-8") as file:
        # entry by entry, so that memory holds the rows of one at a time
        for _, group in groupby(predictions, key=lambda p: p.entry):
            for row in trial_rows(list(group), context):
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
    """Set the leaderboard as Markdown, with the best competitor of each track in bold.

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
    groups = column_groups(label_names(predictions))
    parts = [f"# Leaderboard: {context['title']}, {context['protocol']}"]
    if is_simulated(predictions, context):
        parts.append("> **SIMULATED DATA.** These numbers say nothing about recorded EEG.")
    parts.append(
        f"{len({p.key.subject for p in predictions})} subjects, "
        f"{len({p.key for p in predictions})} trials. All columns: `leaderboard.csv`."
    )
    for track, rows in table.groupby("track", sort=False):
        parts.append(f"## Track: {track}")
        for title, columns in groups.items():
            parts.append(f"### {title} ({track})\n\n{markdown_rows(rows, columns)}")
    parts.append(
        "## Conventions\n\n" + "\n".join(f"- {note}" for note in notes(table, predictions))
    )
    parts.append(f"## Command\n\n```\n{context['command']}\n```")
    return "\n\n".join(parts) + "\n"


def notes(table: pd.DataFrame, predictions: Sequence[TrialPrediction]) -> list[str]:
    """State the conventions of scores and statistics.

    Parameters
    ----------
    table : DataFrame
        The table made by `leaderboard_table`.
    predictions : sequence of TrialPrediction
        What was predicted.

    Returns
    -------
    list of str
        Sentences for people.
    """
    predictions = ordered(predictions)
    return footnotes(predictions) + statistical_notes(table, predictions)


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


def _write_steps(path: Path, predictions: Sequence[TrialPrediction]) -> None:
    """Write one row a step, entry by entry, so that memory holds one entry at a time."""
    writer = None
    try:
        for _, group in groupby(predictions, key=lambda p: (p.entry, p.seed)):
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
        for end in ("low", "high"):
            values = [getattr(p, end) for p in group]
            if all(part is not None for part in values):
                columns[f"{name}_{end}"] = np.concatenate([part[:, number] for part in values])
    return pa.table(columns)
