"""Tests of agents.live."""
