"""Predictions of a stream are those of whole recordings; what is missing is withheld."""

from dataclasses import replace

import numpy as np
import pytest

from agents.live import Chunk, LiveChain, Step, stepped
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.montage import SEED_CHANNELS
from tests.agents.live.conftest import SFREQ, Scripted, in_chunks, made_eeg, offline


def steps_of(model, source, **options):
    chain = LiveChain(model, source.info, **options)
    return [part for part in stepped(chain, source) if isinstance(part, Step)]


def predictions(steps):
    return np.array([step.prediction for step in steps])


@pytest.mark.parametrize("size", [1, 37, 200, 1000])
def test_predictions_equal_those_of_whole_recordings_whatever_the_chunks(model, size):
    eeg = made_eeg(12)
    steps = steps_of(model, Scripted(in_chunks(eeg, size)))
    (whole,) = offline(model, [eeg])
    np.testing.assert_allclose(predictions(steps), whole, atol=1e-4)
    assert {step.status for step in steps} == {"ok"}
    np.testing.assert_allclose([step.time for step in steps], np.arange(1, 13), atol=1e-6)


def test_with_parts_the_normaliser_goes_on_and_the_model_begins_anew(model):
    parts = [made_eeg(7.4, 1), made_eeg(6, 2)]
    first = in_chunks(parts[0])
    second = [
        Chunk(c.samples, c.timestamps + 100, c.received + 100, "second" if k == 0 else None)
        for k, c in enumerate(in_chunks(parts[1]))
    ]
    steps = steps_of(model, Scripted([*first, *second]))
    whole = offline(model, parts)
    np.testing.assert_allclose(predictions(steps), np.concatenate(whole), atol=1e-4)
    assert [step.segment for step in steps] == [0] * 7 + [1] * 6


def test_order_names_and_further_channels_do_not_matter(model):
    eeg = made_eeg(6)
    order = np.random.default_rng(0).permutation(62)
    names = [f"EEG {SEED_CHANNELS[k].title()}-REF" for k in order]
    more = np.column_stack([eeg[:, order], np.full(len(eeg), 7.0)])
    steps = steps_of(model, Scripted(in_chunks(more), [*names, "TRIGGER"]))
    np.testing.assert_allclose(predictions(steps), offline(model, [eeg])[0], atol=1e-4)


def test_volts_are_brought_to_microvolts(model):
    eeg = made_eeg(5)
    for said, asked in (("V", None), (None, "V"), ("uV", "V")):
        steps = steps_of(model, Scripted(in_chunks(eeg * 1e-6), unit=said), unit=asked)
        np.testing.assert_allclose(predictions(steps), offline(model, [eeg])[0], atol=1e-4)


def test_calibration_teaches_the_normaliser_alone(model):
    eeg = made_eeg(10)
    steps = steps_of(model, Scripted(in_chunks(eeg)), calibration_s=4)
    assert [step.status for step in steps] == ["calibrating"] * 4 + ["ok"] * 6
    assert all(not step.prediction for step in steps[:4])
    whole = offline(model, [eeg[:800], eeg[800:]])
    np.testing.assert_allclose(predictions(steps[4:]), whole[1], atol=1e-4)


def test_steps_that_cannot_be_used_do_not_count_as_calibration(model):
    eeg = made_eeg(10)
    dead = eeg.copy()
    dead[:600] = 0
    source = Scripted(in_chunks(dead))
    parts = list(stepped(LiveChain(model, source.info, calibration_s=3), source))
    steps = [part for part in parts if isinstance(part, Step)]
    assert [step.status for step in steps] == ["calibrating"] * 6 + ["ok"] * 4
    (over,) = [part for part in parts if getattr(part, "kind", "") == "calibrated"]
    assert (over.time, over.detail.partition(";")[0]) == (
        pytest.approx(6.0),
        "the normaliser has seen 3 usable steps",
    )
    # the dead seconds have taught nothing
    live = steps_of(model, Scripted(in_chunks(eeg[600:])), calibration_s=3)
    np.testing.assert_allclose(predictions(steps[6:]), predictions(live[3:]), atol=1e-6)


