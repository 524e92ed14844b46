"""`live`: predictions from a running stream."""

import gc
import math
import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import options as arguments
from benchmarks.commands.common import options_in, out_folder, say, write_config
from eeg_emotion_env.errors import ConfigError, DataError, check_choice
from eeg_emotion_env.paths import home_expanded

if TYPE_CHECKING:
    from agents.live import (
        Event,
        LiveChain,
        LiveModel,
        LiveRun,
        LiveState,
        Output,
        Source,
        Step,
        Summary,
    )


def live(options: arguments.Live) -> int:
    """Run a model on a stream, or measure how fast it would."""
    from agents.live import load_live_model

    _check(options)
    model = load_live_model(options.model, options.exported)
    if options.bench:
        with _collected():
            return _bench(options, model)
    if options.outlet or _is_lsl(options):
        from agents.live.lsl import quieten

        quieten()
    with _stopped_by_sigterm():
        source = _source(options)
        try:
            with _collected():
                summary = _run(options, model, source)
        finally:
            source.close()
    with _despite_a_closed_output():
        _print(_told(summary))
    if summary.failure:
        raise DataError(f"{source.info.name}: {summary.failure}")
    return 0


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Take SIGTERM (kill, timeout, systemd, docker) for Ctrl-C; only the main thread can.

    `timeout` sends it twice: the second must disturb neither the end of the run nor that of the
    process, so it is ignored from then on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def stop(*_: object) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        # None: a handler that is not Python's, and cannot be put back
        back = signal.SIG_DFL if before is None else before
        signal.signal(signal.SIGTERM, signal.SIG_IGN if asked else back)


