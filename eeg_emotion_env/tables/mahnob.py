"""What is known of the MAHNOB feature release in advance: rates, columns, bands."""

RATE = 4.0
"""Rate of the released features and labels, Hz."""

BANDS: tuple[str, ...] = ("theta", "alpha", "beta", "gamma")
"""Bands of ``eeg_band_feats_full``, slowest axis first (inferred, not documented)."""

N_OTHER, N_FACE, N_GAZE = 85, 327, 2
"""Columns of ``eeg_band_feats``, ``face_feats`` and ``gaze_feats``, which are not read."""

LABEL_SCALES: dict[str, float] = {"labels": 1.0, "target": 2.0}
"""``target`` in the feature files is exactly twice the stored annotation."""
