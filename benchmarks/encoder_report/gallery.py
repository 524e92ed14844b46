"""The gallery of prototypes: a card each, with maps, labels, use and typical moments."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data_report.scalp import MIN_ELECTRODES, placed
from benchmarks.encoder_report.cards import UNITS, Plane, card_figure, map_limit, scale_figure
from benchmarks.encoder_report.codebook import RARE, mean_maps
from benchmarks.encoder_report.figures import tones
from benchmarks.encoder_report.steps import Steps, Tick
from benchmarks.page import image
from eeg_emotion_env.montage import is_electrode


def gallery(
    steps: Steps,
    table: pd.DataFrame,
    spots: NDArray[np.float64],
    second: str,
    tick: Tick = lambda text: None,
) -> str:
    """Return the cards of the prototypes.

    Parameters
    ----------
    steps : Steps
        Encoded trials.
    table : DataFrame
        Prototypes to show, in their order.
    spots : ndarray, shape (n_prototypes, 2)
        Their places.
    second : str
        What the second axis of the places is.
    tick : callable
        Called before each card.

    Returns
    -------
    str
        HTML; without maps, it says why.
    """
    first = steps.trials[0]
    chosen = mean_maps(steps)[table["prototype"].to_numpy()]
    note, drawn = _maps_note(first.channels)
    rare = table["rare"].to_numpy(bool)
    limit = map_limit(chosen[~rare])
    plane = _plane(steps, table, spots, second)
    parts = [f"<p>{escape(note)}</p>"] if note else []
    if drawn:
        scale = scale_figure(limit, UNITS[first.normalization])
        parts.append(f'<div class="scale">{image(scale, "Colour scale of the maps")}</div>')
    cards = []
    for number, row in enumerate(table.to_dict("records")):
        tick(f"drawing prototype {row['prototype']}")
        maps = chosen[number] if drawn else None
        picture = card_figure(plane, number, maps, first.channels, first.bands, limit)
        cards.append(_card(row, picture, plane.colours[number], steps))
    parts.append(_grid([c for c, low in zip(cards, rare, strict=True) if not low], drawn))
    if rare.any():
        parts.append(
            f"<details><summary>{rare.sum()} rare prototypes (less than {RARE:.0%} of an even "
            "share of steps)</summary>"
            f"{_grid([c for c, low in zip(cards, rare, strict=True) if low], drawn)}</details>"
        )
    return "".join(parts)


def _grid(cards: list[str], drawn: bool) -> str:
    return f'<div class="cards{"" if drawn else " narrow"}">{"".join(cards)}</div>'


def _maps_note(channels: tuple[str, ...]) -> tuple[str, bool]:
    """Say which channels are not on the maps, and whether there are maps at all."""
    lost = [name for name in channels if not is_electrode(name)]
    if len(placed(channels)) < MIN_ELECTRODES:
        return (
            "No scalp maps: fewer than "
            f"{MIN_ELECTRODES} channels are electrodes with a known position (not: "
            f"{', '.join(lost) or 'none'}).",
            False,
        )
    if lost:
        return (
            f"Not on the maps, as they are no electrodes of a known place: {', '.join(lost)}.",
            True,
        )
    return "", True


def _plane(steps: Steps, table: pd.DataFrame, spots: NDArray[np.float64], second: str) -> Plane:
    names = steps.trials[0].label_names
    spreads = np.full(spots.shape, np.nan)
    for axis, name in enumerate(names[:2]):
        spreads[:, axis] = table[f"{name}_spread"]
    return Plane(spots, spreads, (names[0], second), tones(table, names[0]))


def _card(row: dict[Any, Any], picture: bytes, colour: str, steps: Steps) -> str:
    labels = " · ".join(
        f"{escape(name)} <b>{_signed(row[name])}</b> ± {row[f'{name}_spread']:.3f}"
        if row[name] == row[name]
        else f"{escape(name)} not annotated"
        for name in steps.trials[0].label_names
    )
    moments = "".join(f"<li>{escape(text)}</li>" for text in row["moments"].split("; "))
    text = f"Prototype {row['prototype']}: place among the labels and mean of each band"
    return (
        f'<article class="card" style="border-top-color:{colour}">'
        f"<h3>Prototype {row['prototype']}"
        f"<span>{row['share']:.1%}, {row['n_steps']} steps</span></h3>"
        f"{image(picture, text, 'png')}"
        f"<p>{labels}</p>"
        f"<p>stays {row['dwell_s']:.1f} s · {row['n_subjects']} of {len(steps.subjects)} "
        f"subject{'s' if len(steps.subjects) > 1 else ''}</p>"
        f"<details><summary>Typical moments, subjects</summary><ul>{moments}</ul>"
        f"<p>Subjects: {escape(row['subjects'])}</p></details></article>"
    )


def _signed(value: float) -> str:
    # + 0.0 turns -0.0 into 0.0
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "−")
