"""Pretraining: reproducible, blind to what it is not given, better than chance."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from encoders import (
    CodebookWarning,
    EncoderConfigError,
    StageConfig,
    codebook_usage,
    pretrain,
)
from encoders.dynamics import span_mask
from tests.encoders.conftest import SETTINGS, SHAPE, made_trials


def _state(encoder):
    return {name: value.clone() for name, value in encoder.state_dict().items()}


def test_same_seed_gives_the_same_encoder_and_leaves_the_global_generator_alone():
    features, groups, labels = made_trials()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = _state(pretrain(features, groups, labels, SHAPE, SETTINGS))
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(99)
    second = _state(pretrain(features, groups, labels, SHAPE, SETTINGS))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_guidance_carries_labels_into_the_latents():
    features, groups, labels = made_trials(6, 4)
    stage = StageConfig(epochs=15, patience=15)
    settings = replace(SETTINGS, vqvae=stage, dynamics=stage)
    encoder = pretrain(features, groups, labels, SHAPE, settings)
    test_features, _, test_labels = made_trials(3, 2, seed=7)
    train = np.concatenate([encoder.encode(f) for f in features])
    weights, *_ = np.linalg.lstsq(
        np.c_[train, np.ones(len(train))], np.concatenate(labels), rcond=None
    )
    latents = np.concatenate([encoder.encode(f) for f in test_features])
    predicted = np.c_[latents, np.ones(len(latents))] @ weights
    r = np.corrcoef(predicted[:, 0], np.concatenate(test_labels)[:, 0])[0, 1]
    assert r > 0.7


def test_unsupervised_pretraining_never_sees_labels():
    features, groups, labels = made_trials()
    unguided = pretrain(features, groups, None, SHAPE, SETTINGS)
    weightless = pretrain(features, groups, labels, SHAPE, replace(SETTINGS, guidance=0.0))
    assert unguided.description["guided"] is False
    first, second = _state(unguided), _state(weightless)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_unannotated_steps_do_not_matter():
    features, groups, labels = made_trials()
    holes = [label.copy() for label in labels]
    for label in holes:
        label[5:15] = np.nan
    encoder = pretrain(features, groups, holes, SHAPE, SETTINGS)
    assert np.isfinite(encoder.encode(features[0])).all()


def test_progress_is_reported_for_both_stages():
    features, groups, labels = made_trials()
    seen = []
    pretrain(features, groups, labels, SHAPE, SETTINGS, on_epoch=seen.append)
    assert [p.stage for p in seen] == ["vqvae"] * 3 + ["dynamics"] * 3
    assert all(p.best <= p.validation for p in seen)


def test_one_subject_is_not_enough():
    features, _, labels = made_trials(1)
    with pytest.raises(EncoderConfigError, match="at least two subjects"):
        pretrain(features, [1] * len(features), labels, SHAPE, SETTINGS)


def test_span_mask_hides_the_wanted_share_in_spans_and_never_padding():
    valid = torch.ones(200, 100, dtype=torch.bool)
    valid[:, 90:] = False
    hidden = span_mask(valid, 0.4, (2, 4), torch.Generator().manual_seed(0))
    assert not hidden[:, 90:].any()
    assert hidden[:, 5:90].float().mean() == pytest.approx(0.4, abs=0.03)


def test_codebook_usage_counts_codes_and_runs():
    usage = codebook_usage([np.array([0, 0, 1, 1]), np.array([2, 2])], 6)
    assert usage["usage"] == pytest.approx(0.5)
    assert usage["perplexity"] == pytest.approx(3.0)
    assert usage["dwell_steps"] == pytest.approx(2.0)


def test_bidirectional_dynamics_look_ahead_and_refuse_a_stream():
    features, groups, labels = made_trials()
    encoder = pretrain(features, groups, labels, replace(SHAPE, bidirectional=True), SETTINGS)
    changed = features[0].copy()
    changed[20:] += 1.0
    state = encoder.layout["state"]
    before, after = encoder.encode(features[0])[:20], encoder.encode(changed)[:20]
    assert not np.allclose(before[:, state], after[:, state])
    np.testing.assert_array_equal(before[:, : state.start], after[:, : state.start])
    with pytest.raises(EncoderConfigError, match="looks ahead"):
        encoder.initial_state()


def test_teacher_is_pretrained_first_and_draws_the_student_near():
    features, groups, labels = made_trials()
    seen = []
    student = pretrain(
        features, groups, labels, SHAPE, replace(SETTINGS, teacher=1.0), on_epoch=seen.append
    )
    assert [p.stage for p in seen] == ["vqvae"] * 3 + ["teacher"] * 3 + ["dynamics"] * 3
    plain = pretrain(features, groups, labels, SHAPE, SETTINGS)
    state = student.layout["state"]
    assert not np.allclose(
        student.encode(features[0])[:, state], plain.encode(features[0])[:, state]
    )
    assert not student.config.bidirectional


def test_a_collapsing_codebook_rings_the_alarm():
    flat = [np.zeros((40, 6, 3), np.float32) + 1e-6 * i for i in range(12)]
    groups = [i // 3 for i in range(12)]
    shape = replace(SHAPE, codebook_size=64, dropout=0.0, input_dropout=0.0)
    settings = replace(SETTINGS, vqvae=StageConfig(epochs=6, patience=6))
    with pytest.warns(CodebookWarning, match="the codebook collapses"):
        pretrain(flat, groups, None, shape, settings)


def test_untrained_encoder_still_has_a_codebook_in_use():
    features, groups, _ = made_trials()
    none = StageConfig(epochs=0)
    encoder = pretrain(features, groups, None, SHAPE, replace(SETTINGS, vqvae=none, dynamics=none))
    assert encoder.description["codebook"]["usage"] == 1.0


def test_progress_tells_the_perplexity_of_the_first_stage():
    features, groups, labels = made_trials()
    seen = []
    pretrain(features, groups, labels, SHAPE, SETTINGS, on_epoch=seen.append)
    assert all(1 <= p.perplexity <= SHAPE.codebook_size for p in seen[:3])
    assert all(np.isnan(p.perplexity) for p in seen[3:])


def test_spans_longer_than_the_sequences_hide_to_their_end():
    valid = torch.ones(50, 6, dtype=torch.bool)
    hidden = span_mask(valid, 0.4, (4, 30), torch.Generator().manual_seed(0))
    starts = hidden[:, 0]
    assert hidden[starts, :4].all()


def test_features_that_are_not_finite_are_a_clear_error():
    features, groups, labels = made_trials()
    features[2][3, 1] = np.nan
    with pytest.raises(EncoderConfigError, match="features of sequence 2 hold NaN"):
        pretrain(features, groups, labels, SHAPE, SETTINGS)


def test_validation_without_labels_goes_by_the_codes():
    features, groups, labels = made_trials()
    kept_out = pretrain(features, groups, labels, SHAPE, SETTINGS).description["validation_groups"]
    for group, track in zip(groups, labels, strict=True):
        if str(group) in kept_out:
            track[:] = np.nan
    seen = []
    pretrain(features, groups, labels, SHAPE, SETTINGS, on_epoch=seen.append)
    assert all(p.validation > 0 for p in seen)
    unlabelled = [np.full_like(track, np.nan) for track in labels]
    assert not pretrain(features, groups, unlabelled, SHAPE, SETTINGS).description["guided"]
