"""`encoder-report`: what the prototypes of an encoder are, and what can be read from them."""

from typing import TYPE_CHECKING, Any

from benchmarks import options as arguments
from benchmarks.commands.common import (
    context_of,
    load_trials,
    out_folder,
    progress_bar,
    say,
    seen_subjects,
    write_config,
)
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.latents import fitted

if TYPE_CHECKING:
    from encoders import FrozenEncoder


def encoder_report(options: arguments.EncoderReport) -> int:
    """Describe an encoder's prototypes on some trials, and write report and tables."""
    from benchmarks.encoder_report.report import n_ticks, write_encoder_report
    from benchmarks.encoder_report.steps import encode_trials, untrained_encoder

    _check(options)
    encoder = _loaded(options)
    lazy = load_trials(options.data)
    if not len(lazy):
        raise ConfigError("there are no trials to report on; see eegdancer check-data")
    encoder = fitted(encoder, lazy[0])
    trials, seen = list(lazy), seen_subjects(lazy, encoder.description)
    out = out_folder(options.out)
    write_config(out / "config.json", options)
    several = len(lazy.subjects) > 1
    total = (2 if several else 1) * len(trials)
    with progress_bar("encoder report", total) as advance:
        tick = _Counter(advance)
        steps = encode_trials(trials, encoder, seen, tick)
        untrained = (
            encode_trials(trials, untrained_encoder(encoder, trials), seen, tick)
            if several
            else None
        )
    with progress_bar("measuring", n_ticks(steps, options.max_prototypes)) as advance:
        tables = write_encoder_report(
            out,
            steps,
            untrained,
            _context(options, lazy, encoder),
            n_folds=options.probe_folds,
            max_prototypes=options.max_prototypes,
            tick=_Counter(advance),
        )
    whole = tables.usage.iloc[0]
    say(
        f"report written to {out}: {whole['usage']:.0%} of {steps.codebook_size} prototypes in "
        f"use, perplexity {whole['perplexity']:.1f}"
    )
    return 0


class _Counter:
    """Moves a bar by one with each call."""

    def __init__(self, advance: Any) -> None:
        self._advance, self._done = advance, 0

    def __call__(self, text: str) -> None:
        self._advance(self._done, text)
        self._done += 1


def _check(options: arguments.EncoderReport) -> None:
    for name, least in (("probe_folds", 2), ("max_prototypes", 1)):
        value = getattr(options, name)
        if value < least:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least {least}, not {value}")


def _loaded(options: arguments.EncoderReport) -> "FrozenEncoder":
    from encoders import load_encoder

    encoder = load_encoder(options.encoder)
    if encoder.config.quantizer == "none":
        raise ConfigError(
            f"{options.encoder}: this encoder has no prototypes (quantizer none), so there is no "
            "codebook to report on; give one that was pretrained with a codebook"
        )
    return encoder


def _context(
    options: arguments.EncoderReport, trials: Any, encoder: "FrozenEncoder"
) -> dict[str, Any]:
    context = context_of(options, options.data, trials, "encoder report")
    return {**context, "fingerprint": encoder.fingerprint, "encoder": encoder.description}
