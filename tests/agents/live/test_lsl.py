"""Lab Streaming Layer on loopback: mne-lsl's player in, predictions out."""

import threading
import time
from importlib.util import find_spec

import numpy as np
import pytest

from agents.live import LiveChain, LiveRun
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.montage import SEED_CHANNELS
from tests.agents.live.conftest import SFREQ, made_eeg, offline
from tests.agents.live.test_bad_days import Kept

if find_spec("mne_lsl") is None:
    pytest.skip("the extra 'live' is not installed", allow_module_level=True)

SECONDS = 8


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A recording of 62 channels that mne-lsl's player can play, and its samples, µV."""
    from mne import create_info
    from mne.io import RawArray

    eeg = made_eeg(SECONDS, seed=9)
    path = tmp_path_factory.mktemp("lsl") / "played_raw.fif"
    info = create_info(list(SEED_CHANNELS), SFREQ, "eeg")
    RawArray(eeg.T * 1e-6, info, verbose="error").save(path, fmt="double", verbose="error")
    return path, eeg


class Taped:
    """A source whose samples are kept."""

    def __init__(self, source):
        self._source, self.info, self.taken = source, source.info, []

    def chunks(self):
        for chunk in self._source.chunks():
            self.taken.append(chunk.samples)
            yield chunk

    def close(self):
        self._source.close()


def wait_for(what, seconds=20):
    ends = time.monotonic() + seconds
    while not what() and time.monotonic() < ends:
        time.sleep(0.05)


class Listener:
    """Somebody who listens to the outlet until it is taken down."""

    def __init__(self, inlet):
        self._inlet, self.rows, self.times = inlet, None, None

    def step(self, step):
        pass

    def event(self, event):
        pass

    def close(self):
        time.sleep(0.5)
        self.rows, self.times = self._inlet.pull_chunk(timeout=0.0, max_samples=100)


def test_what_the_player_streams_is_predicted_as_offline(model, recorded):
    from mne_lsl.lsl import StreamInlet, resolve_streams
    from mne_lsl.player import PlayerLSL

    from agents.live.lsl import LSLOutlet, LSLSource

    path, eeg = recorded
    name = f"eegdancer-test-{time.monotonic_ns()}"
    with PlayerLSL(path, chunk_size=10, n_repeat=np.inf, name=name):
        source = Taped(LSLSource(name, wait_s=20))
        assert source.info.unit == "V"
        assert source.info.channels == SEED_CHANNELS
        kept, outlet = Kept(), LSLOutlet(f"{name}-out", model.label_names)
        (found,) = resolve_streams(timeout=5, name=f"{name}-out")
        inlet = StreamInlet(found)
        inlet.open_stream(timeout=5)
        heard_by = Listener(inlet)
        outputs = [kept, heard_by, outlet]
        run = LiveRun(source, LiveChain(model, source.info), outputs, duration_s=5)
        summary = run.run()
        rows, times = heard_by.rows, heard_by.times
    assert (summary.n_lost, summary.n_dropped, summary.n_predicted) == (0, 0, 5)
    predicted = kept.predicted()
    # the stream was joined somewhere in the recording, which repeats
    first = source.taken[0][0] if len(source.taken[0]) else source.taken[1][0]
    (begun,) = np.flatnonzero(np.isclose(eeg[:, 0], 1e6 * first[0], rtol=1e-9))
    heard = np.roll(eeg, -begun, axis=0)[: round(5 * SFREQ)]
    np.testing.assert_allclose(predicted, offline(model, [heard])[0], atol=1e-4)
    np.testing.assert_allclose(rows[:, :2], predicted, atol=1e-6)
    assert (rows[:, 2] == 0).all()
    np.testing.assert_allclose(times, [step.time for step in kept.steps], atol=1e-6)
    assert np.median([step.latency_ms for step in kept.steps]) < 500


def test_a_sender_that_comes_back_goes_on(model):
    from mne_lsl.lsl import StreamInfo, StreamOutlet, local_clock

    from agents.live.lsl import LSLSource

    name = f"eegdancer-back-{time.monotonic_ns()}"

    def outlet():
        info = StreamInfo(name, "EEG", 62, SFREQ, "float32", f"{name}-id")
        info.set_channel_names(list(SEED_CHANNELS))
        info.set_channel_units("microvolts")
        return StreamOutlet(info)

    eeg = made_eeg(4, seed=2).astype(np.float32)
    sender = outlet()
    source = LSLSource(name, wait_s=40)
    kept = Kept()
    run = LiveRun(source, LiveChain(model, source.info), [kept])
    thread = threading.Thread(target=run.run)
    thread.start()

    def push(one):
        one.wait_for_consumers(20)
        for start in range(0, 400, 40):
            one.push_chunk(eeg[start : start + 40], timestamp=local_clock())
            time.sleep(0.2)

    push(sender)
    del sender
    wait_for(lambda: "stalled" in kept.kinds())
    sender = outlet()
    push(sender)
    wait_for(lambda: "resumed" in kept.kinds() and kept.steps[-1].prediction)
    run.stop()
    thread.join(timeout=15)
    assert not thread.is_alive()
    kinds = kept.kinds()
    assert kinds.index("stalled") < kinds.index("resumed")
    assert "gap" in kinds
    assert kept.steps[-1].prediction


def test_a_stream_that_is_not_there_is_an_error():
    from agents.live.lsl import LSLSource

    with pytest.raises(DataError, match="no LSL stream named 'nobody-sends-this'"):
        LSLSource("nobody-sends-this", wait_s=0.1)


@pytest.mark.skipif(find_spec("brainflow") is None, reason="brainflow is not installed")
def test_the_bridge_of_the_docs_streams_what_a_model_can_use(sited):
    import subprocess
    import sys
    from pathlib import Path

    from agents.live.lsl import LSLSource

    script = Path(__file__).parents[3] / "docs" / "examples" / "brainflow_to_lsl.py"
    process = subprocess.Popen(
        [sys.executable, script, "--seconds", "20"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        source, kept = LSLSource("board", wait_s=20), Kept()
        summary = LiveRun(source, LiveChain(sited, source.info), [kept], duration_s=4).run()
    finally:
        process.terminate()
        process.wait(timeout=10)
    assert (source.info.sfreq, source.info.unit, len(source.info.channels)) == (250, "uV", 16)
    assert summary.n_steps == 4
    assert summary.failure is None
    assert "jitter" in kept.kinds() or summary.n_lost == 0
