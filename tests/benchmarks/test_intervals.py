"""Intervals from `train` to `evaluate`, and the comparison of ways of making them."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from agents.intervals import PredictionIntervals, load_intervals
from benchmarks.cli import main
from benchmarks.commands.intervals import calibrated_intervals, encoders_like, with_ends
from benchmarks.coverage import coverage_table, scores_of, summary
from benchmarks.intervals.__main__ import main as compare
from benchmarks.intervals.played import Played, _play_unit, units_of
from benchmarks.intervals.ways import DEFAULT, WAYS, fitted, people_of, scored, table_of
from benchmarks.personalization.protocol import Unit, groups_of
from benchmarks.predictions import TrialPrediction
from eeg_emotion_env.trial import TrialKey
from encoders import PretrainingConfig, StageConfig
from tests.agents.test_intervals import made_people
from tests.benchmarks.conftest import made_trials

NAMES = ("valence", "arousal")


@pytest.fixture
def short(monkeypatch):
    """Pretraining of one epoch."""
    monkeypatch.setattr(StageConfig, "epochs", 1)


DATA = ("--dataset", "simulated", "--option", "n_subjects=7", "--option", "n_trials=1")


def trained(out, *more):
    return main(["train", *DATA, "--total-steps", "200", "--out", str(out), *more])


def test_train_calibrates_on_training_subjects_alone_and_evaluate_reports(short, tmp_path, capsys):
    fold = ("--interval-folds", "2")
    assert trained(tmp_path / "model", "--test-subjects", "6,7", *fold) == 0
    said = capsys.readouterr().out
    assert "interval, model 2 of 2: without" in said
    # where test subjects are not even opened, everything is the same
    assert trained(tmp_path / "alone", "--subjects", "1,2,3,4,5", *fold) == 0
    saved = [
        json.loads((tmp_path / name / "intervals" / "config.json").read_text())
        for name in ("model", "alone")
    ]
    assert saved[0]["weights_sha256"] == saved[1]["weights_sha256"]
    assert (saved[0]["subjects"], saved[0]["folds"]) == (list("12345"), 2)
    capsys.readouterr()
    out = tmp_path / "scores"
    assert main(["evaluate", "--model", str(tmp_path / "model"), *DATA, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "80% interval, valence: holds" in said
    assert "over 2 subjects" in said
    steps = pd.read_parquet(out / "predictions.parquet")
    for name in NAMES:
        low, guess, high = (steps[f"{name}_{part}"] for part in ("low", "pred", "high"))
        assert ((low >= -1) & (low <= guess) & (guess <= high) & (high <= 1)).all()
    table = pd.read_csv(out / "intervals.csv", dtype={"subject": str})
    assert sorted(set(table["subject"])) == ["6", "7"]
    assert table["new"].all()
    # whom the intervals were calibrated on does not count
    everybody = ["evaluate", "--model", str(tmp_path / "model"), *DATA, "--include-training"]
    assert main([*everybody, "--out", str(tmp_path / "all")]) == 0
    assert "over 2 subjects" in capsys.readouterr().out
    both = pd.read_csv(tmp_path / "all" / "intervals.csv", dtype={"subject": str})
    assert sorted(set(both.loc[both["new"], "subject"])) == ["6", "7"]
    assert len(set(both["subject"])) == 7
    first = steps[steps["subject"] == "6"]
    inside = first["valence_true"].between(first["valence_low"], first["valence_high"])
    assert table["coverage"].iloc[0] == pytest.approx(inside.mean(), abs=0.01)
    # a training without intervals leaves none of an earlier one behind
    assert trained(tmp_path / "model", "--test-subjects", "6,7", "--interval-folds", "0") == 0
    assert not (tmp_path / "model" / "intervals").exists()
    assert main(["evaluate", "--model", str(tmp_path / "model"), *DATA, "--out", str(out)]) == 0
    assert "holds no intervals" in capsys.readouterr().out
    assert "valence_low" not in pd.read_parquet(out / "predictions.parquet")


def test_too_few_people_get_no_intervals_and_are_told(short, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("benchmarks.commands.training.USELESS_CCC", 1.0)
    assert trained(tmp_path / "model", "--subjects", "1,2,3,4") == 0
    said = capsys.readouterr().out
    assert "need 5 annotated training subjects, not 4" in said
    assert "no better than chance" in said
    assert load_intervals(tmp_path / "model", "") is None


@pytest.mark.parametrize("folds", ["1", "-1"])
def test_impossible_numbers_of_folds_are_refused_before_training(folds, tmp_path, capsys):
    assert trained(tmp_path / "model", "--interval-folds", folds) == 1
    assert "--interval-folds must be 2 or more, or 0" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_people_without_labels_are_in_no_fold(monkeypatch):
    from agents import AgentConfig
    from eeg_emotion_env.datasets import load

    trials = load("simulated", n_subjects=7, n_trials=1)
    monkeypatch.setattr(
        type(trials),
        "__iter__",
        lambda self: (
            replace(t, labels=np.full_like(t.labels, np.nan)) if str(t.subject) == "3" else t
            for t in (self[i] for i in range(len(self)))
        ),
    )
    given = set()

    def predicted(learnt, left_out, config, encoders):
        given.update(learnt.subjects, left_out.subjects)
        return [trial.labels for trial in left_out]

    monkeypatch.setattr("benchmarks.commands.intervals._predicted", predicted)
    assert calibrated_intervals(trials, AgentConfig(), 3, lambda part: None) is not None
    assert sorted(map(str, given)) == list("124567")


def test_encoders_of_the_folds_do_not_know_who_is_left_out(monkeypatch):
    from agents import AgentConfig
    from eeg_emotion_env.datasets import load

    trials = load("simulated", n_subjects=5, n_trials=1)
    given = []

    def predicted(learnt, left_out, config, encoders):
        given.append((set(learnt.subjects), set(left_out.subjects)))
        return [trial.labels for trial in left_out]

    monkeypatch.setattr("benchmarks.commands.intervals._predicted", predicted)
    made = calibrated_intervals(trials, AgentConfig(), 3, lambda part: None)
    assert len(given) == 3
    assert all(not learnt & left_out for learnt, left_out in given)
    assert set().union(*(left_out for _, left_out in given)) == set(trials.subjects)
    np.testing.assert_allclose(made.half_width, 0, atol=1e-6)


def test_an_encoder_that_knows_these_people_is_pretrained_anew_with_its_settings(monkeypatch):
    from eeg_emotion_env.datasets import load
    from encoders import shipped_encoder

    trials = load("simulated", n_subjects=5, n_trials=1)
    encoder, asked = shipped_encoder("simulated-62x5"), []
    monkeypatch.setattr(
        "benchmarks.commands.intervals.pretrained",
        lambda sets, shape, settings: asked.append((sets, shape, settings)) or encoder,
    )
    part = trials.select([1, 2])
    made = {"dataset": "simulated", "source": "simulated", "subjects": ["2", "9"]}
    settings = PretrainingConfig(guidance=0.3, seed=4)
    known = {**encoder.description, **made, "pretraining": asdict(settings)}
    monkeypatch.setattr(encoder, "description", known)
    encoders_like(encoder, True, trials, 0)(part)
    assert asked == [([part], encoder.config, settings)]
    encoders_like(encoder, False, trials, 7)(part)
    assert asked[1][1:] == (None, PretrainingConfig(seed=7))
    monkeypatch.setitem(known, "subjects", ["8", "9"])
    assert encoders_like(encoder, True, trials, 0)(part) is encoder
    assert len(asked) == 2


def test_coverage_counts_people_equally():
    people, labels, predictions = made_people(np.random.default_rng(0), 6)
    intervals = PredictionIntervals.fit(people, labels, predictions)
    made = [
        with_ends(_prediction(person, number, truth, guess), intervals)
        for number, (person, truth, guess) in enumerate(
            zip(people, labels, predictions, strict=True)
        )
    ]
    table = coverage_table(made, intervals)
    twice = coverage_table([*made, made[0], replace(made[0])], intervals)
    assert len(table) == len(twice) == 12
    rows = summary(table).set_index("label")
    assert rows["subjects"].tolist() == [6, 6]
    assert rows["coverage"].between(0.75, 1).all()
    assert (rows["relative_score"] < 1).all()
    assert (rows["coverage_min"] <= rows["coverage"]).all()


def _prediction(person, number, labels, guesses):
    key = TrialKey("made", person, 1, number + 1)
    track = {"step_s": 1.0, "track": "causal", "source": "simulated"}
    return TrialPrediction("a", 0, 0, key, labels, guesses, NAMES, **track)


def test_the_interval_score_is_width_and_ten_times_what_is_missed():
    labels, low, high = np.array([0.0, 0.5]), np.array([-0.1, 0.0]), np.array([0.1, 0.3])
    found = scores_of(labels, low, high, 0.8)
    assert found == pytest.approx({"coverage": 0.5, "width": 0.25, "score": 0.25 + 0.5 * 2.0})


def made_models(n_folds=3, per_fold=4, n_members=2):
    """Everybody's predictions, the same whoever was left out."""
    rng = np.random.default_rng(0)
    people, labels, predictions = made_people(rng, n_folds * per_fold)
    played = [
        Played(
            person,
            truth,
            np.stack([guess, *(guess + 0.1 for _ in range(1, n_members))]),
            np.full_like(truth, 0.2),
        )
        for person, truth, guess in zip(people, labels, predictions, strict=True)
    ]
    return {
        unit.left_out: [one for one in played if int(one.subject) % n_folds in unit.left_out]
        for unit in units_of(n_folds, [0])
    }


