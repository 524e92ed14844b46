"""Channels by name and position, units, rates: streams of any make reach the model alike."""

from dataclasses import replace

import numpy as np
import pytest

from agents.live import LiveChain, Step, StreamInfo, stepped
from agents.live.alignment import (
    Resampler,
    electrode_name,
    match_channels,
    microvolts,
    step_rate,
    unit_named,
)
from agents.live.lsl import places_of
from agents.live.timeline import Block
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.montage import HEAD_CENTRE_M, SEED_CHANNELS, directions
from tests.agents.live.conftest import SFREQ, Scripted, in_chunks, made_eeg, offline

EPOC = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")


def info(channels, **more) -> StreamInfo:
    return StreamInfo("made", tuple(channels), SFREQ, **more)


@pytest.mark.parametrize(
    ("given", "name"),
    [("Fp1", "FP1"), ("EEG FZ-REF", "FZ"), ("T3", "T7"), (" cz. ", "CZ"), ("EEG-Oz-A1", "OZ")],
)
def test_names_of_electrodes(given, name):
    assert electrode_name(given) == name


@pytest.mark.parametrize(
    ("said", "unit"),
    [("microvolts", "uV"), ("µV", "uV"), ("-6", "uV"), ("V", "V"), ("0", "V"), ("none", None)],
)
def test_units_of_streams(said, unit):
    assert unit_named(said) == unit


def test_the_unit_that_is_asked_for_has_the_last_word():
    stream = info(["CZ"], unit="V")
    assert (microvolts(stream, None), microvolts(stream, "mV")) == (1e6, 1e3)


def test_channels_of_unknown_names_are_found_by_their_positions():
    names = [f"E{k}" for k in range(62)]
    places = 95 * directions(SEED_CHANNELS) + 1e3 * np.array(HEAD_CENTRE_M)
    places += np.random.default_rng(0).normal(0, 2, places.shape)  # millimetres
    order = np.random.default_rng(1).permutation(62)
    positions = {names[k]: tuple(places[k]) for k in range(62)}
    found = match_channels(
        info([names[k] for k in order], positions=positions), SEED_CHANNELS, False
    )
    assert [order[column] for column in found.columns] == list(range(62))


def test_a_stream_that_comes_back_is_matched_by_name():
    before = info(["CZ", "FZ", "OZ"])
    assert places_of(before, info(["OZ", "X", "CZ", "FZ"])) == [2, 3, 0]
    twice = info(["A", "A"])
    assert places_of(twice, twice) == [0, 1]
    with pytest.raises(DataError, match="came back without channels CZ, OZ; start again"):
        places_of(before, info(["FZ"]))
    with pytest.raises(DataError, match="another unit, V and not uV"):
        places_of(before, info(before.channels, unit="V"))


def test_too_few_electrodes_are_refused_for_any_model():
    with pytest.raises(ConfigError, match="names 2 electrodes of the 10-10 system"):
        match_channels(info(["CZ", "FZ", "A", "B", "C"]), SEED_CHANNELS, sited=True)


@pytest.mark.parametrize(("sfreq", "rate"), [(200, 200), (512, 512), (250.4, 250), (128.03, 128)])
def test_a_step_becomes_a_whole_number_of_samples(sfreq, rate):
    assert step_rate(sfreq, 1.0) == rate


def resampled(sfreq, target, signal, sizes):
    resampler, out, start = Resampler(sfreq, target, 1), [], 0
    for size in sizes:
        block = Block(signal[start : start + size, None], start / sfreq)
        out.append(resampler.take(block))
        start += size
    return resampler, out


