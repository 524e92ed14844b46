"""`pretrain`, `train` and `evaluate`: models of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import options as arguments
from benchmarks.commands.common import (
    context_of,
    known_subjects,
    load_trials,
    out_folder,
    print_table,
    progress_bar,
    say,
    versions,
    write_config,
)
from eeg_emotion_env.datasets import Trials
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.labels import delay_steps, delayed, resolve_delay
from eeg_emotion_env.latents import require_fitting
from encoders.config import StageConfig


def pretrain(options: arguments.Pretrain) -> int:
    """Pretrain an encoder on the training subjects."""
    trials, _ = _training_trials(options.data, options.test_subjects)
    out = out_folder(options.out)
    encoder = _pretrained(trials, options.guided, options.epochs, options.seed)
    encoder.save(out)
    write_config(out / "command.json", options)
    usage = encoder.description["codebook"]
    say(
        f"encoder written to {out}: {usage['usage']:.0%} of {encoder.config.codebook_size} "
        f"prototypes in use, perplexity {usage['perplexity']:.1f}"
    )
    return 0


def train(options: arguments.Train) -> int:
    """Train an agent on the latents of a frozen encoder."""
    from agents import AgentConfig, train_agent
    from eeg_emotion_env.playback import build_episodes
    from encoders import load_encoder

    config = AgentConfig(
        reward=options.reward,
        gamma=options.gamma,
        actor=options.actor,
        privileged=options.privileged,
        total_steps=options.total_steps,
        seed=options.seed,
    )
    trials, tested = _training_trials(options.data, options.test_subjects)
    delay_s = resolve_delay(options.label_delay_s, list(trials))
    trials = trials.delayed(delay_s)
    out = out_folder(options.out)
    if options.encoder is None:
        encoder = _pretrained(trials, True, StageConfig.epochs, options.seed)
    else:
        encoder = load_encoder(options.encoder)
        require_fitting(encoder.description, trials[0])
        _require_unseen(trials, encoder.description, tested, options.encoder)
    encoder.save(out / "encoder")
    episodes = build_episodes(trials, encoder.encode)
    with progress_bar("training SAC", options.total_steps) as advance:
        agent = train_agent(
            episodes,
            config,
            lambda p: advance(p.step, f"validation CCC {p.score:.3f}, best {p.best:.3f}"),
            {
                **_description(trials),
                "encoder": encoder.fingerprint,
                "label_delay_s": delay_s,
            },
            str(options.tensorboard) if options.tensorboard else None,
            encoder.description.get("validation_groups", ()),
        )
    agent.save(out)
    write_config(out / "command.json", options)
    best = max(score for _, score in agent.description["curve"])
    say(f"agent written to {out}; CCC on validation subjects {best:.3f}")
    return 0


def evaluate(options: arguments.Evaluate) -> int:
    """Score a trained model on subjects that it has not seen."""
    from agents import load_agent
    from benchmarks.leaderboard import leaderboard_table, write_results
    from benchmarks.predictions import TrialPrediction
    from eeg_emotion_env.playback import build_episodes
    from encoders import CheckpointError, load_encoder

    agent, encoder = load_agent(options.model), load_encoder(options.model / "encoder")
    trials = load_trials(options.data)
    require_fitting(encoder.description, trials[0])
    if agent.description.get("encoder") != encoder.fingerprint:
        raise CheckpointError(
            f"{options.model}: agent and encoder do not belong together; restore the folder or "
            "train again"
        )
    seen = _seen_subjects(trials, agent.description, encoder.description)
    unseen = [s for s in trials.subjects if str(s) not in seen]
    if not unseen and not options.include_training:
        raise ConfigError(
            f"{options.model}: its agent or encoder was trained on all of these subjects; train "
            "with --test-subjects, give other data, or add --include-training"
        )
    chosen = trials if options.include_training else trials.select(unseen)
    out = out_folder(options.out)
    delay_s = float(agent.description.get("label_delay_s", 0.0))
    predictions = [
        replace(
            TrialPrediction.of(
                "eegdancer",
                agent.config.seed,
                0,
                trial,
                delayed(values, delay_steps(delay_s, trial.step_s)),
            ),
            label_delay_s=delay_s,
        )
        for trial, values in zip(
            chosen, agent.predict(build_episodes(chosen, encoder.encode)), strict=True
        )
    ]
    protocol = "training subjects included" if options.include_training else "unseen subjects"
    table = leaderboard_table(predictions)
    context = context_of(options, options.data, chosen, protocol)
    context["fingerprint"] = agent.description["fingerprint"]
    write_results(out, predictions, context, table)
    write_config(out / "command.json", options)
    print_table(table, context)
    say(f"predictions and metrics written to {out}")
    return 0


def _training_trials(data: arguments.Data, test_subjects: str) -> tuple[Trials, list[str]]:
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


def _pretrained(trials: Trials, guided: bool, epochs: int, seed: int) -> Any:
    from encoders import PretrainingConfig
    from encoders import pretrain as pretrain_encoder

    stage = StageConfig(epochs=epochs)
    loaded = list(trials)
    stages = {"vqvae": 0, "dynamics": epochs}
    with progress_bar("pretraining", 2 * epochs) as advance:
        return pretrain_encoder(
            [trial.features for trial in loaded],
            [trial.subject for trial in loaded],
            [trial.labels for trial in loaded] if guided else None,
            pretraining=PretrainingConfig(vqvae=stage, dynamics=stage, seed=seed),
            on_epoch=lambda p: advance(
                stages[p.stage] + p.epoch, f"{p.stage}, best validation loss {p.best:.3f}"
            ),
            description=_description(trials),
        )


def _description(trials: Trials) -> dict[str, Any]:
    """Say what a model was made from."""
    first = trials[0]
    return {
        "dataset": first.dataset,
        "source": first.source,
        "label_kind": first.label_kind,
        "normalization": first.normalization,
        "track": first.track,
        "step_s": first.step_s,
        "channels": list(first.channels),
        "bands": list(first.bands),
        "subjects": [str(subject) for subject in trials.subjects],
        "versions": versions(),
    }


def _require_unseen(
    trials: Trials, description: dict[str, Any], tested: Sequence[str], folder: Path
) -> None:
    leaked = sorted(set(tested) & _seen_subjects(trials, description))
    if leaked:
        raise ConfigError(
            f"{folder}: the encoder was pretrained on test subjects {', '.join(leaked)}; pretrain "
            "one with the same --test-subjects"
        )


def _seen_subjects(trials: Trials, *descriptions: dict[str, Any]) -> set[str]:
    """Return the subjects of this data set that models were made from."""
    here = (trials[0].dataset, trials[0].source)
    return {
        subject
        for described in descriptions
        if (described.get("dataset"), described.get("source")) == here
        for subject in described.get("subjects", ())
    }
