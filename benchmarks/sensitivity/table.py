"""The sweep as a table with intervals and a plot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from benchmarks.sensitivity.run import Run, per_subject
from benchmarks.sensitivity.settings import SETTINGS

N_RESAMPLES = 10_000


def sensitivity_table(runs: Sequence[Run]) -> pd.DataFrame:
    """Summarise a sweep: a row a setting.

    Parameters
    ----------
    runs : sequence of Run
        Runs of one data set and split.

    Returns
    -------
    DataFrame
        ``setting, what, value, ccc`` (mean over subjects), ``difference`` to the default and its
        95 % interval ``difference_low``, ``difference_high`` (resampled subjects), ``wins``
        (subjects above the default), codebook ``usage``, ``perplexity`` (share of the codebook)
        and ``unseen_usage``, each the mean over folds, ``n_latent``, ``n_runs``.
    """
    base = per_subject(runs, "default")
    names = [name for name in SETTINGS if any(run.setting == name for run in runs)]
    return pd.DataFrame([_row(name, runs, base) for name in names])


def _row(name: str, runs: Sequence[Run], base: dict[str, float]) -> dict[str, object]:
    mine, scores = [run for run in runs if run.setting == name], per_subject(runs, name)
    shared = [subject for subject in scores if subject in base]
    differences = np.array([scores[s] - base[s] for s in shared])
    low, high = _interval(differences)
    return {
        "setting": name,
        "what": SETTINGS[name].what,
        "value": SETTINGS[name].value,
        "ccc": float(np.mean(list(scores.values()))),
        "difference": float(differences.mean()) if shared else np.nan,
        "difference_low": low,
        "difference_high": high,
        "wins": int((differences > 0).sum()),
        "n_subjects": len(scores),
        "usage": _mean([run.usage for run in mine]),
        "perplexity": _mean([run.perplexity for run in mine]),
        "unseen_usage": _mean([run.unseen_usage for run in mine]),
        "n_latent": mine[0].n_latent,
        "n_runs": len(mine),
    }


def _interval(differences: np.ndarray) -> tuple[float, float]:
    if len(differences) < 3 or np.ptp(differences) == 0:
        return (np.nan, np.nan) if len(differences) < 3 else (differences[0], differences[0])
    found = bootstrap(
        (differences,), np.mean, n_resamples=N_RESAMPLES, method="percentile", rng=0
    ).confidence_interval
    return float(found.low), float(found.high)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else np.nan


def markdown(table: pd.DataFrame, command: str) -> str:
    """Return the table for reading, with the command that made it."""
    lines = [
        "| setting | CCC | difference to the default (95 %) | better for | usage | perplexity / "
        "size | usage, unseen | latent width |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        interval = (
            ""
            if row["setting"] == "default"
            else f"{row['difference']:+.3f} ({row['difference_low']:+.3f} to "
            f"{row['difference_high']:+.3f})"
        )
        shares = ["" if np.isnan(row[k]) else f"{row[k]:.2f}" for k in SHARES]
        better = "" if row["setting"] == "default" else f"{row['wins']} of {row['n_subjects']}"
        cells = [row["setting"], f"{row['ccc']:.3f}", interval, better, *shares, row["n_latent"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    notes = (
        "CCC: linear regression on the frozen latents, encoder and regression fitted inside each "
        "fold; mean over held-out subjects of the CCC of their concatenated trials. Intervals: "
        "resampled subjects. Bidirectional attention looks ahead and is for comparison alone."
    )
    return "\n".join([*lines, "", notes, "", f"```\n{command}\n```", ""])


SHARES = ("usage", "perplexity", "unseen_usage")


def plot(table: pd.DataFrame, path: Path, title: str) -> None:
    """Draw the difference of each setting to the default, with its interval."""
    from matplotlib.figure import Figure

    rows = table[table["setting"] != "default"].iloc[::-1]
    figure = Figure(figsize=(7, 1.2 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    spread = [
        rows["difference"] - rows["difference_low"],
        rows["difference_high"] - rows["difference"],
    ]
    axes.axvline(0, color="0.6", linewidth=1)
    axes.errorbar(
        rows["difference"], places, xerr=spread, fmt="o", markersize=4, color="C0", capsize=2
    )
    axes.set_yticks(places, [f"{r.what}: {r.value}" for r in rows.itertuples()])
    axes.set_xlabel("CCC, difference to the default (95 % interval over subjects)")
    axes.set_title(title, loc="left")
    axes.margins(y=0.02)
    figure.savefig(path, dpi=130)
