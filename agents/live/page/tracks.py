"""Steps as columns of a plot: lines that break where nothing was predicted."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

from agents.live.records import MARKED, WITHHELD, Step

NAN = math.nan


def columns_of(names: tuple[str, ...]) -> list[str]:
    """Return the columns that `Tracks` fills for these dimensions."""
    each = [f"{part}_{place}" for place in range(len(names)) for part in ("y", "low", "high", "m")]
    return ["t", "held", "marks", *each]


class Tracks:
    """Turns steps into rows of a plot, in order.

    For dimension i: ``y_i`` the prediction, ``m_i`` the same where the step is marked, ``low_i``
    and ``high_i`` the interval. A gap is a row without values; the band closes before it and opens
    after it, as areas of Bokeh do not break at NaN. ``held`` is -1 where a step is withheld.

    Parameters
    ----------
    names : tuple of str
        Dimensions of a prediction.
    step_s : float
        Length of a step, seconds.
    """

    def __init__(self, names: tuple[str, ...], step_s: float) -> None:
        self._names, self._step_s = names, step_s
        self._last: tuple[float, int] | None = None
        self._middle = [NAN] * len(names)

    def take(self, steps: Iterable[Step], began: float) -> dict[str, Any]:
        """Return the rows of new steps.

        Parameters
        ----------
        steps : iterable of Step
            In order, those after the last call.
        began : float
            Timestamp of the first sample: the plot's zero.
        """
        out: dict[str, Any] = {name: [] for name in columns_of(self._names)}
        for step in steps:
            time = step.time - began
            if not step.prediction:
                self._close(out)
                held = -1.0 if step.status == WITHHELD else NAN
                self._add(out, time, self._middle, self._middle, held=held, step=step)
                continue
            low, high = step.low or step.prediction, step.high or step.prediction
            middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
            if self._last is not None and not self._follows(time, step.segment):
                self._close(out)
            if self._last is None:
                self._add(out, time, middle, middle)
            self._add(out, time, low, high, step.prediction, step)
            self._last, self._middle = (time, step.segment), middle
        return out

    def _follows(self, time: float, segment: int) -> bool:
        assert self._last is not None
        return segment == self._last[1] and 0 < time - self._last[0] < 1.5 * self._step_s

    def _close(self, out: dict[str, list[float | str]]) -> None:
        """End line and band at the last prediction."""
        if self._last is not None:
            self._add(out, self._last[0], self._middle, self._middle)
            self._last = None

    def _add(
        self,
        out: dict[str, Any],
        time: float,
        low: Iterable[float],
        high: Iterable[float],
        values: Iterable[float] | None = None,
        step: Step | None = None,
        held: float = NAN,
    ) -> None:
        out["t"].append(time)
        out["held"].append(held)
        out["marks"].append(" ".join(step.marks) if step else "")
        marked = step is not None and step.status == MARKED
        filled = values or [NAN] * len(self._names)
        for place, (value, a, b) in enumerate(zip(filled, low, high, strict=True)):
            out[f"y_{place}"].append(value)
            out[f"m_{place}"].append(value if marked else NAN)
            out[f"low_{place}"].append(a)
            out[f"high_{place}"].append(b)


def trail(steps: Iterable[Step]) -> dict[str, Any]:
    """Return the way of the first two dimensions as segments that fade with age.

    Parameters
    ----------
    steps : iterable of Step
        The last steps, oldest first.

    Returns
    -------
    dict
        ``x0, y0, x1, y1`` of each segment and ``alpha``, 0 to 1.
    """
    out: dict[str, Any] = {name: [] for name in ("x0", "y0", "x1", "y1", "alpha")}
    points = list(steps)
    for number, (one, two) in enumerate(itertools.pairwise(points), start=1):
        if not (one.prediction and two.prediction) or one.segment != two.segment:
            continue
        ends = (*one.prediction[:2], *two.prediction[:2], (number / (len(points) - 1)) ** 1.5)
        for name, value in zip(out, ends, strict=True):
            out[name].append(float(value))
    return out
