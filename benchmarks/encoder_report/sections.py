"""Facts and tables of the report on an encoder, as HTML."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from benchmarks.encoder_report.probes import LATENTS
from benchmarks.encoder_report.steps import Steps


def facts_html(steps: Steps, context: Mapping[str, Any]) -> str:
    """Set the facts at the head of the page."""
    description = context["encoder"]
    first = steps.trials[0]
    seen, unseen = (len(steps.parts.get(name, ())) for name in ("training", "unseen"))
    facts = {
        "Data set": context["dataset"],
        "Source": first.source,
        "Subjects": f"{len(steps.subjects)} ({seen} seen by the encoder, {unseen} not)",
        "Trials": len(steps.trials),
        "Steps": f"{len(steps.code)} of {first.step_s:g} s",
        "Codebook": f"{steps.codebook_size} prototypes",
        "Guided by labels": "yes" if description.get("guided") else "no",
        "Pretrained on": f"{description.get('dataset', 'unknown')} "
        f"({description.get('source', 'unknown')})",
    }
    return "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items()
    )


def usage_html(usage: pd.DataFrame) -> str:
    """Set the use of the codebook as two tables: groups, and each subject."""
    head = ("Trials", "Steps", "Used", "Share of codebook", "Perplexity")
    dwell = ("Dwell, s: mean", "Median", "90 %")
    groups, subjects = (
        [(row["group"] if row["group"] != "subject" else row["subject"], row) for row in rows]
        for rows in (
            usage[usage["group"] != "subject"].to_dict("records"),
            usage[usage["group"] == "subject"].to_dict("records"),
        )
    )
    return table_html(("Subjects", *head, *dwell), map(_usage_row, groups)) + (
        "<details><summary>Each subject</summary>"
        f"{table_html(('Subject', *head, *dwell), map(_usage_row, subjects))}</details>"
    )


def _usage_row(named_row: tuple[str, Mapping[Any, Any]]) -> list[str]:
    name, row = named_row
    counts = [str(row[key]) for key in ("n_trials", "n_steps", "n_prototypes")]
    dwell = [f"{row[key]:.1f}" for key in ("dwell_s", "dwell_median_s", "dwell_90_s")]
    return [name, *counts, f"{row['usage']:.0%}", f"{row['perplexity']:.1f}", *dwell]


def probes_html(probes: pd.DataFrame) -> str:
    """Set the scores of the probes as a table a target."""
    head = ("", "Inputs", "Mean", "95 % interval", "Subjects", "Unseen", "Latents minus this")
    parts = []
    for target in dict.fromkeys(probes["target"]):
        rows = probes[probes["target"] == target].to_dict("records")
        caption = f"{target}: {rows[0]['score']}, chance {rows[0]['chance']:.3f}"
        parts.append(table_html(head, map(_probe_row, rows), caption))
    return "".join(parts)


def _probe_row(row: Mapping[Any, Any]) -> list[str]:
    difference = f"{row['difference']:+.3f} " + _interval(
        row["difference_low"], row["difference_high"], "+.3f"
    )
    unseen = f"{row['value_unseen']:.3f} (n = {row['n_unseen']})" if row["n_unseen"] else "–"
    return [
        row["representation"],
        str(row["n_inputs"]),
        _number(row["value"]),
        _interval(row["low"], row["high"]),
        str(row["n_subjects"]),
        unseen,
        "" if row["representation"] == LATENTS else difference,
    ]


def information_html(information: pd.DataFrame) -> str:
    """Set the mutual information as a table."""
    head = (
        "",
        "Classes",
        "Bits",
        "Normalised",
        "By chance",
        "95 % of shuffles",
        "Adjusted",
        "Chance is",
    )
    rows = (
        [
            *(row["target"], str(row["n_classes"])),
            *(f"{row[k]:.3f}" for k in ("bits", "nmi", "chance", "chance_95", "adjusted")),
            row["shuffle"],
        ]
        for row in information.to_dict("records")
    )
    return table_html(head, rows)


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else "–"


def _interval(low: float, high: float, form: str = ".3f") -> str:
    return f"[{low:{form}}, {high:{form}}]" if low == low else ""


def table_html(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Set a table of text.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        Cells; the first of each names the row.
    caption : str
        Title, if any.

    Returns
    -------
    str
        HTML.
    """
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )
