"""Entries of the leaderboard: one file each, one registry."""

import importlib

from benchmarks.entries.base import Entry
from benchmarks.entries.bptt import BPTT, BPTTCCC
from benchmarks.entries.braindecode_nets import EEGConformer, EEGNet, ShallowFBCSP
from benchmarks.entries.constant import Constant
from benchmarks.entries.eegdancer import (
    AsymmetricCritic,
    CCCReward,
    EEGDancer,
    GammaZero,
    NoDynamics,
    NoRL,
    NoVQ,
)
from benchmarks.entries.gradient_boosting import GradientBoosting
from benchmarks.entries.gru import GRU, GRUCCC, GRUCalibrated
from benchmarks.entries.mlp import MLP, MLPCCC, MLPCalibrated
from benchmarks.entries.oracle import OracleFilter, OracleSmoother
from benchmarks.entries.ridge import Ridge
from benchmarks.entries.stimulus_time_mean import StimulusTimeMean
from benchmarks.entries.svr import SVR
from benchmarks.entries.tcn import TCN, TCNCCC, TCNCalibrated
from benchmarks.entries.transformer import Transformer, TransformerCalibrated, TransformerCCC
from eeg_emotion_env.errors import ConfigError, check_choice

__all__ = ["ENTRIES", "Entry", "resolve_entry"]

ENTRIES: dict[str, type[Entry]] = {
    entry.name: entry
    for entry in (
        *(Constant, StimulusTimeMean, Ridge, SVR, GradientBoosting),
        *(MLP, MLPCalibrated, MLPCCC, GRU, GRUCalibrated, GRUCCC),
        *(TCN, TCNCalibrated, TCNCCC, Transformer, TransformerCalibrated, TransformerCCC),
        *(EEGNet, ShallowFBCSP, EEGConformer),
        *(BPTT, BPTTCCC, EEGDancer, CCCReward, NoRL, NoVQ, NoDynamics),
        *(GammaZero, AsymmetricCritic, OracleFilter, OracleSmoother),
    )
}
"""Every entry by its name on the leaderboard."""


def resolve_entry(name: str) -> type[Entry]:
    """Return the entry of that name, or the class that an import path names.

    Parameters
    ----------
    name : str
        A name in `ENTRIES`, or ``"package.module:Class"`` of anyone's `Entry` subclass.

    Returns
    -------
    type of Entry
        The class.

    Raises
    ------
    ConfigError
        If there is no such entry.
    """
    module, separator, attribute = name.partition(":")
    if not separator:
        return ENTRIES[check_choice("entry", name, ENTRIES)]
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"entry {name} cannot be imported ({error})") from error
    if not (isinstance(kind, type) and issubclass(kind, Entry)):
        raise ConfigError(f"entry {name} must be a subclass of benchmarks.entries.Entry")
    return kind
