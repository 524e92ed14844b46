"""Lab Streaming Layer on loopback: mne-lsl's player in, predictions out."""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from agents.live import LiveChain, LiveRun
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.montage import SEED_CHANNELS
from tests.agents.live.conftest import SFREQ, made_eeg, offline
from tests.agents.live.test_bad_days import Kept
from tests.lsl import needs_lsl, patient_player

SECONDS = 3
FURTHER = ("TRIGGER", "Masseter")


pytestmark = pytest.mark.usefixtures("discovery")


@pytest.fixture
def discovery():
    needs_lsl()


def unique(text):
    return f"{text}-{time.monotonic_ns()}"


@pytest.fixture(scope="module")
def eeg():
    return made_eeg(SECONDS, seed=9)


def recorded(folder, eeg, order, further=()):
    """Write a recording that the player can play, its channels in some order, others first.

    A tail keeps the player from an empty last chunk, which it takes for an error.
    """
    from mne import create_info
    from mne.io import RawArray

    names = [*further, *(SEED_CHANNELS[k] for k in order)]
    kinds = ["stim", "emg"][: len(further)] + ["eeg"] * len(order)
    eeg = np.concatenate([eeg, eeg[:11]])
    data = np.vstack([np.ones((len(further), len(eeg))), eeg.T[order] * 1e-6])
    path = folder / f"{unique('played')}_raw.fif"
    RawArray(data, create_info(names, SFREQ, kinds), verbose="error").save(
        path, fmt="double", verbose="error"
    )
    return path


def wait_for(what, seconds=40):
    ends = time.monotonic() + seconds
    while not what() and time.monotonic() < ends:
        time.sleep(0.02)
    assert what()


class Running:
    """A live run on a stream, in the background; its source is there when `heard` is."""

    def __init__(self, model, name, further=(), wait_s=40, **options):
        self._model, self._name, self._further, self._wait_s = model, name, further, wait_s
        self._options = {"duration_s": SECONDS, **options}
        self.kept, self.summary, self.run, self.error = Kept(), None, None, None
        self._thread = threading.Thread(target=self._go)
        self.taken = []

    def __enter__(self):
        self._thread.start()
        return self

    def _go(self):
        from agents.live.lsl import LSLSource

        try:
            self.source = LSLSource(self._name, wait_s=self._wait_s)
            given = self.source.chunks
            self.source.chunks = lambda: self._taped(given())
            chain = LiveChain(self._model, self.source.info)
            outputs = [self.kept, *self._further]
            self.run = LiveRun(self.source, chain, outputs, **self._options)
            self.summary = self.run.run()
        except Exception as error:
            self.error = error

    def _taped(self, chunks):
        for chunk in chunks:
            self.taken.append(chunk.samples)
            yield chunk

    def join(self):
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self.error is None

    def __exit__(self, *_):
        if self.run is not None:
            self.run.stop()
        self.join()


class Listener:
    """Somebody who listens to the outlet until it is taken down."""

    def __init__(self, inlet):
        self._inlet, self.rows, self.times = inlet, np.empty((0, inlet.n_channels)), np.empty(0)

    def step(self, step):
        pass

    def event(self, event):
        pass

    def close(self):
        ends = time.monotonic() + 10
        while len(self.rows) < SECONDS and time.monotonic() < ends:
            rows, times = self._inlet.pull_chunk(timeout=0.1, max_samples=100)
            self.rows = np.concatenate([self.rows, rows])
            self.times = np.concatenate([self.times, times])


