"""Strengths chosen on training people, and the curve as table and plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from benchmarks.personalization.candidates import ALTERNATIVES, SHIFTED
from benchmarks.personalization.protocol import Groups, Unit
from benchmarks.personalization.run import Record
from benchmarks.statistics import over_subjects, signed_rank

SCORES = ("ccc", "trial_ccc", "trial_pcc", "rmse")
DRAWN = ("none", "affine", "last-layer", "policy", "moments", "affine without EEG", "own ridge")
"""Methods of the plot."""


def curve_table(ran: Sequence[tuple[Unit, list[Record]]], groups: Groups) -> pd.DataFrame:
    """Summarise a run: a row a method and length of calibration.

    Parameters
    ----------
    ran : sequence of (Unit, list of Record)
        All units of a run.
    groups : Groups
        Subjects of each fold.

    Returns
    -------
    DataFrame
        ``method, minutes, given`` (mean minutes that people had), ``ccc`` (mean over subjects of
        the CCC of their concatenated test trials, itself a mean over seeds) with its 95 % interval
        over subjects, ``difference`` to no adaptation with its interval, ``wins``, ``n_subjects``
        and ``p`` (signed rank, exact, uncorrected), ``trial_ccc``, ``trial_pcc``,
        ``trial_pcc_difference`` with its interval, ``rmse``, ``n_seeds``, ``strengths`` (chosen,
        fold by fold).
    """
    chosen = chosen_scores(ran, groups)
    methods = list(dict.fromkeys(chosen["method"]))
    lengths = sorted(chosen["minutes"].unique())
    n_seeds = len({unit.seed for unit, _ in ran})
    rows = []
    for method in methods:
        for length in lengths:
            mine = _of(chosen, method, length)
            rows.append({**_row(mine, _of(chosen, "none", 0.0)), "n_seeds": n_seeds})
    return pd.DataFrame(rows)


def chosen_scores(ran: Sequence[tuple[Unit, list[Record]]], groups: Groups) -> pd.DataFrame:
    """Choose strengths on training people and keep the scores of tested people at these.

    Parameters
    ----------
    ran : sequence of (Unit, list of Record)
        All units of a run.
    groups : Groups
        Subjects of each fold.

    Returns
    -------
    DataFrame
        ``fold, method, minutes, subject, given, strength, ccc, trial_ccc, trial_pcc, rmse``: one
        row a person, means over seeds; strength NaN where it was best not to adapt.
    """
    inner = pd.DataFrame([{"pair": u.left_out, **r} for u, rs in ran if u.is_inner for r in rs])
    tested = [(u.left_out[0], rs) for u, rs in ran if not u.is_inner]
    outer = pd.DataFrame([{"fold": fold, **r} for fold, rs in tested for r in rs])
    kept = []
    for key, rows in outer.groupby(["fold", "method", "minutes"], sort=False):
        fold, method, length = cast(tuple[int, str, float], key)
        among = np.array([fold in pair for pair in inner["pair"]])
        among &= (~inner["subject"].isin(groups[fold]) & (inner["minutes"] == length)).to_numpy()
        strength = best_strength(inner[among], method.removesuffix(SHIFTED))
        if np.isnan(strength):
            same = (outer["fold"] == fold) & (outer["method"] == "none")
            mine = outer[same & (outer["minutes"] == length)].assign(method=method)
        else:
            mine = rows[rows["strength"] == strength]
        kept.append(mine.assign(strength=strength))
    by = ["fold", "method", "minutes", "subject"]
    whole = pd.concat(kept)
    return whole.groupby(by, sort=False)[["given", "strength", *SCORES]].mean().reset_index()


def best_strength(people: pd.DataFrame, method: str) -> float:
    """Return the strength with the highest mean CCC over training people who are played as new.

    Parameters
    ----------
    people : DataFrame
        ``subject, method, strength, ccc`` at one length of the calibration.
    method : str
        Candidate.

    Returns
    -------
    float
        The strength; NaN if no adaptation was best and the method may choose so.
    """
    mine = people[people["method"] == method].groupby("strength")["ccc"].mean()
    if method in ALTERNATIVES:
        nothing = people.loc[people["method"] == "none", "ccc"].mean()
        if not mine.max() > nothing:
            return float("nan")
    return float(mine.index[int(mine.argmax())])


def _of(chosen: pd.DataFrame, method: str, minutes: float) -> pd.DataFrame:
    found = chosen[(chosen["method"] == method) & (chosen["minutes"] == minutes)]
    return found.set_index("subject")


def _row(mine: pd.DataFrame, base: pd.DataFrame) -> dict[str, object]:
    low, high = over_subjects(mine["ccc"].to_numpy())
    differences = mine["ccc"] - base["ccc"].reindex(mine.index)
    shape = mine["trial_pcc"] - base["trial_pcc"].reindex(mine.index)
    by_fold = mine.groupby("fold", sort=True)["strength"].first()
    row: dict[str, object] = {
        "method": mine["method"].iloc[0],
        "minutes": mine["minutes"].iloc[0],
        "given": mine["given"].mean(),
        "ccc": mine["ccc"].mean(),
        "ccc_low": low,
        "ccc_high": high,
    }
    for name, values in (("difference", differences), ("trial_pcc_difference", shape)):
        ends = over_subjects(values.to_numpy())
        row |= {name: values.mean(), f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return {
        **row,
        "wins": int((differences > 1e-9).sum()),
        "n_subjects": len(mine),
        "p": signed_rank(differences.to_numpy()).p,
        **{score: mine[score].mean() for score in ("trial_ccc", "trial_pcc", "rmse")},
        "strengths": " ".join("none" if np.isnan(s) else f"{s:g}" for s in by_fold),
    }


def markdown(table: pd.DataFrame, command: str, title: str) -> str:
    """Return the table for reading, with the command that made it."""
    first = table.iloc[0]
    lines = [
        f"# Personalisation: {title}",
        "",
        f"```\n{command}\n```",
        "",
        f"{first['n_subjects']} new people, {first['n_seeds']} seeds. The first half of a "
        "person's trials may calibrate (its start, as many minutes as the row says; who has less "
        "gives all), the second half is tested, the same at every length.",
        "",
        "| method | minutes | had | CCC | difference to none (95 %) | better for | p | trial CCC | "
        "trial PCC | its difference (95 %) | RMSE | strengths by fold |",
        "|" + "---|" * 12,
    ]
    for row in table.to_dict("records"):
        # without minutes every adaptation is the agent, and the agent is the same at all lengths
        adapts = row["method"] in ALTERNATIVES or row["method"].endswith(SHIFTED)
        if adapts if row["minutes"] == 0 else row["method"] == "none":
            continue
        cells = _cells(row)
        if row["method"] == "none":
            cells[4], cells[5], cells[6], cells[9], cells[11] = "", "", "", "", ""
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", NOTES, ""])


NOTES = """CCC: mean over people of the CCC of their concatenated test trials, averaged over seeds.
Trial CCC and PCC: within a test trial, where a better level between trials does not count; gain and
offset hardly move the PCC. Intervals: resampled people. p: exact signed-rank test, not corrected
for the number of rows. Strengths are chosen for each length on training people who were new to
a model of their own; `none`: not adapting was best there. `level`, `moments` (mean and spread of
the labels alone) and `affine without EEG` (a clock) do not pair EEG with labels; `own ridge` uses
the person's calibration alone, no agent; `labels shifted` rolls the labels by half their length."""


