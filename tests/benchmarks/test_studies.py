"""Studies: heads see training people alone, runs are kept, tables compare with the best rung."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import AgentConfig
from agents.scaling import LabelScale
from benchmarks.kept import read_records
from benchmarks.studies.__main__ import main
from benchmarks.studies.arms import LADDER, REFERENCES, STUDIES, WITHOUT_RL
from benchmarks.studies.bptt import BPTT, GainActor, total_reward
from benchmarks.studies.heads import (
    AgentHead,
    Constant,
    Fold,
    Mean,
    Standardised,
    StimulusTimeMean,
)
from benchmarks.studies.objectives import OBJECTIVES, Objective, later_label
from benchmarks.studies.run import Arm, run_study, scores_by_subject
from benchmarks.studies.supervised import Net, Ridge, smoothed, smoothed_best
from benchmarks.studies.table import markdown, study_table
from eeg_emotion_env.rewards import REWARDS, make_reward
from eeg_emotion_env.splits import make_split
from eeg_emotion_env.wrappers import Gain, LinearProposal
from tests.agents.conftest import made_episodes
from tests.benchmarks.conftest import made_trials

TINY = AgentConfig(
    net_arch=(16,), total_steps=320, n_envs=4, learning_starts=40, batch_size=32, latent_noise=0.0
)
HEADS = {
    "constant": Constant(),
    "ridge": Ridge(),
    "net": Net(),
    "calibrated": Net(calibrated=True),
    "smoothed": Net("ccc", smoothed=True),
    "bptt": BPTT(TINY),
    "agent": AgentHead(TINY),
    "lagged": AgentHead(TINY, lag=2),
    "mean": Mean((Ridge(), Net())),
    "standardised": Standardised(Ridge()),
}


def fold(hidden=True):
    episodes = made_episodes(5, 2)
    test = [e for e in episodes if e.key.subject == 5]
    if hidden:
        test = [replace(e, labels=np.full_like(e.labels, np.nan)) for e in test]
    return Fold(
        [e for e in episodes if e.key.subject < 4],
        [e for e in episodes if e.key.subject == 4],
        test,
    )


@pytest.mark.parametrize("name", HEADS)
def test_heads_learn_and_are_a_function_of_the_seed(name, monkeypatch):
    monkeypatch.setattr("benchmarks.studies.bptt.EPISODES_A_BATCH", 1)
    first, again = (HEADS[name].predictions(fold(), OBJECTIVES["error"], 3) for _ in range(2))
    for one, two, episode in zip(first, again, fold(hidden=False).test, strict=True):
        assert one.shape == episode.labels.shape
        assert np.abs(one).max() <= 1
        np.testing.assert_array_equal(one, two)
    if name in ("ridge", "net", "calibrated", "smoothed", "bptt", "mean"):
        assert OBJECTIVES["error"].value(fold(hidden=False).test, first) > 0.5


@pytest.mark.parametrize("name", HEADS)
def test_heads_do_not_look_ahead(name):
    """A test episode that is cut short is predicted as its beginning was."""
    whole = fold()
    cut = replace(
        whole,
        test=[replace(e, latents=e.latents[:9], labels=e.labels[:9]) for e in whole.test],
    )
    long, short = (HEADS[name].predictions(f, OBJECTIVES["error"], 0) for f in (whole, cut))
    for one, two in zip(long, short, strict=True):
        np.testing.assert_allclose(one[:9], two, atol=1e-6)


@pytest.mark.parametrize("name", REWARDS)
def test_differentiable_return_is_that_of_the_environment(name):
    episodes = made_episodes(2, 1, n_dims=2)
    reward = make_reward(name)
    rng = np.random.default_rng(0)
    for episode in episodes:
        made = rng.uniform(-1, 1, episode.labels.shape).astype(np.float32)
        constants = torch.from_numpy(reward.prepare(episode.labels))
        values = torch.from_numpy(made.astype(np.float64)).requires_grad_()
        total = total_reward(reward, constants[None], values[None])
        expected = reward.trajectory(episode.labels, made).sum()
        assert total.item() == pytest.approx(expected, abs=1e-9)
        total.backward()
        assert torch.isfinite(values.grad).all()


def test_unrolled_gain_actor_is_the_gain_view():
    """What is trained by back-propagation moves as the environment's view does."""
    episodes = made_episodes()
    scale = LabelScale.fit([e.labels for e in episodes], TINY.action_range)
    proposal = LinearProposal.fit(episodes)
    actor = GainActor(6, scale, TINY, proposal, 0.2).eval()
    episode = episodes[0]
    inputs = np.hstack([episode.latents, np.zeros((episode.n_steps, 1))]).astype(np.float32)
    with torch.inference_mode():
        track = actor(torch.from_numpy(inputs)[None])[0].numpy()
    view = Gain(proposal, actor.offset)
    previous = np.zeros((1, 1))
    for step, row in enumerate(inputs):
        scaled = (previous - scale.center) / scale.half_range
        seen = torch.from_numpy(np.hstack([row[None], scaled]).astype(np.float32))
        with torch.inference_mode():
            action = torch.tanh(actor.net(seen)).numpy()
        first = np.array([[step == 0]])
        previous = np.clip(view.prediction(action, episode.latents[[step]], previous, first), -1, 1)
        np.testing.assert_allclose(track[step], previous[0], atol=1e-5)


