"""Held-out CCC of new people against minutes of labelled calibration.

``python -m benchmarks.personalization --dataset mahnob --data FOLDER --out runs/personalization``
"""
