"""`pretrain`, and the encoder that `train` makes for itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import options as arguments
from benchmarks.commands.common import (
    known_subjects,
    load_trials,
    options_in,
    out_folder,
    progress_bar,
    say,
    versions,
    write_config,
)
from eeg_emotion_env.datasets import Trials, load_dataset
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.features import band_centres, band_weights
from eeg_emotion_env.montage import directions
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.trial import Trial

if TYPE_CHECKING:
    from encoders import EncoderConfig, FrozenEncoder, PretrainingConfig
    from encoders.pretraining import Progress

RESUME = "pretraining.pt"
"""File in the folder of an encoder that keeps the state of an unfinished pretraining."""


def pretrain(options: arguments.Pretrain) -> int:
    """Pretrain an encoder on the training subjects."""
    from encoders import EncoderConfig, PretrainingConfig, StageConfig

    trials, _ = training_trials(options.data, options.test_subjects)
    mixed = [_mixed(item, options.data, trials[0]) for item in options.mix]
    if mixed and not options.sites:
        raise ConfigError(
            "data sets with other channels can be mixed on sites of the head alone: add --sites 32"
        )
    stage = StageConfig(epochs=options.epochs)
    settings = PretrainingConfig(
        vqvae=stage,
        dynamics=stage,
        mask_ratio=options.mask_ratio,
        span=options.span,
        target=options.target,
        band_hz=_band_hz(options.target, trials[0]),
        teacher=options.teacher,
        guidance=options.guidance if options.guided else 0.0,
        seed=options.seed,
    )
    shape = EncoderConfig(
        options.sites or len(trials[0].channels),
        len(trials[0].bands),
        n_sites=options.sites,
        quantizer=options.quantizer,
        codebook_size=options.codebook_size,
        code_dim=options.code_dim,
        soft_assignment=options.soft_assignment,
        dynamics_width=options.state_width,
        window=options.window,
    )
    out = out_folder(options.out)
    encoder = pretrained([trials, *mixed], shape, settings, out / RESUME)
    encoder.save(out)
    write_config(out / "command.json", options)
    say(f"encoder written to {out}{_codebook_line(encoder)}")
    return 0


def pretrained(
    sets: Sequence[Trials],
    shape: "EncoderConfig | None",
    settings: "PretrainingConfig",
    resume: Path | None = None,
) -> "FrozenEncoder":
    """Pretrain on the trials of one or more data sets, with a progress bar.

    Parameters
    ----------
    sets : sequence of Trials
        The first is what the encoder is made for.
    shape : EncoderConfig or None
        Shape; None for defaults.
    settings : PretrainingConfig
        Settings.
    resume : Path or None
        File to resume from.

    Returns
    -------
    FrozenEncoder
        Its description tells data, subjects and versions.
    """
    from encoders import pretrain as pretrain_encoder

    content = training_set(sets, bool(shape and shape.n_sites))
    stages = ("vqvae", "teacher", "dynamics") if settings.teacher else ("vqvae", "dynamics")
    with progress_bar("pretraining", len(stages) * settings.vqvae.epochs) as advance:

        def on_epoch(progress: "Progress") -> None:
            used = (
                "" if math.isnan(progress.perplexity) else f", perplexity {progress.perplexity:.0f}"
            )
            advance(
                stages.index(progress.stage) * settings.vqvae.epochs + progress.epoch,
                f"{progress.stage}, best validation loss {progress.best:.3f}{used}",
            )

        return pretrain_encoder(
            content.features,
            content.groups,
            content.labels,
            shape,
            settings,
            on_epoch,
            description_of(*sets),
            content.positions or None,
            resume,
        )


@dataclass(frozen=True)
class TrainingSet:
    """Arguments of `encoders.pretrain`: one item a trial."""

    features: list[NDArray[np.float32]]
    groups: list[str]
    labels: list[NDArray[np.float32]]
    positions: list[NDArray[np.float64]]


def training_set(sets: Sequence[Trials], on_sites: bool = False) -> TrainingSet:
    """Bring trials of several data sets to the bands and label dimensions of the first.

    Parameters
    ----------
    sets : sequence of Trials
        Data sets with steps of the same length.
    on_sites : bool
        Whether positions of electrodes are needed; without, there are none.

    Returns
    -------
    TrainingSet
        Label dimensions that a data set lacks are NaN; groups are subjects within data sets.
    """
    bands, names = sets[0][0].bands, sets[0][0].label_names
    found = TrainingSet([], [], [], [])
    for trials in sets:
        for trial in trials:
            found.features.append(_with_bands(trial, bands))
            # the first data set's subjects keep their names: they are looked up by them later
            prefix = "" if trials is sets[0] else f"{trial.dataset}, subject "
            found.groups.append(f"{prefix}{trial.subject}")
            found.labels.append(_with_dimensions(trial, names))
            if on_sites:
                found.positions.append(directions(trial.channels))
    return found


def training_trials(data: arguments.Data, test_subjects: str) -> tuple[Trials, list[str]]:
    """Return the trials without the test subjects, and the latter's names."""
    trials = load_trials(data)
    tested = known_subjects(trials, test_subjects)
    kept = [s for s in trials.subjects if str(s) not in tested]
    if len(kept) < 2:
        raise ConfigError(
            f"training needs at least two subjects (one of them stops it early), not {len(kept)}; "
            "name fewer --test-subjects"
        )
    return trials.select(kept), tested