def test_delayed_labels_come_earlier_and_end_unknown():
    (episode,) = made_episodes(1, 1)
    moved = later_label(episode, 3)
    np.testing.assert_array_equal(moved.labels[:-3], episode.labels[3:])
    assert np.isnan(moved.labels[-3:]).all()
    assert later_label(episode, 0) is episode


def test_smoothing_is_chosen_by_the_objective():
    rng = np.random.default_rng(0)
    noisy = [
        (e.labels + rng.normal(0, 0.5, e.labels.shape)).astype(np.float32)
        for e in made_episodes(3, 2)
    ]
    rate = OBJECTIVES["rate"]
    best = smoothed_best(noisy, noisy, made_episodes(3, 2), rate)
    assert rate.value(made_episodes(3, 2), best) > rate.value(made_episodes(3, 2), noisy)
    np.testing.assert_array_equal(smoothed(noisy[0], 0.0), noisy[0])


def test_stimulus_time_mean_knows_the_clip_and_not_the_person():
    episodes = [
        replace(e, key=replace(e.key, stimulus=f"clip{e.key.trial}")) for e in made_episodes(3, 2)
    ]
    parts = Fold(episodes[:2], episodes[2:4], episodes[4:])
    made = StimulusTimeMean().predictions(parts, OBJECTIVES["error"], 0)
    shared = min(episodes[0].n_steps, episodes[2].n_steps, episodes[4].n_steps)
    expected = (episodes[0].labels[:shared] + episodes[2].labels[:shared]) / 2
    np.testing.assert_allclose(made[0][:shared], expected, atol=1e-6)


def test_score_is_zero_for_the_mean_and_one_for_the_truth():
    episodes = made_episodes(2, 1)
    everything = np.concatenate([e.labels for e in episodes])
    still = [np.full_like(e.labels, everything.mean()) for e in episodes]
    free, variance = Objective("free", "", "squared-error"), float(everything.var())
    n_steps = [e.n_steps for e in episodes]
    earned = [s["score"] for s in scores_by_subject(episodes, still, free, variance).values()]
    assert np.average(earned, weights=n_steps) == pytest.approx(0.0, abs=1e-5)
    truth = [e.labels for e in episodes]
    for scores in scores_by_subject(episodes, truth, free, variance).values():
        assert scores["score"] == pytest.approx(1.0)
        assert scores["ccc"] == pytest.approx(1.0)


def test_arms_of_every_study_have_names_of_their_own():
    for study, make in STUDIES.items():
        arms = make(LADDER)
        assert len({(arm.objective, arm.name) for arm in arms}) == len(arms)
        names = {arm.name for arm in arms}
        assert set(REFERENCES[study]) <= names
        assert len({arm.fingerprint("x") for arm in arms}) == len(arms)


def _study(tmp_path, seeds):
    arms = [Arm("ridge", "error", Ridge()), Arm("net", "error", Net())]
    trials = made_trials(n_subjects=6, n_stimuli=2, n_dims=1)
    split = make_split("grouped-k-fold", [t.key for t in trials], 2)
    seen = []
    records = run_study(trials, split, arms, seeds, tmp_path, 1, seen.append)
    return records, arms, seen


@pytest.mark.filterwarnings("ignore:the codebook collapses")
def test_runs_are_kept_and_never_done_twice(tmp_path, monkeypatch):
    first, arms, _ = _study(tmp_path, {0: [0, 1], 1: [2, 3]})
    assert len(first) == 2 * 2 + 2  # ridge has no chance in it: one a fold
    lines = (tmp_path / "runs.jsonl").read_text()
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write('\n{"arm": "cut of')
    monkeypatch.setattr(
        "benchmarks.studies.run._run", lambda *_: pytest.fail("a finished run was done again")
    )
    again, _, seen = _study(tmp_path, {0: [0, 1], 1: [2, 3]})
    assert again == first
    assert len(seen) == len(first)
    assert len(read_records(tmp_path / "runs.jsonl")) == len(first)
    assert lines.count("fingerprint") == len(first)
    table = study_table(first, arms, {"error": ["ridge"]})
    net = table.set_index("arm").loc["net"]
    mean = np.mean([table.set_index("arm").loc["ridge", "score"] + net["difference"]])
    assert mean == pytest.approx(net["score"])
    assert net["n_runs"] == 4
    text = markdown(table, "command", "Study", ["note"])
    assert "| net |" in text
    assert "command" in text


def test_rungs_to_beat_are_all_without_rl():
    arms = {arm.name: arm for arm in STUDIES["ladder"](["ccc"])}
    assert not any(isinstance(arms[name].head, AgentHead) for name in WITHOUT_RL)


def test_unknown_objective_is_one_line(capsys, tmp_path):
    status = main(
        ["ladder", "--dataset", "simulated", "--out", str(tmp_path), "--objectives", "rat"]
    )
    assert status == 1
    assert "Did you mean 'rate'" in capsys.readouterr().err
