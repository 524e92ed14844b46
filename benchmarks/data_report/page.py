"""The report on a data folder: one HTML page that shows what is there and what is wrong.

The page is an `mne.Report`: styles, scripts and figures are inside the file, and nothing is
fetched from anywhere.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.data_report.figures import (
    MAX_ROWS,
    MAX_TRACKS,
    label_distribution,
    label_reach,
    length_map,
    track_grid,
)
from benchmarks.data_report.scalp import (
    MIN_ELECTRODES,
    electrode_map,
    mean_topographies,
    placed,
    subject_topographies,
)
from benchmarks.data_report.summary import MAX_TRIALS, BandPower, DataSummary, summarise
from benchmarks.data_report.tables import facts, findings, tables
from benchmarks.leaderboard import replacing
from eeg_emotion_env.datasets.base import Dataset, DatasetCard
from eeg_emotion_env.datasets.checks import CheckReport
from eeg_emotion_env.errors import DataError

MAX_POWERS = 12
"""Ways of reading whose mean band power is drawn."""

MAX_CAPS = 3
"""Sets of electrodes that are drawn."""

STYLE = """
#content { font-size: .95rem; }
#filter-by-tags-dropdown-menu, .accordion-button .badge { display: none; }
.data-report table { border-collapse: collapse; margin: .3rem 0 1.2rem; }
.data-report caption { caption-side: top; font-weight: 600; color: inherit; padding: .2rem 0; }
.data-report th, .data-report td { padding: .15rem .7rem .15rem 0; text-align: right; }
.data-report th { font-weight: 600; }
.data-report td:not(:last-child) { white-space: nowrap; }
.data-report tbody tr { border-top: 1px solid #e4e8ec; }
.data-report th:first-child, .data-report td:first-child { text-align: left; }
.data-report .facts th { vertical-align: top; white-space: nowrap; color: #5b6570; }
.data-report .facts td { text-align: left; max-width: 75ch; }
.data-report .wide { overflow-x: auto; }
.data-report .low { color: #b03a2e; font-weight: 600; }
.data-report .box { border-left: .4rem solid; padding: .6rem 1rem; margin: 0 0 1rem; }
.data-report .box h3 { font-size: 1.1rem; margin: 0 0 .3rem; }
.data-report .box ul { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; }
.data-report .simulated { background: #fff3cd; border-color: #d39e00; }
.data-report .ok { background: #e7f5ec; border-color: #2e8b57; }
.data-report .problem { background: #fdecea; border-color: #b03a2e; }
.data-report .warning { background: #fff7e6; border-color: #d39e00; }
.data-report .note { background: #f1f4f7; border-color: #8795a1; }
"""


def write_data_report(
    path: Path,
    dataset: Dataset,
    report: CheckReport,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write the report on a checked folder, whole or not at all.

    Parameters
    ----------
    path : Path
        HTML file to write; its folder is made where it is missing.
    dataset : Dataset
        Data set of the folder.
    report : CheckReport
        What `eeg_emotion_env.datasets.checks.check_folder` found there.
    progress : callable or None
        ``progress(text)``, called before each recording that is read once more.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder; --report must name a file")
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    summary = summarise(dataset, report, progress)
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        # names of stimuli and channels are text, whatever signs they are written in
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        page = _page(dataset.card, report, summary)
    with _writing(path), replacing(path) as temporary:
        page.save(temporary, open_browser=False, overwrite=True, verbose="error")
        # the same folder makes the same bytes
        text = temporary.read_text(encoding="utf-8")
        temporary.write_text(re.sub(r"Created on [\d :-]+ via", "Made with", text), "utf-8")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Name the report's own path in what goes wrong, not that of its temporary file."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def _page(card: DatasetCard, report: CheckReport, summary: DataSummary) -> Any:
    """Put the sections together as an `mne.Report`."""
    from mne import Report

    mark = "SIMULATED: " if summary.simulated else ""
    page = Report(title=f"{mark}{card.title}", img_max_width=None, verbose="error")
    page.add_custom_css(STYLE)
    _add_html(page, "Overview", "What was found", findings(report, summary))
    _add_html(page, "Overview", "Data set", facts(card, report, summary))
    _add_html(page, "Overview", "Trials", tables(report, summary))
    if report.trials:
        _add_lengths(page, report)
    _add_electrodes(page, card, summary)
    _add_powers(page, summary)
    _add_labels(page, summary)
    return page


def _add_html(page: Any, section: str, title: str, html: str) -> None:
    page.add_html(f'<div class="data-report">{html}</div>', title, tags=(), section=section)


def _add_text(page: Any, section: str, title: str, text: str) -> None:
    _add_html(page, section, title, f"<p>{escape(text)}</p>")


def _subjects_shown(summary: DataSummary) -> str:
    """Say whose details are left out, if any."""
    if len(summary.shown) == len(summary.subjects):
        return ""
    named = ", ".join(map(str, summary.shown))
    return f" Shown: {len(summary.shown)} of {len(summary.subjects)} subjects ({named})."


def _add_lengths(page: Any, report: CheckReport) -> None:
    checks = list({check.key: check for check in reversed(report.trials)}.values())[::-1]
    n_sessions = len({(c.key.subject, c.key.session) for c in checks})
    caption = "White: no trial."
    if any(check.expected_s is not None for check in checks):
        caption += " Cross: not as long as published (by 2 % and 5 s at least)."
    if n_sessions > MAX_ROWS:
        caption += f" {MAX_ROWS} of {n_sessions} sessions are shown."
    page.add_figure(
        length_map(checks),
        "Length of each trial",
        caption=caption,
        tags=(),
        section="Trial lengths",
    )


def _add_electrodes(page: Any, card: DatasetCard, summary: DataSummary) -> None:
    caps = list(dict.fromkeys(power.channels for power in summary.powers)) or [card.channels]
    for channels in caps[:MAX_CAPS]:
        known = placed(channels)
        title = f"{len(channels)} channels" + ("" if summary.powers else " (of the full set)")
        lost = [name for name in channels if name not in known]
        text = f"{len(known)} electrodes from above, nose up, on a spherical head."
        if lost:
            text += f" Without a known position: {', '.join(lost)}."
        if known:
            figure = electrode_map(channels)
            page.add_figure(figure, title, caption=text, tags=(), section="Electrodes")
        else:
            _add_text(page, "Electrodes", title, f"No map: {text.split('. ')[-1]}")
    if len(caps) > MAX_CAPS:
        text = f"{len(caps) - MAX_CAPS} more sets of channels are not drawn."
        _add_text(page, "Electrodes", "Others", text)


def _add_powers(page: Any, summary: DataSummary) -> None:
    section = "Band power on the scalp"
    drawn = [p for p in summary.powers if len(placed(p.channels)) >= MIN_ELECTRODES]
    drawn.sort(key=lambda power: (not power.is_raw, -len(power.subjects)))
    for power in summary.powers:
        if power not in drawn:
            text = f"No map: fewer than {MIN_ELECTRODES} of its channels have a known position."
            _add_text(page, section, power.variant, text)
    if not summary.powers:
        _add_text(page, section, "Nothing to draw", "No trial could be read.")
    if not drawn:
        return
    page.add_figure(
        mean_topographies(drawn[:MAX_POWERS]),
        "Mean of the subjects",
        caption="Mean log band power, as it is read (not normalised); each map has its own scale, "
        f"written below it: {_unit(drawn)}. {_power_basis(summary)}" + _left_out(drawn),
        tags=(),
        section=section,
    )
    page.add_figure(
        subject_topographies(drawn[0]),
        f"Each subject: {drawn[0].variant}",
        caption="One scale a band for all subjects (2nd to 98th percentile). A spot where one "
        "electrode stands out in one subject hints at a bad contact. " + _power_basis(summary),
        tags=(),
        section=section,
    )


def _unit(powers: Sequence[BandPower]) -> str:
    if all(power.is_raw for power in powers):
        return "ln µV²"
    stored = "the release's own unit for stored features"
    return f"ln µV² for raw EEG, {stored}" if any(power.is_raw for power in powers) else stored


def _power_basis(summary: DataSummary) -> str:
    return f"From {MAX_TRIALS} trials a subject at most." + _subjects_shown(summary)


def _left_out(drawn: Sequence[BandPower]) -> str:
    more = len(drawn) - MAX_POWERS
    return f" {more} more ways of reading are not drawn." if more > 0 else ""


def _add_labels(page: Any, summary: DataSummary) -> None:
    section = "Labels"
    tracks = list(summary.tracks.values())
    known = [track for track in tracks if not np.isnan(track.values).all()]
    if not known:
        text = "None of the trials is annotated." if tracks else "No trial could be read."
        _add_text(page, section, "Nothing to draw", text)
        return
    page.add_figure(
        label_distribution([track for track in known if track.names == known[0].names]),
        "Label values",
        caption=f"Steps of {len(known)} trials with labels. Below: mean of each subject and the "
        "range of 90 % of its steps.",
        tags=(),
        section=section,
    )
    figures, captions = [], []
    for subject in summary.shown:
        own = [track for track in tracks if track.key.subject == subject]
        if not own:
            continue
        figures.append(track_grid(own, label_reach(known)))
        some = f", {MAX_TRACKS} of {len(own)} trials" if len(own) > MAX_TRACKS else ""
        captions.append(f"Subject {subject}{some}. Panels: session.trial · stimulus.")
    page.add_figure(
        figures,
        "Label tracks of each subject",
        caption=[caption + _subjects_shown(summary) for caption in captions],
        tags=(),
        section=section,
    )
