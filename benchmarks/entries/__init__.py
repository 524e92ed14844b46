"""Entries of the leaderboard: one file each, one registry."""

from benchmarks.entries.base import Entry
from benchmarks.entries.constant import Constant
from benchmarks.entries.eegdancer import EEGDancer
from benchmarks.entries.gru import GRU
from benchmarks.entries.ridge import Ridge
from benchmarks.entries.stimulus_time_mean import StimulusTimeMean

__all__ = ["ENTRIES", "Entry"]

ENTRIES: dict[str, type[Entry]] = {
    entry.name: entry for entry in (Constant, StimulusTimeMean, Ridge, GRU, EEGDancer)
}
"""Every entry by its name on the leaderboard."""
