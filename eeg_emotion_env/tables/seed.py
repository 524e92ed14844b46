"""What is known of SEED in advance: clips, classes, recording dates and name prefixes."""

CLIP_SECONDS: tuple[int, ...] = (
    *(235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206),
)
"""Seconds of the 15 clips, the same for all subjects and sessions (3394 in all)."""

CLIP_CLASSES: tuple[int, ...] = (1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1)
"""Class of the 15 clips: 1 positive, 0 neutral, -1 negative."""

CLASS_AFFECT: dict[int, tuple[float, float]] = {1: (1.0, 0.5), 0: (0.0, -0.5), -1: (-1.0, 0.5)}
"""Valence and arousal of each class: the valence is the class, the arousal a choice of ours."""

SFREQ = 200.0
"""Rate of ``Preprocessed_EEG``, Hz."""

DATES: dict[int, tuple[str, ...]] = {
    1: ("20131027", "20131030", "20131107"),
    2: ("20140404", "20140413", "20140419"),
    3: ("20140603", "20140611", "20140629"),
    4: ("20140621", "20140702", "20140705"),
    5: ("20140411", "20140418", "20140506"),
    6: ("20130712", "20131016", "20131113"),
    7: ("20131027", "20131030", "20131106"),
    8: ("20140511", "20140514", "20140521"),
    9: ("20140620", "20140627", "20140704"),
    10: ("20131130", "20131204", "20131211"),
    11: ("20140618", "20140625", "20140630"),
    12: ("20131127", "20131201", "20131207"),
    13: ("20140527", "20140603", "20140610"),
    14: ("20140601", "20140615", "20140627"),
    15: ("20130709", "20131016", "20131105"),
}
"""Dates of the three sessions of each subject."""

PREFIXES: tuple[str, ...] = (
    *("djc", "jl", "jj", "lqj", "ly", "mhw", "phl", "sxy", "wk", "ww", "wsf", "wyw", "xyl"),
    *("ys", "zjy"),
)
"""Prefix of the variables in the recordings of subjects 1 to 15."""
