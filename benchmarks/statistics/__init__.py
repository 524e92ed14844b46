"""Statistics of the leaderboard: the subject is the unit."""

from benchmarks.statistics.bootstrap import bootstrap_means, interval, over_subjects
from benchmarks.statistics.comparison import Evidence, comparison_table, families
from benchmarks.statistics.moments import Moments
from benchmarks.statistics.null import null_means
from benchmarks.statistics.paired import compare_all, holm, signed_rank
from benchmarks.statistics.roles import role_of, without_high_bands
from benchmarks.statistics.summary import summarise

__all__ = [
    "Evidence",
    "Moments",
    "bootstrap_means",
    "compare_all",
    "comparison_table",
    "families",
    "holm",
    "interval",
    "null_means",
    "over_subjects",
    "role_of",
    "signed_rank",
    "summarise",
    "without_high_bands",
]
