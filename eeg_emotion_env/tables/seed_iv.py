"""What is known of SEED-IV in advance: classes and lengths of the clips, recording dates."""

EMOTIONS: tuple[str, ...] = ("neutral", "sad", "fear", "happy")
"""Name of each class, by its number in the release."""

CLASS_AFFECT: dict[int, tuple[float, float]] = {
    0: (0.0, 0.0),
    1: (-0.7, -0.7),
    2: (-0.7, 0.7),
    3: (0.7, 0.7),
}
"""Valence and arousal of each class: the diagonals of Russell's circumplex (J. Pers. Soc. Psychol.
39:1161, 1980; excitement 45°, distress 135°, depression 225°) for happy, fear and sad, its centre
for neutral. SEED-IV rates neither, so this is a modelling choice of ours."""

CLIP_CLASSES: dict[int, tuple[int, ...]] = {
    1: (1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3),
    2: (2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1),
    3: (1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0),
}
"""Class of the 24 clips of each session (each session shows other clips)."""

CLIP_SECONDS: dict[int, tuple[int, ...]] = {
    1: (
        *(168, 95, 199, 130, 88, 162, 153, 209, 145, 169, 50, 110),
        *(217, 169, 259, 141, 68, 179, 140, 48, 112, 112, 175, 137),
    ),
}
"""Seconds of the clips; published for session 1 alone."""

SESSION_WINDOWS: dict[int, int] = {1: 851, 2: 832, 3: 822}
"""Windows of 4 s in a whole session (852 has been seen for one)."""

DATES: dict[int, tuple[str, ...]] = {
    1: ("20160518", "20161125", "20161126"),
    2: ("20150915", "20150920", "20151012"),
    3: ("20150919", "20151018", "20151101"),
    4: ("20151111", "20151118", "20151123"),
    5: ("20160406", "20160413", "20160420"),
    6: ("20150507", "20150511", "20150512"),
    7: ("20150715", "20150717", "20150721"),
    8: ("20151103", "20151110", "20151117"),
    9: ("20151028", "20151119", "20151209"),
    10: ("20151014", "20151021", "20151023"),
    11: ("20150916", "20150921", "20151011"),
    12: ("20150725", "20150804", "20150807"),
    13: ("20151115", "20151125", "20161130"),
    14: ("20151205", "20151208", "20151215"),
    15: ("20150508", "20150514", "20150527"),
}
"""Dates of the three sessions of each subject."""

PREFIXES: dict[int, str] = {1: "cz"}
"""Prefixes of the raw variables that are known."""
