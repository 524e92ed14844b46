"""What each command of `eegdancer` does."""

import json
import platform
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import singledispatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import options as arguments
from eeg_emotion_env.datasets import Trials, detect, get_dataset, load_dataset
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.labels import delay_steps, delayed, resolve_delay
from eeg_emotion_env.labels.delay import AUTO
from eeg_emotion_env.latents import require_fitting
from encoders.config import StageConfig

ERRORS = Console(stderr=True)
PACKAGES = ("eeg-emotion-env", "torch", "stable-baselines3", "gymnasium", "numpy", "mne")


@singledispatch
def run(options: Any) -> int:
    """Run a command and return its exit status."""
    raise ConfigError(f"unknown command {type(options).__name__}")


@run.register
def check_data(options: arguments.CheckData) -> int:
    """Report what a folder holds; exit 1 if anything is missing or broken."""
    from eeg_emotion_env.datasets.checks import check_folder

    dataset = get_dataset(options.dataset) if options.dataset else detect(options.folder)
    with ERRORS.status(f"reading {options.folder}") as status:
        report = check_folder(
            dataset,
            options.folder,
            lambda done, total, text: status.update(f"reading {done + 1} of {total}: {text}"),
        )
    _print_check(report, dataset.card.title, options.verbose)
    if options.report is not None:
        from benchmarks.data_report import write_data_report

        with ERRORS.status(f"writing {options.report}") as status:
            write_data_report(
                options.report,
                dataset,
                report,
                lambda text: status.update(f"writing {options.report}: {text}"),
            )
        _say(f"report written to {options.report}")
    if report.ok:
        _say("ok")
        return 0
    names = sorted({Path(problem.split(": ", 1)[0]).name for problem in report.problems})
    raise DataError(
        f"{options.folder}: {len(report.problems)} problems, in {', '.join(names)}"
        if names
        else f"{options.folder}: no trials found"
    )


def _print_check(report: Any, title: str, verbose: bool) -> None:
    console = Console(soft_wrap=True)
    found = report.found
    subjects = list(dict.fromkeys(key.subject for key in found))
    sessions = {(key.subject, key.session) for key in found}
    _say(f"{title}: {len(subjects)} subjects, {len(sessions)} sessions, {len(found)} trials")
    for subject in subjects:
        mine = [key for key in found if key.subject == subject]
        counts = Counter(key.session for key in mine)
        listed = ", ".join(f"session {s}: {n} trials" for s, n in sorted(counts.items()))
        _say(f"  subject {subject}: {listed}")
    if report.trials and verbose:
        table = Table("variant", "subject", "session", "trial", "seconds", "expected", box=None)
        for column in ("annotated", "labels (low, mean, high)", "spread µV", "constant channels"):
            table.add_column(column)
        for check in report.trials:
            table.add_row(*_check_row(check))
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    elif report.trials:
        _say("  labels: " + _label_summary(report))
    for kind, lines in (
        ("note", report.notes),
        ("warning", report.warnings),
        ("problem", report.problems),
    ):
        for line in lines:
            console.print(f"  {kind}: {line}", highlight=False, markup=False)


def _check_row(check: Any) -> list[str]:
    labels = "; ".join(
        f"{name} " + (", ".join(f"{value:.2f}" for value in values))
        for name, values in check.labels.items()
    )
    key = check.key
    return [
        *(check.variant, str(key.subject), str(key.session), str(key.trial)),
        *(f"{check.seconds:g}", "–" if check.expected_s is None else f"{check.expected_s:g}"),
        *(f"{check.annotated:.0%}", labels),
        *(
            "–" if check.amplitude_uv is None else f"{check.amplitude_uv:.1f}",
            ", ".join(check.flat),
        ),
    ]


def _label_summary(report: Any) -> str:
    """Range of each label dimension over all trials, and the share of steps without a label."""
    texts = []
    for name in dict.fromkeys(name for check in report.trials for name in check.labels):
        rows = [check.labels[name] for check in report.trials if name in check.labels]
        lows, means, highs = (
            [value for value in column if value == value] for column in zip(*rows, strict=True)
        )
        if means:
            texts.append(
                f"{name} {min(lows):.2f} to {max(highs):.2f}, mean {sum(means) / len(means):.2f}"
            )
    share = sum(check.annotated for check in report.trials) / len(report.trials)
    return "; ".join([*texts, f"{share:.0%} of the steps annotated"])


