"""Curve of personalisation: who is new to whom, what reaches a fit, how strengths are chosen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from agents import AgentConfig, train_agent
from benchmarks.personalization.__main__ import main
from benchmarks.personalization.candidates import (
    SHIFTED,
    Clock,
    FromAgent,
    Level,
    candidates,
    rolled,
)
from benchmarks.personalization.protocol import Unit, groups_of, halves, units_of
from benchmarks.personalization.run import Source, person_records, run_unit, run_units
from benchmarks.personalization.table import best_strength, chosen_scores, curve_table, markdown
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.trial import TrialKey
from encoders import PretrainingConfig, StageConfig

from .conftest import made_trials

SHORT = AgentConfig(
    net_arch=(16,), total_steps=200, n_envs=4, learning_starts=20, evaluate_every=50
)


@pytest.fixture
def short(monkeypatch):
    stage = StageConfig(epochs=1, patience=1)
    monkeypatch.setattr(
        Source, "pretraining_config", PretrainingConfig(vqvae=stage, dynamics=stage)
    )
    monkeypatch.setattr(Source, "agent_config", SHORT)


def episodes_of(subject, n_trials=5, n_steps=30, gain=1.0, offset=0.0, seed=0):
    rng = np.random.default_rng([seed, int(subject)])
    mixing = np.random.default_rng(42).normal(size=(1, 5))
    made = []
    for trial in range(1, n_trials + 1):
        felt = 0.3 * np.tanh(np.cumsum(rng.normal(0, 0.3, (n_steps, 1)), axis=0))
        latents = felt @ mixing / 0.3 + rng.normal(0, 0.2, (n_steps, 5))
        key = TrialKey("made", subject, 1, trial)
        made.append(Episode(latents, gain * felt + offset, key, ("valence",), 1.0, "simulated"))
    return made


@pytest.fixture(scope="module")
def agent():
    people = [e for subject in range(1, 5) for e in episodes_of(subject)]
    return train_agent(people, replace(SHORT, total_steps=1_500, evaluate_every=300))


def compared(agent, controls=True):
    return candidates(agent, episodes_of(1), controls)


def test_a_model_of_two_left_out_folds_serves_both_and_sees_neither():
    keys = [trial.key for trial in made_trials(n_subjects=7)]
    groups = groups_of(keys, 3)
    assert sorted(s for group in groups for s in group) == [str(i) for i in range(1, 8)]
    units = units_of(3, range(2))
    assert [u.left_out for u in units if u.is_inner] == [(0, 1), (0, 2), (1, 2)]
    assert [(u.seed, u.left_out) for u in units if not u.is_inner] == [
        (seed, (fold,)) for seed in range(2) for fold in range(3)
    ]


def test_first_half_calibrates_and_second_tests():
    pool, test = halves(episodes_of(1, 5)[::-1])
    assert [e.key.trial for e in pool] == [1, 2, 3]
    assert [e.key.trial for e in test] == [4, 5]
    assert halves(episodes_of(1, 1))[1] == []


def test_nothing_of_the_test_trials_reaches_a_candidate(agent):
    pool, test = halves(episodes_of(9, gain=0.5, offset=0.2))
    seen = []

    class Spy(FromAgent):
        def predictors(self, calibration):
            seen.append([e.key.trial for e in calibration])

            def predict(episodes):
                assert all(np.isnan(e.labels).all() for e in episodes)
                return agent.predict(episodes)

            return [predict]

    person_records("9", pool, test, [Spy("spy", None, agent, (0.0,))], [0.5, 1.25])
    assert seen == [[], [1], [1, 2, 3]]
    # other test labels: the same predictions, scored otherwise
    turned = [replace(e, labels=-e.labels) for e in test]
    one, other = (
        pd.DataFrame(person_records("9", pool, t, compared(agent), [1.0])) for t in (test, turned)
    )
    np.testing.assert_allclose(one["trial_pcc"], -other["trial_pcc"], atol=1e-9)


def test_without_minutes_every_adaptation_is_the_agent(agent):
    pool, test = halves(episodes_of(9))
    frame = pd.DataFrame(person_records("9", pool, test, compared(agent), [1.0]))
    start = frame[frame["minutes"] == 0].groupby("method")["ccc"].agg(["min", "max"])
    for method in ("affine", "last-layer", "policy", "moments", f"policy{SHIFTED}"):
        assert tuple(start.loc[method]) == tuple(start.loc["none"])
    assert frame.groupby(["minutes", "method"]).ngroups == 2 * len(compared(agent))


def test_controls_know_level_and_spread_alone(agent):
    pool, test = halves(episodes_of(9, n_trials=6, gain=0.5, offset=0.2))
    level = np.concatenate([e.labels for e in pool]).mean()
    constant = Level(agent.scale).predictors(pool)[0](test)
    np.testing.assert_allclose(np.concatenate(constant), level, atol=1e-6)
    shifted = rolled(pool)
    before, after = (np.concatenate([e.labels for e in part]) for part in (pool, shifted))
    np.testing.assert_array_equal(np.sort(before, axis=0), np.sort(after, axis=0))
    assert np.corrcoef(before[:, 0], after[:, 0])[0, 1] < 0.9


def test_the_clock_never_looks_at_the_latents(agent):
    pool, test = halves(episodes_of(9))
    rng = np.random.default_rng(0)
    noise = [
        [replace(e, latents=rng.normal(size=e.latents.shape)) for e in part]
        for part in (pool, test)
    ]
    clock = Clock(episodes_of(1), agent.scale)
    for one, other in zip(clock.predictors(pool), clock.predictors(noise[0]), strict=True):
        np.testing.assert_array_equal(np.concatenate(one(test)), np.concatenate(other(noise[1])))


def _records(scores, minutes=1.0):
    """Records of one person per entry: {subject: {(method, strength): ccc}}."""
    return [
        {
            "subject": s,
            "minutes": m,
            "given": m,
            "method": method,
            "strength": strength,
            **dict.fromkeys(("ccc", "trial_ccc", "trial_pcc"), value),
            "rmse": 0.1,
        }
        for s, by_method in scores.items()
        for (method, strength), value in by_method.items()
        for m in (0.0, minutes)
    ]


def _made_run(outer_scores):
    groups = (("1",), ("2",), ("3",))
    inner = {("none", 0.0): 0.4, ("affine", 1.0): 0.5, ("affine", 9.0): 0.6}
    worse = {("none", 0.0): 0.4, ("affine", 1.0): 0.1, ("affine", 9.0): 0.1}
    ran = [
        (Unit(0, (0, 1)), _records({"1": worse, "2": inner})),
        (Unit(0, (0, 2)), _records({"1": worse, "3": inner})),
        (Unit(0, (1, 2)), _records({"2": inner, "3": worse})),
        *[(Unit(0, (k,)), _records({str(k + 1): outer_scores})) for k in range(3)],
    ]
    return ran, groups


def test_strengths_are_chosen_on_training_people_alone():
    good_at_1 = {("none", 0.0): 0.2, ("affine", 1.0): 0.9, ("affine", 9.0): 0.3}
    good_at_9 = {("none", 0.0): 0.2, ("affine", 1.0): 0.3, ("affine", 9.0): 0.9}
    chosen = [chosen_scores(*_made_run(scores)) for scores in (good_at_1, good_at_9)]
    at_1 = [c[(c["method"] == "affine") & (c["minutes"] == 1)].set_index("fold") for c in chosen]
    for one in at_1:
        # fold 0 learns from people 2 and 3, folds 1 and 2 from people for whom nothing helps
        assert one["strength"].fillna(-1).to_list() == [9.0, -1, -1]
    assert at_1[0]["ccc"].to_list() == pytest.approx([0.3, 0.2, 0.2])
    assert at_1[1]["ccc"].to_list() == pytest.approx([0.9, 0.2, 0.2])


def test_best_strength_may_be_not_to_adapt():
    people = pd.DataFrame(_records({"1": {("none", 0.0): 0.4, ("affine", 1.0): 0.4}}))
    assert np.isnan(best_strength(people, "affine"))
    people = pd.DataFrame(_records({"1": {("none", 0.0): 0.4, ("own ridge", 1.0): 0.1}}))
    assert best_strength(people, "own ridge") == 1.0  # no adaptation: nothing to fall back on


def test_table_has_differences_with_intervals_and_the_command():
    table = curve_table(
        *_made_run({("none", 0.0): 0.2, ("affine", 1.0): 0.9, ("affine", 9.0): 0.5})
    )
    row = table.set_index(["method", "minutes"]).loc[("affine", 1.0)]
    assert row["difference"] == pytest.approx(0.1)  # one of three people adapts, by 0.3
    assert row["difference_low"] <= 0.1 <= row["difference_high"]
    assert (row["wins"], row["n_subjects"], row["strengths"]) == (1, 3, "9 none none")
    text = markdown(table, "python -m benchmarks.personalization --x", "made, simulated")
    assert text.index("--x") < text.index("| method |")
    assert "made, simulated" in text.splitlines()[0]


@pytest.mark.filterwarnings("ignore:the codebook collapses")
def test_left_out_people_do_not_reach_the_model(short):
    trials = made_trials(n_subjects=5, n_stimuli=2, n_dims=1)
    groups = (("1",), ("2",), ("3", "4", "5"))
    changed = [t.replace(labels=-t.labels) if t.subject == 2 else t for t in trials]
    one, other = (
        [r for r in run_unit(part, groups, Unit(0, (0, 1)), [0.2], True) if r["subject"] == "1"]
        for part in (trials, changed)
    )
    assert len(one) > 40
    assert str(one) == str(other)  # NaN does not equal itself


@pytest.mark.filterwarnings("ignore:the codebook collapses")
def test_units_are_kept_and_done_once(short, monkeypatch, tmp_path):
    trials = made_trials(n_subjects=4, n_stimuli=2, n_dims=1)
    groups, units, seen = (("1",), ("2",), ("3", "4")), [Unit(0, (0,))], []
    first = run_units(trials, groups, units, [0.2], tmp_path, True, seen.append)
    path = tmp_path / "units.jsonl"
    path.write_text(path.read_text() + '\n{"cut o')
    monkeypatch.setattr(
        "benchmarks.personalization.run.run_unit", lambda *_: pytest.fail("done again")
    )
    again = run_units(trials, groups, units, [0.2], tmp_path, True, seen.append)
    assert str(again) == str(first)  # NaN does not equal itself
    assert seen == units * 2


def test_command_writes_table_and_curve(monkeypatch, tmp_path, capsys):
    def scored(trials, groups, unit, minutes, quick):
        new = [subject for fold in unit.left_out for subject in groups[fold]]
        scores = {("none", 0.0): 0.2, ("affine", 1.0): 0.2 + 0.1 * quick}
        return _records(dict.fromkeys(new, scores), *minutes)

    monkeypatch.setattr("benchmarks.personalization.run.run_unit", scored)
    run = ["--dataset", "simulated", "--option", "n_subjects=4", "--option", "n_trials=2"]
    run += ["--minutes", "0.5", "400", "--quick", "--out", str(tmp_path)]
    assert main([*run, "--folds", "3"]) == 0
    table = pd.read_csv(tmp_path / "personalization.csv").set_index(["method", "minutes"])
    assert set(table.index) == {(m, t) for m in ("none", "affine") for t in (0, 0.5)}
    assert table.loc[("affine", 0.5), "difference"] == pytest.approx(0.1)
    text = (tmp_path / "personalization.md").read_text(encoding="utf-8")
    assert "simulated" in text.splitlines()[0]
    assert "--folds 3" in text
    assert (tmp_path / "personalization.png").stat().st_size > 10_000
    assert main([*run, "--folds", "2"]) == 1
    assert "--folds of at least 3" in capsys.readouterr().err
