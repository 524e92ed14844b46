"""Panels of text, buttons and fields of one open page."""

from typing import Any

from bokeh.models import InlineStyleSheet
from bokeh.models.widgets import Button, Div, RadioButtonGroup, TextInput

from agents.live.page.template import sheet

HIGH = 36
"""Height of buttons, pixels."""

LONGEST_NOTE = 200
"""Letters of a note."""

WINDOWS_MIN = (1, 5, 15)
"""Minutes of the past that can be shown."""

PANELS = ("status", "counters", "events", "prototype", "channels")


class Widgets:
    """What is pressed, and what is read.

    Parameters
    ----------
    n_labels : int
        Dimensions of a prediction.
    """

    def __init__(self, n_labels: int) -> None:
        look: dict[str, Any] = {"stylesheets": [InlineStyleSheet(css=sheet())]}
        names = (*PANELS, *(f"value_{place}" for place in range(n_labels)))
        self.texts = {
            name: Div(name=name, disable_math=True, sizing_mode="stretch_both", **look)
            for name in names
        }
        self.pause = Button(name="pause", label="Pause", width=120, height=HIGH, **look)
        self.mark = Button(name="mark", label="Mark", width=80, height=HIGH, **look)
        hint = "what happens now"
        self.note = TextInput(
            name="note", placeholder=hint, max_length=LONGEST_NOTE, height=HIGH,
            sizing_mode="stretch_width", **look,
        )  # fmt: skip
        labels = [f"{minutes} min" for minutes in WINDOWS_MIN]
        self.window = RadioButtonGroup(name="window", labels=labels, active=1, **look)

    @property
    def all(self) -> list[Any]:
        """All of them."""
        return [*self.texts.values(), self.pause, self.mark, self.note, self.window]

    @property
    def window_s(self) -> float:
        """Seconds of the past to show."""
        chosen = self.window.active
        # whatever a browser sends
        if chosen is None or not 0 <= chosen < len(WINDOWS_MIN):
            chosen = 1
        return 60.0 * WINDOWS_MIN[chosen]

    def write(self, texts: dict[str, str]) -> None:
        """Write panels; what has not changed is not sent."""
        for name, text in texts.items():
            if self.texts[name].text != text:
                self.texts[name].text = text

    def set(self, paused: bool, over: bool) -> None:
        """Let buttons say what they would do; at the end they do nothing."""
        label = "Continue" if paused and not over else "Pause"
        if self.pause.label != label:
            self.pause.label = label
        for widget in (self.pause, self.mark, self.note):
            if widget.disabled != over:
                widget.disabled = over
