"""The table that is saved."""

import io
import math

import pandas as pd

from agents.live import Event
from agents.live.page.table import as_csv
from tests.agents.live.page.conftest import NAMES, a_step


def test_steps_with_the_events_up_to_them():
    events = [
        (0, Event("channels", math.nan, "all found")),
        (1, Event("note", 1.5, "door, loud")),
        (2, Event("ended", 9.0, "over")),
    ]
    text = as_csv([a_step(0), a_step(1, (), "withheld", marks=("unit",))], events, NAMES)
    table = pd.read_csv(io.StringIO(text))
    assert table["valence_pred"].tolist()[0] == 0.5
    assert table["valence_pred"].isna().tolist() == [False, True, True]
    assert table["marks"].tolist()[1] == "unit"
    assert table["events"].tolist() == ["channels: all found", "note: door, loud", "ended: over"]


def test_nothing_yet():
    assert as_csv([], [], NAMES).startswith("step,")