@contextmanager
def _collected() -> Iterator[None]:
    """Spare what is loaded from garbage collection: looking at it all takes a third of a second."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _check(options: arguments.Live) -> None:
    from agents.live.log import FORMATS

    if options.browser and not options.bench:
        from agents.live.page import require_bokeh

        require_bokeh()
    if not options.speed > 0:
        raise ConfigError(f"--speed must be positive (1 is real time), not {options.speed:g}")
    check_choice("--log-format", options.log_format, FORMATS)
    if options.duration == 0:
        raise ConfigError("--duration must be positive seconds; leave it out to run to the end")
    for name in ("calibration", "wait", "duration"):
        value = getattr(options, name)
        if value is not None and not (0 <= value < math.inf):
            raise ConfigError(f"--{name} must be zero or positive seconds, not {value:g}")


def _is_lsl(options: arguments.Live) -> bool:
    return options.source.partition(":")[0].lower() == "lsl"


def _source(options: arguments.Live) -> "Source":
    if _is_lsl(options):
        name = options.source.partition(":")[2]
        from agents.live.lsl import LSLSource

        say(f"looking for {'the LSL stream ' + name if name else 'an LSL stream of type EEG'} …")
        return LSLSource(name or None, options.wait)
    from agents.live import open_file

    path = home_expanded(Path(options.source), f"--source {options.source}")
    chosen = options_in(options.option)
    return open_file(path, options.speed, options.dataset, chosen, options.unit)


def _run(options: arguments.Live, model: "LiveModel", source: "Source") -> "Summary":
    from agents.live import CSVLog, LiveChain, LiveRun, LiveState

    chain = LiveChain(model, source.info, options.calibration, options.unit)
    state = LiveState(model.label_names)
    outputs: list[Output] = [state]
    if options.outlet:
        from agents.live.lsl import LSLOutlet

        outputs.append(LSLOutlet(options.outlet, model.label_names))
    shown = sys.stdout.isatty()
    if not shown:
        outputs.append(_Lines(model.label_names))
    run = LiveRun(source, chain, outputs, options.duration or math.inf)
    title = f"{options.model} on {source.info.name}"
    with _page(options, title, chain, state, run) if options.browser else nullcontext():
        if options.out is not None:
            # made when nothing can go wrong any more, so that the folder is free for another try;
            # told first, so that what is shown is in the log
            out = out_folder(options.out)
            run.tell_first(CSVLog(out, model.label_names, options.log_format))
            write_config(out / "command.json", options)
        with _view(state, title) if shown else nullcontext():
            summary = run.run()
        if options.browser and not _ends_with_the_run(options, state):
            _wait()
    return summary


@contextmanager
def _page(
    options: arguments.Live, title: str, chain: "LiveChain", state: "LiveState", run: "LiveRun"
) -> Iterator[None]:
    from agents.live.page import is_loopback, page_info, serve_page

    log = str(options.out.absolute()) if options.out else None
    server = serve_page(page_info(chain, title, log), state, run, options.host, options.port)
    with server:
        say(f"page: {server.url}")
        if not is_loopback(options.host):
            say(
                "the page is not encrypted, and who reads the address can use it: stay in a "
                "network that you trust, or leave --host out and use an SSH tunnel"
            )
        if options.open and _has_desktop():
            # its command line can be read by others: an address that works once
            webbrowser.open(server.ticket_url())
        yield


def _has_desktop() -> bool:
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _ends_with_the_run(options: arguments.Live, state: "LiveState") -> bool:
    """Say whether the page closes at the end: nobody is there, or has said when it is over."""
    from agents.live.runner import STOPPED

    asked = options.duration is not None or any(e.detail == STOPPED for _, e in state.since()[1])
    return asked or not (sys.stdin.isatty() and sys.stdout.isatty())


def _wait() -> None:
    say("the stream has ended; the page stays until Ctrl-C")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(0.5)


@contextmanager
def _view(state: "LiveState", title: str) -> Iterator[None]:
    from agents.live import TerminalView

    with TerminalView(state, title):
        yield


@dataclass
class _Lines:
    """Prints events, and the first step of each minute, where there is no terminal to draw on."""

    label_names: tuple[str, ...]
    began: float = math.nan

    def step(self, step: "Step") -> None:
        if step.number % 60 == 0:
            pairs = zip(self.label_names, step.prediction, strict=bool(step.prediction))
            ends = [f" ({a:+.2f} to {b:+.2f})" for a, b in zip(step.low, step.high, strict=True)]
            told = ends or [""] * len(step.prediction)
            values = " ".join(f"{n} {v:+.2f}{end}" for (n, v), end in zip(pairs, told, strict=True))
            _print(f"{self._when(step.time)}{values or 'no prediction'} ({step.status})")

    def event(self, event: "Event") -> None:
        if event.kind == "started":
            self.began = event.time
        _print(f"{self._when(event.time)}{event.kind}: {event.detail}")

    def _when(self, time: float) -> str:
        from agents.live.view import since_begin

        when = since_begin(time, self.began)
        return f"{when}: " if when else ""

    def close(self) -> None:
        """Nothing is held."""


def _print(line: str) -> None:
    """Print a line; where nobody reads any more this is an OSError, and no exit as of `say`."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _despite_a_closed_output() -> Iterator[None]:
    """Let it pass that nobody reads the output any more, now and when Python flushes it."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _bench(options: arguments.Live, model: "LiveModel") -> int:
    from benchmarks.live_bench import measure
    from benchmarks.speed.timing import print_rows

    rows = measure(model)
    print_rows(rows)
    say(_json({row.key: row.value for row in rows}))
    return 0 if all(row.holds for row in rows) else 1


def _json(values: dict[str, float]) -> str:
    import json

    return json.dumps({key: round(value, 4) for key, value in values.items()})


def _told(summary: "Summary") -> str:
    n_calibrating = summary.n_calibrating
    return (
        f"{summary.n_steps} steps of {summary.stream_s:g} s: {summary.n_predicted} predictions "
        f"({summary.n_marked} marked), {summary.n_withheld} withheld"
        + (f", {n_calibrating} calibrating" if n_calibrating else "")
        + f"; {summary.n_lost} samples lost, {summary.n_dropped} not used in time"
        + (f", {summary.n_passed} passed over in pauses" if summary.n_passed else "")
        + ("" if summary.n_predicted else f"\nremark: {_why_none(summary)}")
    )


def _why_none(summary: "Summary") -> str:
    if not summary.n_steps:
        return "no prediction was made: the stream gave less than one step"
    if summary.n_withheld:
        return "no prediction was made: every step was withheld; marks in steps.csv (--out) say why"
    return "no prediction was made: the run ended before the calibration (--calibration) did"