@pytest.mark.parametrize(("sfreq", "target"), [(250.4, 250.0), (128.03, 128.0), (300.0, 200.0)])
def test_resampling_keeps_tones_and_time_whatever_the_pieces(sfreq, target):
    n = 2000
    signal = np.sin(2 * np.pi * 10 * np.arange(n) / sfreq)
    resampler, one = resampled(sfreq, target, signal, [n])
    _, many = resampled(sfreq, target, signal, [1, 7, 92, 300, 1600])
    whole, pieces = one[0].samples[:, 0], np.concatenate([b.samples[:, 0] for b in many])
    np.testing.assert_allclose(whole, pieces, atol=1e-9)
    times = np.arange(len(whole)) / target
    later = np.sin(2 * np.pi * 10 * (times - resampler.delay_s))
    np.testing.assert_allclose(whole[200:], later[200:], atol=0.02)
    for block in many:
        if len(block.samples):
            place = block.time * target
            assert place == pytest.approx(round(place), abs=0.02)


def test_resampling_never_looks_ahead():
    signal = np.random.default_rng(0).normal(size=1000)
    changed = signal.copy()
    changed[600:] = 0
    (_, (one,)), (_, (other,)) = (resampled(250.4, 250.0, s, [1000]) for s in (signal, changed))
    until = int(600 / 250.4 * 250)
    np.testing.assert_array_equal(one.samples[:until], other.samples[:until])


def test_resampling_for_hours_keeps_its_counters_small():
    resampler = Resampler(250.4, 250.0, 1)
    for k in range(500):
        resampler.take(Block(np.zeros((250, 1)), k * 250 / 250.4))
    assert max(resampler._taken, resampler._given) < 5000


@pytest.mark.parametrize("channels", [SEED_CHANNELS, SEED_CHANNELS[::2], EPOC])
def test_a_model_on_sites_takes_62_31_and_14_channels(sited, channels):
    eeg = made_eeg(6, n_channels=len(channels))
    source = Scripted(in_chunks(eeg), channels)
    steps = [p for p in stepped(LiveChain(sited, source.info), source) if isinstance(p, Step)]
    there = replace(sited, encoder=sited.encoder.on(directions(channels)))
    whole = offline(there, [eeg], channels=channels)[0]
    np.testing.assert_allclose([step.prediction for step in steps], whole, atol=1e-4)


@pytest.mark.parametrize(("n", "few"), [(62, False), (20, False), (14, True)])
def test_a_model_on_sites_says_how_many_electrodes_it_is_brought_from(sited, n, few):
    source = Scripted([], (*SEED_CHANNELS[:n], "TRIGGER"))
    told = next(LiveChain(sited, source.info).opening()).detail
    begins = f"{n} electrodes among the {n + 1} of the stream, brought to the model's 24 sites"
    assert told == begins + ("; so few: expect less (docs/live.md)" if few else "")


def test_places_of_channels_that_are_left_out_match_nothing():
    names = [f"E{k}" for k in range(61)]
    places = 95 * directions(SEED_CHANNELS) + 1e3 * np.array(HEAD_CENTRE_M)
    positions = {name: tuple(place) for name, place in zip([*names, "EOG"], places, strict=True)}
    found = match_channels(info(names, positions=positions), SEED_CHANNELS, False)
    assert found.missing == SEED_CHANNELS[61:]


@pytest.mark.parametrize("sited", [False, True])
def test_two_columns_of_one_electrode_are_told(sited):
    names = ["EEG FP1-A2", *SEED_CHANNELS, "Fp1"]
    found = match_channels(info(names), SEED_CHANNELS, sited)
    assert found.columns[SEED_CHANNELS.index("FP1")] == 0
    assert found.twice == ("FP1 and Fp1 (EEG FP1-A2 is used)",)
    assert match_channels(info(SEED_CHANNELS), SEED_CHANNELS, sited).twice == ()


@pytest.mark.parametrize(("sfreq", "told"), [(256.017, True), (256.0, False), (250.4, False)])
def test_a_rate_that_is_rounded_is_told(model, sfreq, told):
    chain = LiveChain(model, StreamInfo("made", SEED_CHANNELS, sfreq))
    said = [event.detail for event in chain.opening() if event.kind == "rate"]
    shift = "256.017 Hz is near enough to 256 Hz to be taken so: steps shift by 0.24 s an hour"
    assert (shift in said) == told
    assert any("near enough" in detail for detail in said) == told