def test_every_way_is_scored_on_people_whom_it_was_not_calibrated_on():
    models = made_models()
    table = table_of(scored(models, NAMES)).set_index(["label", "way"])
    assert len(table) == 2 * len(WAYS)
    assert (table["people"] == 12).all()
    assert table["coverage"].between(0.6, 1).all()
    assert table.loc[("valence", WAYS[0].name), "relative_score"] == 1
    assert table.loc[("valence", DEFAULT), "relative_score"] < 0.9
    # labels of the tested fold decide nothing but its own scores
    before = scored(models, NAMES, WAYS[:1])
    models[(0,)] = [replace(one, labels=one.labels - 0.3) for one in models[(0,)]]
    after = scored(models, NAMES, WAYS[:1])
    own = before["subject"].astype(int) % 3 == 0
    pd.testing.assert_series_equal(before["width"], after["width"])
    pd.testing.assert_frame_equal(before[~own], after[~own])
    assert (before["coverage"] != after["coverage"])[own].all()


def test_the_default_way_is_what_models_are_given():
    played = made_models()[(0, 1)]
    way = next(way for way in WAYS if way.name == DEFAULT)
    trials = [(p.subject, p.labels, p.predictions[0]) for p in played]
    intervals = PredictionIntervals.fit(*zip(*trials, strict=True))
    people = people_of(played, 1)
    low, high = fitted(way, people)(people[0])
    guesses = np.stack([people[0].guesses] * 2, axis=1)
    ends = intervals.ends(guesses)
    np.testing.assert_allclose(np.stack([low, high]), np.stack(ends)[:, :, 1], atol=1e-6)


