"""What the server changes in Python so that the run has its turn, and puts back."""

import gc
import sys

from agents.live.page import serve_page


def test_python_s_settings_come_back(info, state, buttons):
    before = sys.getswitchinterval(), gc.get_freeze_count()
    with serve_page(info, state, buttons, port=0):
        assert sys.getswitchinterval() < before[0]
        assert gc.get_freeze_count() > 0
    assert (sys.getswitchinterval(), gc.get_freeze_count()) == before
