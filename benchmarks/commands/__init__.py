"""What each command of `eegdancer` does."""

from collections.abc import Callable
from typing import Any

from benchmarks import options as arguments
from benchmarks.commands.audit import audit
from benchmarks.commands.common import expanded
from benchmarks.commands.data import cache, check_data, simulate
from benchmarks.commands.encoder_report import encoder_report
from benchmarks.commands.export import export
from benchmarks.commands.leaderboard import leaderboard
from benchmarks.commands.live import live
from benchmarks.commands.pretraining import pretrain
from benchmarks.commands.sensitivity import sensitivity
from benchmarks.commands.summary import summary
from benchmarks.commands.training import evaluate, train

RUN: dict[type[Any], Callable[[Any], int]] = {
    arguments.CheckData: check_data,
    arguments.Simulate: simulate,
    arguments.Cache: cache,
    arguments.Pretrain: pretrain,
    arguments.EncoderReport: encoder_report,
    arguments.Train: train,
    arguments.Evaluate: evaluate,
    arguments.Export: export,
    arguments.Live: live,
    arguments.Leaderboard: leaderboard,
    arguments.Sensitivity: sensitivity,
    arguments.Audit: audit,
    arguments.Summary: summary,
}


def run(options: Any) -> int:
    """Run a command and return its exit status."""
    return RUN[type(options)](expanded(options))
