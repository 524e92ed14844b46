"""Layouts in which a simulation can be written: one file each, one registry."""

from eeg_emotion_env.simulation.layouts import bids, mahnob, refed, seed, seed_iv, seed_vii
from eeg_emotion_env.simulation.layouts.tree import Layout, write_layout

__all__ = ["LAYOUTS", "Layout", "write_layout"]

LAYOUTS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT for module in (seed, seed_iv, seed_vii, refed, mahnob, bids)
}
"""Every layout by its name."""