def test_a_model_is_played_on_the_people_that_it_left_out(short_training):
    trials = made_trials(n_subjects=4, n_stimuli=1)
    groups = groups_of([trial.key for trial in trials], 2)
    played = _play_unit(trials, groups, Unit(0, (1,)), 2)
    assert [one.subject for one in played] == list(groups[1])
    assert all(one.predictions.shape == (2, *one.labels.shape) for one in played)
    assert all((one.deviations > 0).all() for one in played)
    assert not np.allclose(played[0].predictions[0], played[0].predictions[1])


def test_the_comparison_runs_and_goes_on_where_it_was(monkeypatch, tmp_path, capsys):
    def play(trials, groups, unit, n_members):
        new = [subject for fold in unit.left_out for subject in groups[fold]]
        return [
            Played(str(t.subject), t.labels, np.stack([0.5 * t.labels] * n_members), t.labels)
            for t in trials
            if str(t.subject) in new
        ]

    monkeypatch.setattr("benchmarks.intervals.played._play_unit", play)
    command = [*DATA[:3], "n_subjects=8", *DATA[4:], "--folds", "3"]
    command += ["--members", "2", "--out", str(tmp_path)]
    assert compare(command) == 0
    table = pd.read_csv(tmp_path / "intervals.csv")
    assert set(table["way"]) == {way.name for way in WAYS}
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("models/*/*")}
    assert len(kept) == 6
    assert compare(command) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.glob("models/*/*")}
    text = (tmp_path / "intervals.md").read_text()
    assert "simulated data" in text
    assert DEFAULT in text
    for more, message in (
        (("--folds", "2"), "--folds of at least 3"),
        (("--subjects", "1,2,3,4,5,6"), "5 people outside each fold, not 4"),
    ):
        assert compare([*command, *more]) == 1
        assert message in capsys.readouterr().err