def test_a_model_without_a_normaliser_is_not_calibrated(model):
    plain = replace(model, normalization="none")
    with pytest.raises(ConfigError, match="this model has none"):
        LiveChain(plain, Scripted([]).info, calibration_s=3)


def test_without_a_normaliser_a_bad_channel_is_what_it_was(model, monkeypatch):
    plain = replace(model, normalization="none")
    eeg = made_eeg(6)
    eeg[400:800, 7], eeg[800:1000] = 0.0, np.nan
    chain, frames = LiveChain(plain, Scripted([]).info), []
    step = chain._predictor.step
    monkeypatch.setattr(chain._predictor, "step", lambda f: frames.append(f.copy()) or step(f))
    for chunk in in_chunks(eeg):
        list(chain.take(chunk))
    np.testing.assert_array_equal(frames[2][7], frames[1][7])
    np.testing.assert_array_equal(frames[3][7], frames[1][7])
    np.testing.assert_array_equal(frames[4], frames[3])
    assert np.isfinite(frames).all()
    assert (frames[5][7] != frames[1][7]).any()


def test_what_a_model_without_a_normaliser_makes_of_missing_channels_is_said(model):
    few = Scripted([], SEED_CHANNELS[:55]).info
    plain, stored = replace(model, normalization="none"), {"features": "stored"}
    said = [event.detail for event in LiveChain(plain, few).opening()]
    assert any("taken as log power 0" in detail for detail in said)
    said = [event.detail for event in LiveChain(model, few).opening()]
    assert not any("log power 0" in detail or "stored features" in detail for detail in said)
    kept = replace(model, description={**model.description, **stored})
    assert any("stored features" in e.detail for e in LiveChain(kept, few).opening())


def test_predictions_never_depend_on_later_samples(model):
    eeg = made_eeg(8)
    changed = eeg.copy()
    changed[1000:] += 100 * np.random.default_rng(1).normal(size=(600, 62))
    one, other = (predictions(steps_of(model, Scripted(in_chunks(e)))) for e in (eeg, changed))
    np.testing.assert_array_equal(one[:5], other[:5])
    assert np.abs(one[5:] - other[5:]).max() > 1e-3


def test_other_rates_are_resampled_and_stay_close(model):
    sfreq = 250.4
    eeg = made_eeg(20, sfreq=sfreq)
    chunks = in_chunks(eeg, 25, sfreq)
    source = Scripted(chunks, sfreq=sfreq)
    chain = LiveChain(model, source.info)
    assert chain.sfreq == 250.0
    steps = [p for p in stepped(chain, source) if isinstance(p, Step)]
    assert {step.status for step in steps} == {"ok"}
    assert len(steps) in (19, 20)


def test_a_model_tied_to_its_channels_refuses_too_few(model):
    few = SEED_CHANNELS[:30]
    with pytest.raises(ConfigError, match="has 30 of the 62 channels that this model is tied to"):
        LiveChain(model, Scripted([], few).info)


def test_channels_that_the_stream_lacks_are_taken_at_their_mean(model):
    eeg = made_eeg(6)
    steps = steps_of(model, Scripted(in_chunks(eeg[:, :55]), SEED_CHANNELS[:55]))
    assert {step.status for step in steps} == {"ok"}
    gap = np.abs(predictions(steps) - offline(model, [eeg])[0])
    assert 0 < gap.max() < 1.0


def test_memory_does_not_grow(model):
    import tracemalloc

    chain = LiveChain(model, Scripted([]).info)
    eeg = made_eeg(2)

    def run(seconds):
        for second in seconds:
            times = second + np.arange(200) / SFREQ
            for _ in chain.take(Chunk(eeg[:200], times, float(second + 1))):
                pass

    run(range(60))
    tracemalloc.start()
    run(range(60, 70))
    before = tracemalloc.get_traced_memory()[0]
    run(range(70, 370))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000
