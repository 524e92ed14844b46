"""What the report on an encoder says in sentences at its head."""

import math
from collections.abc import Sequence

import pandas as pd

from benchmarks.encoder_report.codebook import COLLAPSED, collapse
from benchmarks.encoder_report.information import verdict
from benchmarks.encoder_report.probes import LATENTS, RANDOM
from benchmarks.encoder_report.steps import Steps

MAX_SUBJECTS = 20
"""Subjects that a sentence names."""


def findings(
    steps: Steps,
    usage: pd.DataFrame,
    probes: pd.DataFrame,
    information: pd.DataFrame,
    guided: bool = True,
) -> list[tuple[str, str]]:
    """Say in sentences what a reader must know.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    usage, probes, information : DataFrame
        What was measured.
    guided : bool
        Whether labels were used to make the encoder.

    Returns
    -------
    list of tuple
        Kind (``warning`` or ``finding``) and text, warnings first.
    """
    lines = [("warning", text) for text in _warnings(steps, usage, guided)]
    told = verdict(information)
    if told:
        lines.append(("finding", told))
    for target in dict.fromkeys(probes["target"]):
        lines.append(("finding", _of_probe(probes[probes["target"] == target])))
    if probes.empty:
        lines.append(("warning", "No probes: they need at least two subjects."))
    return lines


def _warnings(steps: Steps, usage: pd.DataFrame, guided: bool) -> list[str]:
    lines = []
    perplexity = dict(zip(usage["group"], usage["perplexity"], strict=True))
    for group in collapse(usage, steps.codebook_size):
        who = {"all": "all trials", "training": "training subjects", "unseen": "unseen subjects"}
        lines.append(
            f"The codebook has collapsed for {who[group]}: perplexity "
            f"{perplexity[group]:.1f} is below {COLLAPSED:.0%} of its "
            f"{steps.codebook_size} prototypes."
        )
    seen = steps.parts.get("training", ())
    if seen:
        lines.append(
            f"The encoder was pretrained on {len(seen)} of these {len(steps.subjects)} subjects "
            f"({named(seen)}), {'with their' if guided else 'without'} labels: what is read of "
            "labels from its latents, prototypes and codes is optimistic there; diamonds and the "
            "column “unseen” are for the others alone."
        )
    return lines


def named(subjects: Sequence[str]) -> str:
    """List subjects, `MAX_SUBJECTS` at most."""
    more = len(subjects) - MAX_SUBJECTS
    return ", ".join(subjects[:MAX_SUBJECTS]) + (f" and {more} more" if more > 0 else "")


def _of_probe(rows: pd.DataFrame) -> str:
    """Compare the frozen latents with the random encoder, and name the best representation."""
    by_name = {str(row["representation"]): row for row in rows.to_dict("records")}
    ours, other = by_name[LATENTS], by_name[RANDOM]
    best = max(
        by_name, key=lambda name: -math.inf if math.isnan(v := by_name[name]["value"]) else v
    )
    score, target = ours["score"], ours["target"]
    against = f", chance {ours['chance']:.2f}" if score == "accuracy" else ""
    low, high = other["difference_low"], other["difference_high"]
    interval = f" [{low:+.3f}, {high:+.3f}]" if low == low else ""
    text = (
        f"{target.capitalize()}, {score}: {LATENTS} {ours['value']:.3f}{against}, which is "
        f"{other['difference']:+.3f}{interval} against the {RANDOM}"
    )
    if best == LATENTS:
        return f"{text}; nothing else is higher."
    return f"{text}; highest: {best}, {by_name[best]['value']:.3f}."
