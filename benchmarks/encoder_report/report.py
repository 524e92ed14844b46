"""The report on an encoder: its tables as CSV files, and one HTML page that needs nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import matplotlib as mpl
import pandas as pd

from benchmarks.encoder_report.cards import UNITS
from benchmarks.encoder_report.charts import information_figure, probe_figure
from benchmarks.encoder_report.codebook import (
    places,
    prototype_table,
    usage_table,
)
from benchmarks.encoder_report.figures import subject_figure, usage_figure
from benchmarks.encoder_report.findings import findings
from benchmarks.encoder_report.gallery import gallery
from benchmarks.encoder_report.graph import transition_graph
from benchmarks.encoder_report.information import information_table, n_targets
from benchmarks.encoder_report.probes import n_probes, probe_table
from benchmarks.encoder_report.sections import (
    facts_html,
    information_html,
    probes_html,
    usage_html,
)
from benchmarks.encoder_report.steps import Steps, Tick
from benchmarks.encoder_report.transitions import transition_table
from benchmarks.leaderboard import replacing
from benchmarks.page import banner, footer, image


@dataclass(frozen=True, eq=False)
class Tables:
    """What was measured; each is a CSV file of the report.

    Attributes
    ----------
    usage : DataFrame
        Made by `benchmarks.encoder_report.codebook.usage_table`.
    prototypes : DataFrame
        Made by `benchmarks.encoder_report.codebook.prototype_table`.
    transitions : DataFrame
        Made by `benchmarks.encoder_report.transitions.transition_table`.
    probes : DataFrame
        Made by `benchmarks.encoder_report.probes.probe_table`.
    mutual_information : DataFrame
        Made by `benchmarks.encoder_report.information.information_table`.
    """

    usage: pd.DataFrame
    prototypes: pd.DataFrame
    transitions: pd.DataFrame
    probes: pd.DataFrame
    mutual_information: pd.DataFrame


def n_ticks(steps: Steps, max_prototypes: int) -> int:
    """Return how often `write_encoder_report` ticks at most."""
    return n_probes(steps) + n_targets(steps) + min(max_prototypes, steps.codebook_size)


def write_encoder_report(
    out: Path,
    steps: Steps,
    untrained: Steps | None,
    context: Mapping[str, Any],
    *,
    n_folds: int = 4,
    max_prototypes: int = 64,
    tick: Tick = lambda text: None,
) -> Tables:
    """Write ``report.html`` and the CSV files, each whole or not at all.

    Parameters
    ----------
    out : Path
        Folder that exists.
    steps : Steps
        What the encoder makes of the trials.
    untrained : Steps or None
        What an encoder of random weights makes of them; None with one subject: no probes then.
    context : mapping
        Facts of the run: ``dataset, title, source, encoder, command, versions, config,
        fingerprint``; ``encoder`` is the encoder's description.
    n_folds : int
        Folds of the probes at most.
    max_prototypes : int
        Prototypes that are drawn at most, those used most.
    tick : callable
        Called with what comes next.

    Returns
    -------
    Tables
        What was measured.
    """
    tables = _measure(steps, untrained, n_folds, tick)
    for name, table in vars(tables).items():
        with replacing(out / f"{name}.csv") as path:
            table.to_csv(path, index=False, float_format="%.6g")
    with mpl.rc_context({"text.parse_math": False}):
        text = _page(steps, tables, context, max_prototypes, tick)
    with replacing(out / "report.html") as path:
        path.write_text(text, encoding="utf-8")
    return tables


def _measure(steps: Steps, untrained: Steps | None, n_folds: int, tick: Tick) -> Tables:
    return Tables(
        usage_table(steps),
        prototype_table(steps),
        transition_table(steps),
        probe_table(steps, untrained, n_folds, tick=tick),
        information_table(steps, tick=tick),
    )


def _page(
    steps: Steps, tables: Tables, context: Mapping[str, Any], max_prototypes: int, tick: Tick
) -> str:
    most = tables.prototypes.nlargest(max_prototypes, "n_steps").index
    shown = tables.prototypes.loc[sorted(most)].reset_index(drop=True)
    label = steps.trials[0].label_names[0]
    spots, second = places(steps, shown)
    common = ~shown["rare"].to_numpy(bool)
    guided = bool(context["encoder"].get("guided"))
    lines = findings(steps, tables.usage, tables.probes, tables.mutual_information, guided)
    template = files("benchmarks.encoder_report").joinpath("report.html")
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=escape(f"Encoder report: {context['title']}"),
        banner=banner(context["source"] == "simulated"),
        facts=facts_html(steps, context),
        findings="".join(f'<li class="{kind}">{escape(text)}</li>' for kind, text in lines),
        usage=image(usage_figure(steps), "Shares of the prototypes by rank, and dwell times"),
        usage_table=usage_html(tables.usage),
        subjects=image(
            subject_figure(steps, shown["prototype"].tolist(), label),
            "Share of each prototype in each subject's steps",
        ),
        graph=image(
            transition_graph(steps, shown[common], spots[common], (label, second)),
            "Prototypes as nodes, their most frequent changes as arrows",
        ),
        second="" if len(steps.trials[0].label_names) > 1 else f"Upwards: {second}.",
        label=escape(label),
        shown=_shown(len(shown), tables.prototypes, steps.codebook_size),
        unit=escape(UNITS[steps.trials[0].normalization]),
        cards=gallery(steps, shown, spots, second, tick),
        probes=image(probe_figure(tables.probes), "Scores of the probes with intervals")
        if len(tables.probes)
        else "",
        probes_table=probes_html(tables.probes),
        information=image(
            information_figure(tables.mutual_information), "Mutual information by target"
        )
        if len(tables.mutual_information)
        else "",
        information_table=information_html(tables.mutual_information),
        footer=footer(context),
    )


def _shown(n_shown: int, prototypes: pd.DataFrame, codebook_size: int) -> str:
    used = len(prototypes)
    text = f"{used} of {codebook_size} prototypes occur in these trials"
    return f"{text}; the {n_shown} most used are shown." if n_shown < used else f"{text}."
