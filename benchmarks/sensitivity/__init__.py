"""How much the encoder's settings matter: one change at a time, scored by linear regression.

Its entries can be named on any leaderboard: ``--entries benchmarks.sensitivity:codebook-16``.
"""

from benchmarks.entries.eegdancer import NoRL
from benchmarks.sensitivity.settings import SETTINGS, Setting, variant

__all__ = ["SETTINGS", "Setting", "variant"]


def __getattr__(name: str) -> type[NoRL]:
    """Return the entry of that setting."""
    return variant(name)
