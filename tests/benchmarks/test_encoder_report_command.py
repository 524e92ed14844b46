"""`eegdancer encoder-report`, end to end: files, what the page says, errors of one line."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from benchmarks.cli import main
from benchmarks.commands.common import seen_subjects
from benchmarks.encoder_report import write_encoder_report
from benchmarks.encoder_report.steps import untrained_encoder
from eeg_emotion_env.montage import directions
from encoders import EncoderConfig, PretrainingConfig, StageConfig, pretrain
from tests.benchmarks.made_steps import CHANNELS, made_steps

DATA = (
    *("--dataset", "simulated", "--option", "n_subjects=3", "--option", "n_trials=3"),
    *("--option", "duration_scale=0.1"),
)
CSV = ("prototypes", "probes", "mutual_information", "transitions", "usage")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """Encoder of one epoch, which has not seen subject 3."""
    out = tmp_path_factory.mktemp("encoder") / "e"
    assert (
        main(["pretrain", *DATA, "--epochs", "1", "--test-subjects", "3", "--out", str(out)]) == 0
    )
    return out


@pytest.fixture(scope="module")
def report(encoder, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "new" / "r"
    command = ["encoder-report", "--encoder", str(encoder), *DATA, "--out", str(out)]
    assert main([*command, "--probe-folds", "2", "--max-prototypes", "4"]) == 0
    return out


def test_files(report):
    assert sorted(path.name for path in report.iterdir()) == sorted(
        ["config.json", "report.html", *(f"{name}.csv" for name in CSV)]
    )
    config = json.loads((report / "config.json").read_text(encoding="utf-8"))
    assert config["command"] == "encoder-report"
    assert config["options"]["probe_folds"] == 2


def test_tables(report):
    tables = {name: pd.read_csv(report / f"{name}.csv") for name in CSV}
    usage = tables["usage"].set_index("group")
    assert usage.loc["training", "n_trials"] == 6
    assert usage.loc["unseen", "n_trials"] == 3
    assert tables["prototypes"]["n_steps"].sum() == usage.loc["all", "n_steps"]
    assert tables["prototypes"]["valence"].is_monotonic_increasing
    counts = tables["transitions"]["count"].sum()
    assert counts == usage.loc["all", "n_steps"] - usage.loc["all", "n_trials"]
    probes = tables["probes"].set_index(["target", "representation"])
    assert set(probes.index.get_level_values(0)) == {"valence", "arousal", "subject", "stimulus"}
    assert (
        probes.loc[("valence", "random encoder"), "n_inputs"]
        == (probes.loc[("valence", "frozen latents"), "n_inputs"])
    )
    assert set(tables["mutual_information"]["target"]) == {
        *("valence", "arousal", "subject", "stimulus")
    }


def test_page(report):
    html = (report / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED DATA" in html
    assert "pretrained on 2 of these 3 subjects (1, 2), with their labels" in html
    assert html.count('<article class="card"') == 4
    assert "readable from the codes" in html
    assert "$" not in re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)
    assert all(s.startswith("data:") for s in re.findall(r'src="([^"]*)"', html))
    assert "http" not in re.sub(r'src="[^"]*"', "", html)


def test_same_command_makes_the_same_files(report, encoder, tmp_path):
    command = ["encoder-report", "--encoder", str(encoder), *DATA, "--out", str(tmp_path)]
    assert main([*command, "--probe-folds", "2", "--max-prototypes", "4"]) == 0
    for name in CSV:
        first, second = ((f / f"{name}.csv").read_bytes() for f in (report, tmp_path))
        assert first == second
    pages = [(f / "report.html").read_text(encoding="utf-8") for f in (report, tmp_path)]
    pictures = [re.findall(r'src="([^"]*)"', page) for page in pages]
    assert pictures[0] == pictures[1]


def _error(capsys, *arguments):
    capsys.readouterr()
    assert main(["encoder-report", *DATA, *arguments]) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    return err


def test_errors_are_one_line(encoder, tmp_path, capsys):
    out = ("--out", str(tmp_path / "out"))
    folder = tmp_path / "nothing"
    assert "no frozen encoder model here" in _error(capsys, "--encoder", str(folder), *out)
    folds = ("--probe-folds", "1")
    assert "--probe-folds" in _error(capsys, "--encoder", str(encoder), *out, *folds)
    most = ("--max-prototypes", "0")
    assert "--max-prototypes" in _error(capsys, "--encoder", str(encoder), *out, *most)
    raw = ("--normalization", "none")
    assert "normalization" in _error(capsys, "--encoder", str(encoder), *out, *raw)
    assert not (tmp_path / "out").exists()


def test_encoder_without_prototypes(tmp_path, capsys):
    stage = StageConfig(epochs=1)
    rng = np.random.default_rng(0)
    pretrain(
        [rng.normal(size=(20, 3, 2)).astype(np.float32) for _ in range(2)],
        [1, 2],
        config=EncoderConfig(3, 2, quantizer="none"),
        pretraining=PretrainingConfig(vqvae=stage, dynamics=stage),
    ).save(tmp_path / "e")
    error = _error(capsys, "--encoder", str(tmp_path / "e"), "--out", str(tmp_path / "out"))
    assert "no prototypes" in error


def test_encoder_with_sites_has_a_random_twin_of_its_shape():
    stage = StageConfig(epochs=0)
    trials = made_steps([[0] * 20] * 2, ["a", "b"]).trials
    where = directions(CHANNELS)
    encoder = pretrain(
        [trial.features for trial in trials],
        ["a", "b"],
        config=EncoderConfig(6, 2, n_sites=6, codebook_size=8),
        pretraining=PretrainingConfig(vqvae=stage, dynamics=stage),
        positions=[where, where],
    )
    twin = untrained_encoder(encoder, trials)
    assert twin.encode(trials[0].features).shape == encoder.encode(trials[0].features).shape


def test_subjects_of_mixed_data_sets_are_seen():
    trials = made_steps([[0]] * 2, ["a", "b"]).trials
    made = {"dataset": "made", "source": "simulated"}
    other = {"dataset": "other", "source": "simulated", "subjects": ["b"]}
    assert seen_subjects(trials, {**other, "mixed": [{**made, "subjects": ["a"]}]}) == {"a"}


CONTEXT = {
    "title": "Made & <shown>",
    "dataset": "made",
    "source": "recorded",
    "fingerprint": "f",
    "command": "eegdancer",
    "versions": {},
    "config": {},
    "encoder": {},
}


def _page_of(tmp_path, *arguments, **changes):
    steps = made_steps(*arguments, **changes)
    untrained = steps if len(steps.subjects) > 1 else None
    write_encoder_report(tmp_path, steps, untrained, CONTEXT)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_channels_that_are_no_electrodes_have_no_maps(tmp_path):
    codes = [[0, 1, 1, 2] * 3] * 4
    names = ("FZ", "CZ", "X<1>", "X2", "X3")
    page = _page_of(tmp_path, codes, ["a", "a", "b", "b"], channels=names)
    assert "No scalp maps: fewer than 4 channels are electrodes" in page
    assert "X&lt;1&gt;, X2, X3" in page
    assert "Colour scale" not in page
    assert "Made &amp; &lt;shown&gt;" in page
    page = _page_of(tmp_path, codes, ["a", "a", "b", "b"], channels=(*CHANNELS, "EOG"))
    assert "Not on the maps, as they are no electrodes of a known place: EOG" in page
    assert "Colour scale" in page


def test_collapsed_codebook_one_subject_and_no_labels(tmp_path):
    page = _page_of(tmp_path, [[3] * 12], ["a"], [[np.nan] * 12], size=64)
    assert "The codebook has collapsed for all trials: perplexity 1.0" in page
    assert "No probes: they need at least two subjects" in page
    assert "valence not annotated" in page