def description_of(trials: Trials, *mixed: Trials) -> dict[str, Any]:
    """Say what a model was made from."""
    first = trials[0]
    described: dict[str, Any] = {
        "dataset": first.dataset,
        "source": first.source,
        "label_kind": first.label_kind,
        "normalization": first.normalization,
        "track": first.track,
        "step_s": first.step_s,
        "channels": list(first.channels),
        "bands": list(first.bands),
        "features": "computed" if first.read_eeg is not None else "stored",
        "subjects": [str(subject) for subject in trials.subjects],
        "versions": versions(),
    }
    if mixed:
        described["mixed"] = [
            {
                "dataset": other[0].dataset,
                "source": other[0].source,
                "subjects": [str(subject) for subject in other.subjects],
            }
            for other in mixed
        ]
    return described


def _mixed(item: str, data: arguments.Data, first: Trial) -> Trials:
    """Open a further data set, named NAME or NAME=FOLDER."""
    name, _, folder = item.partition("=")
    trials = load_dataset(
        name,
        home_expanded(folder) if folder else None,
        {k: v for k, v in options_in(data.option).items() if k == "step_s"},
        normalization=data.normalization,
        source=data.source,
    )
    if (trials[0].dataset, trials[0].source) == (first.dataset, first.source):
        raise ConfigError(
            f"{name} is the data set itself, and would bring back its --test-subjects; mix others"
        )
    if not math.isclose(trials[0].step_s, first.step_s):
        raise ConfigError(
            f"{name} has steps of {trials[0].step_s:g} s, {first.dataset} of {first.step_s:g} s; "
            "give both the same with --option step_s=…"
        )
    return trials


def _band_hz(target: str, trial: Trial) -> tuple[float, ...]:
    return band_centres(trial.bands) if target == "aperiodic-removed" else ()


def _with_bands(trial: Trial, bands: Sequence[str]) -> NDArray[np.float32]:
    if tuple(trial.bands) == tuple(bands):
        return trial.features
    mixed: NDArray[np.float32] = trial.features @ band_weights(bands, trial.bands).T
    return mixed


def _with_dimensions(trial: Trial, names: Sequence[str]) -> NDArray[np.float32]:
    if trial.label_names == tuple(names):
        return trial.labels
    labels = np.full((trial.n_steps, len(names)), np.nan, np.float32)
    for place, name in enumerate(names):
        if name in trial.label_names:
            labels[:, place] = trial.labels[:, trial.label_names.index(name)]
    return labels


def _codebook_line(encoder: "FrozenEncoder") -> str:
    usage = encoder.description.get("codebook")
    if usage is None:
        return ""
    return (
        f": {usage['usage']:.0%} of {encoder.config.codebook_size} prototypes in use, perplexity "
        f"{usage['perplexity']:.1f}"
    )


def default_settings(epochs: int, seed: int) -> "PretrainingConfig":
    """Return the settings with which `train` pretrains an encoder of its own."""
    from encoders import PretrainingConfig, StageConfig

    stage = StageConfig(epochs=epochs)
    return replace(PretrainingConfig(), vqvae=stage, dynamics=stage, seed=seed)
