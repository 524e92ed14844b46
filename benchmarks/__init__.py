"""Protocols, entries, runner, leaderboard and report; the command line `eegdancer`."""