@run.register
def simulate(options: arguments.Simulate) -> int:
    """Write a simulated data set."""
    from eeg_emotion_env.simulation.layouts import LAYOUTS, write_layout

    layout = LAYOUTS[check_choice("layout", options.layout, LAYOUTS)]
    config = replace(
        layout.config,
        n_subjects=options.subjects,
        n_sessions=options.sessions or layout.config.n_sessions,
        seed=options.seed,
        duration_scale=options.duration_scale,
        shared=options.shared,
        muscle_coupling=options.muscle_coupling,
        label_lag_s=options.label_lag_s,
        rater_noise=options.rater_noise,
        snr=options.snr,
    )
    with _progress("writing recordings", config.n_subjects * config.n_sessions) as advance:
        write_layout(
            layout,
            config,
            options.out,
            features=options.features,
            progress=lambda done, _: advance(done),
        )
    _say(f"simulated {options.layout} recordings written to {options.out}")
    return 0


@run.register
def cache(options: arguments.Cache) -> int:
    """List or clear the feature cache."""
    from eeg_emotion_env.cache import CACHE_VARIABLE, default_cache

    store = default_cache()
    if store is None:
        _say(f"the feature cache is off ({CACHE_VARIABLE}=off)")
        return 0
    if options.action == "clear":
        _say(f"{store.folder}: {store.clear()} entries removed")
        return 0
    entries = store.entries()
    table = Table("entry", "MB", "last used", "recording", box=None)
    for entry in entries:
        used = datetime.fromtimestamp(entry.used).strftime("%Y-%m-%d %H:%M")
        table.add_row(entry.key[:12], f"{entry.size / 1e6:.1f}", used, entry.origin)
    if entries:
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    size = sum(entry.size for entry in entries) / 1e6
    _say(f"{store.folder}: {len(entries)} entries, {size:.1f} MB ({CACHE_VARIABLE} moves it)")
    return 0


@run.register
def pretrain(options: arguments.Pretrain) -> int:
    """Pretrain an encoder on the training subjects."""
    trials, _ = _training_trials(options.data, options.test_subjects)
    out = _out_folder(options.out)
    encoder = _pretrained(trials, options.guided, options.epochs, options.seed)
    encoder.save(out)
    _write_config(out / "command.json", options)
    usage = encoder.description["codebook"]
    _say(
        f"encoder written to {out}: {usage['usage']:.0%} of {encoder.config.codebook_size} "
        f"prototypes in use, perplexity {usage['perplexity']:.1f}"
    )
    return 0


@run.register
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
    out = _out_folder(options.out)
    if options.encoder is None:
        encoder = _pretrained(trials, True, StageConfig.epochs, options.seed)
    else:
        encoder = load_encoder(options.encoder)
        require_fitting(encoder.description, trials[0])
        _require_unseen(trials, encoder.description, tested, options.encoder)
    encoder.save(out / "encoder")
    episodes = build_episodes(trials, encoder.encode)
    with _progress("training SAC", options.total_steps) as advance:
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
    _write_config(out / "command.json", options)
    best = max(score for _, score in agent.description["curve"])
    _say(f"agent written to {out}; CCC on validation subjects {best:.3f}")
    return 0


@run.register
def evaluate(options: arguments.Evaluate) -> int:
    """Score a trained model on subjects that it has not seen."""
    from agents import load_agent
    from benchmarks.leaderboard import leaderboard_table, write_results
    from benchmarks.predictions import TrialPrediction
    from eeg_emotion_env.playback import build_episodes
    from encoders import CheckpointError, load_encoder

    agent, encoder = load_agent(options.model), load_encoder(options.model / "encoder")
    trials = _load(options.data)
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
    out = _out_folder(options.out)
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
    context = _context(options, options.data, chosen, protocol)
    context["fingerprint"] = agent.description["fingerprint"]
    write_results(out, predictions, context, table)
    _write_config(out / "command.json", options)
    _print_table(table, context)
    _say(f"predictions and metrics written to {out}")
    return 0


