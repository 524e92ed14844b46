"""Speed as ratios against well-known neighbours: ``python -m benchmarks.speed <suite>``.

Each suite prints a table and, as its last line, one JSON object. Both sides of a ratio are timed in
turn within one process on one core, so that they share whatever else the machine is doing.
"""