def test_what_the_player_streams_is_predicted_as_offline(model, eeg, tmp_path):
    from mne_lsl.lsl import StreamInlet, resolve_streams

    from agents.live.lsl import LSLOutlet

    order = np.random.default_rng(1).permutation(62)
    kinds = [(20, range(62), ()), (2, order, ()), (200, order, FURTHER)]
    names = [unique(f"chunks-of-{size}") for size, *_ in kinds]
    outlet = LSLOutlet(out := unique("predictions"), model.label_names)
    (found,) = resolve_streams(timeout=5, name=out)
    inlet = StreamInlet(found)
    inlet.open_stream(timeout=5)
    heard_by = Listener(inlet)
    runs = [
        Running(model, name, [heard_by, outlet] if k == 0 else ()) for k, name in enumerate(names)
    ]
    players = [
        patient_player(recorded(tmp_path, eeg, list(order), further), size, name)
        for name, (size, order, further) in zip(names, kinds, strict=True)
    ]
    for each in runs:
        each.__enter__()
    for player in players:
        player.start()
    for each in runs:
        each.join()
    whole = offline(model, [eeg])[0]
    for each in runs:
        assert each.source.info.unit == "V"
        assert set(each.source.info.channels) == set(SEED_CHANNELS)
        assert (each.summary.n_lost, each.summary.n_dropped) == (0, 0)
        np.testing.assert_allclose(each.kept.predicted(), whole, atol=1e-4)
    kept = runs[0].kept
    np.testing.assert_allclose(heard_by.rows[:, :2], kept.predicted(), atol=1e-6)
    assert (heard_by.rows[:, 2] == 0).all()
    np.testing.assert_allclose(heard_by.times, [step.time for step in kept.steps], atol=1e-6)
    assert np.median([step.latency_ms for step in kept.steps]) < 500
    for player in players:
        with suppress(RuntimeError):  # it has ended by itself
            player.stop()


class Sender:
    """An amplifier that a test can switch off and on."""

    def __init__(self, name, channels=SEED_CHANNELS, sfreq=SFREQ):
        from mne_lsl.lsl import StreamInfo, StreamOutlet, local_clock

        info = StreamInfo(name, "EEG", len(channels), sfreq, "float32", f"{name}-id")
        info.set_channel_names(list(channels))
        info.set_channel_units("microvolts")
        self._outlet, self._clock = StreamOutlet(info), local_clock
        self._places = [SEED_CHANNELS.index(channel) for channel in channels]

    def send(self, eeg, ahead_s=0.0):
        """Send samples at once, stamped as if they came at their rate until now, or later."""
        self._outlet.wait_for_consumers(40)
        chosen = np.ascontiguousarray(eeg[:, self._places], dtype=np.float32)
        self._outlet.push_chunk(chosen, timestamp=self._clock() + ahead_s)

    def off(self):
        self._outlet._del()


def test_a_sender_that_comes_back_in_another_order_goes_on(model, eeg):
    name = unique("back")
    sender = Sender(name)
    with Running(model, name, duration_s=np.inf) as running:
        sender.send(eeg[:400])
        wait_for(lambda: len(running.kept.steps) == 2)
        sender.off()
        wait_for(lambda: "stalled" in running.kept.kinds())
        begun = time.monotonic()
        sender = Sender(name, SEED_CHANNELS[::-1])
        sender.send(eeg[:600], ahead_s=3)
        wait_for(lambda: len(running.kept.steps) > 3 and running.kept.steps[-1].prediction)
        assert time.monotonic() - begun < 30
    kinds = running.kept.kinds()
    assert kinds.index("stalled") < kinds.index("resumed") < kinds.index("gap")
    sent = np.concatenate([eeg[:400], eeg[:600]])
    np.testing.assert_allclose(np.concatenate(running.taken), sent, rtol=1e-6)
    sender.off()


def test_a_sender_that_comes_back_at_another_rate_ends_the_run(model, eeg, monkeypatch):
    monkeypatch.setattr("agents.live.lsl.BROKEN_S", 0.5)
    name = unique("other")
    sender = Sender(name)
    with Running(model, name, duration_s=np.inf) as running:
        sender.send(eeg[:400])
        wait_for(lambda: len(running.kept.steps) == 2)
        sender.off()
        other = Sender(name, sfreq=250.0)
        wait_for(lambda: running.summary is not None or other.send(eeg[:40]))
        assert "came back with another rate, 250 Hz and not 200 Hz" in running.summary.failure
        assert running.kept.events[-1].kind == "failed"
    other.off()