@run.register
def leaderboard(options: arguments.Leaderboard) -> int:
    """Run entries on held-out subjects and write table, predictions and report."""
    from benchmarks.leaderboard import leaderboard_table, write_results
    from benchmarks.report import write_report
    from benchmarks.runner import JobResult, make_jobs, run_jobs
    from eeg_emotion_env.splits import make_split

    trials = _load(options.data)
    split = make_split(options.split, trials.keys, options.n_folds)
    loaded = list(trials)
    entries = _names(options.entries)
    for name in ("seeds", "workers", "n_folds"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    seeds = range(options.seed, options.seed + options.seeds)
    # a wrong delay is told now, not by every job
    auto = options.label_delay_s == AUTO
    delay: float | str = AUTO if auto else resolve_delay(options.label_delay_s, [])
    jobs = make_jobs(loaded, split, entries, seeds, options.quick, delay)
    out = _out_folder(options.out)
    _write_config(out / "config.json", options)
    workers = joblib.cpu_count() if options.workers is None else options.workers
    done = 0
    with _progress(f"{len(split.folds)} folds, {workers} workers", len(jobs)) as advance:

        def show(result: JobResult) -> None:
            nonlocal done
            done += 1
            kept = "kept" if not result.seconds else f"{result.seconds:.0f} s"
            advance(done, f"{result.job}: {result.error or kept}")

        predictions = run_jobs(jobs, loaded, out / "jobs", workers, show)
    protocol = options.split + (" (quick)" if options.quick else "")
    context = {
        **_context(options, options.data, trials, protocol),
        "fingerprint": jobs[0].data,
    }
    table = leaderboard_table(predictions)
    write_results(out, predictions, context, table)
    write_report(out / "report.html", table, predictions, context)
    _print_table(table, context)
    _say(f"table, predictions and report written to {out}")
    return 0


def _load(data: arguments.Data) -> Trials:
    options: dict[str, Any] = {}
    for item in data.option:
        name, _, value = item.partition("=")
        if not value:
            raise ConfigError(f"--option takes name=value, not {item!r}")
        options[name] = _value(value)
    trials = load_dataset(
        data.dataset, data.data, options, normalization=data.normalization, source=data.source
    )
    return trials.select(_known_subjects(trials, data.subjects)) if data.subjects else trials


def _value(text: str) -> Any:
    """Read numbers, true and false as JSON does; everything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _known_subjects(trials: Trials, listed: str) -> list[str]:
    names = _names(listed)
    for name in names:
        check_choice("subject", name, [str(subject) for subject in trials.subjects])
    return names


def _training_trials(data: arguments.Data, test_subjects: str) -> tuple[Trials, list[str]]:
    """Return the trials without the test subjects, and the latter's names."""
    trials = _load(data)
    tested = _known_subjects(trials, test_subjects)
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
    with _progress("pretraining", 2 * epochs) as advance:
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
        "versions": _versions(),
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


def _context(options: Any, data: arguments.Data, trials: Trials, protocol: str) -> dict[str, Any]:
    return {
        "dataset": data.dataset,
        "title": get_dataset(data.dataset).card.title,
        "protocol": protocol,
        "source": trials[0].source,
        "command": shlex.join(["eegdancer", *sys.argv[1:]]),
        "config": _jsonable(options),
        "versions": _versions(),
        "fingerprint": "",
    }


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def _jsonable(options: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(asdict(options), default=str))
    return content


def _write_config(path: Path, options: Any) -> None:
    command = next(name for name, kind in arguments.COMMANDS.items() if isinstance(options, kind))
    content = {"command": command, "options": _jsonable(options), "versions": _versions()}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _out_folder(out: Path) -> Path:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; --out must name a folder")
    out.mkdir(parents=True, exist_ok=True)
    return out


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


@contextmanager
def _progress(title: str, total: int) -> Iterator[Any]:
    """Show a bar on standard error; yields ``advance(done, text)``."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=ERRORS) as bar:
        task = bar.add_task(title, total=total, text="")
        yield lambda done, text="": bar.update(task, completed=done, text=text)
        # stopped early is done too
        bar.update(task, completed=total)


def _print_table(table: Any, context: dict[str, Any]) -> None:
    mark = "SIMULATED DATA: " if context["source"] == "simulated" else ""
    _say(f"{mark}{context['title']}, {context['protocol']}")
    columns = ("ccc", "ccc_low", "ccc_high", "pcc", "rmse", "mae", "trial_ccc", "trial_pcc")
    shown = Table("entry", "track", "subjects", "trials", *columns, box=None)
    for row in table.to_dict("records"):
        values = ["–" if row[c] != row[c] else f"{row[c]:.3f}" for c in columns]
        shown.add_row(
            row["entry"], row["track"], str(row["n_subjects"]), str(row["n_trials"]), *values
        )
    # as wide as it needs to be when written to a file
    Console(width=None if sys.stdout.isatty() else 140).print(shown)


def _say(message: str) -> None:
    Console(soft_wrap=True).print(message, highlight=False, markup=False)
