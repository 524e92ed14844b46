"""The table that is saved."""

import csv
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
    text = as_csv([a_step(0), a_step(1, (), "withheld", marks=("unit",))], events, NAMES, 1.0)
    table = pd.read_csv(io.StringIO(text))
    assert table["valence_pred"].tolist()[0] == 0.5
    assert table["valence_pred"].isna().tolist() == [False, True, True]
    assert table["marks"].tolist()[1] == "unit"
    assert table["events"].tolist() == ["channels: all found", "note: door, loud", "ended: over"]


def test_events_before_the_steps_that_are_kept_have_rows_of_their_own():
    events = [
        (0, Event("channels", math.nan, "all found")),
        (1, Event("note", 3.5, "long ago")),
        (2, Event("note", 9.5, "door")),
    ]
    table = pd.read_csv(io.StringIO(as_csv([a_step(9)], events, NAMES, 1.0)))
    assert table["events"].tolist() == ["channels: all found", "note: long ago", "note: door"]
    assert table["time_s"].tolist()[1:] == [3.5, 10.0]
    assert table["step"].isna().tolist() == [True, True, False]


def test_no_cell_is_a_formula_to_a_spreadsheet():
    step = a_step(0, bad_channels=("=1+1",))
    events = [(0, Event("note", 0.5, "door;=HYPERLINK(1)"))]
    (row,) = csv.DictReader(io.StringIO(as_csv([step], events, NAMES, 1.0)))
    assert row["bad_channels"] == "'=1+1"
    assert row["events"] == "note: door;'=HYPERLINK(1)"


def test_nothing_yet():
    assert as_csv([], [], NAMES, 1.0).startswith("step,")
