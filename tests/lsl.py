"""Lab Streaming Layer for tests: a network of this machine and test run alone."""

import atexit
import os
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

CONFIG = """[lab]
SessionID = eegdancer-tests-{pid}
KnownPeers = {{127.0.0.1}}
[multicast]
ResolveScope = machine
[ports]
IPv6 = disable
"""
PROBED_S = 5.0


def restrict() -> None:
    """Keep streams of other machines and test runs out; before liblsl is loaded."""
    if "LSLAPICFG" not in os.environ:
        path = Path(tempfile.gettempdir()) / f"eegdancer-tests-{os.getpid()}.cfg"
        path.write_text(CONFIG.format(pid=os.getpid()))
        os.environ["LSLAPICFG"] = str(path)
        atexit.register(path.unlink, missing_ok=True)


@cache
def _why_not() -> str | None:
    if find_spec("mne_lsl") is None:
        return "the extra 'live' is not installed"
    from mne_lsl.lsl import StreamInfo, StreamOutlet, resolve_streams

    name = f"probe-{time.monotonic_ns()}"
    outlet = StreamOutlet(StreamInfo(name, "probe", 1, 0.0, "float32", name))
    ends = time.monotonic() + PROBED_S
    while time.monotonic() < ends:
        if resolve_streams(timeout=0.5, name=name):
            return None
    del outlet
    return f"LSL does not find an outlet of this machine within {PROBED_S:g} s"


def needs_lsl() -> None:
    """Skip where there is no LSL, or its discovery cannot work."""
    if reason := _why_not():
        pytest.skip(reason)


def patient_player(path, chunk_size, name):
    """Return mne-lsl's player, made to begin when somebody listens and to let all be heard."""
    from mne_lsl.lsl import local_clock
    from mne_lsl.player import PlayerLSL

    class Patient(PlayerLSL):
        def _stream(self) -> None:
            if self._start_idx == 0:
                self._outlet.wait_for_consumers(60)
                self._target_timestamp = local_clock()
            super()._stream()

        def _del_outlets(self) -> None:
            time.sleep(0.5)  # an outlet that is closed at once may not deliver its last samples
            super()._del_outlets()

    return Patient(path, chunk_size=chunk_size, n_repeat=1, name=name, source_id=name)