def test_samples_that_wait_keep_their_timestamps(model, eeg):
    name = unique("slow")
    sender = Sender(name)
    from agents.live.lsl import LSLSource

    source = LSLSource(name, wait_s=20)
    chunks = source.chunks()
    kept = []
    for start in (0, 40, 80):
        sender.send(eeg[start : start + 40])
        while sum(len(chunk.timestamps) for chunk in kept) < start + 40:
            kept.append(next(chunks))
    times = np.concatenate([chunk.timestamps for chunk in kept])
    samples = np.concatenate([chunk.samples for chunk in kept])
    assert len(np.unique(times)) == 120
    np.testing.assert_allclose(samples, eeg[:120], rtol=1e-6)
    source.close()
    sender.off()


def test_a_stream_that_is_not_there_is_an_error_that_lists_those_that_are(monkeypatch):
    from mne_lsl.lsl import StreamInfo, StreamOutlet

    from agents.live.lsl import LSLSource

    monkeypatch.setattr("agents.live.lsl.SEEN_S", 0.5)
    name = unique("Seen")
    outlet = StreamOutlet(StreamInfo(name, "", 3, 250.0, "float32", name))
    listed = rf"seen: .*'{name}' \(type not said, 3 channels, 250 Hz\).*--source lsl:NAME"
    with pytest.raises(DataError, match=f"no LSL stream named '{name.lower()}' .*{listed}"):
        LSLSource(name.lower(), wait_s=0.1)
    with pytest.raises(DataError, match=f"no LSL stream of type EEG .*{listed}"):
        LSLSource(None, wait_s=0.1)
    outlet._del()


QUIET = """
import sys
from agents.live.lsl import quieten
quieten()
from mne_lsl.lsl import StreamInfo
StreamInfo("made", "", 1, 0.0, "float32", "")
"""


@pytest.mark.parametrize("own", [False, True])
def test_lines_of_liblsl_are_silenced_unless_the_user_configured_it(tmp_path, own):
    if any(
        Path(folder, "lsl_api.cfg").exists() for folder in (Path.home() / "lsl_api", "/etc/lsl_api")
    ):
        pytest.skip("LSL is configured on this machine")
    if own:
        (tmp_path / "lsl_api.cfg").write_text("[lab]\nSessionID = mine\n")
    root = Path(__file__).parents[3]
    environment = {k: v for k, v in os.environ.items() if k != "LSLAPICFG"}
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("lsl_api.cfg" in done.stderr) == own
    assert bool(done.stderr) == own


def test_where_no_stream_is_seen_the_network_is_the_suspect():
    from agents.live.lsl import _seen

    assert "no stream at all was seen" in _seen([])


def test_a_sender_that_goes_before_its_clock_is_known_has_stopped(eeg, monkeypatch):
    from agents.live.lsl import LSLSource

    sender = Sender(name := unique("brief"))
    source = LSLSource(name, wait_s=5)

    def unknown(**_):
        raise TimeoutError("The operation failed due to a timeout.")

    monkeypatch.setattr(source._inlet, "pull_chunk", unknown)
    monkeypatch.setattr(source, "_wait_s", 0.5)
    assert all(not len(chunk.timestamps) for chunk in source.chunks())  # and it ends
    sender.off()


def test_a_sender_that_does_not_come_back_has_ended(model, eeg):
    name = unique("gone")
    sender = Sender(name)
    with Running(model, name, wait_s=2.5, duration_s=np.inf) as running:
        sender.send(eeg[:400])
        wait_for(lambda: len(running.kept.steps) == 2)
        sender.off()
        wait_for(lambda: running.summary is not None)
    assert running.summary.failure is None
    assert running.kept.kinds()[-2:] == ["stalled", "ended"]
    assert "closed or lost" in running.kept.events[-1].detail
    assert running.summary.n_predicted == 2


@pytest.mark.skipif(find_spec("brainflow") is None, reason="brainflow is not installed")
def test_the_bridge_of_the_docs_streams_what_a_model_can_use(sited):
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
