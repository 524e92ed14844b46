"""What docs/live.md says of caps and rates, up to the predictions."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.signal import firwin, lfilter

from agents.live import LiveChain, Step, stepped
from eeg_emotion_env.montage import HEAD_CENTRE_M, SEED_CHANNELS, directions
from tests.agents.live.conftest import SFREQ, Scripted, in_chunks, made_eeg, offline

CAP_32 = (
    *("FP1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1"),
    *("OZ", "PZ", "FP2", "AF4", "FZ", "F4", "F8", "FC6", "FC2", "CZ", "C4", "T8", "CP6", "CP2"),
    *("P4", "P8", "PO4", "O2"),
)
SECONDS, FINE = 15, 2000.0


def predictions(model, source):
    steps = [p for p in stepped(LiveChain(model, source.info), source) if isinstance(p, Step)]
    assert {step.status for step in steps} == {"ok"}
    return np.array([step.prediction for step in steps])


@pytest.fixture(scope="module")
def continuous():
    """EEG below 70 Hz that can be read at any time, seconds."""
    noise = made_eeg(SECONDS + 2, seed=5, sfreq=FINE)
    smooth = 3 * lfilter(firwin(401, 70, fs=FINE), 1, noise, axis=0)
    return CubicSpline(np.arange(len(smooth)) / FINE, smooth)


def at_rate(model, continuous, sfreq, later_s=0.0):
    times = np.arange(round(SECONDS * sfreq)) / sfreq
    source = Scripted(in_chunks(continuous(times + later_s + 1), 25, sfreq), sfreq=sfreq)
    return LiveChain(model, source.info), predictions(model, source)


@pytest.mark.parametrize("sfreq", [128.0, 250.0, 256.0, 512.0])
def test_a_rate_of_its_own_changes_predictions_little(model, continuous, sfreq):
    chain, found = at_rate(model, continuous, sfreq)
    assert chain.sfreq == sfreq
    _, usual = at_rate(model, continuous, SFREQ)
    np.testing.assert_allclose(found, usual, atol=2e-3)
    assert np.ptp(usual, axis=0).max() > 0.05


@pytest.mark.parametrize(("sfreq", "used"), [(250.4, 250.0), (199.7, 200.0)])
def test_a_resampled_stream_is_the_same_but_for_its_delay(model, continuous, sfreq, used):
    chain, _ = at_rate(model, continuous, sfreq)
    assert chain.sfreq == used
    delay_s = chain._resampler.delay_s
    assert delay_s < 0.05
    _, found = at_rate(model, continuous, sfreq, later_s=delay_s)
    _, usual = at_rate(model, continuous, SFREQ)
    n = min(len(found), len(usual))
    np.testing.assert_allclose(found[:n], usual[:n], atol=0.01)


def test_a_model_on_sites_takes_a_cap_of_32_among_other_sensors(sited):
    eeg = made_eeg(5, n_channels=32)
    order = np.random.default_rng(2).permutation(32)
    names = [*(CAP_32[k].title() for k in order), "Left eye", "Trigger"]
    more = np.column_stack([eeg[:, order], 50 * eeg[:, :2]])
    found = predictions(sited, Scripted(in_chunks(more), names))
    ordered = tuple(CAP_32[k] for k in order)
    there = replace(sited, encoder=sited.encoder.on(directions(ordered)))
    whole = offline(there, [eeg[:, order]], channels=ordered)[0]
    np.testing.assert_allclose(found, whole, atol=1e-4)


def test_a_model_on_sites_takes_its_own_channels_in_any_order(sited):
    eeg = made_eeg(5)
    order = np.random.default_rng(3).permutation(62)
    names = [SEED_CHANNELS[k] for k in order]
    found = predictions(sited, Scripted(in_chunks(eeg[:, order]), names))
    np.testing.assert_allclose(found, offline(sited, [eeg])[0], atol=1e-4)


def test_channels_that_only_their_positions_tell_give_the_same_predictions(model):
    eeg = made_eeg(5)
    order = np.random.default_rng(4).permutation(62)
    places = 95 * directions(SEED_CHANNELS) + 1e3 * np.array(HEAD_CENTRE_M)  # millimetres
    names = [f"E{k}" for k in order]
    positions = {f"E{k}": tuple(places[k]) for k in order}
    source = Scripted(in_chunks(eeg[:, order]), names, positions=positions)
    np.testing.assert_allclose(predictions(model, source), offline(model, [eeg])[0], atol=1e-4)


@pytest.mark.parametrize(("n", "works"), [(47, True), (46, False)])
def test_a_tied_model_needs_three_quarters_of_its_channels(model, n, works):
    source = Scripted(in_chunks(made_eeg(3)[:, :n]), SEED_CHANNELS[:n])
    if works:
        assert np.isfinite(predictions(model, source)).all()
    else:
        with pytest.raises(Exception, match="channels that this model is tied to"):
            LiveChain(model, source.info)
