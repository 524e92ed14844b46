"""Coverage of intervals on new people: ``python -m benchmarks.intervals``.

Each fold of people is predicted by a model of all others; its intervals are calibrated on those
others, each of whom was predicted by a model that knew neither them nor the fold. The same models
serve every way.
"""
