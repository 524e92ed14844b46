"""`train` and `evaluate`: models of one's own."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import options as arguments
from benchmarks.commands.common import (
    context_of,
    load_trials,
    out_folder,
    print_table,
    progress_bar,
    say,
    seen_subjects,
    write_config,
)
from benchmarks.commands.intervals import (
    calibrated_intervals,
    encoders_like,
    say_coverage,
    validation_groups_of,
    with_ends,
)
from benchmarks.commands.pretraining import (
    default_settings,
    description_of,
    pretrained,
    training_trials,
)
from eeg_emotion_env.datasets import DATASETS, Trials
from eeg_emotion_env.errors import ConfigError, check_choice
from eeg_emotion_env.labels import delay_steps, delayed, resolve_delay
from eeg_emotion_env.latents import fitted, require_causal
from eeg_emotion_env.trial import Trial
from encoders.config import StageConfig

USELESS_CCC = 0.02
"""On validation subjects: what is no better is no better than chance."""

if TYPE_CHECKING:
    from agents import AgentConfig
    from benchmarks.predictions import TrialPrediction
    from encoders import FrozenEncoder


def train(options: arguments.Train) -> int:
    """Train an agent on the latents of a frozen encoder."""
    from agents import train_agent
    from agents.live.reference import FOLDER as REFERENCE
    from agents.live.reference import Reference
    from agents.tracking import find_wandb, wandb_outputs
    from eeg_emotion_env.playback import build_episodes
    from encoders import load_encoder

    config = _agent_config(options)
    if options.interval_folds < 0 or options.interval_folds == 1:
        raise ConfigError(
            "--interval-folds must be 2 or more, or 0 for no intervals, not "
            f"{options.interval_folds}"
        )
    if options.wandb is not None:
        find_wandb()  # now, not after the pretraining
    trials, tested = training_trials(options.data, options.test_subjects)
    delay_s = resolve_delay(options.label_delay_s, list(trials))
    trials = trials.delayed(delay_s)
    out = out_folder(options.out)
    if options.encoder is None:
        encoder = pretrained([trials], None, default_settings(StageConfig.epochs, options.seed))
        encode = encoder.encode
    else:
        encoder = require_causal(load_encoder(options.encoder))
        encode = fitted(encoder, trials[0]).encode
        _require_unseen(trials, encoder.description, tested, options.encoder)
    # as it was pretrained: `evaluate` fits it to the channels that it finds
    encoder.save(out / "encoder")
    episodes = build_episodes(trials, encode)
    word = {"ccc": "CCC", "return": "return a step"}[config.evaluate_by]
    with (
        wandb_outputs(options.wandb, config) as outputs,
        progress_bar(f"training {config.algorithm}", config.total_steps) as advance,
    ):
        agent = train_agent(
            episodes,
            config,
            lambda p: advance(p.step, f"validation {word} {p.score:.3f}, best {p.best:.3f}"),
            {
                **description_of(trials),
                "encoder": encoder.fingerprint,
                "label_delay_s": delay_s,
            },
            str(options.tensorboard) if options.tensorboard else None,
            validation_groups_of(encoder.description, trials),
            outputs=outputs,
        )
    # of a model that was here before: it would not be this one's
    shutil.rmtree(out / REFERENCE, ignore_errors=True)
    fingerprint = agent.save(out)
    # what the input looked like, for `live` to tell when a stream does not
    made_for = encoder if options.encoder is None else fitted(encoder, trials[0])
    Reference.fit(made_for.montage(trial.features) for trial in trials).save(
        out, encoder.fingerprint
    )
    write_config(out / "command.json", options)
    _intervals(options, trials, agent.config, encoder, fingerprint)
    best = max(score for _, score in agent.description["curve"])
    say(f"agent written to {out}; {word} on validation subjects {best:.3f}")
    if config.evaluate_by == "ccc" and best < USELESS_CCC:
        say("that is no better than chance: do not use it; train longer or on more people")
    return 0


def evaluate(options: arguments.Evaluate) -> int:
    """Score a trained model on subjects that it has not seen."""
    from agents import load_agent
    from agents.intervals import load_intervals
    from benchmarks.leaderboard import leaderboard_table, write_results
    from eeg_emotion_env.playback import build_episodes
    from encoders import CheckpointError, load_encoder

    agent, encoder = load_agent(options.model), load_encoder(options.model / "encoder")
    trials = load_trials(options.data)
    encoder = fitted(encoder, trials[0])
    if agent.description.get("encoder") != encoder.fingerprint:
        raise CheckpointError(
            f"{options.model}: agent and encoder do not belong together; restore the folder or "
            "train again"
        )
    seen = seen_subjects(trials, agent.description, encoder.description)
    unseen = [s for s in trials.subjects if str(s) not in seen]
    if not unseen and not options.include_training:
        raise ConfigError(
            f"{options.model}: its agent or encoder was trained on all of these subjects; train "
            "with --test-subjects, give other data, or add --include-training"
        )
    chosen = trials if options.include_training else trials.select(unseen)
    intervals = load_intervals(options.model, str(agent.description["fingerprint"]))
    out = out_folder(options.out)
    delay_s = float(agent.description.get("label_delay_s", 0.0))
    played = agent.predict(build_episodes(chosen, encoder.encode))
    predictions = [
        with_ends(_prediction(agent.config.seed, trial, values, delay_s), intervals)
        for trial, values in zip(chosen, played, strict=True)
    ]
    protocol = "training subjects included" if options.include_training else "unseen subjects"
    table = leaderboard_table(predictions)
    context = context_of(options, options.data, chosen, protocol)
    context["fingerprint"] = agent.description["fingerprint"]
    write_results(out, predictions, context, table)
    write_config(out / "command.json", options)
    print_table(table, context)
    say_coverage(intervals, predictions, out, seen)
    say(f"predictions and metrics written to {out}")
    return 0


def _prediction(
    seed: int, trial: Trial, values: NDArray[np.float32], delay_s: float
) -> "TrialPrediction":
    """Set predictions, moved to where the raters' labels are, beside a trial's labels."""
    from benchmarks.predictions import TrialPrediction

    moved = delayed(values, delay_steps(delay_s, trial.step_s))
    made = TrialPrediction.of("eegdancer", seed, 0, trial, moved)
    return replace(made, label_delay_s=delay_s)


def _agent_config(options: arguments.Train) -> "AgentConfig":
    """Settings: tuned ones, then those of the file, of options, and of --param."""
    from agents import AgentConfig
    from agents.hyperparameters.values import parse_assignments

    named: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("reward", "gamma", "actor", "total_steps")
        if getattr(options, name) is not None
    }
    if options.privileged:
        named["privileged"] = True
    return AgentConfig.tuned(
        options.algo,
        env_id=DATASETS[check_choice("dataset", options.data.dataset, DATASETS)].card.env_id,
        file=options.hyperparameters,
        **{**named, "seed": options.seed, **parse_assignments(options.param)},
    )


def _intervals(
    options: arguments.Train,
    trials: Trials,
    config: "AgentConfig",
    encoder: "FrozenEncoder",
    fingerprint: str,
) -> None:
    """Calibrate intervals and write them beside the agent."""
    from agents.intervals import FOLDER

    # those of an earlier training into this folder
    shutil.rmtree(options.out / FOLDER, ignore_errors=True)
    encoders = encoders_like(encoder, options.encoder is not None, trials, options.seed)
    intervals = calibrated_intervals(trials, config, options.interval_folds, encoders)
    if intervals is not None:
        notes = {"subjects": list(map(str, trials.subjects)), "folds": options.interval_folds}
        intervals.save(options.out, fingerprint, {**notes, "seed": config.seed})


def _require_unseen(
    trials: Trials, description: dict[str, Any], tested: Sequence[str], folder: Path
) -> None:
    leaked = sorted(set(tested) & seen_subjects(trials, description))
    if leaked:
        raise ConfigError(
            f"{folder}: the encoder was pretrained on test subjects {', '.join(leaked)}; pretrain "
            "one with the same --test-subjects"
        )
