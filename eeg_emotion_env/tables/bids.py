"""What is known in advance of label channels, auxiliary channels and the sets ds002722 to 725."""

import re

LABEL_FAMILIES: tuple[tuple[dict[str, str], tuple[float, float] | None], ...] = (
    ({"va1": "valence", "va2": "arousal"}, (0.0, 9.0)),
    ({"ft_valance": "valence", "ft_valence": "valence", "ft_arousal": "arousal"}, None),
    ({"valence": "valence", "arousal": "arousal"}, None),
)
"""Names of label channels in lower case and the range of their values (None: it is not known).

FEELTRACE of ds002722 to ds002724; of ds002725, where valence is misspelt; and plain names.
"""

AUXILIARY = re.compile(
    r"(GSR|EDA|ECG|EKG|EMG|[HV]?EOG|RESP|TEMP|PPG|BVP|PULS|SPO2|ACC|AUX|REF|GND|TRIG|STATUS|STI|"
    r"MARK|EVENT|EDF ANN|BDF ANN|COUNT|TIME|VATARG|FT_|MUSIC|SAMS_|NBACK)",
    re.IGNORECASE,
)
"""Starts of names of channels that are no EEG, whatever type the file gives them."""

EARS: tuple[str, ...] = ("M1", "M2", "A1", "A2")
"""Mastoids and ears: references rather than EEG."""

EXTENSIONS: tuple[str, ...] = (
    *(".edf", ".bdf", ".gdf", ".vhdr", ".ahdr", ".set", ".fif", ".fif.gz", ".cnt", ".cdt"),
)
"""Endings of recordings that MNE reads, in lower case."""

# fmt: off
CHANNELS: tuple[str, ...] = (
    "FP1", "FPz", "FP2", "F7", "F3", "Fz", "F4", "F8", "FT9", "FC5", "FC1", "FC2", "FC6", "FT10",
    "T7", "C3", "Cz", "C4", "T8", "TP9", "CP5", "CP1", "CP2", "CP6", "TP10",
    "P7", "P3", "Pz", "P4", "P8", "O1", "O2",
)
"""The 32 EEG channels of ds002722 to ds002724, as their files spell them."""
# fmt: on

RATE = 1000.0
"""Rate of ds002722 to ds002725, Hz."""

CLIP_SECONDS = 40
"""Seconds of a clip of ds002722 (its events say 21)."""

EVENT_SECONDS = 21
"""Duration that the events of ds002722 give."""

LABEL_RANGE, LABEL_CENTRE = (0.0, 9.0), 4.5
"""Values of ``VA1`` and ``VA2``: range and neutral."""

TARGETS: tuple[tuple[float, float], ...] = tuple(
    (float(valence), float(arousal)) for arousal in (-1, 0, 1) for valence in (-1, 0, 1)
)
"""Valence and arousal, low to high, that the codes 1 to 9 of ``VAtarg`` ask for."""