def _cells(row: dict[Any, Any]) -> list[str]:
    apart = [_apart(row, name) for name in ("difference", "trial_pcc_difference")]
    numbers = {k: "" if np.isnan(row[k]) else f"{row[k]:.3f}" for k in (*SCORES, "p")}
    return [
        str(row["method"]),
        f"{row['minutes']:g}",
        f"{row['given']:.1f}",
        numbers["ccc"],
        apart[0],
        f"{row['wins']} of {row['n_subjects']}",
        numbers["p"],
        numbers["trial_ccc"],
        numbers["trial_pcc"],
        apart[1],
        numbers["rmse"],
        str(row["strengths"]),
    ]


def _apart(row: dict[Any, Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if np.isnan(row[name]) else f"{row[name]:+.3f} ({low:+.3f} to {high:+.3f})"


def plot(table: pd.DataFrame, path: Path, title: str) -> None:
    """Draw CCC, and its difference to no adaptation, against minutes of calibration."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = [name for name in DRAWN if name in set(table["method"])]
    for place, method in enumerate(shown):
        rows = table[table["method"] == method]
        style = {"color": f"C{place}", "marker": "o", "markersize": 4}
        left.plot(rows["minutes"], rows["ccc"], label=method, **style)
        if method in ALTERNATIVES:
            # side by side, so that intervals do not cover each other
            moved = rows["minutes"] * (1 + 0.02 * place)
            below = rows["difference"] - rows["difference_low"]
            above = rows["difference_high"] - rows["difference"]
            # where nobody differs the ends may be off by rounding
            spread = [below.clip(lower=0), above.clip(lower=0)]
            right.errorbar(moved, rows["difference"], yerr=spread, capsize=2, label=method, **style)
    right.axhline(0, color="0.6", linewidth=1)
    left.set_ylabel("CCC of the test trials, mean over people")
    right.set_ylabel("difference to no adaptation (95 % over people)")
    for axes in (left, right):
        axes.set_xlabel("minutes of calibration")
        axes.legend(fontsize=8)
    left.set_title(f"Personalisation: {title}", loc="left")
    figure.savefig(path, dpi=110)
