"""`python -m benchmarks.live_stream`: a short stream through the whole of a live run."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import live_stream
from benchmarks.live_stream_source import Signal
from tests.agents.live.conftest import save_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("stream") / "model")


def table(out):
    return pd.read_csv(out / "live-stream.csv").set_index("key")


def test_a_short_stream_keeps_every_limit(model, tmp_path):
    given = ["--model", str(model), "--hours", "0.02", "--speed", "60"]
    assert live_stream.main([*given, "--out", str(tmp_path)]) == 0
    found = table(tmp_path)
    assert found["holds"].all()
    assert found.loc["steps", "value"] == 72
    assert found.loc["wall_s", "value"] > 72 / 60 - 0.5
    assert "python -m benchmarks.live_stream --model" in (tmp_path / "live-stream.md").read_text()


def test_a_broken_limit_is_an_exit_status(model, tmp_path, monkeypatch):
    right = live_stream.predicted_offline
    monkeypatch.setattr(live_stream, "predicted_offline", lambda *given: right(*given) + 1e-3)
    given = ["--model", str(model), "--hours", "0.01", "--speed", "100", "--out", str(tmp_path)]
    assert live_stream.main(given) == 1
    assert not table(tmp_path).loc["difference", "holds"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--hours", "0"), "--hours must be a positive number, not 0"),
        (("--speed", "0"), "--speed must be a positive number, not 0"),
        (("--speed", "nan"), "--speed must be a positive number, not nan"),
        (("--model", "/nowhere"), "/nowhere"),
    ],
)
def test_mistakes_are_one_line(model, more, message, capsys):
    assert live_stream.main(["--model", str(model), *more]) == 1
    err = capsys.readouterr().err
    assert err.startswith("live_stream: error: ")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_the_signal_is_known_by_number_and_does_not_repeat():
    signal = Signal(3, 0.5)
    np.testing.assert_array_equal(signal[1000:1400][100:200], signal[1100:1200])
    n = 601 * 200
    assert np.abs(signal[0:200] - signal[n : n + 200]).max() > 0.1
    assert len(signal[signal.n_samples - 5 : signal.n_samples + 50]) == 5
